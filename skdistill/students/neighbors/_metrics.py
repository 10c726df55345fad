"""Distances of nearest neighbors, in JAX.

The vote of the nearest rows only depends on the order of the distances. So each metric
is represented by a power ``d^r`` of its distance ``d`` that behaves like a squared
Euclidean distance. It is ``r = 2``, except for ``1 - cos``, which already is half the
squared distance of rows of length one.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.kernel._kernels import squared_distances, unit_rows

#: Metrics of scikit-learn that are Minkowski's with one ``p``.
MINKOWSKI = {
    "euclidean": 2.0,
    "l2": 2.0,
    "manhattan": 1.0,
    "cityblock": 1.0,
    "l1": 1.0,
    "chebyshev": np.inf,
}


@dataclass(frozen=True)
class Euclidean(Program):
    """The metric ``sum_j w_j (x_j - z_j)^2``; without weights, ``w`` is one."""

    weights: tuple = ()
    power = 2

    def __call__(self, X, Z):
        if self.weights:
            scale = 1 / jnp.sqrt(jnp.asarray(self.weights, dtype=X.dtype))
            X, Z = X / scale, Z / scale
        return squared_distances(X, Z)


@dataclass(frozen=True)
class Cosine(Program):
    """One minus the cosine of the angle at the origin."""

    power = 1

    def __call__(self, X, Z):
        return jnp.maximum(1 - unit_rows(X) @ unit_rows(Z).T, 0)


@dataclass(frozen=True)
class Chebyshev(Program):
    """The square of the largest difference."""

    power = 2

    def __call__(self, X, Z):
        return _for_each(Z, lambda z: jnp.abs(X - z).max(axis=1)) ** 2


@dataclass(frozen=True)
class Minkowski(Program):
    """``(sum_j w_j |x_j - z_j|^p)^(2/p)``."""

    p: float
    weights: tuple = ()
    power = 2

    def __call__(self, X, Z):
        weights = jnp.ones(X.shape[1], X.dtype)
        if self.weights:
            weights = jnp.asarray(self.weights, dtype=X.dtype)

        def sums(z):
            # Avoid the power at zero, where it may have no derivative.
            difference = jnp.abs(X - z)
            is_apart = difference > 0
            powers = jnp.where(is_apart, difference, 1) ** self.p
            return jnp.where(is_apart, powers, 0) @ weights

        # The sum of tiny differences may underflow to zero.
        total = _for_each(Z, sums)
        is_apart = total > 0
        return jnp.where(is_apart, jnp.where(is_apart, total, 1) ** (2 / self.p), 0)


def _for_each(Z, function):
    """Return ``function(z)`` (n,) of each center as (n, m), one at a time."""
    # This also holds for the derivative, because the differences of all pairs would be
    # too large for the memory.
    return lax.map(jax.checkpoint(function), Z).T


def metric_of(estimator):
    """Return the metric of an estimator of nearest neighbors.

    Parameters
    ----------
    estimator : KNeighborsClassifier or KNeighborsRegressor
        Estimator with ``metric``, ``p`` and ``metric_params``.

    Returns
    -------
    callable
        ``metric(X, Z) -> (n, m)`` in JAX, which returns a power of the distances. Its
        attribute ``power`` is the exponent.

    Raises
    ------
    NotMirrored
        If the metric is not supported.
    """
    name, params = estimator.metric, dict(estimator.metric_params or {})
    weights = ()
    if name == "minkowski" and params.get("w") is not None:
        weights = tuple(np.asarray(params.pop("w"), dtype=np.float64).tolist())
    p = MINKOWSKI.get(name) if isinstance(name, str) else None
    if name == "minkowski":
        p = float(estimator.p)
    refused = [f"metric_params={sorted(params)}"] if params else []
    if weights and (min(weights) <= 0 or np.isinf(p)):
        refused.append("weights of features that are zero, or with p=inf")
    if name != "cosine" and p is None:
        refused.append(f"metric={name!r}")
    elif name != "cosine" and p < 1:
        refused.append(f"p={estimator.p!r}")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: metric='minkowski' with p of at least 1 "
            "and positive weights w of the features as metric_params, 'euclidean', "
            "'manhattan', 'chebyshev' and 'cosine', and their other names."
        )
    if name == "cosine":
        return Cosine()
    if p == 2:
        return Euclidean(weights)
    return Chebyshev() if np.isinf(p) else Minkowski(p, weights)
