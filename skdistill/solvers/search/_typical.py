"""How typical real rows are, as judged by the estimator fitted on other rows.

Cells are drawn from typical rows more often than from others. Rows with wrong labels,
or rows deep within another class, are of little use in a small set.
"""

import numpy as np

from skdistill.solvers.search._refits import Failed

#: Maximum number of rows for each fit, and of rows whose typicality is computed.
MAX_FIT_ROWS = 1024
MAX_ASKED_ROWS = 8192
#: Minimum typicality of a row.
LEAST = 0.05


def typicality(refits, training, judging, rows, n_rows, is_class):
    """Return how typical each real row is, (n,) in [``LEAST``, 1].

    The rows are split into two halves. The estimator is fitted on each half and
    predicts for the other one. Typical rows have a low loss. Rows without a prediction
    count as typical, and so do all rows if the estimator fails.

    Parameters
    ----------
    refits : Refits
        Fits the estimator.
    training, judging : callable
        ``training(rows)`` and ``judging(rows)`` return real rows to fit on and to
        predict for.
    rows : ndarray of int
        Rows that may be used, in an order with representative first rows.
    n_rows : int
        Number of real rows, n.
    is_class : bool
        Whether losses are negative logarithms of probabilities rather than squared
        errors.
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
