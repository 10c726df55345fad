"""Functions of sparse rows in JAX that only use products with the rows.

Products with a sparse matrix are fast in SciPy, but slow in JAX. So a function of a
chunk is traced twice with a placeholder for ``X``. The first trace records the matrices
``A`` with which ``X`` is multiplied, as functions of ``params``. SciPy computes the
products ``Z = X @ A``. The second trace uses these products, and returns the value and
its derivatives in ``params`` and ``Z``. SciPy computes ``X.T @ dZ``, and JAX pulls it
back through ``A``. Squared norms of rows, such as in a distance, are products with
``X**2``.

The result is exact for all functions that only use ``X`` in this way. The matrices
``A`` must not depend on other products, because the result would then be NaN.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from skdistill._programs import join
from skdistill.real._base import Chunk, NeedsFeatures


class Matrices(NamedTuple):
    """The matrices with which rows are multiplied, side by side.

    Attributes
    ----------
    plain : array of shape (p, r)
        Matrices for products with ``X``.
    squared : array of shape (p, s)
        Matrices for products with ``X**2``.
    """

    plain: Any
    squared: Any


class Answers(NamedTuple):
    """Products and norms of the rows of a chunk.

    Attributes
    ----------
    products : Matrices
        Products with the matrices, of shapes (n, r) and (n, s).
    squares : array of shape (n,)
        Squared norms of the rows, including features that are left out.
    left_out : array of shape (n,)
        Part of the squared norms that comes from features that are left out. All
        synthetic rows are zero in these.
    """

    products: Matrices
    squares: Any
    left_out: Any


@partial(jax.jit, static_argnames=("form", "shape", "dtype"))
def matrices_of(params, y, sample_weight, numbers, form, shape, dtype):
    """Return the ``Matrices`` that ``total(chunk, params)`` multiplies ``X`` with.

    Parameters
    ----------
    params : pytree
        Parameters of the function.
    y, sample_weight : arrays
        Targets and weights of any chunk; the matrices do not depend on them.
    numbers, form : tuple of float, object
        The function ``total(chunk, params) -> array`` in JAX, after ``split``.
    shape : tuple of int
        Shape (n, p) of ``X`` in a chunk.
    dtype : dtype
        Precision of ``X``.

    Raises
    ------
    NeedsFeatures
        If ``total`` needs more of ``X`` than products.
    """
    notes = _Notes(shape, dtype)
    try:
        join(form, numbers)(Chunk(Factors(notes), y, sample_weight), params)
    except TypeError as error:
        # JAX raises this if a function computes with the placeholder itself.
        if "Factors" in str(error):
            raise NeedsFeatures(str(error)) from error
        raise
    return Matrices(
        *(
            jnp.concatenate([jnp.zeros((shape[1], 0), dtype), *noted], axis=1)
            for noted in notes.noted
        )
    )


@partial(jax.jit, static_argnames=("form", "shape", "dtype"))
def pull_back(params, y, sample_weight, cotangent, numbers, form, shape, dtype):
    """Return the gradient in ``params`` from a gradient in the ``Matrices``."""

    def matrices(params):
        return matrices_of(params, y, sample_weight, numbers, form, shape, dtype)

    return jax.vjp(matrices, params)[1](cotangent)[0]


def zero_sums(params):
    """Return a value and a gradient of zero, which are ``so_far`` at first."""
    return jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)


@partial(jax.jit, static_argnames=("form", "n_features"))
def value(answers, y, sample_weight, params, numbers, form, n_features):
    """Return ``total`` for known products."""
    X = Factors(_Known(answers, n_features))
    return join(form, numbers)(Chunk(X, y, sample_weight), params)


@partial(jax.jit, static_argnames=("form", "n_features"))
def value_and_grad(
    answers, y, sample_weight, params, so_far, numbers, form, n_features
):
    """Return ``total`` for known products, and its gradients.

    Parameters
    ----------
    answers, y, sample_weight, params, numbers, form, n_features
        As for ``value``.
    so_far : tuple of (value, grad)
        Sums over other chunks. They are added here, because the compiler then knows
        which gradients are zero: most of ``params`` only take part in products.

    Returns
    -------
    so_far : tuple of (value, grad)
        Sums including this chunk.
    products_grad : Matrices
        The gradient in the products.
    """

    def of(products, params):
        known = answers._replace(products=products)
        return value(known, y, sample_weight, params, numbers, form, n_features)

    result, grads = jax.value_and_grad(of, argnums=(0, 1))(answers.products, params)
    products_grad, grad = grads
    return jax.tree.map(jnp.add, so_far, (result, grad)), products_grad


class _Notes:
    """Source of a placeholder that records the matrices, and returns NaN."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, jnp.dtype(dtype)
        self.noted = [], []

    def product(self, A, squared):
        self.noted[squared].append(A.astype(self.dtype))
        return jnp.full((self.shape[0], A.shape[1]), jnp.nan, self.dtype)

    def squares(self):
        return jnp.full(self.shape[0], jnp.nan, self.dtype)

    left_out = squares


