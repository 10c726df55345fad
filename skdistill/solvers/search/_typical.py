"""How typical real rows are: whether the estimator expects them from other rows.

Cells come from typical rows more often than from others. A row whose label is noise, or
that lies deep within another class, says little to an estimator of a few rows.
"""

import numpy as np

from skdistill.solvers.search._refits import Failed

#: Rows that the estimator is fitted on, twice, and those that it is asked about.
MAX_FIT_ROWS = 1024
MAX_ASKED_ROWS = 8192
#: How often a row is drawn that is not typical, relative to one that is.
LEAST = 0.05


def typicality(refits, training, judging, rows, n_rows, is_class):
    """Return how typical each real row is, (n,) in [``LEAST``, 1].

    The estimator is fitted on some rows, and asked about those that it has not seen,
    twice; rows that it is not asked about are typical, and so are all if it fails.

    Parameters
    ----------
    refits : Refits
        Fits the estimator.
    training, judging : callable
        ``training(rows)`` and ``judging(rows)`` are real rows to fit on, and to judge.
    rows : ndarray of int
        Rows that may be used, the first ones of which are like all of them.
    n_rows : int
        Number of real rows, n.
    is_class : bool
        Whether losses are logarithms of probabilities, rather than squared errors.
    """
    typical = np.ones(n_rows)
    asked = np.unique(rows[:MAX_ASKED_ROWS], return_index=True)[1]
    asked = rows[np.sort(asked)]
    halves = np.array_split(asked, 2)
    if len(asked) < 2:
        return typical
    for fitted, others in (halves, halves[::-1]):
        losses = refits.losses(training(fitted[:MAX_FIT_ROWS]), 0, judging(others))
        if isinstance(losses, Failed) or not np.isfinite(losses).all():
            return np.ones(n_rows)
        if is_class:
            typical[others] = np.exp(-losses)
        else:
            typical[others] = 1 / (
                1 + losses / max(losses.mean(), np.finfo(float).tiny)
            )
    return np.maximum(typical, LEAST)
