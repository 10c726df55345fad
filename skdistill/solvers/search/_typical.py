"""How typical real rows are of their class: those that an estimator of others expects.

Cells come from typical rows more often than from others. A row whose label is noise, or
that lies deep within another class, says little to an estimator of a few rows.
"""

import numpy as np

from skdistill.solvers.search._judging import Failed, Training
from skdistill.solvers.search._losses import Scorer

#: Rows that the estimator is fitted on, twice, and those that it is asked about.
MAX_FIT_ROWS = 2048
MAX_ASKED_ROWS = 8192
#: How often a row is drawn that is not typical, relative to one that is.
LEAST = 0.05


def typicality(refits, cells, targets, y, sample_weight, rows, random_state):
    """Return how typical each real row is, (n,) in [``LEAST``, 1].

    Two fits on different rows are asked about rows that they have not seen.

    Parameters
    ----------
    refits : Refits
        Fits the estimator.
    cells : Cells
        The real rows.
    targets : ClassTargets or NumericTargets
        What ``y`` holds.
    y : ndarray of shape (n,) or (n, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights.
    rows : ndarray of int
        Rows that may be used, the first ones of which are like all of them.
    """
    typical = np.ones(len(y))
    asked = rows[:MAX_ASKED_ROWS]
    halves = asked[::2], asked[1::2]
    for fitted, others in (halves, halves[::-1]):
        fitted = fitted[:MAX_FIT_ROWS]
        labels = y[fitted] if targets.classes is None else targets.classes[y[fitted]]
        training = Training(cells.take(fitted), labels, None)
        losses = refits.losses(training, 0, _Asked(cells.take(others), y[others]))
        if isinstance(losses, Failed) or not np.isfinite(losses).all():
            return np.ones(len(y))
        if targets.classes is None:
            typical[others] = 1 / (1 + losses / losses.mean())
        else:
            typical[others] = np.exp(-losses)
    return np.maximum(typical, LEAST)


class _Asked:
    def __init__(self, X, y):
        self.X, self.y = X, y


__all__ = ["Scorer", "typicality"]
