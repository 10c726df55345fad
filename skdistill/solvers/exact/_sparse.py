"""Exact sets for linear models with an L1 penalty, whose coefficients are partly zero.

With the pulls ``A_i = -C w_i dl/dz(z_i, y_i)`` of the rows, training on rows ``S`` with
the penalty ``l1 * sum |W| + l2 / 2 * ||W||^2`` leads to ``(W, b)`` if and only if

    A' S = G,    A' 1 = 0,    G = l1 * sign(W) + l2 * W on the support of W,

and ``|G| <= l1`` outside the support. These are the equations of ``_given_targets`` and
``_learned_targets`` with ``G`` in the place of ``W``. Outside the support, ``G`` is
taken from the real rows and shrunk a little, so that the same coefficients are zero.
Without ``l2``, more rows than features in the support are needed, because otherwise the
solution is not unique.

For a squared error, the model of all rows only needs their moments.
"""

from types import SimpleNamespace

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse

from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.real._moments import mean_and_covariance
from skdistill.solvers._problem import Start
from skdistill.solvers.exact._learned_targets import reproducing_sets
from skdistill.solvers.exact._pull_system import PullSystem
from skdistill.solvers.exact._span import (
    ModelSpan,
    is_reproduced,
    norm_limit,
    project_into_box,
)
from skdistill.solvers.exact._whitening import MAX_DENSE_FEATURES
from skdistill.students._params import LinearParams
from skdistill.students.linear._sparse_base import SparseProblem

#: Factor by which derivatives outside the support are shrunk.
KEPT = 0.9
#: Number of bisections for the penalty with which a model has the required number of
#: features.
PENALTY_STEPS = 12
#: Minimum singular values of independent features: a safe one and a small one.
CLEAR, BARELY = 0.01, 1e-4
#: Maximum number of features fewer than the rows allow that are tried.
MAX_FEWER = 4
#: Maximum powers of two by which rows are spread, and by which the penalty is raised.
APART, STEPS_TO_REACH = 8, 16
#: With more rows than this, one of them is kept in reserve.
FEW_ROWS = 4
#: Maximum number of entries of real rows for which the model is fitted on the rows.
MAX_ENTRIES = 10**7


def reach_model_sparse(problem, report):
    """Find rows that reproduce the model of all the data, or come near.

    Parameters
    ----------
    problem : Problem
        The problem, whose student is a ``SparseLinearStudent``.
    report : Report
        Takes note of the model.

    Returns
    -------
    Start
        The rows, or the starting rows of the problem if none are better.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    options, start = problem.options, problem.start
    data = _data_of(problem)
    found, model = None, None
    if data is not None and not report.stopped:
        model = data.model(*_penalties(problem))
        report.model_iteration(lambda: start, problem.loss.value(model))
        if options.solver != "lbfgs":
            found = _exact_set(problem, model)
    if found is None and options.solver == "exact" and not report.stopped:
        n_kept = 0 if model is None else np.any(model.coef != 0, axis=0).sum()
        raise ValueError(
            f"solver='exact' found no {len(start.X)} rows within the bounds that "
            f"reproduce the full-data model, which has {n_kept} features. Pass more "
            "rows, learn_labels=True for numeric targets, a wider feature_range, or "
            "solver='auto', which returns the best rows it finds."
        )
    is_exact = found is not None
    if not is_exact and not report.stopped:
        if options.target_scale is None:
            return Start(_within_reach(problem, data, model), lambda _: options.units)
        if model is not None:
            found = _with_fewer_features(problem, data, model)
    best = start if found is None else found
    return Start(
        best, lambda _: options.units, is_exact, is_of_all_rows=found is not None
    )


def sparse_model_of_all_rows(problem):
    """Return the LinearParams of the model of all rows, or None if it is expensive."""
    data = _data_of(problem)
    return None if data is None else data.model(*_penalties(problem))


def sums_on_support(student, synthetic, model):
    """Return the sum ``A' S`` (k, p) of pulls times rows; zero outside the support."""
    inner = SparseProblem.of(student, synthetic)
    theta = inner.to_theta(model)
    return (inner.l1 * inner.directions(theta) + inner.l2 * theta)[:-1].T


def _penalties(problem):
    """Return ``l1`` and ``l2`` of the estimator on all rows, for the mean loss."""
    student, real = problem.student, problem.real
    hyperparameters = problem.start.hyperparameters
    strength = student.strength(hyperparameters, real.total_weight) * real.total_weight
    return tuple(each / strength for each in student.penalties(hyperparameters))


def _data_of(problem):
    """Return the rows or moments for fitting models, or None if it is expensive."""
    student, real, sample = problem.student, problem.real, problem.sample
    is_small = not problem.is_sampled and sample.X.size <= MAX_ENTRIES
    if is_small and not issparse(sample.X):
        return _Rows(problem)
    if student.loss.is_quadratic and real.n_features <= MAX_DENSE_FEATURES:
        return _Moments(problem)
    return None


