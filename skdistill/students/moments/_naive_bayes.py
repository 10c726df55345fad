"""Gaussian naive Bayes student, the counterpart of ``GaussianNB``.

With the weighted mean ``mu_c`` and variance ``v_c`` of the features in each class, the
joint log-likelihood is

    log(prior_c) - 1/2 sum_j log(2 pi s_cj) + (x_j - mu_cj)^2 / s_cj,   s = v + eps,

where ``eps = var_smoothing * max_j var(X_j)`` uses all rows without weights. A class
with a single row has the variance ``eps``.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

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


class GaussianParams(NamedTuple):
    """A Gaussian with independent features for each class.

    Attributes
    ----------
    mean, variance : array of shape (k, p)
        Mean and variance of each feature in each class.
    log_prior : array of shape (k,)
        Logarithms of the priors of the classes.
    """

    mean: Any
    variance: Any
    log_prior: Any


def joint_log_likelihood(params, X):
    """Return the joint log-likelihood (n, k) of each row and class."""

    def of_class(moments):
        mean, variance = (each.astype(X.dtype) for each in moments)
        # Do not expand the square: rounding errors would exceed small variances.
        square = ((X - mean) ** 2 / variance).sum(axis=1)
        return -(square + jnp.log(2 * jnp.pi * variance).sum()) / 2

    # Take one class at a time, because all would be too large for the memory.
    likelihood = lax.map(of_class, (params.mean, params.variance)).T
    return likelihood + params.log_prior.astype(X.dtype)


@dataclass(frozen=True)
class _Training(Program):
    priors: tuple | None

    def __call__(self, synthetic, is_row):
        X = synthetic.X
        weight = class_weights(synthetic)
        mean = class_means(X, weight)
        share = weight / weight.sum(axis=0)
        variance = lax.map(lambda each: each[0] @ (X - each[1]) ** 2, (share.T, mean))
        smoothing = synthetic.hyperparameters["var_smoothing"]
        of_row = is_row / is_row.sum()
        variance += smoothing * (of_row @ (X - of_row @ X) ** 2).max()
        log_prior = jnp.log(class_priors(weight, self.priors))
        return GaussianParams(mean, variance, log_prior)


class GaussianNBStudent(PaddedStudent):
    """Student of ``GaussianNB``, with the log-loss of its posterior.

    Parameters
    ----------
    estimator : GaussianNB
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If ``var_smoothing=0``.
    """

    loss_name = "log_loss"
    is_judged_by_ranking = True
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)
    raw_prediction = staticmethod(joint_log_likelihood)
    soft_labels = True

    def __init__(self, estimator, task):
        if not estimator.var_smoothing > 0:
            raise NotMirrored(
                "GaussianNB cannot be distilled with var_smoothing=0, because equal "
                "rows of a class have no variance. Supported: var_smoothing > 0."
            )
        super().__init__(estimator, task)
        self.hyperparameters = {"var_smoothing": float(estimator.var_smoothing)}
        self.priors = given_priors(estimator.priors, task.classes)
        self.train = _Training(self.priors)

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def params_of(self, estimator, synthetic):
        """Return the moments that scikit-learn found."""
        return GaussianParams(
            estimator.theta_, estimator.var_, np.log(estimator.class_prior_)
        )
