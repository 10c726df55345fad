"""Real rows in NumPy arrays.

Rows pass through one compiled program in chunks of a fixed size. The last chunk is
padded with rows of weight zero. So the program depends on the number of features and
classes and on the precision, but not on the number of rows, except on its order of
magnitude if all rows fit in one chunk. ``X`` is not copied as a whole. Computations for
a row have its precision; sums over rows are in double precision.
"""

from collections import deque
from functools import cached_property

import jax
import numpy as np
from sklearn.utils import gen_batches

from skdistill._forms import ranges
from skdistill._jax_scope import double_precision
from skdistill.real._base import Chunk
from skdistill.real._devices import batch_chunk_rows, chunk_rows_for
from skdistill.real._in_memory import RowsInMemory


class DenseRows(RowsInMemory):
    """Real rows in NumPy arrays.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Samples in float32 or float64; missing values are NaN.
    y, sample_weight, targets, present
        As for ``RowsInMemory``.
    chunk_rows : int, default=None
        Number of rows in a chunk. By default it suits the cache of a processor.
    """

    def __init__(self, X, y, sample_weight, targets, *, chunk_rows=None, present=None):
        super().__init__(X, y, sample_weight, targets, present)
        self.chunk_rows = chunk_rows or chunk_rows_for(
            self.n_features, X.dtype, self.n_passed
        )

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows, see ``RealRows``."""
        chunk_rows = self.chunk_rows
        if rows is not None:
            chunk_rows = batch_chunk_rows(len(rows), chunk_rows)
        return sum_over_chunks(self._data(rows), chunk_rows, function, arguments)

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
    def filled(self):
        """The same rows without missing values, see ``RealRows``."""
        missing = np.flatnonzero(np.isnan(self.X.min(axis=0)))
        if not len(missing):
            return self
        X = self.X.copy()
        for j in missing:
            X[:, j] = _with_mean(X[:, j], self.sample_weight)
        return self._with(self.sample_weight, self.present, X)

    def _ranges(self):
        """Return the ranges of features over the present rows, without a copy."""
        if self.present is None:
            return ranges(self.X)
        batches = gen_batches(self.n_rows, self.chunk_rows)
        lows, highs = zip(
            *(ranges(self.X[self.present[rows]]) for rows in batches), strict=True
        )
        return np.fmin.reduce(lows), np.fmax.reduce(highs)


def sum_over_chunks(data, chunk_rows, function, arguments):
    """Sum a function over the chunks of some rows.

    Parameters
    ----------
    data : Chunk
        The rows.
    chunk_rows : int
        Number of rows in a chunk; the last chunk is padded.
    function : callable
        ``function(chunk, *arguments) -> pytree of arrays``.
    arguments : tuple
        Further arguments of the function.

    Returns
    -------
    pytree of ndarray
        The sum; None if there are no rows.
    """
    total = None
    with double_precision():
        pending = deque()
        for chunk in _chunks(data, chunk_rows):
            pending.append(function(chunk, *arguments))
            # One chunk is copied while another one is computed. More pending chunks
            # would not fit in the cache, and would be copies of X.
            if len(pending) > 1:
                total = add_sums(total, pending.popleft())
        while pending:
            total = add_sums(total, pending.popleft())
    return total


def _with_mean(values, weight):
    """Return values (n,) with missing ones replaced by the mean of the others."""
    is_missing = np.isnan(values)
    known, weight = values[~is_missing], weight[~is_missing]
    if not weight.any():  # no value in a row of nonzero weight
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


def add_sums(total, part):
    """Add a pytree of arrays to a sum, which is None at first."""
    part = jax.tree.map(np.asarray, part)
    return part if total is None else jax.tree.map(np.add, total, part)
