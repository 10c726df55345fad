"""Logistic student, the counterpart of ``LogisticRegression``.

For two classes the model is a sigmoid with a single row of coefficients, as in
scikit-learn. For more classes it is a softmax. See ``skdistill.students.linear._base``
for the inner objective, and ``_sparse_base`` for the objective with an L1 penalty,
``l1_ratio * sum |coef|``.
"""

import numpy as np

from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._support import class_weighted, refuse_useless_classes
from skdistill.students.linear._base import PenalizedLinearStudent
from skdistill.students.linear._sparse_base import SparseLinearStudent


def logistic_student(estimator, task):
    """Return the student of ``LogisticRegression``, by its penalty."""
    if l1_share(estimator):
        return SparseLogisticStudent(estimator, task)
    return LogisticStudent(estimator, task)


def l1_share(estimator):
    """Return the share of the L1 penalty, from ``penalty`` or ``l1_ratio``."""
    if estimator.penalty in ("l1", "l2"):
        return float(estimator.penalty == "l1")
    return float(estimator.l1_ratio or 0.0)


class _OfClasses:
    """Targets, weights and the loss of logistic regression.

    Parameters
    ----------
    estimator : LogisticRegression
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

    loss_name = "log_loss"
    soft_labels = True

    def __init__(self, estimator, task, **options):
        classes = task.classes
        _refuse_unmirrored(estimator, len(classes))
        refuse_useless_classes(estimator, classes)
        self.classes = classes
        self.class_weight = estimator.class_weight
        self.hyperparameters = {"C": float(estimator.C)}
        binary = len(classes) == 2
        super().__init__(
            estimator,
            task,
            loss=BINARY_LOG_LOSS if binary else MULTINOMIAL_LOG_LOSS,
            n_outputs=1 if binary else len(classes),
            fit_intercept=estimator.fit_intercept,
            **options,
        )

    def encode(self, y):
        """Return probabilities of the second class (n,), or one-hot rows (n, k)."""
        if self.n_outputs == 1:
            return y.astype(np.float64)
        return np.eye(self.n_outputs)[y]

    def training_weight(self, y, sample_weight, counts=None):
        """Return weights times class weights, as in ``LogisticRegression.fit``."""
        return class_weighted(self.class_weight, self.classes, y, sample_weight)


class LogisticStudent(_OfClasses, PenalizedLinearStudent):
    """Student of ``LogisticRegression`` with an L2 penalty."""


class SparseLogisticStudent(_OfClasses, SparseLinearStudent):
    """Student of ``LogisticRegression`` with an L1 penalty, or with both penalties."""

    def __init__(self, estimator, task):
        self.l1_ratio = l1_share(estimator)
        scaling = None
        if estimator.solver == "liblinear":
            scaling = float(estimator.intercept_scaling)
        super().__init__(estimator, task, penalized_intercept=scaling)

    def loss_strength(self, hyperparameters):
        """Return ``C``."""
        return hyperparameters["C"]

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the derivative in ``C``."""
        return {"C": float(cotangent)}

    def penalties(self, hyperparameters):
        """Return ``l1`` and ``l2``."""
        return self.l1_ratio, 1 - self.l1_ratio


def _refuse_unmirrored(estimator, n_classes):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.penalty is None:
        refused.append("penalty=None")
    if np.isinf(estimator.C):
        refused.append("C=inf (no penalty: separable rows have no finite solution)")
    by_liblinear = estimator.solver == "liblinear"
    if by_liblinear and estimator.fit_intercept and not l1_share(estimator):
        refused.append("solver='liblinear' with an intercept, which it penalizes")
    if by_liblinear and n_classes > 2:
        refused.append("solver='liblinear' with more than two classes")
    if refused:
        raise NotMirrored(
            f"LogisticRegression cannot be distilled with {', '.join(refused)}. "
            "Supported: any l1_ratio with a finite C, any class_weight, with or "
            "without intercept, and every solver that minimizes the same objective "
            "('lbfgs', 'newton-cg', 'newton-cholesky', 'sag', 'saga'; 'liblinear' "
            "with l1_ratio=1)."
        )
