"""The outer loss over rows held in a NumPy array.

Rows pass through one compiled program in chunks of a fixed size, the last one padded
with rows of weight zero: the program depends on the number of features, classes and on
the width of the floats, never on the number of rows. ``X`` is not copied as a whole and
keeps its precision row by row; sums over rows are double.
"""

from collections import deque
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.utils import gen_batches

from skdistill._jax_scope import double_precision
from skdistill.objectives._base import DataObjective

# A chunk stays in the cache between the product with X and the one with its transpose.
MAX_CHUNK_ROWS = 2048
MAX_CHUNK_BYTES = 2**22


def chunk_rows_for(X):
    """Rows in a chunk: a power of two that depends on the width of a row alone."""
    rows = max(MAX_CHUNK_BYTES // (X.shape[1] * X.itemsize), 1)
    return min(MAX_CHUNK_ROWS, 2 ** (rows.bit_length() - 1))


@partial(jax.jit, static_argnames=("raw_prediction", "loss"))
def _chunk_value_and_grad(params, X, y, sample_weight, raw_prediction, loss):
    def total(params):
        losses = loss(raw_prediction(params, X), y)
        return jnp.vdot(sample_weight, losses.astype(jnp.float64))

    return jax.value_and_grad(total)(params)


class DenseObjective(DataObjective):
    """Outer loss over a NumPy array.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Real samples, float32 or float64.
    y : ndarray of shape (n,)
        Targets as the loss takes them: class indices, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, not all zero; the loss is divided by their sum.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)``, the student's prediction in JAX.
    loss : callable
        ``loss(raw_prediction, y) -> (n,)``, see ``skdistill.objectives._losses``.
    chunk_rows : int, default=None
        Rows in a chunk; by default they fill a processor cache.
    """

    def __init__(self, X, y, sample_weight, *, raw_prediction, loss, chunk_rows=None):
        self.X = X
        self.y = y
        self.n_rows = len(X)
        self.total_weight = float(sample_weight.sum())
        self.sample_weight = sample_weight / self.total_weight
        self.chunk_rows = chunk_rows_for(X) if chunk_rows is None else chunk_rows
        self._chunk_value_and_grad = partial(
            _chunk_value_and_grad, raw_prediction=raw_prediction, loss=loss
        )

    def chunks(self):
        """Yield ``X, y, sample_weight`` of blocks of rows; weight zero fills them up.

        The weights sum to one over all blocks.
        """
        return self._chunks(self.X, self.y, self.sample_weight)

    def _chunks(self, X, y, sample_weight):
        for rows in gen_batches(len(X), self.chunk_rows):
            chunk = X[rows], y[rows], sample_weight[rows]
            missing = self.chunk_rows - len(chunk[0])
            if missing:
                chunk = (
                    np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))
                    for part in chunk
                )
            yield tuple(chunk)

    def value_and_grad(self, params, rows=None):
        """Return the mean loss at ``params`` and its gradient."""
        data = self.X, self.y, self.sample_weight
        if rows is not None:
            X, y, weight = (part[rows] for part in data)
            data = X, y, weight / weight.sum()
        with double_precision():
            total = None
            pending = deque()
            for chunk in self._chunks(*data):
                pending.append(self._chunk_value_and_grad(params, *chunk))
                # One chunk is copied while another is worked on; more would fall out
                # of the cache, and pile up copies of X.
                if len(pending) > 1:
                    total = _add(total, pending.popleft())
            while pending:
                total = _add(total, pending.popleft())
        return total


def _add(total, part):
    part = jax.tree.map(np.asarray, part)
    return part if total is None else jax.tree.map(np.add, total, part)
