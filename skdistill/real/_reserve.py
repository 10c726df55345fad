"""A random sample of the rows, drawn in one pass: the rows that are kept at hand.

Every row has a priority that its position among all rows decides, and those with the
lowest are kept, some of each group at least. So samples of parts of the rows combine to
the sample of all, in any order.
"""

from typing import NamedTuple

import numpy as np

from skdistill._sklearn_compat import _safe_indexing
from skdistill.tables._stacking import stacked

#: As many rows are kept at hand, unless they take more bytes than this.
MAX_ROWS = 2**18
MAX_BYTES = 2**27
#: At least as many of each group, if it has them.
MIN_GROUP_ROWS = 256


class Reserve(NamedTuple):
    """Rows that are kept at hand.

    Attributes
    ----------
    position : ndarray of int of shape (n,)
        Of each row among all, in ascending order.
    X : ndarray of shape (n, p), or any container of length n
        Samples.
    y : ndarray, Series or DataFrame of shape (n,) or (n, k)
        Targets: labels or numbers.
    sample_weight : ndarray of shape (n,)
        Weights.
    """

    position: np.ndarray
    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray

    def take(self, rows):
        """Return some of the rows."""
        return Reserve(*(_safe_indexing(part, rows) for part in self))


def size_of_reserve(n_features, dtype):
    """Return how many rows are kept."""
    row_bytes = n_features * np.dtype(dtype).itemsize
    return max(min(MAX_ROWS, MAX_BYTES // row_bytes), MIN_GROUP_ROWS)


def pruned(*parts, size, of_classes):
    """Return the Reserve of at most about ``size`` rows of one or more.

    Parameters
    ----------
    *parts : Reserve
        Of one or two parts of the rows, in their order.
    size : int
        Rows to keep.
    of_classes : bool
        Whether some rows of each label are kept in any case.
    """
    position = np.concatenate([part.position for part in parts])
    if len(position) <= size:
        return _joined(parts)
    priority = _priorities(position)
    kept = np.zeros(len(priority), dtype=bool)
    kept[np.argpartition(priority, size)[:size]] = True
    if of_classes:
        labels = np.concatenate([np.asarray(part.y) for part in parts])
        _, label = np.unique(labels, return_inverse=True)
        n_kept = np.bincount(label[kept], minlength=label.max() + 1)
        for group in np.flatnonzero(n_kept < MIN_GROUP_ROWS):
            members = np.flatnonzero(label == group)
            lowest = np.argsort(priority[members])[:MIN_GROUP_ROWS]
            kept[members[lowest]] = True
    ends = np.cumsum([len(part.position) for part in parts])[:-1]
    pairs = zip(parts, np.split(kept, ends), strict=True)
    return _joined([part.take(rows) for part, rows in pairs])


def _joined(parts):
    if len(parts) == 1:
        return parts[0]
    return Reserve(*(stacked(*pair) for pair in zip(*parts, strict=True)))


def _priorities(position):
    """Return a pseudo-random number for each position: SplitMix64 of Steele et al."""
    z = position.astype(np.uint64) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
