"""Hide warnings from one thread's work, and from no other thread's.

``warnings.catch_warnings`` swaps the filters of the whole process: where two threads
overlap, one of them may restore those of the other for good, and each hides what the
other has to say. Here one filter is shared, and asks which thread is warning.
"""

import threading
import warnings
from contextlib import contextmanager

_hidden = threading.local()
_lock = threading.Lock()
_n_users = 0


class _HidesInThisThread(type):
    """A class of warnings that counts as the parent of all that are hidden here."""

    def __subclasscheck__(cls, category):
        return issubclass(category, getattr(_hidden, "categories", ()))


class _Hidden(Warning, metaclass=_HidesInThisThread):
    """What the filter is for."""


_FILTER = ("ignore", None, _Hidden, None, 0)


@contextmanager
def hiding(category):
    """Hide the warnings of a category that this thread gives within."""
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
            # Where somebody has put other filters in place, it is gone already.
            if _n_users == 0 and _FILTER in warnings.filters:
                warnings.filters.remove(_FILTER)
