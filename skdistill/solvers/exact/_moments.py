"""Exact sets for students made of moments: rows with the moments of the real data.

``GaussianNB``, ``NearestCentroid`` and discriminant analyses only use the priors, means
and (co)variances of the data. A few rows with the same moments train to the same model.
Of all such rows, the nearest ones to the starting rows are taken. Let there be ``m``
rows, ``m_c`` of class ``c``, with starting values ``x0``, and let ``pi``, ``mu`` and
``v`` (or ``S``) be the real priors, means and variances (or covariance).

**Mean and variance** of a feature: the rows ``x0_i`` move to
``mu + (x0_i - mean(x0)) * sqrt(v / var(x0))``, the nearest point of a sphere.

**Naive Bayes** adds ``eps = a max_j T_j`` to the variances, with ``a = var_smoothing``
and ``T`` the variances of all real rows. The synthetic rows add another ``eps'``, so
their classes need the variances ``v + eps - eps'``. Let ``A`` be the variances that all
rows would have with ``v`` and the means, in the shares ``m_c / m``. Then the variances
of all synthetic rows are ``T' = A + eps - eps'``, so that
``eps' = a (max_j A_j + eps) / (1 + a)``. The rows exist if no ``v + eps - eps'`` is
negative.

**Nearest centroids** need ``sum_i dev_i^2 / (m - k)`` equal to that of the data.

**Linear discriminants**: let ``S = H' H`` with ``r`` directions. The deviations from
the class means are ``sqrt(m) Q H``, where ``Q`` (m, r) has orthonormal columns that sum
to zero in each class. So ``m >= r + k``. The nearest ``Q`` to the starting deviations
is the polar factor of an orthogonal Procrustes problem.

**Quadratic discriminants**: the same applies to the rows of each class, so
``m_c >= r_c + 1``.

**Priors** may follow the numbers of rows, in ratios ``pi'`` that differ from ``pi``. If
all classes share a (co)variance, a shift of all rows compensates for this: moving them
by ``d`` adds ``-mu_c S^-1 d`` to the score of class ``c``, up to a constant. So ``d``
has to solve ``mu_c S^-1 d = log(pi'_c / pi_c) + constant``, which are ``k - 1`` linear
equations.
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

#: Relative error that counts as rounding.
ROUNDING = 1e-10
#: Maximum number of features for which a covariance matrix is computed.
MAX_FEATURES = 4096


class Candidate(NamedTuple):
    """Rows that train to the full-data model, or near it.

    Attributes
    ----------
    X : ndarray of shape (m, p)
        The rows.
    shortfall : str
        Why the rows do not reproduce the model; empty if they do.
    """

    X: np.ndarray
    shortfall: str


def has_moments(problem):
    """Whether a student is made of moments that the rows of a problem may have."""
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
        The problem, whose student is made of moments.

    Returns
    -------
    Start
        These rows, or the starting rows if they have a lower loss on the sample.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    student, options, synthetic = problem.student, problem.options, problem.start
    student.solve(synthetic)  # raises for too few rows
    X, shortfall = _CANDIDATES[type(student)](problem)
    bounded = np.clip(X, *options.bounds)
    if not shortfall and not np.allclose(
        bounded, X, rtol=ROUNDING, atol=ROUNDING * options.scale
    ):
        shortfall = (
            "the nearest rows that do are outside feature_range. Pass "
            "feature_range=None, or more rows"
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
    """Return rows for naive Bayes."""
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
            "a feature is almost constant in a class, and var_smoothing adds more to "
            "its variance for the synthetic rows than for the data. Pass n_synthetic "
            "as a dict, in proportion to the classes"
        )
    variance = np.maximum(variance, 0)
    single = synthetic.y.sum(axis=0) == 1
    if (variance[single] > ROUNDING * added).any():
        shortfall = "one row has no variance. Pass at least two rows for each class"
    weight = synthetic.sample_weight @ synthetic.y
    if student.priors is None and not np.allclose(
        weight / weight.sum(), share, rtol=ROUNDING
    ):
        shortfall = (
            "the class priors depend on the numbers of rows. Pass weighting='match', "
            "n_synthetic as a dict in proportion to the classes, or priors to the "
            "estimator"
        )
    X = synthetic.X.copy()
    for c in range(len(mean)):
        members = synthetic.y[:, c] > 0
        X[members] = mean[c] + _with_variance(_centered(X[members]), variance[c])
    return Candidate(X, shortfall)


def _centroid_candidate(problem):
    """Return rows for nearest centroids."""
    student, real, synthetic = problem.student, problem.real, problem.start
    y = synthetic.y
    m, k = y.shape
    share, mean, variance, _ = class_moments(real)
    # Variance within classes of the data, with weights as numbers of rows.
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
            "it uses another distance if the classes have equal priors. Pass "
            "n_synthetic as a dict in proportion to the classes, or priors to the "
            "estimator"
        )
    elif student.priors is None and not _are_equal(share):
        scale = np.sqrt(np.where(within > 0, within, 1.0))
        log_ratio = np.log(reached / share)
        shift, shortfall = _shift_for_priors(mean / scale**2, scale, log_ratio)
    return Candidate(y @ mean + deviation + shift, shortfall)


def _discriminant_candidate(problem):
    """Return rows for linear discriminants."""
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
    # Keep constant features constant in spite of rounding errors.
    vectors *= varies[:, None]
    kept = values > (student.tol**2 if by_svd else ROUNDING * values[-1])
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    rank = len(roots)
    deviation = _deviations(synthetic)
    shortfall = ""
    if rank > m - k:
        shortfall = (
            f"the covariance within classes has rank {rank}, which needs {rank + k} "
            f"rows; got {m}. Raise n_synthetic"
        )
        # Keep the directions of the largest variance that the rows can have.
        roots, vectors = roots[-(m - k) :], vectors[:, -(m - k) :]
    # The covariance is that of all rows, or a weighted mean of those of the classes.
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
    """Return rows for quadratic discriminants."""
    student, real, synthetic = problem.student, problem.real, problem.start
    y, start = synthetic.y, _deviations(synthetic)
    share, mean, *_ = class_moments(real)
    covariances = class_covariances(real, share, mean)
    shortfall = ""
    if student.priors is None and not np.allclose(y.mean(axis=0), share, rtol=ROUNDING):
        shortfall = (
            "the class priors depend on the numbers of rows. Pass n_synthetic as a "
            "dict in proportion to the classes, or priors to the estimator"
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
                f"the covariance of a class has rank {rank}, which needs {rank + 1} "
                f"rows; got {m}. Raise n_synthetic"
            )
            # Keep the directions of the largest variance that the rows can have.
            roots, vectors = roots[-(m - 1) :], vectors[:, -(m - 1) :]
        free = null_space(np.ones((1, m)))
        target = start[members] / scale @ (vectors * roots)
        U, _, Vt = svd(free.T @ target, full_matrices=False)
        X[members] += np.sqrt(m) * (free @ (U @ Vt) @ (vectors * roots).T * scale)
    return Candidate(X, shortfall)


def _counts_candidate(problem):
    """Return rows for naive Bayes of counts."""
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
#: Students that use covariance matrices.
_OF_COVARIANCES = (DiscriminantStudent, QuadraticStudent)


def _are_equal(priors):
    """Whether ``NearestCentroid`` treats priors as equal."""
    return np.isclose(priors, 1 / len(priors)).all()


def _shift_for_priors(coef, scale, log_ratio):
    """Return the shift of all rows that compensates for other priors, and a shortfall.

    It is the shortest shift, in units of ``scale``, that changes the scores of the
    classes by ``-log_ratio`` up to a constant.
    """
    system = (coef - coef.mean(axis=0)) * scale
    rhs = log_ratio - log_ratio.mean()
    shift = lstsq(system, rhs, cond=ROUNDING)[0]
    if not np.allclose(system @ shift, rhs, atol=1e-8):
        return 0.0, (
            "the class priors depend on the numbers of rows. Pass n_synthetic as a "
            "dict in proportion to the classes, or priors to the estimator"
        )
    return scale * shift, ""


def _centered(X):
    return X - X.mean(axis=0)


def _deviations(synthetic):
    """Return the deviations (m, p) of the rows from the means of their classes."""
    X, y = synthetic.X, synthetic.y
    return X - y @ (y.T @ X / y.sum(axis=0)[:, None])


def _with_variance(deviation, variance, y=None):
    """Scale deviations (m, p) of mean zero such that they have a variance (p,).

    Deviations that are all zero are replaced by evenly spaced values. With classes
    ``y`` (m, k), these are given to the first class that has more than one row.
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
