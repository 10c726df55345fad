"""Limiting BLAS to one thread during small solves."""

import threading
from contextlib import contextmanager, nullcontext

from threadpoolctl import ThreadpoolController

#: Maximum number of unknowns for which more than one BLAS thread does not pay.
MAX_SMALL_SOLVE = 2000

_limit = threading.Lock()


@contextmanager
def single_blas_thread(user_api="blas"):
    """Limit BLAS to one thread; OpenMP as well with ``user_api=None``.

    The limit holds for the whole process. If fits run in several threads, the first one
    sets it and restores the number of threads in the end, because only the thread that
    has set the limit can do that.
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
    """Return a context in which BLAS has the number of threads that suits a problem.

    BLAS threads that wait between small solves would slow down the threads of JAX.
    """
    n_unknowns = min(problem.start.X.shape) * problem.student.task.n_outputs
    if n_unknowns <= MAX_SMALL_SOLVE or problem.student.trains_in_jax:
        return single_blas_thread()
    return nullcontext()
