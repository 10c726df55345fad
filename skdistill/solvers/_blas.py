"""One BLAS thread for small solves, and the caller's number of threads afterwards."""

import threading
from contextlib import contextmanager, nullcontext

from threadpoolctl import ThreadpoolController

#: Unknowns of a student up to which more than one BLAS thread is no gain.
MAX_SMALL_SOLVE = 2000

_lock = threading.Lock()
_n_users = 0
_limiter = None


@contextmanager
def single_blas_thread():
    """Limit BLAS to one thread, for as long as anybody is within.

    The limit is the process's: fits in several threads share it, and the last one to
    leave restores what the first one found.
    """
    global _n_users, _limiter
    with _lock:
        if _n_users == 0:
            _limiter = ThreadpoolController().limit(limits=1, user_api="blas")
        _n_users += 1
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0:
                _limiter.restore_original_limits()
                _limiter = None


def blas_threads_for(problem):
    """Return the limit that suits a problem, or none.

    Threads that wait between small solves, or while JAX does its own work, keep the
    processor from JAX's.
    """
    n_unknowns = min(problem.start.X.shape) * problem.student.spec.n_outputs
    if n_unknowns <= MAX_SMALL_SOLVE or problem.student.trains_in_jax:
        return single_blas_thread()
    return nullcontext()
