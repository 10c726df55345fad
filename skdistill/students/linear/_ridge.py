"""Ridge students, the counterparts of ``Ridge`` and ``RidgeClassifier``.

``Ridge`` minimizes ``sum_i w_i ||W x_i + b - y_i||^2 + alpha ||W||^2``. The loss here
is a mean over the ``k`` outputs, so this is the objective of ``students.linear._base``
at ``C = k / (2 alpha)``. A classifier is a ridge regression on targets of -1 and 1. It
has one output for two classes, and otherwise one for each class.
"""

from numbers import Real

import numpy as np

from skdistill.objectives._losses import SIGNED_SQUARED_LOSS, SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._support import class_weighted, refuse_useless_classes
from skdistill.students.linear._base import PenalizedLinearStudent


class RidgeStudent(PenalizedLinearStudent):
    """Student of ``Ridge``.

    Parameters
    ----------
    estimator : Ridge
        The estimator to mirror.
    task : Task
        Features and outputs.
    n_outputs : int, default=None
        Number of columns of the targets; by default that of the outputs of ``task``.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_error"

    def __init__(self, estimator, task, n_outputs=None):
        _refuse_unmirrored(estimator)
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        super().__init__(
            estimator,
            task,
            SQUARED_LOSS,
            n_outputs or task.n_outputs,
            estimator.fit_intercept,
        )

    def loss_strength(self, hyperparameters):
        """Return ``C = k / (2 alpha)``."""
        return self.n_outputs / (2 * hyperparameters["alpha"])

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the derivative in ``alpha`` from that in ``C``."""
        strength = self.loss_strength(hyperparameters)
        return {"alpha": -cotangent * strength / hyperparameters["alpha"]}

    def hyperparameters_for(self, strength, total_weight):
        """Return the ``alpha`` that leads to a ``strength``."""
        return {"alpha": self.n_outputs / (2 * strength)}


class RidgeClassifierStudent(RidgeStudent):
    """Student of ``RidgeClassifier``.

    Parameters
    ----------
    estimator : RidgeClassifier
        The estimator to mirror.
    task : Task
        Features and classes.
    """

    def __init__(self, estimator, task):
        self.classes = task.classes
        refuse_useless_classes(estimator, task.classes)
        self.class_weight = estimator.class_weight
        k = len(self.classes)
        super().__init__(estimator, task, n_outputs=1 if k == 2 else k)
        self.loss = SIGNED_SQUARED_LOSS

    @property
    def outputs_add_up(self):
        """Whether coefficients add up to zero, since the signs have a constant sum."""
        return self.n_outputs > 1 and self.fit_intercept

    def encode(self, y):
        """Return signs, (n, 1) for two classes, else (n, k)."""
        if self.n_outputs == 1:
            return 2.0 * y[:, None] - 1
        return 2 * np.eye(self.n_outputs)[y] - 1

    def training_weight(self, y, sample_weight, counts=None):
        """Return weights times class weights, as in ``RidgeClassifier.fit``.

        Balanced class weights depend on the numbers of rows, not on their weights.
        """
        counts = np.ones(len(y)) if counts is None else counts
        weight = class_weighted(self.class_weight, self.classes, y, counts)
        return weight / counts * sample_weight


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if not isinstance(estimator.alpha, Real):
        refused.append("alpha as an array")
    elif estimator.alpha == 0:
        refused.append("alpha=0 (no penalty: use LinearRegression)")
    if estimator.positive:
        refused.append("positive=True")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: one alpha > 0, with or without "
            "intercept, and every solver."
        )
