"""The outer loss of a linear student over a few thousand rows of a few features.

It is computed by NumPy, because for so little data compiling takes longer than a pass.
"""

from skdistill.objectives._base import Objective
from skdistill.students._params import LinearParams


class SpanLoss(Objective):
    """Outer loss of a linear student over a small NumPy array.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Samples in double precision.
    y : ndarray of shape (n,) or (n, k)
        Targets as ``student.encode`` returns them.
    sample_weight : ndarray of shape (n,)
        Weights; the loss is divided by their sum.
    student : LinearStudent
        The student, which has the loss.
    """

    def __init__(self, X, y, sample_weight, student):
        self.X = X
        self.y = y
        self.sample_weight = sample_weight / sample_weight.sum()
        self.loss = student.loss

    def value_and_grad(self, params, rows=None):
        """Return the mean loss at ``params`` and its gradient."""
        X, y, weight = self.X, self.y, self.sample_weight
        if rows is not None:
            X, y, weight = X[rows], y[rows], weight[rows] / weight[rows].sum()
        raw = X @ params.coef.T + params.intercept
        value = weight @ self.loss.value(raw, y)
        residual = weight[:, None] * self.loss.gradient(raw, y)
        return value, LinearParams(residual.T @ X, residual.sum(axis=0))
