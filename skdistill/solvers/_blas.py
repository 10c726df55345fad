"""One BLAS thread for small solves, and the caller's number of threads afterwards."""

import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

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
