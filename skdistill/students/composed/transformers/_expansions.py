"""Transformers that compute additional features of each row: polynomials, splines.

B-splines of degree ``d`` on knots ``t`` follow from those of degree ``d - 1``, called
``B_i``, by the recursion of Cox and de Boor::

    (x - t_i) / (t_{i+d} - t_i) B_i + (t_{i+d+1} - x) / (t_{i+d+1} - t_{i+1}) B_{i+1}

Those of degree zero are one in the interval of knots that contains ``x``.
"""

from dataclasses import dataclass
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from sklearn.preprocessing import PolynomialFeatures

from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import TransformerMirror, refuse
from skdistill.students.composed.transformers._rows import _Stateless


@dataclass(frozen=True)
class Polynomial(_Stateless):
    """Mirror of ``PolynomialFeatures``."""

    degree: int | tuple
    interaction_only: bool
    include_bias: bool

    is_flexible = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        degree = transformer.degree
        return cls(
            int(degree) if np.isscalar(degree) else tuple(degree),
            bool(transformer.interaction_only),
            bool(transformer.include_bias),
        )

    def transform(self, stats, X):
        """Return products of features. Derivatives are finite at zero."""
        n, p = X.shape
        with_one = jnp.hstack([X, jnp.ones((n, 1), X.dtype)])
        first, *others = self._factors(p).T
        product = with_one[:, first]
        for factor in others:
            product = product * with_one[:, factor]
        return product

    def n_features_out(self, n_features):
        """Return the number of monomials."""
        return len(self._factors(n_features))

    def _factors(self, n_features):
        return _factors_of_monomials(
            n_features, self.degree, self.interaction_only, self.include_bias
        )


@lru_cache(maxsize=32)
def _factors_of_monomials(n_features, degree, interaction_only, include_bias):
    """Return the factors (q, degree) of each monomial; index p stands for a one."""
    powers = (
        PolynomialFeatures(
            degree, interaction_only=interaction_only, include_bias=include_bias
        )
        .fit(np.zeros((1, n_features)))
        .powers_
    )
    width = max(int(powers.sum(axis=1).max()), 1)
    factors = np.full((len(powers), width), n_features)
    for factor, power in zip(factors, powers, strict=True):
        features = np.repeat(np.arange(n_features), power)
        factor[: len(features)] = features
    return factors


@dataclass(frozen=True)
class Splines(TransformerMirror):
    """Mirror of ``SplineTransformer``; ``stats`` are the knots (n_knots + 2 d, p)."""

    n_knots: int
    degree: int
    knots: str
    extrapolation: str
    include_bias: bool

    is_flexible = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        knots, extrapolation = transformer.knots, transformer.extrapolation
        refuse(
            "SplineTransformer",
            {
                "knots as an array": not isinstance(knots, str),
                f"extrapolation={extrapolation!r}": extrapolation
                not in ("constant", "continue"),
                "sparse_output=True": transformer.sparse_output,
            },
            "knots='uniform' or 'quantile', extrapolation='constant' or 'continue', "
            "dense output",
        )
        return cls(
            int(transformer.n_knots),
            int(transformer.degree),
            knots,
            extrapolation,
            bool(transformer.include_bias),
        )

    @property
    def ignores_copies(self):
        """Whether copies have no effect, unlike in interpolated quantiles."""
        return self.knots == "uniform"

    def fit(self, X, is_row):
        """Return the knots."""
        share = jnp.linspace(0, 1, self.n_knots)
        if self.knots == "quantile":
            inner = of_rows.quantiles(X, is_row, share)
        else:
            low, high = of_rows.minimum(X, is_row), of_rows.maximum(X, is_row)
            inner = (1 - share)[:, None] * low + share[:, None] * high
        steps = jnp.arange(1, self.degree + 1)[:, None]
        before = inner[0] - steps[::-1] * (inner[1] - inner[0])
        after = inner[-1] + steps * (inner[-1] - inner[-2])
        return jnp.concatenate([before, inner, after])

    def transform(self, stats, X):
        """Return the B-splines of every feature, one feature after the other."""
        t, d = stats.astype(X.dtype), self.degree
        first, last = t[d], t[len(t) - d - 1]
        inside = jnp.clip(X, first, last)
        x = inside if self.extrapolation == "constant" else X
        # Find the interval of each value. The last interval contains its right end.
        ends = t[d + 1 : len(t) - d - 1]
        interval = d + (inside >= ends[:, None]).sum(axis=0)
        is_in = jnp.arange(len(t) - 1)[:, None, None] == interval
        splines = is_in.astype(X.dtype)
        for k in range(1, d + 1):
            rising = _ratio(x - t[: -k - 1, None], (t[k:-1] - t[: -k - 1])[:, None])
            falling = _ratio(t[k + 1 :, None] - x, (t[k + 1 :] - t[1:-k])[:, None])
            splines = rising * splines[:-1] + falling * splines[1:]
        if not self.include_bias:
            splines = splines[:-1]
        return jnp.moveaxis(splines, 0, 2).reshape(len(X), -1)

    def stats_of(self, fitted):
        """Return the knots that scikit-learn found."""
        return np.column_stack([spline.t for spline in fitted.bsplines_])

    def n_features_out(self, n_features):
        """Return the number of splines."""
        return n_features * (self.n_knots + self.degree - 2 + self.include_bias)


def _ratio(numerator, denominator):
    """Return a ratio, which is zero for equal knots."""
    is_zero = denominator == 0
    return jnp.where(is_zero, 0, numerator / jnp.where(is_zero, 1, denominator))
