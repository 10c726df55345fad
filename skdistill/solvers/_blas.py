"""One BLAS thread for small solves, and the caller's number of threads afterwards."""

import threading
from contextlib import contextmanager, nullcontext

from threadpoolctl import ThreadpoolController

#: Unknowns of a student up to which more than one BLAS thread is no gain.
MAX_SMALL_SOLVE = 2000

_limit = threading.Lock()


@contextmanager
def single_blas_thread(user_api="blas"):
    """Limit BLAS to one thread; OpenMP as well with ``user_api=None``.

    The limit is the process's: of fits in several threads the first one sets it, and
    gives the threads back when it leaves. Only the thread that limits a BLAS can.
    """
    if not _limit.acquire(blocking=False):
        yield
        return
    try:
        with ThreadpoolController().limit(limits=1, user_api=user_api):
            yield
    finally:
        _limit.release()


def blas_threads_for(problem):
    """Return the limit that suits a problem, or none.

    Threads that wait between small solves, or while JAX does its own work, keep the
    processor from JAX's.
    """
    n_unknowns = min(problem.start.X.shape) * problem.student.task.n_outputs
    if n_unknowns <= MAX_SMALL_SOLVE or problem.student.trains_in_jax:
        return single_blas_thread()
    return nullcontext()