class _Known:
    """Source of a placeholder that returns known products in the recorded order."""

    def __init__(self, answers, n_features):
        self.answers = answers
        plain = answers.products.plain
        self.shape, self.dtype = (len(plain), n_features), plain.dtype
        self._next = [0, 0]

    def product(self, A, squared):
        first = self._next[squared]
        self._next[squared] = first + A.shape[1]
        return self.answers.products[squared][:, first : first + A.shape[1]]

    def squares(self):
        return self.answers.squares

    def left_out(self):
        return self.answers.left_out


class Factors:
    """The placeholder ``length * (X - shift) * factor`` for rows with known products.

    It supports the operations on rows that students use to predict: products, shifting
    and scaling features, scaling rows, and sums of squares.

    Parameters
    ----------
    source : object
        Object with ``shape``, ``dtype``, ``product(A, squared)``, ``squares()`` and
        ``left_out()`` of ``X``.
    shift, factor : array of shape (p,) or None
        Shift and factor of each feature; None stands for zeros or ones.
    length : array of shape (n, 1) or None
        Factor of each row; None stands for ones.
    """

    ndim = 2

    def __init__(self, source, shift=None, factor=None, length=None):
        self._source = source
        self._shift, self._factor, self._length = shift, factor, length
        self.shape, self.dtype = source.shape, source.dtype

    def __len__(self):
        return self.shape[0]

    def astype(self, dtype):
        """Return the rows in their own precision; others are not supported."""
        if jnp.dtype(dtype) != self.dtype:
            raise NeedsFeatures(f"Factors cannot become {jnp.dtype(dtype)}.")
        return self

    def __matmul__(self, B):
        A = B if B.ndim == 2 else B[:, None]
        A = A if self._factor is None else self._factor[:, None] * A
        product = self._source.product(A, squared=False)
        if self._shift is not None:
            product = product - self._shift @ A
        if self._length is not None:
            product = self._length * product
        return product if B.ndim == 2 else product[:, 0]

    def __sub__(self, other):
        if self._length is not None:
            raise NeedsFeatures("Factors of unlike lengths cannot be shifted.")
        step = self._of_features(other)
        step = step if self._factor is None else step / self._factor
        shift = step if self._shift is None else self._shift + step
        return Factors(self._source, shift, self._factor)

    def __mul__(self, other):
        if jnp.shape(other) == (len(self), 1):
            length = other if self._length is None else self._length * other
            return Factors(self._source, self._shift, self._factor, length)
        factor = self._of_features(other)
        factor = factor if self._factor is None else self._factor * factor
        return Factors(self._source, self._shift, factor, self._length)

    def __truediv__(self, other):
        return self * (1 / jnp.asarray(other, self.dtype))

    def __pow__(self, exponent):
        if exponent != 2:
            raise NeedsFeatures(f"Factors have no entries to the power {exponent}.")
        return _Squares(self)

    def square_sums(self):
        """Return the sums (n,) of the squares of each row."""
        shift, factor = self._shift, self._factor
        if factor is None:
            sums, weighted = self._source.squares(), shift
        else:
            # Features that are left out are constant and keep their unit.
            sums = self._source.product(factor[:, None] ** 2, squared=True)[:, 0]
            sums = sums + self._source.left_out()
            weighted = None if shift is None else factor**2 * shift
        if shift is not None:
            crossed = self._source.product(weighted[:, None], squared=False)[:, 0]
            sums = sums - 2 * crossed + shift @ weighted
        return sums if self._length is None else self._length[:, 0] ** 2 * sums

    def _of_features(self, other):
        """Return one number for each feature; other shapes are not supported."""
        other = jnp.asarray(other, self.dtype)
        if other.ndim > 1:
            raise NeedsFeatures("Factors have no entries to compute with.")
        return jnp.broadcast_to(other, self.shape[1:])

    def __getattr__(self, name):
        raise NeedsFeatures(f"Factors have no {name!r}.")


class _Squares:
    """The squares of rows, which can only be summed."""

    def __init__(self, rows):
        self._rows = rows

    def sum(self, axis, keepdims=False):
        """Return the sum of the squares of each row."""
        if axis not in (1, -1):
            raise NeedsFeatures("Factors are not summed over rows.")
        sums = self._rows.square_sums()
        return sums[:, None] if keepdims else sums

    def __getattr__(self, name):
        raise NeedsFeatures(f"Factors that are squared have no {name!r}.")
