"""Logistic student, the counterpart of ``LogisticRegression``.

Two classes are one sigmoid with a single row of coefficients, as in scikit-learn; more
are one softmax. See ``skdistill.students.linear._base`` for the inner objective.
"""

import numpy as np

from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._support import class_weighted, refuse_useless_classes
from skdistill.students.linear._base import PenalizedLinearStudent


class LogisticStudent(PenalizedLinearStudent):
    """Student of ``LogisticRegression`` with an L2 penalty.

    Parameters
    ----------
    estimator : LogisticRegression
        The estimator to mirror.
    spec : DataSpec
        Features and classes.

    Raises
    ------
    ValueError
        If the estimator has a setting that is not mirrored.
    """

    loss_name = "log_loss"
    soft_labels = True

    def __init__(self, estimator, spec):
        classes = spec.classes
        _refuse_unmirrored(estimator, len(classes))
        refuse_useless_classes(estimator, classes)
        self.classes = classes
        self.class_weight = estimator.class_weight
        self.hyperparameters = {"C": float(estimator.C)}
        binary = len(classes) == 2
        super().__init__(
            estimator,
            spec,
            loss=BINARY_LOG_LOSS if binary else MULTINOMIAL_LOG_LOSS,
            n_outputs=1 if binary else len(classes),
            fit_intercept=estimator.fit_intercept,
        )

    def encode(self, y):
        """Return probabilities of the second class (n,), or one-hot rows (n, k)."""
        if self.n_outputs == 1:
            return y.astype(np.float64)
        return np.eye(self.n_outputs)[y]

    def training_weight(self, y, sample_weight, counts=None):
        """Multiply class weights in, as ``LogisticRegression.fit`` does."""
        return class_weighted(self.class_weight, self.classes, y, sample_weight)


def _refuse_unmirrored(estimator, n_classes):
    """Raise a ValueError that names the settings without a counterpart here."""
    refused = []
    if estimator.penalty not in ("deprecated", "l2"):
        refused.append(f"penalty={estimator.penalty!r}")
    if estimator.l1_ratio not in (0, None):
        refused.append(f"l1_ratio={estimator.l1_ratio!r}")
    if np.isinf(estimator.C):
        refused.append("C=inf (no penalty: separable rows have no finite solution)")
    if estimator.solver == "liblinear" and estimator.fit_intercept:
        refused.append("solver='liblinear' with an intercept, which it penalizes")
    if estimator.solver == "liblinear" and n_classes > 2:
        refused.append("solver='liblinear' with more than two classes")
    if refused:
        raise NotMirrored(
            f"LogisticRegression cannot be distilled with {', '.join(refused)}. "
            "Supported: the L2 penalty (l1_ratio=0) with a finite C, any class_weight, "
            "with or without intercept, and every solver that minimizes the same "
            "objective ('lbfgs', 'newton-cg', 'newton-cholesky', 'sag', 'saga')."
        )
