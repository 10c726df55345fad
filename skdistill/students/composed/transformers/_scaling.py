"""Scalers: ``(X - center) / scale`` with statistics of each feature.

As in scikit-learn, the scale of constant features is one. Its derivative is zero.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from skdistill._programs import Program
from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import TransformerMirror

EPS = float(np.finfo(np.float64).eps)


class Scaling(NamedTuple):
    """Statistics of a scaler.

    Attributes
    ----------
    center, scale : array of shape (p,)
        Shift and divisor of each feature.
    """

    center: Any
    scale: Any


class _Scaler(TransformerMirror):
    is_flexible = True
    is_affine = True

    def fit(self, X, is_row):
        """Return the Scaling."""
        return Scaling(*self._center_and_scale(X, is_row))

    def transform(self, stats, X):
        """Shift and scale every feature."""
        return (X - stats.center.astype(X.dtype)) / stats.scale.astype(X.dtype)

    def stats_of(self, fitted):
        """Return the Scaling that scikit-learn found."""
        zeros = np.zeros(fitted.n_features_in_)
        center, scale = self._found(fitted)
        return Scaling(
            zeros if center is None else np.asarray(center, dtype=np.float64),
            zeros + 1 if scale is None else np.asarray(scale, dtype=np.float64),
        )

    @abstractmethod
    def _center_and_scale(self, X, is_row):
        """Return center and scale, in JAX."""

    @abstractmethod
    def _found(self, fitted):
        """Return center and scale of scikit-learn's fit, or None for unused ones."""


@dataclass(frozen=True)
class Standard(_Scaler):
    """Mirror of ``StandardScaler``; a pipeline does not pass weights to it."""

    with_mean: bool
    with_std: bool

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        return cls(bool(transformer.with_mean), bool(transformer.with_std))

    @property
    def is_flexible(self):
        """Whether features are divided by their spread."""
        return self.with_std

    def _center_and_scale(self, X, is_row):
        m, mean = is_row.sum(), of_rows.mean(X, is_row)
        variance = of_rows.mean((X - mean) ** 2, is_row)
        # scikit-learn treats such a variance as a rounding error of zero.
        rounding = m * EPS * variance + (m * mean * EPS) ** 2
        scale = _unless(variance <= rounding, variance, jnp.sqrt)
        return mean * self.with_mean, scale if self.with_std else jnp.ones_like(mean)

    def _found(self, fitted):
        return fitted.mean_ if self.with_mean else None, fitted.scale_


@dataclass(frozen=True)
class MinMax(Program, _Scaler):
    """Mirror of ``MinMaxScaler``."""

    low: float
    high: float
    clip: bool

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        low, high = transformer.feature_range
        return cls(float(low), float(high), bool(transformer.clip))

    @property
    def is_affine(self):
        """Whether values are not clipped."""
        return not self.clip

    def transform(self, stats, X):
        """Shift and scale every feature to the range."""
        Z = super().transform(stats, X)
        return jnp.clip(Z, self.low, self.high) if self.clip else Z

    def _center_and_scale(self, X, is_row):
        low = of_rows.minimum(X, is_row)
        scale = _nonzero(of_rows.maximum(X, is_row) - low) / (self.high - self.low)
        return low - self.low * scale, scale

    def _found(self, fitted):
        scale = 1 / fitted.scale_
        return fitted.data_min_ - self.low * scale, scale


@dataclass(frozen=True)
class MaxAbs(_Scaler):
    """Mirror of ``MaxAbsScaler``."""

    clip: bool

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        return cls(bool(getattr(transformer, "clip", False)))

    @property
    def is_affine(self):
        """Whether values are not clipped."""
        return not self.clip

    def transform(self, stats, X):
        """Scale every feature."""
        Z = super().transform(stats, X)
        return jnp.clip(Z, -1.0, 1.0) if self.clip else Z

    def _center_and_scale(self, X, is_row):
        return jnp.zeros_like(X[0]), _nonzero(of_rows.maximum(jnp.abs(X), is_row))

    def _found(self, fitted):
        return None, fitted.scale_


@dataclass(frozen=True)
class Robust(Program, _Scaler):
    """Mirror of ``RobustScaler``.

    The distance of the quantiles becomes ``spread``. It is that in a normal
    distribution of unit variance if ``unit_variance`` is true, and otherwise one.
    """

    with_centering: bool
    with_scaling: bool
    quantile_range: tuple
    spread: float

    # Interpolated quantiles depend on the number of copies.
    ignores_copies = False

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        quantile_range = tuple(float(q) for q in transformer.quantile_range)
        spread = 1.0
        if transformer.unit_variance:
            low, high = norm.ppf(np.array(quantile_range) / 100)
            spread = float(high - low)
        return cls(
            bool(transformer.with_centering),
            bool(transformer.with_scaling),
            quantile_range,
            spread,
        )

    @property
    def is_flexible(self):
        """Whether features are divided by their spread."""
        return self.with_scaling

    def _center_and_scale(self, X, is_row):
        shares = jnp.array(self.quantile_range) / 100
        low, high = of_rows.quantiles(X, is_row, shares)
        scale = _nonzero(high - low) / self.spread
        center = of_rows.median(X, is_row) * self.with_centering
        return center, scale if self.with_scaling else jnp.ones_like(center)

    def _found(self, fitted):
        return fitted.center_, fitted.scale_


def _nonzero(scale):
    """Return the scale, which is one instead of zero (up to rounding)."""
    return _unless(scale < 10 * EPS, scale, lambda scale: scale)


def _unless(is_constant, values, function):
    """Return a function of values, or one for constants, with finite derivatives."""
    return jnp.where(is_constant, 1.0, function(jnp.where(is_constant, 1.0, values)))
