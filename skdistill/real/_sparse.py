"""Real rows in a sparse matrix, which is never made dense, not even in parts.

SciPy computes products with ``X``, for large blocks of rows. JAX computes everything
else from these products, in chunks of one size (``_known_products``). The products of a
block take a few megabytes.
"""

from collections import deque
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse import csr_array
from sklearn.utils import gen_batches

from skdistill._forms import in_units, ranges
from skdistill._jax_scope import double_precision
from skdistill._programs import split
from skdistill.real import _known_products
from skdistill.real._base import Chunk
from skdistill.real._in_memory import RowsInMemory

#: The number of rows in a chunk is a power of two between these, so that few programs
#: are compiled.
MIN_CHUNK_ROWS = 512
MAX_CHUNK_ROWS = 8192
#: Maximum number of entries of the products of a block.
MAX_BLOCK_PRODUCTS = 2**21
#: Maximum number of entries of a block that NumPy processes at a time.
MAX_BLOCK_ENTRIES = 2**20


def chunk_rows_for(n_rows):
    """Return the number of rows in a chunk, given the number of all rows."""
    rows = min(max(n_rows, MIN_CHUNK_ROWS), MAX_CHUNK_ROWS)
    return 2 ** (rows - 1).bit_length()


class SparseRows(RowsInMemory):
    """Real rows in a sparse matrix.

    Parameters
    ----------
    X : csr_array of shape (n, p)
        Samples in float32 or float64, without stored zeros and repeated entries.
    y, sample_weight, targets, present
        As for ``RowsInMemory``.
    chunk_rows : int, default=None
        Number of rows in a chunk. By default it depends on the number of all rows.
    matrix : SparseMatrix, default=None
        Cached properties of ``X``.
    """

    def __init__(
        self,
        X,
        y,
        sample_weight,
        targets,
        *,
        chunk_rows=None,
        present=None,
        matrix=None,
    ):
        super().__init__(X, y, sample_weight, targets, present)
        self.chunk_rows = chunk_rows
        self._matrix = SparseMatrix(X) if matrix is None else matrix

    def take(self, rows):
        """Return the rows with some indices, in a matrix that scikit-learn takes."""
        chunk = super().take(rows)
        X = chunk.X
        indices, indptr = (part.astype(np.int32) for part in (X.indices, X.indptr))
        return chunk._replace(X=csr_array((X.data, indices, indptr), shape=X.shape))

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over blocks of rows, see ``RealRows``."""
        X, y, weight = self._data(rows)
        total = None
        for block in _blocks_of_entries(X):
            chunk = Chunk(_rows_of(X, block), y[block], weight[block])
            part = function(chunk, *arguments)
            total = part if total is None else jax.tree.map(np.add, total, part)
        return jax.tree.map(np.asarray, total)

    def value(self, total, params):
        """Sum a function of ``params`` over the rows, see ``RealRows``."""
        return _Pass(self, total, params).value()

    def value_and_grad(self, total, params, rows=None):
        """Sum a function of ``params`` with its gradient, see ``RealRows``."""
        return _Pass(self, total, params, rows).value_and_grad()

    @property
    def values_per_row(self):
        """Approximate number of stored values in a row."""
        return max(self.X.nnz // max(self.X.shape[0], 1), 1)

    def refuse(self, total, get_params):
        """Raise NeedsFeatures if a function needs more of the rows than products."""
        _Pass(self, total, get_params()).refuse()

    def rescaled(self, center, scale):
        """Return the rows with scaled features; zeros stay zeros."""
        if np.any(center):
            raise ValueError(
                "Sparse rows cannot be centered. Pass a scaler that does not center, "
                "such as StandardScaler(with_mean=False) or MaxAbsScaler()."
            )
        X = in_units(self.X, scale.astype(self.dtype))
        return SparseRows(
            X, self.y, self.sample_weight, self.targets, present=self.present
        )

    def extract(self, rows, sample_weight=None):
        """Return the rows with some indices, with other weights if given."""
        X, y, own_weight = self.take(rows)
        weight = own_weight if sample_weight is None else sample_weight
        matrix = self._matrix.part(X, self._positions_of(rows))
        return SparseRows(X, y, weight, self.targets, matrix=matrix)

    def in_common_features(self, most):
        """Return the rows with only their most frequent features, see ``RealRows``."""
        if self.n_features <= most:
            return self, None
        frequencies = self.map_sum(_frequencies)
        kept = np.sort(np.argsort(-frequencies, kind="stable")[:most])
        return self.with_features(kept), kept

    def with_features(self, kept):
        """Return the rows with the features at sorted positions (r,)."""
        matrix = self._matrix.narrow(kept)
        return SparseRows(
            matrix.X,
            self.y,
            self.sample_weight,
            self.targets,
            present=self.present,
            matrix=matrix,
        )

    @property
    def whole(self):
        """The rows with all of their features."""
        return SparseRows(
            self._matrix.whole,
            self.y,
            self.sample_weight,
            self.targets,
            present=self.present,
        )

    def samples(self, rows):
        """Return the rows and their squared norms."""
        squares = self._matrix.squares, self._matrix.left_out
        if rows is not None:
            positions = self._positions_of(rows)
            squares = tuple(part[positions] for part in squares)
        return self._data(rows), squares

    def _with(self, weight, present):
        return SparseRows(
            self.X,
            self.y,
            weight,
            self.targets,
            chunk_rows=self.chunk_rows,
            present=present,
            matrix=self._matrix,
        )

    def _ranges(self):
        if self.present is None:
            return self._matrix.ranges
        return ranges(self.X[self.present])


class SparseMatrix:
    """A sparse matrix with cached properties that do not depend on weights.

    Parameters
    ----------
    X : csr_array of shape (n, p)
        The matrix.
    whole : csr_array of shape (n, q), default=None
        The matrix including features that are left out; by default ``X``.
    squares, left_out : ndarray of shape (n,), default=None
        See ``_known_products.Answers``. By default they are computed.
    """

    def __init__(self, X, whole=None, squares=None, left_out=None):
        self.X, self.whole = X, X if whole is None else whole
        if squares is not None:
            self.squares, self.left_out = squares, left_out

    def narrow(self, kept):
        """Return the matrix with some of the features."""
        X = self.X[:, kept]
        left_out = np.maximum(self.squares - _row_squares(X), 0)
        return SparseMatrix(X, self.whole, self.squares, left_out)

    def part(self, X, positions):
        """Return the matrix with some of the rows, given as ``X``."""
        parts = (part[positions] for part in (self.squares, self.left_out))
        return SparseMatrix(X, None, *parts)

    @cached_property
    def ranges(self):
        """Minimum and maximum (p,) of each feature."""
        return ranges(self.X)

    @cached_property
    def squares(self):
        """Squared norm (n,) of each row, in the precision of the rows."""
        return _row_squares(self.X)

    @cached_property
    def left_out(self):
        """Part of the squared norms (n,) from features that are left out."""
        return np.zeros(self.X.shape[0], self.X.dtype)


class _Pass:
    """One pass of a function over the rows.

    Parameters
    ----------
    real : SparseRows
        The rows.
    total, params, rows
        As for ``RealRows.value_and_grad``.
    """

    def __init__(self, real, total, params, rows=None):
        (self.X, self.y, self.weight), self.squares = real.samples(rows)
        with double_precision():
            self.params = jax.tree.map(
                lambda leaf: jnp.asarray(np.asarray(leaf)), params
            )
        self.form, self.numbers = split(total)
        n, self.n_features = self.X.shape
        self.chunk_rows = real.chunk_rows or chunk_rows_for(n)

    @property
    def _shapes(self):
        shape = self.chunk_rows, self.n_features
        return {**self._of_total, "shape": shape, "dtype": self.X.dtype}

    @property
    def _first(self):
        return tuple(self._padded(part[:1]) for part in (self.y, self.weight))

    def refuse(self):
        """Raise NeedsFeatures if the function needs more of the rows than products."""
        with double_precision():
            jax.eval_shape(
                lambda params: _known_products.matrices_of(
                    params, *self._first, **self._shapes
                ),
                self.params,
            )

    def value(self):
        """Return the sum."""
        with double_precision():
            return sum(
                np.asarray(result)
                for answers in self._blocks(self._matrices())
                for _, result in self._each(self._value_of, answers)
            )

    def value_and_grad(self):
        """Return the sum and its gradient."""
        with double_precision():
            matrices = self._matrices()
            self._sums = _known_products.zero_sums(self.params)
            pulls = [np.zeros(part.shape) for part in matrices]
            for answers in self._blocks(matrices):
                block, products, _ = answers
                product_grads = [np.empty_like(part) for part in products]
                for rows, grads in self._each(self._add_value_and_grad_of, answers):
                    for whole, part in zip(product_grads, grads, strict=True):
                        whole[rows] = np.asarray(part)[: rows.stop - rows.start]
                X = _rows_of(self.X, block)
                pulls[0] += X.T @ product_grads[0]
                if pulls[1].size:
                    pulls[1] += _squared(X).T @ product_grads[1]
            through = _known_products.pull_back(
                self.params,
                *self._first,
                _known_products.Matrices(
                    *(pull.astype(self.X.dtype) for pull in pulls)
                ),
                **self._shapes,
            )
            value, grad = jax.tree.map(np.asarray, self._sums)
            return value, jax.tree.map(np.add, grad, through)

    def _value_of(self, *chunk):
        return _known_products.value(
            *chunk, self.params, n_features=self.n_features, **self._of_total
        )

    def _add_value_and_grad_of(self, *chunk):
        self._sums, products_grad = _known_products.value_and_grad(
            *chunk,
            self.params,
            self._sums,
            n_features=self.n_features,
            **self._of_total,
        )
        return products_grad

    @property
    def _of_total(self):
        return {"numbers": self.numbers, "form": self.form}

    def _matrices(self):
        matrices = _known_products.matrices_of(
            self.params, *self._first, **self._shapes
        )
        return jax.tree.map(np.asarray, matrices)

    def _blocks(self, matrices):
        """Yield blocks of rows, with their products and squared norms."""
        plain, squared = matrices
        width = max(plain.shape[1] + squared.shape[1], 1)
        n_chunks = max(MAX_BLOCK_PRODUCTS // (width * self.chunk_rows), 1)
        for block in gen_batches(len(self.weight), n_chunks * self.chunk_rows):
            X = _rows_of(self.X, block)
            of_squares = np.zeros((X.shape[0], 0), X.dtype)
            if squared.shape[1]:
                of_squares = _squared(X) @ squared
            products = _known_products.Matrices(X @ plain, of_squares)
            yield block, products, tuple(part[block] for part in self.squares)

    def _each(self, function, answers):
        """Yield a function's results for the chunks of a block."""
        block, products, squares = answers
        pending = deque()
        for rows in gen_batches(block.stop - block.start, self.chunk_rows):
            known = _known_products.Answers(products, *squares)
            known = jax.tree.map(
                lambda part, rows=rows: self._padded(part[rows]), known
            )
            y, weight = (
                self._padded(part[block][rows]) for part in (self.y, self.weight)
            )
            pending.append((rows, function(known, y, weight)))
            # NumPy prepares a chunk while JAX computes another one.
            if len(pending) > 1:
                yield pending.popleft()
        yield from pending

    def _padded(self, part):
        missing = self.chunk_rows - len(part)
        if not missing:
            return part
        return np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))


def _row_squares(X):
    """Return the squared norms (n,) of rows."""
    parts = [
        np.asarray(_squared(_rows_of(X, block)).sum(axis=1)).ravel()
        for block in _blocks_of_entries(X)
    ]
    return np.concatenate(parts)


def _frequencies(chunk):
    """Return the total weight (p,) of rows with an entry, for each feature."""
    X, _, weight = chunk
    return np.bincount(X.indices, np.repeat(weight, np.diff(X.indptr)), X.shape[1])


def _blocks_of_entries(X):
    """Yield slices of rows with about the same number of entries."""
    per_row = max(X.nnz // max(X.shape[0], 1), 1)
    return gen_batches(X.shape[0], max(MAX_BLOCK_ENTRIES // per_row, 1))


def _rows_of(X, rows):
    """Return the rows of a slice, without copying their entries."""
    start, stop = X.indptr[rows.start], X.indptr[rows.stop]
    indptr = X.indptr[rows.start : rows.stop + 1] - start
    entries = X.data[start:stop], X.indices[start:stop], indptr
    return csr_array(entries, shape=(len(indptr) - 1, X.shape[1]))


def _squared(X):
    return csr_array((X.data**2, X.indices, X.indptr), shape=X.shape)
