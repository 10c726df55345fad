"""Hide warnings of one thread without affecting other threads.

``warnings.catch_warnings`` replaces the filters of the whole process. If two threads
use it at the same time, each hides warnings of the other, and the original filters may
be lost. Here all threads share one filter, which checks the thread of a warning.
"""

import threading
import warnings
from contextlib import contextmanager

_hidden = threading.local()
_lock = threading.Lock()
_n_users = 0


class _HidesInThisThread(type):
    """Class of warnings that is a parent of all categories hidden in this thread."""

    def __subclasscheck__(cls, category):
        return issubclass(category, getattr(_hidden, "categories", ()))


class _Hidden(Warning, metaclass=_HidesInThisThread):
    """The category of the filter."""


_FILTER = ("ignore", None, _Hidden, None, 0)


@contextmanager
def hiding(category):
    """Hide warnings of a category that this thread raises in the context."""
    global _n_users
    before = getattr(_hidden, "categories", ())
    with _lock:
        _n_users += 1
        if _FILTER not in warnings.filters:
            warnings.filters.insert(0, _FILTER)
    _hidden.categories = (*before, category)
    try:
        yield
    finally:
        _hidden.categories = before
        with _lock:
            _n_users -= 1
            # Other code may have replaced the filters in the meantime.
            if _n_users == 0 and _FILTER in warnings.filters:
                warnings.filters.remove(_FILTER)
