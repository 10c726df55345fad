"""Kernels of ``sklearn.metrics.pairwise``, in JAX.

Each kernel is ``kernel(X, Z, params) -> (n, m)`` for rows ``X`` (n, p) and ``Z`` (m, p)
of the same precision. ``params`` have the names of scikit-learn. Derivatives are finite
for equal rows.
"""

import jax
import jax.numpy as jnp
from jax import lax


def squared_distances(X, Z):
    """Return squared Euclidean distances (n, m).

    The mean of ``Z`` is subtracted first, because the rounding error of the expanded
    square grows with the distance from the origin.
    """
    # Distances do not depend on the origin, so it needs no derivatives.
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
    """Return ``X @ X.T``; its derivative takes one product rather than two."""
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
    # Take one center at a time, in the derivative, too, because the differences of all
    # pairs would be too large for the memory.
    distances = lax.map(jax.checkpoint(lambda z: jnp.abs(X - z).sum(axis=1)), Z)
    return jnp.exp(-params["gamma"] * distances.T)


def _polynomial(X, Z, params):
    return (params["gamma"] * _product(X, Z) + params["coef0"]) ** params["degree"]


def _sigmoid(X, Z, params):
    return jnp.tanh(params["gamma"] * _product(X, Z) + params["coef0"])


def _cosine(X, Z, params):
    return unit_rows(X) @ unit_rows(Z).T


def unit_rows(X):
    """Return rows scaled to length one; rows of zeros stay, as in ``normalize``."""
    square = (X**2).sum(axis=1, keepdims=True)
    length = jnp.sqrt(jnp.where(square > 0, square, 1))
    return X / length


#: Kernels by their names in scikit-learn.
KERNELS = {
    "linear": _linear,
    "rbf": _rbf,
    "laplacian": _laplacian,
    "poly": _polynomial,
    "polynomial": _polynomial,
    "sigmoid": _sigmoid,
    "cosine": _cosine,
}

#: Parameters of each kernel that are positive numbers and may be learned.
LEARNED_PARAMS = {
    "linear": (),
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "poly": ("gamma",),
    "polynomial": ("gamma",),
    "sigmoid": ("gamma",),
    "cosine": (),
}

#: Parameters of each kernel that are not learned.
FIXED_PARAMS = {
    **dict.fromkeys(LEARNED_PARAMS, ()),
    "poly": ("degree", "coef0"),
    "polynomial": ("degree", "coef0"),
    "sigmoid": ("coef0",),
}

#: Kernels for which ``kernel(x, x)`` is one.
NORMALIZED = ("rbf", "laplacian", "cosine")

#: Kernels whose matrix may have negative eigenvalues.
INDEFINITE = ("sigmoid",)


def fixed_params(estimator):
    """Return the parameters of an estimator's kernel that are not learned, as pairs.

    The degree is not converted to a float, because JAX unrolls integer powers.
    """
    pairs = [
        (name, getattr(estimator, name)) for name in FIXED_PARAMS[estimator.kernel]
    ]
    return as_pairs(dict(pairs))


def as_pairs(fixed):
    """Return parameters as hashable pairs, see ``fixed_params``."""
    return tuple(
        (name, value if name == "degree" else float(value))
        for name, value in fixed.items()
    )
