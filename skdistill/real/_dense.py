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
from skdistill.real._sampling import fair_places, row_positions, systematic_sample

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
        Samples, float32 or float64, NaN where a value is missing.
    y : ndarray of shape (n,) or (n, k)
        Targets as the outer loss takes them: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, not all zero.
    targets : Targets
        What ``y`` holds.
    chunk_rows : int, default=None
        Rows in a chunk; by default they fill a processor cache.
    present : ndarray of int, default=None
        Sorted positions of the rows that there are, by default all; the others have
        weight zero. ``X`` is not copied to leave rows out.
    """

    def __init__(self, X, y, sample_weight, targets, *, chunk_rows=None, present=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.targets = targets
        self.present = present
        self.n_rows = len(X) if present is None else len(present)
        self.n_features = X.shape[1]
        self.n_passed = len(X)
        self.dtype = X.dtype
        self.total_weight = float(sample_weight.sum())
        self.chunk_rows = chunk_rows_for(X) if chunk_rows is None else chunk_rows

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows, see ``RealRows``."""
        data = Chunk(self.X, self.y, self._share)
        if rows is not None:
            X, y, weight = (part[self._positions_of(rows)] for part in data)
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
        rows = self._positions_of(rows)
        return Chunk(self.X[rows], self.y[rows], self.sample_weight[rows])

    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, see ``RealRows``."""
        positions = self._on_line(random_state)
        weights = self._of_present(self.sample_weight)
        drawn = []
        for members, size in zip(self._members, sizes, strict=True):
            if size is not None:
                members = members[
                    systematic_sample(
                        positions[members], weights[members], size, offset
                    )
                ]
            drawn.append(members)
        return drawn

    def sample(self, size):
        """Return a sample of the rows, or these if there are no more than that."""
        is_whole = len(self.X) == self.n_rows <= size
        return self if is_whole else super().sample(size)

    def _with(self, weight, present, X=None):
        return DenseRows(
            self.X if X is None else X,
            self.y,
            weight,
            self.targets,
            chunk_rows=self.chunk_rows,
            present=present,
        )

    @cached_property
    def passed(self):
        """Positions among the rows that the user passed."""
        return self._positions_of(np.arange(self.n_rows))

    def labels(self):
        """Return all targets."""
        return self._of_present(self.y)

    def places(self, random_state):
        """Place every row in [0, 1), see ``RealRows``."""
        positions = self._on_line(random_state)
        weights = self._of_present(self.sample_weight)
        places = np.empty(self.n_rows)
        for members in self._members:
            places[members] = fair_places(positions[members], weights[members])
        return places

    def only(self, rows):
        """Return a part of the rows, see ``RealRows``; ``X`` is not copied."""
        groups, present = self._groups[rows], self._positions_of(rows)
        reached = np.bincount(
            groups, self.sample_weight[present], self.targets.n_groups
        )
        factor = self.group_weight / np.where(reached > 0, reached, 1.0)
        weight = np.zeros_like(self.sample_weight)
        weight[present] = self.sample_weight[present] * factor[groups]
        return self._with(weight, present)

    def weighted_by(self, function):
        """Return the same rows with other weights."""
        weight = function(self.y, self.sample_weight)
        if weight is self.sample_weight:
            return self
        return self._with(weight, self.present)

    @cached_property
    def group_counts(self):
        """Rows of each group."""
        return np.bincount(self._groups, minlength=self.targets.n_groups)

    @cached_property
    def group_weight(self):
        """Total weight of each group."""
        return np.bincount(
            self._groups,
            weights=self._of_present(self.sample_weight),
            minlength=self.targets.n_groups,
        )

    @cached_property
    def low(self):
        """Least value of each feature."""
        return self._extreme(np.fmin)

    @cached_property
    def high(self):
        """Largest value of each feature."""
        return self._extreme(np.fmax)

    @cached_property
    def filled(self):
        """The same rows without missing values, see ``RealRows``."""
        missing = np.flatnonzero(np.isnan(self._extreme(np.minimum)))
        if not len(missing):
            return self
        X = self.X.copy()
        for j in missing:
            X[:, j] = _with_mean(X[:, j], self.sample_weight)
        return self._with(self.sample_weight, self.present, X)

    def _extreme(self, ufunc):
        """Reduce each feature over the rows that there are, without a copy of all."""
        if self.present is None:
            return ufunc.reduce(self.X, axis=0).astype(np.float64)
        batches = gen_batches(self.n_rows, self.chunk_rows)
        extremes = [ufunc.reduce(self.X[self.present[rows]]) for rows in batches]
        return ufunc.reduce(extremes).astype(np.float64)

    @cached_property
    def _share(self):
        return self.sample_weight / self.total_weight

    @cached_property
    def _groups(self):
        return self.targets.groups(self.labels())

    @cached_property
    def _members(self):
        order = np.argsort(self._groups, kind="stable")
        return np.split(order, np.cumsum(self.group_counts)[:-1])

    def _positions_of(self, rows):
        """Return where in ``X`` rows lie."""
        return rows if self.present is None else self.present[rows]

    def _of_present(self, array):
        """Return the entries of an array that belong to rows that there are."""
        return array if self.present is None else array[self.present]

    def _on_line(self, random_state):
        ranges = self.high - self.low
        units = np.where(ranges > 0, ranges, 1.0)
        positions = row_positions(self.filled.X, units, random_state)
        return self._of_present(self.targets.apart(positions, self.y))


def _with_mean(values, weight):
    """Return values (n,) with the mean of the others in the place of missing ones."""
    is_missing = np.isnan(values)
    known, weight = values[~is_missing], weight[~is_missing]
    if not weight.any():  # those of the other rows do not count
        return np.where(is_missing, 0.0, values)
    return np.where(is_missing, np.average(known, weights=weight), values)


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
