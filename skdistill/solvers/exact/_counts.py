"""Exact sets for naive Bayes of counts: rows that have the counts of the real data.

Let ``N`` (k, p) be the weighted sums of the real rows of each class, ``n`` their total
weights, ``N'`` and ``n'`` those of the synthetic rows, and ``a`` the smoothing
``alpha``. The synthetic rows train to the same model if

- **multinomial**: ``N'_c + a = s_c (N_c + a)`` for any ``s_c``, because only the shares
  of the features matter;
- **complement**: ``N' + b = s (N + b)`` with ``b = a / (k - 1)`` for one ``s``, because
  the sums of all other classes, plus ``a``, are then multiplied by ``s``;
- **Bernoulli**: as the multinomial, but with ``s_c = (n'_c + 2 a) / (n_c + 2 a)``.

The bounds of the rows imply bounds of ``N'``. Within these, ``s`` is chosen as near as
possible to ``n' / n``, for which synthetic rows are as large as real ones. A count of
zero in the data requires ``s >= 1``. To get the sums ``N'``, the starting rows are
scaled towards a bound, feature by feature, so that zeros stay zeros.

Priors follow the weights of the rows.
"""

import numpy as np

from skdistill.real._moments import class_sums
from skdistill.students.moments._counts import (
    BernoulliNBStudent,
    ComplementNBStudent,
    MultinomialNBStudent,
)

#: Relative error that counts as rounding.
ROUNDING = 1e-12
OUT_OF_BOUNDS = (
    "no rows within feature_range have the required sums. Pass feature_range=None, or "
    "more rows"
)
OF_PRIORS = (
    "the class priors depend on the numbers of rows. Pass weighting='match', "
    "n_synthetic as a dict in proportion to the classes, or class_prior to the "
    "estimator"
)
OF_SMOOTHING = (
    "a feature is almost always absent or almost always present in a class, and alpha "
    "smooths fewer rows more. Pass weighting='match'"
)


def count_rows(student, real, synthetic, bounds):
    """Return rows that train to the model of all rows, or near it.

    Parameters
    ----------
    student : CountsStudent
        The student.
    real : RealRows
        The real rows.
    synthetic : SyntheticSet
        Starting rows.
    bounds : tuple of two ndarrays of shape (p,)
        Minimum and maximum of each feature, zero or more.

    Returns
    -------
    X : ndarray of shape (m, p)
        The rows.
    shortfall : str
        Why the rows do not reproduce the model; empty if they do.
    """
    y, weight = synthetic.y, synthetic.sample_weight
    share, counts, *_ = real.map_sum(
        class_sums, np.zeros(real.n_features), real.targets.n_groups
    )
    total, counts = real.total_weight * share, real.total_weight * counts
    reached = weight @ y
    low, high = (reached[:, None] * side for side in bounds)
    alpha = synthetic.hyperparameters["alpha"]
    smoothing, factor, shortfall = _FACTORS[type(student)](
        counts, total, reached, low, high, alpha
    )
    wanted = factor[:, None] * (counts + smoothing) - smoothing
    sums = np.clip(wanted, low, high)
    if not shortfall and not np.allclose(
        sums, wanted, rtol=ROUNDING, atol=ROUNDING * smoothing
    ):
        shortfall = OUT_OF_BOUNDS
    if student.follows_rows and not np.allclose(
        reached / reached.sum(), total / total.sum(), rtol=1e-10
    ):
        shortfall = OF_PRIORS
    X = synthetic.X.copy()
    for c in range(len(sums)):
        members = y[:, c] > 0
        X[members] = _with_sums(X[members], weight[members], sums[c], bounds)
    return X, shortfall


def _multinomial(counts, total, reached, low, high, alpha):
    least = ((low + alpha) / (counts + alpha)).max(axis=1)
    largest = ((high + alpha) / (counts + alpha)).min(axis=1)
    # If no factor is within the bounds, the sums are out of bounds, which is checked.
    return alpha, np.clip(reached / total, least, np.maximum(least, largest)), ""


def _complement(counts, total, reached, low, high, alpha):
    smoothing = alpha / (len(counts) - 1)
    least = ((low + smoothing) / (counts + smoothing)).max()
    largest = ((high + smoothing) / (counts + smoothing)).min()
    factor = np.clip(reached.sum() / total.sum(), least, max(least, largest))
    return smoothing, np.full(len(counts), factor), ""


def _bernoulli(counts, total, reached, low, high, alpha):
    factor = (reached + 2 * alpha) / (total + 2 * alpha)
    sums = factor[:, None] * (counts + alpha) - alpha
    slack = ROUNDING * reached[:, None]
    is_out = (sums < -slack) | (sums > reached[:, None] + slack)
    return alpha, factor, OF_SMOOTHING if is_out.any() else ""


_FACTORS = {
    MultinomialNBStudent: _multinomial,
    ComplementNBStudent: _complement,
    BernoulliNBStudent: _bernoulli,
}


def _with_sums(X, weight, sums, bounds):
    """Scale rows (m, p) towards a bound such that they have weighted sums (p,).

    If all rows are at the bound that they have to leave, they become equal.
    """
    low, high = bounds
    total, present = weight.sum(), weight @ X
    room, wanted = present - total * low, sums - total * low
    grows = (wanted > room) & np.isfinite(high)
    flat = room <= 0
    downwards = low + (X - low) * (wanted / np.where(flat, 1.0, room))
    # Rows that grow are scaled towards the upper bound, which they may not exceed.
    top = np.where(np.isfinite(high), high, 0.0)
    room, wanted = total * top - present, total * top - sums
    upwards = top - (top - X) * (wanted / np.where(room > 0, room, 1.0))
    return np.where(grows, upwards, np.where(flat, sums / total, downwards))
