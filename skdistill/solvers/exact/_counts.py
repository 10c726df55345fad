"""Rows that have the counts of the real data, for naive Bayes of counts.

With the weighted sums ``N`` (k, p) of the real rows of each class, their weights ``n``
and those of the synthetic rows ``n'``, rows with the sums ``N'`` train to the same
model if

- **multinomial**: ``N'_c + a = s_c (N_c + a)``, for any ``s_c``: only the shares of the
  features count;
- **complement**: ``N' + b = s (N + b)`` with ``b = a / (k - 1)``, for one ``s``: then
  the sums of all other classes, plus ``a``, are ``s`` times what they were;
- **Bernoulli**: as the multinomial, but with ``s_c = (n'_c + 2 a) / (n_c + 2 a)``.

Within the bounds of the rows ``N'`` has bounds itself, and ``s`` is as near to
``n' / n``, with which rows are of the size of real ones, as these allow. A count of
zero in the data takes ``s >= 1``. Rows have given sums if the starting rows are scaled,
feature by feature, towards a bound: zeros stay zeros.

Priors follow the weights of the rows.
"""

import numpy as np

from skdistill.real._moments import class_sums
from skdistill.students.moments._counts import (
    BernoulliNBStudent,
    ComplementNBStudent,
    MultinomialNBStudent,
)

#: Error that counts as rounding, relative to what is compared.
ROUNDING = 1e-12
OUT_OF_BOUNDS = (
    "rows within feature_range have other sums. Pass feature_range=None, or more rows"
)
OF_PRIORS = (
    "priors follow the rows. Pass weighting='match', n_synthetic as a dict in "
    "proportion to the classes, or class_prior to the estimator"
)
OF_SMOOTHING = (
    "a feature is next to never or next to always there in a class, and alpha smooths "
    "fewer rows more. Pass weighting='match'"
)


def count_rows(student, real, synthetic, bounds):
    """Return rows near the model of all rows.

    Parameters
    ----------
    student : CountsStudent
        The student.
    real : RealRows
        The real rows.
    synthetic : SyntheticSet
        Starting rows.
    bounds : tuple of two ndarrays of shape (p,)
        Least and largest value of each feature, zero or more.

    Returns
    -------
    X : ndarray of shape (m, p)
        The rows.
    shortfall : str
        What keeps them from reproducing the model; empty if nothing does.
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
    # Where no factor will do, the sums that are out of bounds say so.
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
    """Scale rows (m, p) within bounds to weighted sums (p,), towards a bound.

    Rows that are all at the bound they are to leave become equal.
    """
    low, high = bounds
    total, present = weight.sum(), weight @ X
    room, wanted = present - total * low, sums - total * low
    grows = (wanted > room) & np.isfinite(high)
    flat = room <= 0
    downwards = low + (X - low) * (wanted / np.where(flat, 1.0, room))
    # From the upper bound, which rows that grow may not pass.
    top = np.where(np.isfinite(high), high, 0.0)
    room, wanted = total * top - present, total * top - sums
    upwards = top - (top - X) * (wanted / np.where(room > 0, room, 1.0))
    return np.where(grows, upwards, np.where(flat, sums / total, downwards))
