"""Rows that have the moments of the real data, for students made of moments.

``GaussianNB``, ``NearestCentroid`` and discriminant analyses know the data by its
priors, means and (co)variances. A few rows with the same moments train to the same
model, and of those the nearest to the starting rows are taken. With ``m`` rows, ``m_c``
of class ``c``, and the real moments ``pi, mu, v`` or ``S``:

**Given a mean and a variance**, features apart, the rows ``x0_i`` go to
``mu + (x0_i - mean(x0)) * sqrt(v / var(x0))``: the nearest point of a sphere.

**Naive Bayes** adds ``eps = a max_j T_j`` to the variances, with ``a = var_smoothing``
and ``T`` the variance of all rows. The rows have ``T' = A + eps - eps'`` if their
classes have ``v + eps - eps'``, where ``A`` is the variance of all rows that ``v`` and
the means would give with their shares ``m_c / m``. So ``eps' = a (max_j A_j + eps) /
(1 + a)``, and the rows exist if no ``v + eps - eps'`` is negative.

**Nearest centroids** have ``sum_i dev_i^2 / (m - k)`` equal to that of the data.

**Discriminants**: with ``S = H' H`` over ``r`` directions, the deviations from the
class means are ``sqrt(m) Q H`` where ``Q`` (m, r) has orthonormal columns that sum to
zero in each class, so that ``m >= r + k``. The nearest ``Q`` to the starting deviations
is the polar factor of an orthogonal Procrustes problem.

**Quadratic discriminants** do with the rows of each class what linear ones do with all:
``m_c >= r_c + 1``.

**Priors** that follow the number of rows, in ratios ``pi'`` other than the real ones,
are made good where classes share their (co)variance: moving all rows by ``d`` adds
``-mu_c S^-1 d`` to the score of class ``c``, up to a constant. It is enough that
``mu_c S^-1 d = log(pi'_c / pi_c) + constant``, ``k - 1`` linear equations.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh, lstsq, null_space, svd

from skdistill.real._moments import class_covariances, class_moments, covariance_within
from skdistill.solvers._problem import Start
from skdistill.solvers.exact._counts import count_rows
from skdistill.students.moments._counts import (
    BernoulliNBStudent,
    ComplementNBStudent,
    MultinomialNBStudent,
)
from skdistill.students.moments._discriminant import DiscriminantStudent
from skdistill.students.moments._naive_bayes import GaussianNBStudent
from skdistill.students.moments._nearest_centroid import NearestCentroidStudent
from skdistill.students.moments._quadratic import QuadraticStudent

#: Error that counts as rounding, relative to what is compared.
ROUNDING = 1e-10
#: With more features a covariance matrix would not pay.
MAX_FEATURES = 4096


class Candidate(NamedTuple):
    """Rows near the full-data model.

    Attributes
    ----------
    X : ndarray of shape (m, p)
        The rows.
    shortfall : str
        What keeps them from reproducing the model; empty if nothing does.
    """

    X: np.ndarray
    shortfall: str


def has_moments(problem):
    """Whether a student is made of moments, which rows alone may have."""
    options = problem.options
    is_wide = problem.real.n_features > MAX_FEATURES
    return (
        type(problem.student) in _CANDIDATES
        and not (is_wide and type(problem.student) in _OF_COVARIANCES)
        and not (options.learn_probabilities or options.weighting == "learn")
    )


def reach_model_moments(problem):
    """Find rows with the moments of the data, or near them.

    Parameters
    ----------
    problem : Problem
        Its student is made of moments.

    Returns
    -------
    Start
        Those rows, or the starting rows if these have a lower loss on the sample.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows do.
    """
    student, options, synthetic = problem.student, problem.options, problem.start
    student.solve(synthetic)  # raises for too few rows
    X, shortfall = _CANDIDATES[type(student)](problem)
    bounded = np.clip(X, *options.bounds)
    if not shortfall and not np.allclose(
        bounded, X, rtol=ROUNDING, atol=ROUNDING * options.scale
    ):
        shortfall = (
            "its nearest rows are outside feature_range. Pass feature_range=None, or "
            "more rows"
        )
    candidate = synthetic._replace(X=bounded)
    if not shortfall:
        return Start(candidate, lambda _: options.units, True)
    if options.solver == "exact":
        raise ValueError(
            f"solver='exact' cannot reproduce the full-data model: {shortfall}. "
            "solver='auto' returns the best rows within reach."
        )

    def loss(synthetic):
        return problem.sample_loss.value(student.solve(synthetic))

    return Start(min(candidate, synthetic, key=loss), lambda _: options.units)


def _gaussian_candidate(problem):
    """Rows for naive Bayes."""
    student, real, synthetic = problem.student, problem.real, problem.start
    share, mean, variance, total = class_moments(real)
    rows = synthetic.y.mean(axis=0)
    smoothing = synthetic.hyperparameters["var_smoothing"]
    added = smoothing * total.max()
    between = rows @ (mean - rows @ mean) ** 2
    reached = smoothing * ((rows @ variance + between).max() + added) / (1 + smoothing)
    variance = variance + added - reached
    shortfall = ""
    if (variance < -ROUNDING * added).any():
        shortfall = (
            "a feature is all but constant in a class, and the rows of all classes "
            "together vary more than the data, to which var_smoothing adds. Pass "
            "n_synthetic as a dict, in proportion to the classes"
        )
    variance = np.maximum(variance, 0)
    single = synthetic.y.sum(axis=0) == 1
    if (variance[single] > ROUNDING * added).any():
        shortfall = "a single row has no variance. Pass two rows or more for each class"
    weight = synthetic.sample_weight @ synthetic.y
    if student.priors is None and not np.allclose(
        weight / weight.sum(), share, rtol=ROUNDING
    ):
        shortfall = (
            "priors follow the rows. Pass weighting='match', n_synthetic as a dict in "
            "proportion to the classes, or priors to the estimator"
        )
    X = synthetic.X.copy()
    for c in range(len(mean)):
        members = synthetic.y[:, c] > 0
        X[members] = mean[c] + _with_variance(_centered(X[members]), variance[c])
    return Candidate(X, shortfall)


def _centroid_candidate(problem):
    """Rows for nearest centroids."""
    student, real, synthetic = problem.student, problem.real, problem.start
    y = synthetic.y
    m, k = y.shape
    share, mean, variance, _ = class_moments(real)
    # Of the data, in weights; a class of one row has none to spare.
    total = real.total_weight
    within = total * (share @ variance) / max(total - k, 1)
    deviation = _deviations(synthetic)
    if m > k:
        deviation = _with_variance(deviation, within * (m - k) / m, y)
    else:
        deviation = np.zeros_like(deviation)
    reached = y.mean(axis=0)
    shift, shortfall = 0.0, ""
    if student.priors is None and _are_equal(share) != _are_equal(reached):
        shortfall = (
            "it ranks by another distance if the classes have equal priors. Pass "
            "n_synthetic as a dict in proportion to the classes, or priors to the "
            "estimator"
        )
    elif student.priors is None and not _are_equal(share):
        scale = np.sqrt(np.where(within > 0, within, 1.0))
        log_ratio = np.log(reached / share)
        shift, shortfall = _shift_for_priors(mean / scale**2, scale, log_ratio)
    return Candidate(y @ mean + deviation + shift, shortfall)


def _discriminant_candidate(problem):
    """Rows for linear discriminants."""
    student, real, synthetic = problem.student, problem.real, problem.start
    y = synthetic.y
    m, k = y.shape
    share, mean, variance, _ = class_moments(real)
    by_svd = student.shrinkage is None
    priors, reached = share, y.mean(axis=0)
    if student.priors is not None:
        priors = reached = np.array(student.priors)
    factor = np.ones(k) if by_svd else priors / share
    covariance = covariance_within(real, mean, factor)
    scale = np.sqrt(np.diag(covariance))
    varies = scale > 0
    scale[~varies] = 1.0
    values, vectors = eigh(covariance / scale / scale[:, None])
    # Rounding would become a variance of its own in a feature that has none.
    vectors *= varies[:, None]
    kept = values > (student.tol**2 if by_svd else ROUNDING * values[-1])
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    rank = len(roots)
    deviation = _deviations(synthetic)
    shortfall = ""
    if rank > m - k:
        shortfall = (
            f"the covariance within classes has rank {rank}, which takes {rank + k} "
            f"rows. Got {m}"
        )
        # The widest directions that the rows have room for.
        roots, vectors = roots[-(m - k) :], vectors[:, -(m - k) :]
    # One covariance of all rows, or a mean of those of the classes.
    unit = np.sqrt(m if by_svd else y @ (y.sum(axis=0) / reached))
    unit = np.broadcast_to(unit, m)[:, None]
    free = null_space(y.T)
    target = unit * (deviation / scale @ (vectors * roots))
    U, _, Vt = svd(free.T @ target, full_matrices=False)
    deviation = unit * (free @ (U @ Vt) @ (vectors * roots).T * scale)
    shift = 0.0
    if not shortfall and not np.allclose(reached, priors, rtol=ROUNDING):
        if by_svd:
            coef = mean / scale @ (vectors / roots**2) @ vectors.T / scale
        else:
            p, shrinkage = len(scale), student.shrinkage
            system = (1 - shrinkage) * covariance
            system += shrinkage * np.trace(covariance) / p * np.eye(p)
            coef = np.linalg.solve(system, mean.T).T
        shift, shortfall = _shift_for_priors(
            coef, scale * varies, np.log(reached / priors)
        )
    return Candidate(y @ mean + deviation + shift, shortfall)


def _quadratic_candidate(problem):
    """Rows for quadratic discriminants."""
    student, real, synthetic = problem.student, problem.real, problem.start
    y, start = synthetic.y, _deviations(synthetic)
    share, mean, *_ = class_moments(real)
    covariances = class_covariances(real, share, mean)
    shortfall = ""
    if student.priors is None and not np.allclose(y.mean(axis=0), share, rtol=ROUNDING):
        shortfall = (
            "priors follow the rows. Pass n_synthetic as a dict in proportion to the "
            "classes, or priors to the estimator"
        )
    X = y @ mean
    for c, covariance in enumerate(covariances):
        members = y[:, c] > 0
        m = members.sum()
        scale = np.sqrt(np.diag(covariance))
        scale[scale == 0] = 1.0
        values, vectors = eigh(covariance / scale / scale[:, None])
        kept = values > ROUNDING * values[-1]
        roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
        rank = len(roots)
        if rank > m - 1:
            shortfall = (
                f"the covariance of a class has rank {rank}, which takes {rank + 1} "
                f"rows. Got {m}"
            )
            # The widest directions that the rows have room for.
            roots, vectors = roots[-(m - 1) :], vectors[:, -(m - 1) :]
        free = null_space(np.ones((1, m)))
        target = start[members] / scale @ (vectors * roots)
        U, _, Vt = svd(free.T @ target, full_matrices=False)
        X[members] += np.sqrt(m) * (free @ (U @ Vt) @ (vectors * roots).T * scale)
    return Candidate(X, shortfall)


def _counts_candidate(problem):
    """Rows for naive Bayes of counts."""
    bounds = problem.options.bounds
    return Candidate(*count_rows(problem.student, problem.real, problem.start, bounds))


_CANDIDATES = {
    BernoulliNBStudent: _counts_candidate,
    ComplementNBStudent: _counts_candidate,
    MultinomialNBStudent: _counts_candidate,
    GaussianNBStudent: _gaussian_candidate,
    NearestCentroidStudent: _centroid_candidate,
    DiscriminantStudent: _discriminant_candidate,
    QuadraticStudent: _quadratic_candidate,
}
#: Those that know matrices of all pairs of features.
_OF_COVARIANCES = (DiscriminantStudent, QuadraticStudent)


def _are_equal(priors):
    """Whether ``NearestCentroid`` takes priors for equal."""
    return np.isclose(priors, 1 / len(priors)).all()


def _shift_for_priors(coef, scale, log_ratio):
    """Return the shift of all rows that makes up for other priors, and a shortfall.

    It is the least, in units of ``scale``, with which the scores of the classes change
    by ``-log_ratio`` up to a constant.
    """
    system = (coef - coef.mean(axis=0)) * scale
    rhs = log_ratio - log_ratio.mean()
    shift = lstsq(system, rhs, cond=ROUNDING)[0]
    if not np.allclose(system @ shift, rhs, atol=1e-8):
        return 0.0, (
            "priors follow the rows. Pass n_synthetic as a dict in proportion to the "
            "classes, or priors to the estimator"
        )
    return scale * shift, ""


def _centered(X):
    return X - X.mean(axis=0)


def _deviations(synthetic):
    """Deviations (m, p) of the rows from the means of their classes."""
    X, y = synthetic.X, synthetic.y
    return X - y @ (y.T @ X / y.sum(axis=0)[:, None])


def _with_variance(deviation, variance, y=None):
    """Scale deviations (m, p), of mean zero, to a mean square (p,).

    Where they vanish, others take their place: of rows in order, or in the order of
    the first of the classes ``y`` (m, k) that has more than one row.
    """
    deviation = deviation.copy()
    spread = (deviation**2).mean(axis=0)
    flat = spread <= ROUNDING * variance
    members = np.ones(len(deviation), dtype=bool)
    if y is not None:
        members = y[:, np.argmax(y.sum(axis=0) > 1)] > 0
    steps = np.linspace(-1, 1, members.sum()) if members.sum() > 1 else [0.0]
    deviation[np.ix_(~members, flat)] = 0
    deviation[np.ix_(members, flat)] = np.reshape(steps, (-1, 1))
    spread = (deviation**2).mean(axis=0)
    return deviation * np.sqrt(variance / np.where(spread > 0, spread, 1.0))
