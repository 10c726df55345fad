"""Quadratic discriminant student, for ``QuadraticDiscriminantAnalysis``.

With the mean ``mu_c`` and the covariance ``C_c`` of each class (divided by the number
of its rows), the joint log-likelihood is, up to a constant,

    log(prior_c) - 1/2 log det S_c - 1/2 (x - mu_c) S_c^-1 (x - mu_c).

``solver="svd"`` uses ``S = (1 - r) C + r I``, where ``r`` is ``reg_param``.
``solver="eigen"`` uses ``S = (1 - s) C + s tr(C) / p I``, where ``s`` is ``shrinkage``.
scikit-learn raises an error if an eigenvalue of ``S`` is at most ``tol``. Here
predictions are NaN for such rows, so that no iteration ends at them.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular

from skdistill._programs import Program
from skdistill.objectives._losses import MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent
from skdistill.students.moments._class_moments import (
    class_means,
    class_priors,
    class_weights,
    given_priors,
)


class QuadraticParams(NamedTuple):
    """A Gaussian for each class.

    Attributes
    ----------
    mean : array of shape (k, p)
        Means of the classes.
    whitener : array of shape (k, p, p)
        Inverses of the Cholesky factors of the covariances, so that the covariance of
        ``whitener @ (x - mean)`` is the identity.
    log_prior : array of shape (k,)
        Logarithms of the priors of the classes.
    """

    mean: Any
    whitener: Any
    log_prior: Any


def joint_log_likelihood(params, X):
    """Return the joint log-likelihood (n, k) of rows and classes, up to a constant."""

    def of_class(gaussian):
        mean, whitener = (each.astype(X.dtype) for each in gaussian)
        square = (((X - mean) @ whitener.T) ** 2).sum(axis=1)
        return jnp.log(jnp.diagonal(whitener)).sum() - square / 2

    # Take one class at a time, because all would be too large for the memory.
    likelihood = lax.map(of_class, (params.mean, params.whitener)).T
    return likelihood + params.log_prior.astype(X.dtype)


@dataclass(frozen=True)
class _Training(Program):
    priors: tuple | None
    by_svd: bool
    strength: float
    tol: float

    def __call__(self, synthetic, is_row):
        weight = class_weights(synthetic)
        mean = class_means(synthetic.X, weight)
        share = weight / weight.sum(axis=0)

        def whitener(of_class):
            share, mean = of_class
            centered = synthetic.X - mean
            covariance = (centered * share[:, None]).T @ centered
            p = len(covariance)
            target = 1.0 if self.by_svd else jnp.trace(covariance) / p
            S = (1 - self.strength) * covariance + self.strength * target * jnp.eye(p)
            least = jnp.linalg.eigvalsh(lax.stop_gradient(S))[0]
            S = jnp.where(least > self.tol, S, jnp.nan)
            return solve_triangular(jnp.linalg.cholesky(S), jnp.eye(p), lower=True)

        whiteners = lax.map(whitener, (share.T, mean))
        log_prior = jnp.log(class_priors(weight, self.priors))
        return QuadraticParams(mean, whiteners, log_prior)


class QuadraticStudent(PaddedStudent):
    """Student of ``QuadraticDiscriminantAnalysis``, with the log-loss of its posterior.

    Parameters
    ----------
    estimator : QuadraticDiscriminantAnalysis
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    hyperparameters = {}
    loss_name = "log_loss"
    is_judged_by_ranking = True
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)
    raw_prediction = staticmethod(joint_log_likelihood)

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        self.priors = given_priors(estimator.priors, task.classes)
        by_svd = estimator.solver == "svd"
        strength = estimator.reg_param if by_svd else estimator.shrinkage or 0.0
        self.train = _Training(
            self.priors, by_svd, float(strength), float(estimator.tol)
        )

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def solve(self, synthetic, start=None):
        """Return the Gaussians of the classes."""
        p, name = synthetic.X.shape[1], type(self.estimator).__name__
        # With as many rows as features, one singular value is zero.
        if self.train.strength == 0:
            least, remedy = p + 1, "reg_param, or solver='eigen' with a shrinkage"
        elif self.train.by_svd:
            least, remedy = max(p, 2), "solver='eigen' with a shrinkage"
        else:
            least, remedy = 2, "no class with a single row"
        if (synthetic.y.sum(axis=0) < least).any():
            raise ValueError(
                f"{name} needs at least {least} rows of each class to estimate the "
                f"covariances of {p} features. Pass a larger n_synthetic, or {remedy}."
            )
        return super().solve(synthetic)

    def params_of(self, estimator, synthetic):
        """Return the Gaussians that scikit-learn found."""
        covariances = [
            (rotation * scaling) @ rotation.T
            for rotation, scaling in zip(
                estimator.rotations_, estimator.scalings_, strict=True
            )
        ]
        whitener = np.linalg.inv(np.linalg.cholesky(np.array(covariances)))
        return QuadraticParams(estimator.means_, whitener, np.log(estimator.priors_))


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.covariance_estimator is not None:
        refused.append("covariance_estimator")
    shrinkage = estimator.shrinkage
    if estimator.solver == "svd":
        if shrinkage is not None:
            refused.append(f"solver='svd' and shrinkage={shrinkage!r}")
    elif not (shrinkage is None or isinstance(shrinkage, Real)):
        refused.append(f"shrinkage={shrinkage!r}")
    if refused:
        raise NotMirrored(
            f"QuadraticDiscriminantAnalysis cannot be distilled with "
            f"{', '.join(refused)}. Supported: solver='svd' with any reg_param, "
            "solver='eigen' with a number as shrinkage or none, and any priors."
        )
