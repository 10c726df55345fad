"""Nearest centroid student, the counterpart of ``NearestCentroid``.

The classes are ranked by

    2 log(prior_c) - sum_j ((x_j - mu_cj) / s_j)^2

with the mean ``mu_c`` of each class and the standard deviation ``s`` within classes,
with ``m - k`` degrees of freedom. If the priors are equal, ``predict`` uses the plain
distance instead, with ``s = 1``, and so does the student. Its outer loss is then a
softmax with a ``sharpness``, a smoothing parameter that does not change predictions. It
is in units of the inverse variance of the centroids.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill._programs import Program
from skdistill.objectives._losses import MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent
from skdistill.students.kernel._kernels import squared_distances
from skdistill.students.moments._class_moments import (
    class_means,
    class_priors,
    class_weights,
    given_priors,
)


class CentroidParams(NamedTuple):
    """Centers of the classes.

    Attributes
    ----------
    centroids : array of shape (k, p)
        The centers.
    scale : array of shape (p,)
        Unit of each feature.
    log_prior : array of shape (k,)
        Logarithms of the priors of the classes.
    sharpness : float
        Factor of the squared distances.
    """

    centroids: Any
    scale: Any
    log_prior: Any
    sharpness: Any


def discriminant_scores(params, X):
    """Return scores (n, k) of the classes."""
    scale = params.scale.astype(X.dtype)
    square = squared_distances(X / scale, params.centroids.astype(X.dtype) / scale)
    score = 2 * params.log_prior - params.sharpness * square.astype(jnp.float64)
    return score.astype(X.dtype)


@jax.jit
def _assemble(centroids, deviation, priors, sharpness):
    """Return the params, given centroids, deviations within classes and priors."""
    variance = ((centroids - centroids.mean(axis=0)) ** 2).sum(axis=1).mean()
    sharpness = sharpness / jnp.where(variance > 0, variance, 1.0)
    equal = jnp.isclose(priors, 1 / len(priors)).all()
    scale = jnp.where(equal | (deviation == 0), 1.0, deviation)
    return CentroidParams(
        centroids, scale, jnp.log(priors), jnp.where(equal, sharpness, 1.0)
    )


@dataclass(frozen=True)
class _Training(Program):
    priors: tuple | None

    def __call__(self, synthetic, is_row):
        X, y, _, hyperparameters = synthetic
        weight = class_weights(synthetic)
        centroids = class_means(X, weight)
        degrees = jnp.maximum(is_row.sum() - y.shape[1], 1)
        variance = is_row @ (X - y @ centroids) ** 2 / degrees
        # The square root has no derivative at zero.
        deviation = jnp.where(variance > 0, variance, 1.0) ** 0.5 * (variance > 0)
        priors = class_priors(weight, self.priors)
        return _assemble(centroids, deviation, priors, hyperparameters["sharpness"])


class NearestCentroidStudent(PaddedStudent):
    """Student of ``NearestCentroid``, with the log-loss of its posterior.

    Parameters
    ----------
    estimator : NearestCentroid
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    hyperparameters = {}
    ignores_zeros = True
    smoothing_params = {"sharpness": 1.0}
    loss_name = "log_loss"
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)
    raw_prediction = staticmethod(discriminant_scores)

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        k = len(task.classes)
        priors = estimator.priors
        if isinstance(priors, str):
            priors = None if priors == "empirical" else np.full(k, 1 / k)
        self.priors = given_priors(priors, task.classes)
        self.train = _Training(self.priors)

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def solve(self, synthetic, start=None):
        """Return the centroids, and the deviations within classes if they matter."""
        m, k = synthetic.y.shape
        if m == k and self.priors is not None and np.ptp(self.priors) > 0:
            raise ValueError(
                f"NearestCentroid with unequal priors needs more rows than the {k} "
                "classes to estimate the deviations within classes. Pass n_synthetic "
                f"of at least {k + 1}."
            )
        return super().solve(synthetic)

    def params_of(self, estimator, synthetic):
        """Return the centroids that scikit-learn found."""
        found = (
            estimator.centroids_,
            estimator.within_class_std_dev_,
            estimator.class_prior_,
            synthetic.hyperparameters["sharpness"],
        )
        with double_precision():
            return jax.tree.map(np.asarray, _assemble(*map(np.float64, found)))


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.metric != "euclidean":
        refused.append(f"metric={estimator.metric!r}")
    if estimator.shrink_threshold:
        refused.append(f"shrink_threshold={estimator.shrink_threshold!r}")
    if refused:
        raise NotMirrored(
            f"NearestCentroid cannot be distilled with {', '.join(refused)}. "
            "Supported: metric='euclidean', shrink_threshold=None, and any priors."
        )
