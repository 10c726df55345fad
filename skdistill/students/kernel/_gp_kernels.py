"""Covariance functions of ``sklearn.gaussian_process.kernels``, in JAX.

A covariance has three forms for rows ``X`` (n, p) and ``Z`` (m, p) in double precision:
``square(X)`` (n, n) among the same rows, ``cross(X, Z)`` (n, m) and ``diagonal(X)``
(n,). White noise is in the first and the last only. Each takes a dict of the parameters
that may be learned, or that ``fit`` chooses, by the names that ``set_params`` of the
estimator has for them, such as ``kernel__k1__length_scale``; the others are part of the
object, which hashes by value. Derivatives are finite where rows are equal.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from sklearn.gaussian_process import kernels

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.kernel._kernels import squared_distances


@dataclass(frozen=True)
class _Leaf(Program):
    """A covariance with parameters of its own.

    Attributes
    ----------
    prefix : str
        What stands before the names of its parameters.
    fixed : tuple of (name, value)
        Parameters that are not learned.
    degree : int, default=None
        ``nu - 1/2`` of a Matern covariance, whose polynomial has this degree; None for
        its limit.
    """

    prefix: str
    fixed: tuple
    degree: int | None = None

    def value(self, name, params):
        """Return a parameter, by its name without prefix."""
        fixed = dict(self.fixed)
        return jnp.asarray(fixed[name] if name in fixed else params[self.prefix + name])


class _Stationary(_Leaf):
    """A function of the distance of rows, one at distance zero."""

    def square(self, X, params):
        # The expanded square of a distance is not quite zero, and its root is less so.
        distances = self._squared_distances(X, X, params) * (1 - jnp.eye(len(X)))
        return self.profile(distances, params)

    def cross(self, X, Z, params):
        return self.profile(self._squared_distances(X, Z, params), params)

    def diagonal(self, X, params):
        return jnp.ones(len(X))

    def _squared_distances(self, X, Z, params):
        """Squared distances in units of the length scale."""
        scale = self.value("length_scale", params)
        scaled = X / scale
        return squared_distances(scaled, scaled if X is Z else Z / scale)


class _RBF(_Stationary):
    def profile(self, square, params):
        return jnp.exp(-0.5 * square)


class _Matern(_Stationary):
    def profile(self, square, params):
        if self.degree is None:
            return jnp.exp(-0.5 * square)
        r = np.sqrt(2 * self.degree + 1) * _root(square)
        polynomial = (1.0, 1 + r, 1 + r + r**2 / 3)[self.degree]
        return polynomial * jnp.exp(-r)


class _RationalQuadratic(_Stationary):
    def profile(self, square, params):
        alpha = self.value("alpha", params)
        return (1 + square / (2 * alpha)) ** -alpha


class _ExpSineSquared(_Stationary):
    def _squared_distances(self, X, Z, params):
        return squared_distances(X, Z)

    def profile(self, square, params):
        phase = np.pi * _root(square) / self.value("periodicity", params)
        return jnp.exp(-2 * (jnp.sin(phase) / self.value("length_scale", params)) ** 2)


class _DotProduct(_Leaf):
    def square(self, X, params):
        return self.cross(X, X, params)

    def cross(self, X, Z, params):
        return X @ Z.T + self.value("sigma_0", params) ** 2

    def diagonal(self, X, params):
        return (X**2).sum(axis=1) + self.value("sigma_0", params) ** 2


class _Constant(_Leaf):
    def square(self, X, params):
        return self.cross(X, X, params)

    def cross(self, X, Z, params):
        return jnp.full((len(X), len(Z)), self.value("constant_value", params))

    def diagonal(self, X, params):
        return jnp.full(len(X), self.value("constant_value", params))


class _White(_Leaf):
    def square(self, X, params):
        return self.value("noise_level", params) * jnp.eye(len(X))

    def cross(self, X, Z, params):
        return jnp.zeros((len(X), len(Z)))

    def diagonal(self, X, params):
        return jnp.full(len(X), self.value("noise_level", params))


@dataclass(frozen=True)
class _Sum(Program):
    k1: Any
    k2: Any

    def square(self, X, params):
        return self.k1.square(X, params) + self.k2.square(X, params)

    def cross(self, X, Z, params):
        return self.k1.cross(X, Z, params) + self.k2.cross(X, Z, params)

    def diagonal(self, X, params):
        return self.k1.diagonal(X, params) + self.k2.diagonal(X, params)


@dataclass(frozen=True)
class _Product(Program):
    k1: Any
    k2: Any

    def square(self, X, params):
        return self.k1.square(X, params) * self.k2.square(X, params)

    def cross(self, X, Z, params):
        return self.k1.cross(X, Z, params) * self.k2.cross(X, Z, params)

    def diagonal(self, X, params):
        return self.k1.diagonal(X, params) * self.k2.diagonal(X, params)


@dataclass(frozen=True)
class _Power(Program):
    kernel: Any
    exponent: float

    def square(self, X, params):
        return self.kernel.square(X, params) ** self.exponent

    def cross(self, X, Z, params):
        return self.kernel.cross(X, Z, params) ** self.exponent

    def diagonal(self, X, params):
        return self.kernel.diagonal(X, params) ** self.exponent


_LEAVES = {
    kernels.ConstantKernel: (_Constant, ("constant_value",)),
    kernels.DotProduct: (_DotProduct, ("sigma_0",)),
    kernels.ExpSineSquared: (_ExpSineSquared, ("length_scale", "periodicity")),
    kernels.Matern: (_Matern, ("length_scale",)),
    kernels.RationalQuadratic: (_RationalQuadratic, ("length_scale", "alpha")),
    kernels.RBF: (_RBF, ("length_scale",)),
    kernels.WhiteKernel: (_White, ("noise_level",)),
}
_MATERN_NU = (0.5, 1.5, 2.5, np.inf)


def covariance_for(kernel, prefix="kernel__", learnable=True, chosen=()):
    """Translate a kernel of scikit-learn.

    Parameters
    ----------
    kernel : Kernel
        Of ``sklearn.gaussian_process.kernels``.
    prefix : str, default="kernel__"
        What stands before the names of its parameters.
    learnable : bool, default=True
        Whether its positive parameters may be learned.
    chosen : tuple of str, default=()
        Names of parameters that ``fit`` chooses, numbers or arrays.

    Returns
    -------
    covariance : object
        With ``square``, ``cross`` and ``diagonal``, see above.
    learned : dict of str to float
        What may be learned: single positive parameters.

    Raises
    ------
    ValueError
        If there is no counterpart; the message names the kernel.
    """
    kind = type(kernel)
    if kind in (kernels.Sum, kernels.Product):
        k1, learned1 = covariance_for(kernel.k1, prefix + "k1__", learnable, chosen)
        k2, learned2 = covariance_for(kernel.k2, prefix + "k2__", learnable, chosen)
        join = _Sum if kind is kernels.Sum else _Product
        return join(k1, k2), {**learned1, **learned2}
    if kind is kernels.Exponentiation:
        base, learned = covariance_for(
            kernel.kernel, prefix + "kernel__", learnable, chosen
        )
        return _Power(base, kernel.exponent), learned
    if kind not in _LEAVES or getattr(kernel, "nu", np.inf) not in _MATERN_NU:
        supported = ", ".join(sorted(known.__name__ for known in _LEAVES))
        raise NotMirrored(
            f"Gaussian processes cannot be distilled for with the kernel {kernel!r}. "
            f"Supported: {supported} (Matern with nu in {_MATERN_NU}), their sums, "
            "products and powers."
        )
    leaf, names = _LEAVES[kind]
    learned, fixed = {}, []
    for name in names:
        value = getattr(kernel, name)
        if prefix + name in chosen:
            continue
        if learnable and np.ndim(value) == 0 and value > 0:
            learned[prefix + name] = float(value)
        else:
            fixed.append(
                (name, tuple(map(float, value)) if np.ndim(value) else float(value))
            )
    is_limit = getattr(kernel, "nu", np.inf) == np.inf
    degree = None if is_limit else int(kernel.nu - 0.5)
    return leaf(prefix, tuple(fixed), degree), learned


def _root(square):
    """Square root with derivative zero at zero."""
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
