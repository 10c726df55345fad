"""Transformers that project rows onto their leading directions.

The directions are eigenvectors ``v_i`` of ``C = X' X``, with eigenvalues ``l_i``. A
change ``dC`` moves them by ``(l_i I - C)^+ dC v_i``. So the derivative only requires
gaps between the eigenvalues of the selected directions and all other eigenvalues, even
if there are fewer rows than features.
"""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import TransformerMirror, refuse

#: Minimum gap that is not rounding, in units of the largest eigenvalue.
LEAST_GAP = 1e-12


class Projection(NamedTuple):
    """Fitted attributes of a projection.

    Attributes
    ----------
    center : array of shape (p,)
        Center, which is subtracted first.
    components : array of shape (r, p)
        Directions, with the same signs as in scikit-learn.
    scale : array of shape (r,)
        Divisors of the projections.
    """

    center: Any
    components: Any
    scale: Any


class _Projector(TransformerMirror):
    n_components: int | None

    def transform(self, stats, X):
        """Return the projections of the rows."""
        center, components, scale = (leaf.astype(X.dtype) for leaf in stats)
        return (X - center) @ components.T / scale

    def n_features_out(self, n_features):
        """Return the number of directions."""
        return n_features if self.n_components is None else self.n_components

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if some directions are not unique."""
        rank = self.n_features_out(n_features)
        if not rank <= n_features or n_rows <= rank:
            raise NotMirrored(
                f"{self.name} cannot be differentiated with n_components={rank} on "
                f"{n_rows} synthetic rows of {n_features} features. Supported: at most "
                "as many components as features, and fewer than rows."
            )


@dataclass(frozen=True)
class PrincipalComponents(_Projector):
    """Mirror of ``PCA``."""

    n_components: int | None
    whiten: bool
    svd_solver: str

    name = "PCA"

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        n_components, solver = transformer.n_components, transformer.svd_solver
        refuse(
            "PCA",
            {
                f"n_components={n_components!r}": not _is_count(n_components)
                and n_components is not None,
                f"svd_solver={solver!r}": solver == "randomized",
                f"tol={transformer.tol}": solver == "arpack" and transformer.tol > 0,
                "n_components=None and svd_solver='arpack'": solver == "arpack"
                and n_components is None,
            },
            "n_components as an integer or None, and exact solvers",
        )
        return cls(n_components, bool(transformer.whiten), solver)

    @property
    def ignores_copies(self):
        """Whether copies have no effect, unlike in the variance for whitening."""
        return not self.whiten

    @property
    def is_flexible(self):
        """Whether projections are divided by their spread."""
        return self.whiten

    def fit(self, X, is_row):
        """Return the Projection."""
        center = of_rows.mean(X, is_row)
        rank = self.n_features_out(X.shape[1])
        centered = of_rows.only(X - center, is_row)
        components, squares = leading_directions(centered, rank)
        scale = jnp.ones(rank)
        if self.whiten:
            scale = jnp.sqrt(squares / (is_row.sum() - 1))
        return Projection(center, components, scale)

    def stats_of(self, fitted):
        """Return the Projection that scikit-learn found."""
        variance = np.asarray(fitted.explained_variance_, dtype=np.float64)
        return Projection(
            np.asarray(fitted.mean_, dtype=np.float64),
            np.asarray(fitted.components_, dtype=np.float64),
            np.sqrt(variance) if self.whiten else np.ones(len(variance)),
        )

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if "auto" is not exact, or if directions are not unique."""
        super().refuse_rows(n_rows, n_features)
        rank, least = self.n_features_out(n_features), min(n_rows, n_features)
        is_tall = n_features <= 1000 and n_rows >= 10 * n_features
        is_small = max(n_rows, n_features) <= 500
        is_exact = is_tall or is_small or rank >= 0.8 * least
        if self.svd_solver == "auto" and not is_exact:
            raise NotMirrored(
                f"PCA with svd_solver='auto' uses a random algorithm for {n_rows} rows "
                f"of {n_features} features, which cannot be differentiated. Pass "
                "svd_solver='full'."
            )


@dataclass(frozen=True)
class SingularVectors(_Projector):
    """Mirror of ``TruncatedSVD``."""

    n_components: int

    name = "TruncatedSVD"

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        algorithm = transformer.algorithm
        refuse(
            "TruncatedSVD",
            {
                f"algorithm={algorithm!r}": algorithm != "arpack",
                f"tol={transformer.tol}": transformer.tol > 0,
            },
            "algorithm='arpack' with tol=0, which is exact",
        )
        return cls(int(transformer.n_components))

    def fit(self, X, is_row):
        """Return the Projection."""
        X = of_rows.only(X, is_row)
        components, _ = leading_directions(X, self.n_components)
        return Projection(
            jnp.zeros(X.shape[1]), components, jnp.ones(self.n_components)
        )

    def stats_of(self, fitted):
        """Return the Projection that scikit-learn found."""
        components = np.asarray(fitted.components_, dtype=np.float64)
        rank, p = components.shape
        return Projection(np.zeros(p), components, np.ones(rank))

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if arpack cannot find all directions."""
        super().refuse_rows(n_rows, n_features)
        if self.n_components == n_features:
            raise NotMirrored(
                f"TruncatedSVD cannot be differentiated with n_components={n_features} "
                f"on {n_features} features. Supported: fewer components than features."
            )


def _is_count(value):
    return isinstance(value, Integral) and value > 0


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def leading_directions(X, rank):
    """Return the leading right singular vectors, and the squared singular values.

    Parameters
    ----------
    X : array of shape (m, p)
        Rows.
    rank : int
        Number of vectors, which is less than that of the rows.

    Returns
    -------
    components : array of shape (rank, p)
        Vectors whose largest entry is positive.
    squares : array of shape (rank,)
        Eigenvalues of ``X' X``, in descending order.
    """
    return _directions_forward(X, rank)[0]


def _directions_forward(X, rank):
    _, singular, V = jnp.linalg.svd(X, full_matrices=False)
    largest = jnp.abs(V).argmax(axis=1)
    V = V * jnp.sign(jnp.take_along_axis(V, largest[:, None], axis=1))
    squares = singular**2
    return (V[:rank], squares[:rank]), (X, V, squares)


def _directions_backward(rank, saved, cotangent):
    X, V, squares = saved
    on_components, on_squares = cotangent
    kept, least = V[:rank], LEAST_GAP * squares[0]
    gaps = squares[:rank, None] - squares
    # Ignore rotations of directions with equal eigenvalues, for which there is no
    # derivative.
    is_gap = jnp.abs(gaps) > least
    coordinates = on_components @ V.T
    adjoint = jnp.where(is_gap, coordinates / jnp.where(is_gap, gaps, 1), 0) @ V
    across = on_components - coordinates @ V
    adjoint += across / jnp.maximum(squares[:rank, None], least)
    adjoint += on_squares[:, None] * kept
    return ((X @ adjoint.T) @ kept + (X @ kept.T) @ adjoint,)


leading_directions.defvjp(_directions_forward, _directions_backward)
