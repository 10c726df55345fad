"""Real rows in NumPy arrays.

Rows pass through one compiled program in chunks of a fixed size, the last one padded
with rows of weight zero: the program depends on the number of features, classes and on
the width of the floats, never on the number of rows. ``X`` is not copied as a whole and
keeps its precision row by row; sums over rows are double.
"""

from collections import deque
from functools import cached_property

import jax
import numpy as np
from sklearn.utils import gen_batches

from skdistill._jax_scope import double_precision
from skdistill.real._base import Chunk, RealRows
from skdistill.real._sampling import row_positions, systematic_sample

# A chunk stays in the cache between the product with X and the one with its transpose.
MAX_CHUNK_ROWS = 2048
MAX_CHUNK_BYTES = 2**22


def chunk_rows_for(X):
    """Rows in a chunk: a power of two that depends on the width of a row alone."""
    rows = max(MAX_CHUNK_BYTES // (X.shape[1] * X.itemsize), 1)
    return min(MAX_CHUNK_ROWS, 2 ** (rows.bit_length() - 1))


class DenseRows(RealRows):
    """Real rows in NumPy arrays.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Samples, float32 or float64.
    y : ndarray of shape (n,) or (n, k)
        Targets as the outer loss takes them: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, not all zero.
    targets : Targets
        What ``y`` holds.
    chunk_rows : int, default=None
        Rows in a chunk; by default they fill a processor cache.
    """

    def __init__(self, X, y, sample_weight, targets, *, chunk_rows=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.targets = targets
        self.n_rows, self.n_features = X.shape
        self.dtype = X.dtype
        self.total_weight = float(sample_weight.sum())
        self.chunk_rows = chunk_rows_for(X) if chunk_rows is None else chunk_rows

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows, see ``RealRows``."""
        data = Chunk(self.X, self.y, self._share)
        if rows is not None:
            X, y, weight = (part[rows] for part in data)
            data = Chunk(X, y, weight / weight.sum())
        with double_precision():
            total = None
            pending = deque()
            for chunk in _chunks(data, self.chunk_rows):
                pending.append(function(chunk, *arguments))
                # One chunk is copied while another is worked on; more would fall out
                # of the cache, and pile up copies of X.
                if len(pending) > 1:
                    total = _add(total, pending.popleft())
            while pending:
                total = _add(total, pending.popleft())
        return total

    def take(self, rows):
        """Return some rows by their indices."""
        return Chunk(self.X[rows], self.y[rows], self.sample_weight[rows])

    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, see ``RealRows``."""
        positions = self._positions(random_state)
        drawn = []
        for members, size in zip(self._members, sizes, strict=True):
            if size is not None:
                weight = self.sample_weight[members]
                members = members[
                    systematic_sample(positions[members], weight, size, offset)
                ]
            drawn.append(members)
        return drawn

    def sample(self, size):
        """Return a sample of the rows, or these if there are no more than that."""
        return self if self.n_rows <= size else super().sample(size)

    def weighted_by(self, function):
        """Return the same rows with other weights."""
        weight = function(self.y, self.sample_weight)
        if weight is self.sample_weight:
            return self
        return DenseRows(
            self.X, self.y, weight, self.targets, chunk_rows=self.chunk_rows
        )

    @cached_property
    def group_counts(self):
        """Rows of each group."""
        return np.bincount(self._groups, minlength=self.targets.n_groups)

    @cached_property
    def group_weight(self):
        """Total weight of each group."""
        return np.bincount(
            self._groups, weights=self.sample_weight, minlength=self.targets.n_groups
        )

    @cached_property
    def low(self):
        """Least value of each feature."""
        return self.X.min(axis=0).astype(np.float64)

    @cached_property
    def high(self):
        """Largest value of each feature."""
        return self.X.max(axis=0).astype(np.float64)

    @cached_property
    def _share(self):
        return self.sample_weight / self.total_weight

    @cached_property
    def _groups(self):
        return self.targets.groups(self.y)

    @cached_property
    def _members(self):
        order = np.argsort(self._groups, kind="stable")
        return np.split(order, np.cumsum(self.group_counts)[:-1])

    def _positions(self, random_state):
        ranges = self.high - self.low
        units = np.where(ranges > 0, ranges, 1.0)
        positions = row_positions(self.X, units, random_state)
        return self.targets.apart(positions, self.y)


def _chunks(data, chunk_rows):
    for rows in gen_batches(len(data.X), chunk_rows):
        chunk = Chunk(*(part[rows] for part in data))
        missing = chunk_rows - len(chunk.X)
        if missing:
            chunk = Chunk(
                *(
                    np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))
                    for part in chunk
                )
            )
        yield chunk


def _add(total, part):
    part = jax.tree.map(np.asarray, part)
    return part if total is None else jax.tree.map(np.add, total, part)