class _Rows:
    """All rows, if they are few."""

    def __init__(self, problem):
        sample, self.student = problem.sample, problem.student
        self.share = sample.sample_weight / sample.sample_weight.sum()
        self.X, self.y = sample.X.astype(np.float64), self.student.encode(sample.y)

    def model(self, l1, l2):
        """Return the LinearParams of minimum penalized loss."""
        return SparseProblem(self.X, self.y, self.share, l1, l2, self.student).solve()

    def least_squares(self, model):
        """Return the model of the same features without a penalty."""
        is_centered, root = self.student.is_centered, np.sqrt(self.share)[:, None]
        Y = self.y.reshape(len(self.X), -1)
        mean, target_mean = (self.share @ each * is_centered for each in (self.X, Y))
        coef = _least_squares(root * (self.X - mean), root * (Y - target_mean), model)
        return LinearParams(coef, target_mean - coef @ mean)


class _Moments:
    """The moments of all rows, which suffice for a squared error."""

    def __init__(self, problem):
        self.problem, self.student = problem, problem.student
        is_centered = self.student.is_centered
        mean, covariance = mean_and_covariance(problem.real, is_centered)
        self.mean = mean * is_centered
        variances, vectors = eigh(covariance)
        kept = variances > 1e-14 * variances[-1]
        self.root, self.vectors = np.sqrt(variances[kept]), vectors[:, kept]
        self.quadratic = SimpleNamespace(
            loss=SQUARED_LOSS,
            in_groups=self.student.in_groups,
            n_outputs=self.student.n_outputs,
            fit_intercept=False,
            is_centered=False,
        )

    def least_squares(self, model):
        """Return the model of the same features without a penalty."""
        rows = self.root[:, None] * self.vectors.T
        targets, intercept = self._targets(_empty(self.student, self.mean))
        coef = _least_squares(rows, targets, model)
        return LinearParams(coef, intercept - coef @ self.mean)

    def _targets(self, params):
        """Return targets of the rows, and the intercept at the mean."""
        k, centered = self.student.n_outputs, self.student.is_centered
        _, grad = self.problem.loss.value_and_grad(params)
        slope = self.vectors.T @ (grad.coef - np.outer(grad.intercept, self.mean)).T
        rows = self.root[:, None] * self.vectors.T
        targets = rows @ params.coef.T - k / 2 * slope / self.root[:, None]
        intercept = params.intercept + params.coef @ self.mean
        return targets, intercept - k / 2 * grad.intercept * centered

    def model(self, l1, l2):
        """Return the LinearParams of minimum penalized loss."""
        k, rows = self.student.n_outputs, self.root[:, None] * self.vectors.T
        params, weight = _empty(self.student, self.mean), np.ones(len(rows))
        # The second pass corrects rounding errors of the first one.
        for _ in range(2):
            targets, intercept = self._targets(params)
            # The loss is a mean over the outputs, and each row has weight one.
            inner = SparseProblem(rows, targets, weight, l1, l2, self.quadratic)
            coef = inner.solve(params._replace(intercept=np.zeros(k))).coef
            params = LinearParams(coef, intercept - coef @ self.mean)
        return params


def _empty(student, mean):
    k = student.n_outputs
    return LinearParams(np.zeros((k, len(mean))), np.zeros(k))


def _least_squares(rows, targets, model):
    """Return least-squares coefficients (k, p) with the zeros of a model."""
    coef = np.zeros_like(model.coef)
    for own, target, given in zip(coef, targets.T, model.coef, strict=True):
        kept = given != 0
        own[kept] = np.linalg.lstsq(rows[:, kept], target, rcond=None)[0]
    return coef


def _within_reach(problem, data, model):
    """Return the best rows with given targets, among spread rows and models in reach.

    Spread rows are tried because rows that train to zero coefficients have no gradient.
    The loss bounds the penalty of models in reach, by ``sum_i <z_i, A_i> = <W, G>``. So
    the penalty is raised until the model is in reach.
    """
    student, start = problem.student, problem.start
    candidates = [start]
    center = start.X.mean(axis=0)
    for factor in 2.0 ** np.arange(1, APART + 1):
        X = np.clip(center + factor * (start.X - center), *problem.options.bounds)
        candidates.append(start._replace(X=X))
    if model is not None and student.penalized_intercept is None:
        limit = student.strength_on(start) * norm_limit(student, start)
        l1, l2 = _penalties(problem)
        for factor in 2.0 ** np.arange(1, STEPS_TO_REACH):
            limited = data.model(factor * l1, l2)
            wanted = _wanted(problem, limited)
            if np.vdot(limited.coef, wanted) < limit:
                candidates += _candidates(problem, limited, wanted)
                candidates += _candidates(problem, *_half(problem, limited))
                break
    losses = [
        problem.sample_loss.value(student.solve(candidate)) for candidate in candidates
    ]
    return candidates[int(np.nanargmin(losses))]


