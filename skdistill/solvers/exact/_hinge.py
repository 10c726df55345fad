"""The search for rows of a squared hinge, by way of hinges that are smooth.

A row beyond its margin is not felt, and no step would say so. With ``log(1 + exp)`` for
the positive part, in ever smaller units, every row is felt.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit

from skdistill.objectives._hessians import DiagonalHessians
from skdistill.solvers.exact._squared_error import squared_error_rows

#: How smooth hinges are, in units of the margin.
WIDTHS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)


def solve_hinge(system, Q):
    """Solve a system from ``Q`` for hinges that are smooth at first, and become sharp.

    Parameters
    ----------
    system : PullSystem
        Equations of a squared hinge.
    Q : ndarray of shape (m, r)
        Where from.

    Returns
    -------
    ndarray of shape (m, r)
        The solution, or the end of the search.
    """
    for width in WIDTHS:
        Q = system.with_loss(_smooth_hinge(width)).solve(Q)
    return system.solve(Q)


def near_labels(student, span, synthetic, Q):
    """Where a squared error would have the rows, apart as the reference rows are."""
    signs = synthetic._replace(y=np.sign(synthetic.y))
    alpha = 1 / (2 * student.strength_on(synthetic))
    at_labels, _ = squared_error_rows(span, signs, alpha, student, Q)
    labels = np.hstack([np.ones((len(Q), 1)), signs.y])
    return at_labels + Q - labels @ np.linalg.lstsq(labels, Q, rcond=None)[0]


def _smooth_hinge(width):
    """First and second derivatives like those of the squared hinge."""

    def missing(raw, y):
        return (1 - np.sign(y) * raw) / width

    def gradient(raw, y):
        return -2 * y * width * np.logaddexp(0, missing(raw, y))

    def hessian(raw, y):
        return DiagonalHessians(2 * np.abs(y) * expit(missing(raw, y)))

    return SimpleNamespace(gradient=gradient, hessian=hessian)
