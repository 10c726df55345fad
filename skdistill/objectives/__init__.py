"""Objectives, the outer problem: the only place that sees the real data."""

from skdistill.objectives._base import DataObjective
from skdistill.real._dense import DenseObjective

__all__ = ["DataObjective", "data_objective_for"]


def data_objective_for(X, y, sample_weight, student):
    """Return the objective for the container of ``X``.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Real samples.
    y : ndarray of shape (n,)
        Class indices, or numbers of shape (n,) or (n, k).
    sample_weight : ndarray of shape (n,)
        Weights in the outer loss.
    student : Student
        Its ``raw_prediction`` and ``outer_loss`` are evaluated.

    Returns
    -------
    DataObjective
        The student's outer loss over the real rows.
    """
    return DenseObjective(
        X,
        y,
        sample_weight,
        raw_prediction=student.raw_prediction,
        loss=student.outer_loss,
    )