def _half(problem, model):
    """Return half of a model, which is easier to reach, and its required sum."""
    half = model._replace(coef=model.coef / 2)
    return half, _wanted(problem, half)


def _with_fewer_features(problem, data, model):
    """Return rows for a model with no more features than the rows allow, or None.

    The features are chosen here, because rows have no gradient in features that are not
    in their model. Learned targets allow any coefficients.
    """
    student = problem.student
    # Keep one row in reserve: scikit-learn's descent is slow if rows hardly suffice.
    m = len(problem.start.X)
    most = max(m - student.is_centered - (m > FEW_ROWS), 1)
    best, best_loss = None, problem.sample_loss.value(student.solve(problem.start))
    for n_features in range(most, max(most - MAX_FEWER, 0), -1):
        fewer = data.least_squares(_of_at_most(problem, data, model, n_features))
        for candidate in _candidates(problem, fewer, _wanted(problem, fewer)):
            loss = problem.sample_loss.value(student.solve(candidate))
            if loss < best_loss and _is_unique(student, candidate, fewer, CLEAR):
                best, best_loss = candidate, loss
        if best is not None:
            break
    return best


def _of_at_most(problem, data, model, most):
    """Return the model with the smallest penalty and at most ``most`` features."""
    l1, l2 = _penalties(problem)
    low = high = 1.0
    while _n_features(model) > most:
        low, high = high, 2 * high
        model = data.model(high * l1, l2)
    for _ in range(PENALTY_STEPS):
        middle = np.sqrt(low * high)
        candidate = data.model(middle * l1, l2)
        if _n_features(candidate) > most:
            low = middle
        else:
            high, model = middle, candidate
    return model


def _n_features(model):
    """Return the maximum number of features of an output."""
    return np.count_nonzero(model.coef, axis=1).max()


def _exact_set(problem, model):
    """Return a set that trains to the model, with the same zeros, or None."""
    student, options = problem.student, problem.options
    wanted = _wanted(problem, model)
    if not wanted.any() or student.penalized_intercept is not None:
        return None
    for candidate in _candidates(problem, model, wanted):
        trained = student.solve(candidate)
        if (
            is_reproduced(model, trained)
            and np.array_equal(trained.coef != 0, model.coef != 0)
            and options.holds_targets(candidate)
            and _is_unique(student, candidate, model, BARELY)
        ):
            return candidate
    return None


def _wanted(problem, model):
    """Return the required sum ``A' S`` (k, p) of pulls times rows, called ``G``."""
    student, synthetic = problem.student, problem.start
    l1, _ = student.penalties(synthetic.hyperparameters)
    total = problem.real.total_weight
    strength = student.strength(synthetic.hyperparameters, total) * total
    _, grad = problem.loss.value_and_grad(model)
    inner = SparseProblem.of(student, synthetic)
    wanted = -strength * KEPT * grad.coef
    size = inner.norms(np.vstack([wanted.T, np.zeros(len(wanted))]))[:-1].T
    wanted *= np.minimum(1.0, KEPT * l1 / np.where(size > 0, size, 1.0))
    support = inner.support(inner.to_theta(model))[:-1].T
    return np.where(support, sums_on_support(student, synthetic, model), wanted)


def _candidates(problem, model, wanted):
    student, options, synthetic = problem.student, problem.options, problem.start
    if options.target_scale is not None:
        yield from reproducing_sets(
            student,
            model,
            synthetic,
            options.bounds,
            options.scale,
            options.target_scale,
            target_bounds=options.target_bounds,
            ranges=(problem.real.low, problem.real.high),
            target_ranges=(problem.real.targets.low, problem.real.targets.high),
            wanted=wanted,
        )
        return
    if not model.coef.any():
        return
    mean = np.average(synthetic.X, axis=0, weights=synthetic.sample_weight)
    span = ModelSpan(model, mean * student.is_centered, wanted)
    Q0 = span.project(synthetic.X)
    system = PullSystem(student, span, synthetic, Q0)
    for factor in (1.0, 2.0, 0.5, 4.0):
        center = Q0.mean(axis=0)
        Q = system.solve(center + factor * (Q0 - center))
        A = system.pull(Q)
        X = project_into_box(
            lambda X, Q=Q, A=A: span.extend(Q, A, X), synthetic.X, options.bounds
        )
        if np.isfinite(X).all():
            yield synthetic._replace(X=X)


def _is_unique(student, synthetic, model, tol):
    """Whether no other model has the same penalized loss on a set.

    ``tol`` is the minimum singular value of independent columns of norm one.
    """
    inner = SparseProblem.of(student, synthetic)
    if inner.l2:
        return True
    for c in range(student.n_outputs):
        support = model.coef.any(axis=0) if inner.in_groups else model.coef[c] != 0
        columns = inner.design[:, :-1][:, support]
        scale = np.linalg.norm(columns, axis=0)
        if np.linalg.matrix_rank(columns / scale, tol=tol) < support.sum():
            return False
    return True
