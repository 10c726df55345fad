"""A random sample of the rows, drawn in one pass: the rows that are kept at hand.

Every row has a pseudo-random priority, which depends on its position among all rows.
Rows with the lowest priorities are kept, and a minimum number of each class. So samples
of parts of the rows can be combined to a sample of all rows, in any order.

Copying the sample for each block would take longer than reading the block. So the
sample consists of pieces, which are only reduced when there are too many rows.
"""

from typing import NamedTuple

import numpy as np

from skdistill._sklearn_compat import _safe_indexing
from skdistill.tables._stacking import stacked

#: Maximum number of rows that are kept at hand, and of their bytes.
MAX_ROWS = 2**18
MAX_BYTES = 2**27
#: Minimum number of rows of each class, if it has that many.
MIN_GROUP_ROWS = 256
#: Share by which the number of rows may exceed the maximum before it is reduced.
SLACK = 0.25


class Reserve(NamedTuple):
    """Rows that are kept at hand.

    Attributes
    ----------
    position : ndarray of int of shape (n,)
        Position of each row among all rows, in ascending order.
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


class Reservoir(NamedTuple):
    """The sample of a part of the rows, while it is being drawn.

    Attributes
    ----------
    pieces : tuple of Reserve
        The rows, in their order. There may be more than are kept in the end.
    limit : int or None
        Rows with this priority or a higher one are left out, unless their class has too
        few rows. None if no rows have been left out.
    """

    pieces: tuple
    limit: int | None = None

    @property
    def n_rows(self):
        """Number of rows."""
        return sum(len(piece.position) for piece in self.pieces)

    def pruned(self, size, *, of_classes):
        """Leave out rows whose priority is too high.

        Parameters
        ----------
        size : int
            Approximate number of rows to keep.
        of_classes : bool
            Whether to keep a minimum number of rows of each label.
        """
        if self.n_rows <= size:
            return self
        positions = [piece.position for piece in self.pieces]
        priority = _priorities(np.concatenate(positions))
        limit = np.partition(priority, size)[size]
        kept = self._below(limit, priority, of_classes)
        return Reservoir(kept, limit)

    def with_limit(self, limit, *, of_classes):
        """Leave out rows whose priority is at least ``limit``."""
        if limit is None:
            return self
        positions = [piece.position for piece in self.pieces]
        priority = _priorities(np.concatenate(positions))
        return self._replace(pieces=self._below(limit, priority, of_classes))

    def joined(self, size, *, of_classes):
        """Return the Reserve of about ``size`` rows."""
        pieces = self.pruned(size, of_classes=of_classes).pieces
        if len(pieces) == 1:
            return pieces[0]
        return Reserve(*(stacked(*parts) for parts in zip(*pieces, strict=True)))

    def _below(self, limit, priority, of_classes):
        kept = priority < limit
        if of_classes:
            labels = np.concatenate([np.asarray(piece.y) for piece in self.pieces])
            _, label = np.unique(labels, return_inverse=True)
            n_kept = np.bincount(label[kept], minlength=label.max() + 1)
            for group in np.flatnonzero(n_kept < MIN_GROUP_ROWS):
                members = np.flatnonzero(label == group)
                lowest = np.argsort(priority[members])[:MIN_GROUP_ROWS]
                kept[members[lowest]] = True
        ends = np.cumsum([len(piece.position) for piece in self.pieces])[:-1]
        pairs = zip(self.pieces, np.split(kept, ends), strict=True)
        return tuple(piece.take(np.flatnonzero(rows)) for piece, rows in pairs)


def size_of_reserve(n_features, dtype):
    """Return the number of rows to keep."""
    row_bytes = n_features * np.dtype(dtype).itemsize
    return max(min(MAX_ROWS, MAX_BYTES // row_bytes), MIN_GROUP_ROWS)


def merged(first, second, *, size, of_classes):
    """Return the Reservoir of the rows of two reservoirs, in their order."""
    limits = [each.limit for each in (first, second) if each.limit is not None]
    limit = min(limits, default=None)
    parts = [
        each if each.limit == limit else each.with_limit(limit, of_classes=of_classes)
        for each in (first, second)
    ]
    both = Reservoir(parts[0].pieces + parts[1].pieces, limit)
    if both.n_rows <= (1 + SLACK) * size:
        return both
    return both.pruned(size, of_classes=of_classes)


def _priorities(position):
    """Return a pseudo-random number for each position (SplitMix64, Steele et al.)."""
    z = position.astype(np.uint64) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
