"""Transformers that make more features of each row, by formula."""

from dataclasses import dataclass
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from sklearn.preprocessing import PolynomialFeatures

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
        """Multiply features; derivatives are finite where they are zero."""
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
    """Return the factors (q, degree) of each monomial: features, or p for a one."""
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
