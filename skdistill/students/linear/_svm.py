"""Linear SVM students, the counterparts of ``LinearSVC`` and ``LinearSVR``.

Both minimize the objective of ``students.linear._base``, as LIBLINEAR does. Only losses
with a derivative are supported: ``max(0, 1 - t z)^2`` for targets ``t`` of -1 and 1,
and ``max(0, |z - y| - epsilon)^2`` for numbers. For two classes there is one output,
and otherwise one for each class against the rest.

In LIBLINEAR the intercept is the coefficient of a feature that is ``intercept_scaling``
in every row, and it is penalized. So ``intercept_penalty`` is
``1 / intercept_scaling^2``. With more than two classes, the weight of a class only
applies to its own rows in its own output.
"""

import numpy as np

from skdistill.objectives._losses import (
    squared_epsilon_insensitive_loss,
    squared_hinge_loss,
)
from skdistill.students._base import NotMirrored
from skdistill.students._support import class_weighted, refuse_useless_classes
from skdistill.students.linear._base import PenalizedLinearStudent
from skdistill.students.linear._sparse_base import SparseLinearStudent


def linear_svc_student(estimator, task):
    """Return the student of ``LinearSVC``, by its penalty."""
    if estimator.penalty == "l1":
        return SparseLinearSVCStudent(estimator, task)
    return LinearSVCStudent(estimator, task)


class _OfClasses:
    """Targets, weights and the loss of ``LinearSVC``.

    Parameters
    ----------
    estimator : LinearSVC
        The estimator to mirror.
    task : Task
        Features and classes.
    **options
        Keyword arguments of the linear student.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_hinge"

    def __init__(self, estimator, task, **options):
        self.classes = task.classes
        k = len(self.classes)
        n_outputs = 1 if k == 2 else k
        _refuse_unmirrored_classifier(estimator, n_outputs)
        refuse_useless_classes(estimator, self.classes)
        self.class_weight = estimator.class_weight
        self.hyperparameters = {"C": float(estimator.C)}
        self.own_weight = None
        if n_outputs > 1 and self.class_weight is not None:
            weights = class_weighted(
                self.class_weight, self.classes, np.arange(k), np.ones(k)
            )
            self.own_weight = tuple(weights.tolist())
        super().__init__(
            estimator,
            task,
            squared_hinge_loss(self.own_weight),
            n_outputs,
            estimator.fit_intercept,
            **options,
        )

    def encode(self, y):
        """Return signs, (n, 1) or (n, k); positive signs are times the class weight."""
        if self.n_outputs == 1:
            return 2.0 * y[:, None] - 1
        own_weight = (
            np.ones(self.n_outputs)
            if self.own_weight is None
            else (np.array(self.own_weight))
        )
        return np.where(np.eye(self.n_outputs)[y] > 0, own_weight, -1.0)

    def training_weight(self, y, sample_weight, counts=None):
        """Return weights, times class weights if there are two classes."""
        if self.n_outputs > 1:
            return sample_weight
        return class_weighted(self.class_weight, self.classes, y, sample_weight)


class LinearSVCStudent(_OfClasses, PenalizedLinearStudent):
    """Student of ``LinearSVC`` with an L2 penalty."""

    def __init__(self, estimator, task):
        _check_scaling(estimator)
        super().__init__(
            estimator, task, intercept_penalty=estimator.intercept_scaling**-2.0
        )


class SparseLinearSVCStudent(_OfClasses, SparseLinearStudent):
    """Student of ``LinearSVC`` with an L1 penalty, which includes the intercept."""

    def __init__(self, estimator, task):
        super().__init__(
            estimator, task, penalized_intercept=float(estimator.intercept_scaling)
        )

    def loss_strength(self, hyperparameters):
        """Return ``C``."""
        return hyperparameters["C"]

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the derivative in ``C``."""
        return {"C": float(cotangent)}

    def penalties(self, hyperparameters):
        """Return ``l1`` and ``l2``."""
        return 1.0, 0.0


class LinearSVRStudent(PenalizedLinearStudent):
    """Student of ``LinearSVR``.

    Parameters
    ----------
    estimator : LinearSVR
        The estimator to mirror.
    task : Task
        Features and the output.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_epsilon_insensitive"

    def __init__(self, estimator, task):
        if estimator.loss != "squared_epsilon_insensitive":
            raise NotMirrored(
                f"LinearSVR cannot be distilled with loss={estimator.loss!r}, which "
                "has no derivative. Supported: loss='squared_epsilon_insensitive' "
                "with any epsilon, C and intercept_scaling."
            )
        _check_scaling(estimator)
        if task.n_outputs > 1:
            raise ValueError(
                f"LinearSVR takes one output; y has {task.n_outputs} columns. Pass y "
                "of shape (n_samples,)."
            )
        self.hyperparameters = {"C": float(estimator.C)}
        super().__init__(
            estimator,
            task,
            squared_epsilon_insensitive_loss(float(estimator.epsilon)),
            1,
            estimator.fit_intercept,
            estimator.intercept_scaling**-2.0,
        )


def _refuse_unmirrored_classifier(estimator, n_outputs):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.multi_class != "ovr":
        refused.append(f"multi_class={estimator.multi_class!r}")
    if estimator.loss != "squared_hinge":
        refused.append(f"loss={estimator.loss!r}, which has no derivative")
    if n_outputs > 1 and estimator.class_weight == "balanced":
        refused.append(
            "class_weight='balanced' for more than two classes (pass a dict)"
        )
    if refused:
        raise NotMirrored(
            f"LinearSVC cannot be distilled with {', '.join(refused)}. Supported: "
            "loss='squared_hinge', both penalties, multi_class='ovr', with or without "
            "intercept, any intercept_scaling and dual, and class weights."
        )
    _check_scaling(estimator)


def _check_scaling(estimator):
    if estimator.fit_intercept and not estimator.intercept_scaling > 0:
        raise ValueError(
            f"intercept_scaling={estimator.intercept_scaling!r} must be positive. Pass "
            "fit_intercept=False for a model without intercept."
        )
