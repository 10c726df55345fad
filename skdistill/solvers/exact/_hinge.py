"""The search for rows that train a squared hinge loss to a given model.

Rows beyond their margin have no gradient, so a step cannot move them back. Therefore
the search begins with a smooth hinge, in which ``log(1 + exp)`` replaces the positive
part, and makes it sharper step by step.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit

from skdistill.objectives._hessians import DiagonalHessians
from skdistill.solvers.exact._squared_error import squared_error_rows

#: Widths of the smooth hinges, in units of the margin.
WIDTHS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)


def solve_hinge(system, Q):
    """Solve a system of a squared hinge from ``Q``, by a sequence of smooth hinges.

    Parameters
    ----------
    system : PullSystem
        Equations of a squared hinge.
    Q : ndarray of shape (m, r)
        Start.

    Returns
    -------
    ndarray of shape (m, r)
        The solution, or the last iterate if the search fails.
    """
    for width in WIDTHS:
        Q = system.with_loss(_smooth_hinge(width)).solve(Q)
    return system.solve(Q)


def near_labels(student, span, synthetic, Q):
    """Return a start: the rows of a squared error, with the spread of the reference."""
    signs = synthetic._replace(y=np.sign(synthetic.y))
    alpha = 1 / (2 * student.strength_on(synthetic))
    at_labels, _ = squared_error_rows(span, signs, alpha, student, Q)
    labels = np.hstack([np.ones((len(Q), 1)), signs.y])
    return at_labels + Q - labels @ np.linalg.lstsq(labels, Q, rcond=None)[0]


def _smooth_hinge(width):
    """Return first and second derivatives of a smooth approximation of the hinge."""

    def missing(raw, y):
        return (1 - np.sign(y) * raw) / width

    def gradient(raw, y):
        return -2 * y * width * np.logaddexp(0, missing(raw, y))

    def hessian(raw, y):
        return DiagonalHessians(2 * np.abs(y) * expit(missing(raw, y)))

    return SimpleNamespace(gradient=gradient, hessian=hessian)
