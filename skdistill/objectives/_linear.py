"""The outer loss of a linear student over a few thousand rows of a few features.

In NumPy: where the data is this small, a pass takes less than compiling it.
"""

from skdistill._containers import LinearParams
from skdistill.objectives._base import DataObjective


class LinearObjective(DataObjective):
    """Outer loss of a linear student over a small NumPy array.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Samples in double precision.
    y : ndarray of shape (n,) or (n, k)
        Targets as ``student.encode`` gives them.
    sample_weight : ndarray of shape (n,)
        Weights; the loss is divided by their sum.
    student : LinearStudent
        Its loss is evaluated.
    """

    def __init__(self, X, y, sample_weight, student):
        self.X = X
        self.y = y
        self.sample_weight = sample_weight / sample_weight.sum()
        self.loss = student.loss

    def value_and_grad(self, params):
        """Return the mean loss at ``params`` and its gradient."""
        raw = self.X @ params.coef.T + params.intercept
        value = self.sample_weight @ self.loss.value(raw, self.y)
        residual = self.sample_weight[:, None] * self.loss.gradient(raw, self.y)
        return value, LinearParams(residual.T @ self.X, residual.sum(axis=0))
