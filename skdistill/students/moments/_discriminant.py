"""Linear discriminant student, the counterpart of ``LinearDiscriminantAnalysis``.

With the means ``M`` (k, p) of the classes, their priors and the covariance ``S`` within
classes, the classes are ranked by ``x S^-1 mu_c - mu_c S^-1 mu_c / 2 + log(prior_c)``.

With ``solver="svd"``, ``Z`` (m, p) are the deviations of the rows from class means, in
units of the standard deviation ``D`` of each feature, so that ``Z' Z = D^-1 S D^-1``.
Directions with singular values up to ``tol`` are ignored, so the inverse is
``D^-1 pinv(Z) pinv(Z)' D^-1``. Directions in which the means hardly differ are ignored,
too. The other solvers invert ``(1 - shrinkage) S + shrinkage tr(S) / p I``, where ``S``
is a mean over classes weighted with the priors.
"""

from dataclasses import dataclass
from numbers import Real

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve

from skdistill._programs import Program
from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent
from skdistill.students._params import LinearParams
from skdistill.students.linear._base import linear_raw_prediction
from skdistill.students.moments._class_moments import (
    class_means,
    class_priors,
    class_weights,
    given_priors,
)


@jax.custom_jvp
def _pinv(A, cutoff):
    """Return the pseudo-inverse without singular values up to ``cutoff``."""
    U, s, Vt = jnp.linalg.svd(A, full_matrices=False)
    inverse = jnp.where(s > cutoff, 1 / jnp.where(s > cutoff, s, 1.0), 0.0)
    return (Vt.T * inverse) @ U.T


@_pinv.defjvp
def _pinv_jvp(primals, tangents):
    """Return the derivative for a constant rank (Golub and Pereyra, 1973)."""
    (A, cutoff), (dA, _) = primals, tangents
    P = _pinv(A, cutoff)
    across = P @ (P.T @ dA.T - (P.T @ dA.T @ A) @ P)
    along = dA.T @ P.T - P @ (A @ dA.T @ P.T)
    return P, along @ P + across - P @ dA @ P


def _largest_singular_value(A):
    return jax.lax.stop_gradient(jnp.linalg.svd(A, compute_uv=False)[0])


@dataclass(frozen=True)
class _Training(Program):
    priors: tuple | None
    shrinkage: float | None
    tol: float

    def __call__(self, synthetic, is_row):
        weight = class_weights(synthetic)
        means = class_means(synthetic.X, weight)
        priors = class_priors(weight, self.priors)
        centered = (synthetic.X - synthetic.y @ means) * is_row[:, None]
        if self.shrinkage is None:
            params = self._by_svd(centered, is_row.sum(), means, priors)
        else:
            share = synthetic.y @ (priors / weight.sum(axis=0))
            params = self._by_shrinkage(centered, share, means, priors)
        if len(priors) == 2:
            params = LinearParams(*(part[1:] - part[:1] for part in params))
        return params

    def _by_svd(self, centered, m, means, priors):
        k = len(means)
        variance = (centered**2).sum(axis=0) / m
        scale = jnp.sqrt(jnp.where(variance > 0, variance, 1.0))
        inverse = _pinv(centered / scale / jnp.sqrt(m), self.tol)
        origin = priors @ means
        # Means in coordinates in which the covariance within classes is the identity.
        white = ((means - origin) / scale) @ inverse
        between = jnp.sqrt(m * priors / (k - 1))[:, None] * white
        cutoff = self.tol * _largest_singular_value(between)
        white = (white @ _pinv(between, cutoff)) @ between
        coef = white @ inverse.T / scale
        intercept = jnp.log(priors) - (white**2).sum(axis=1) / 2 - coef @ origin
        return LinearParams(coef, intercept)

    def _by_shrinkage(self, centered, share, means, priors):
        covariance = (centered * share[:, None]).T @ centered
        p = len(covariance)
        ridge = self.shrinkage * jnp.trace(covariance) / p
        system = (1 - self.shrinkage) * covariance + ridge * jnp.eye(p)
        coef = cho_solve(cho_factor(system), means.T).T
        intercept = jnp.log(priors) - (means * coef).sum(axis=1) / 2
        return LinearParams(coef, intercept)


class DiscriminantStudent(PaddedStudent):
    """Student of ``LinearDiscriminantAnalysis``, with the log-loss of its posterior.

    Parameters
    ----------
    estimator : LinearDiscriminantAnalysis
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
    raw_prediction = staticmethod(linear_raw_prediction)

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        is_binary = len(task.classes) == 2
        loss = BINARY_LOG_LOSS if is_binary else MULTINOMIAL_LOG_LOSS
        self.outer_loss = loss.traced
        self.priors = given_priors(estimator.priors, task.classes)
        self.shrinkage = None
        if estimator.solver != "svd":
            self.shrinkage = float(estimator.shrinkage)
        self.tol = float(estimator.tol)
        self.train = _Training(self.priors, self.shrinkage, self.tol)

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def solve(self, synthetic, start=None):
        """Return the coefficients and intercepts of the classes."""
        m, k = synthetic.y.shape
        if m <= k:
            raise ValueError(
                f"LinearDiscriminantAnalysis needs more rows than the {k} classes to "
                f"estimate the covariance. Pass n_synthetic of at least {k + 1}."
            )
        return super().solve(synthetic)

    def params_of(self, estimator, synthetic):
        """Return the coefficients that scikit-learn found."""
        return LinearParams(estimator.coef_, estimator.intercept_)


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    shrinkage = estimator.shrinkage
    if estimator.covariance_estimator is not None:
        refused.append("covariance_estimator")
    if estimator.solver == "svd":
        if shrinkage is not None:
            refused.append(f"solver='svd' and shrinkage={shrinkage!r}")
    elif not isinstance(shrinkage, Real) or shrinkage == 0:
        refused.append(f"solver={estimator.solver!r} and shrinkage={shrinkage!r}")
    if refused:
        raise NotMirrored(
            f"LinearDiscriminantAnalysis cannot be distilled with {', '.join(refused)}."
            " Supported: solver='svd' without shrinkage, solver='lsqr' or 'eigen' with "
            "a shrinkage above 0, and any priors."
        )
