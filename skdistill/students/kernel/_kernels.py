"""Kernels of ``sklearn.metrics.pairwise``, in JAX.

Each is ``kernel(X, Z, params) -> (n, m)`` for rows ``X`` (n, p) and ``Z`` (m, p) in one
precision, with ``params`` as scikit-learn names them. Derivatives are finite where rows
are equal.
"""

import jax
import jax.numpy as jnp
from jax import lax


def squared_distances(X, Z):
    """Squared euclidean distances (n, m).

    Both are moved to the mean of ``Z`` first: the rounding error of the expanded square
    grows with the distance from the origin.
    """
    # Distances do not depend on it, so that derivatives need not pass through it.
    origin = lax.stop_gradient(Z.mean(axis=0))
    is_same = X is Z
    X = X - origin
    Z = X if is_same else Z - origin
    square = (X**2).sum(axis=1)[:, None] - 2 * _product(X, Z) + (Z**2).sum(axis=1)
    return jnp.maximum(square, 0)


def _product(X, Z):
    """Return ``X @ Z.T``."""
    return _self_product(X) if X is Z else X @ Z.T


@jax.custom_vjp
def _self_product(X):
    """``X @ X.T``, with one product rather than two for its derivative."""
    return X @ X.T


_self_product.defvjp(
    lambda X: (X @ X.T, X),
    lambda X, cotangent: ((cotangent + cotangent.T) @ X,),
)


def _linear(X, Z, params):
    return _product(X, Z)


def _rbf(X, Z, params):
    return jnp.exp(-params["gamma"] * squared_distances(X, Z))


def _laplacian(X, Z, params):
    # One center at a time, in the derivative, too: differences of all pairs would not
    # fit the memory.
    distances = lax.map(jax.checkpoint(lambda z: jnp.abs(X - z).sum(axis=1)), Z)
    return jnp.exp(-params["gamma"] * distances.T)


def _polynomial(X, Z, params):
    return (params["gamma"] * _product(X, Z) + params["coef0"]) ** params["degree"]


def _sigmoid(X, Z, params):
    return jnp.tanh(params["gamma"] * _product(X, Z) + params["coef0"])


def _cosine(X, Z, params):
    return unit_rows(X) @ unit_rows(Z).T


def unit_rows(X):
    """Rows of length one; a row of zeros stays, as in ``normalize``."""
    square = (X**2).sum(axis=1, keepdims=True)
    length = jnp.sqrt(jnp.where(square > 0, square, 1))
    return X / length


#: By the names that scikit-learn gives them.
KERNELS = {
    "linear": _linear,
    "rbf": _rbf,
    "laplacian": _laplacian,
    "poly": _polynomial,
    "polynomial": _polynomial,
    "sigmoid": _sigmoid,
    "cosine": _cosine,
}

#: Parameters of a kernel that are positive numbers, which may be learned.
LEARNED_PARAMS = {
    "linear": (),
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "poly": ("gamma",),
    "polynomial": ("gamma",),
    "sigmoid": ("gamma",),
    "cosine": (),
}

#: Parameters of a kernel that stay as they are.
FIXED_PARAMS = {
    **dict.fromkeys(LEARNED_PARAMS, ()),
    "poly": ("degree", "coef0"),
    "polynomial": ("degree", "coef0"),
    "sigmoid": ("coef0",),
}

#: Kernels of which every row has the norm one.
NORMALIZED = ("rbf", "laplacian", "cosine")

#: Kernels whose matrix may have negative eigenvalues.
INDEFINITE = ("sigmoid",)


def fixed_params(estimator):
    """Return the parameters of an estimator's kernel that are not learned, as pairs.

    A degree that is an integer stays one: it is unrolled into products.
    """
    pairs = [
        (name, getattr(estimator, name)) for name in FIXED_PARAMS[estimator.kernel]
    ]
    return as_pairs(dict(pairs))


def as_pairs(fixed):
    """Return parameters as pairs that are hashed, see ``fixed_params``."""
    return tuple(
        (name, value if name == "degree" else float(value))
        for name, value in fixed.items()
    )
