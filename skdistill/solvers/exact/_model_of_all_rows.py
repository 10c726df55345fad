"""The linear model of all the real rows, within the norm that a few rows can induce.

Minimizes ``loss + ridge / 2 * ||coef||^2`` over ``||coef|| <= max_norm``. It sees the
real data through an objective. L-BFGS leads near the model on a sample, and to a model
that the norm limits. From there, a few steps of Newton's method lead to rounding error.
Where there are too many rows, features and classes for a Hessian of all rows, L-BFGS
comes first there, too.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from skdistill.optimizers._lbfgs import minimize
from skdistill.optimizers._outcome import Outcome
from skdistill.real._moments import mean_and_covariance
from skdistill.solvers.exact._newton import polish, rows_for_blocks
from skdistill.solvers.exact._whitening import (
    MAX_DENSE_FEATURES,
    PrincipalWhitening,
    RowSpan,
    SpanWhitening,
    Whitening,
)
from skdistill.students._params import LinearParams

#: The sample only leads near the solution.
SAMPLE_MAX_ITER = 40
SAMPLE_TOL = 1e-3
#: Iterations on all the data that lead near a model at the limit.
LIMITED_ITER = 9
MAX_LIMITED_FITS = 3
#: How much worse than on its own rows a model may be on others, in units of the loss of
#: predicting without features.
OVERFIT = 0.02
#: Steps after L-BFGS, where the Hessian is known from a sample alone.
POLISHING_STEPS = 2
#: Multiplications up to which an orthonormal basis of wide rows is computed.
CHEAP_SPAN = 1e10


class DataModel(NamedTuple):
    """A linear model fitted on the real data.

    Attributes
    ----------
    params : LinearParams
        The model.
    limited : bool
        Whether ``max_norm`` kept it from being the full-data model. A limited model
        is a place to start from, and not fitted to the end.
    whitening : Whitening
        Round coordinates at the model.
    outcome : Outcome
        How the fit ended.
    """

    params: LinearParams
    limited: bool
    whitening: Whitening
    outcome: Outcome = Outcome.CONVERGED


def fit_model_of_all_rows(problem, ridge, max_norm, *, callback):
    """Fit the student's kind of model on the real data.

    Parameters
    ----------
    problem : Problem
        Its student states the loss and whether there is an intercept; its loss is that
        over the real rows, its sample's over some of them.
    ridge : float
        Penalty of the estimator on all rows, ``1 / (C * sum of weights)``; zero for
        the solution of least norm.
    max_norm : float
        Largest Frobenius norm of the coefficients, or infinity.
    callback : callable or None
        ``callback(params, loss)`` after each iteration on all rows; a true result ends
        the fit with the model that it has reached.

    Returns
    -------
    DataModel
        The model.
    """
    student, loss, sample_loss = problem.student, problem.loss, problem.sample_loss
    max_iter, tol = problem.options.max_iter, problem.options.tol
    unit = problem.options.loss_unit
    k, p = student.n_outputs, problem.real.n_features
    sample = problem.sample
    intercept = student.start_of(student.encode(sample.y), sample.sample_weight)
    params = LinearParams(np.zeros((k, p)), intercept)
    _, grad = sample_loss.value_and_grad(params)
    # At the start the constraint is pulled with this force, later with less.
    force = 0.0
    if max_norm:
        force = 0.1 * np.linalg.norm(grad.coef) / max_norm
    at_start = ridge if student.loss.is_quadratic else max(ridge, force)
    span = _row_span(problem)
    whitening = _whitening_at(problem, params, at_start, span)

    def space(params, objective, max_norm=max_norm):
        return _ModelSpace(params, student, objective, ridge, max_norm, whitening, unit)

    if whitening.hessian is not None:
        # Nothing else is to be learned from a sample.
        params, n_iter, outcome = polish(
            space(params, loss, np.inf), problem, max_iter, tol, callback
        )
        fits = np.linalg.norm(params.coef) <= max_norm
        if fits or n_iter >= max_iter or outcome is Outcome.STOPPED:
            return DataModel(params, False, whitening, outcome)
    params, limited, _ = _fit_in_ball(
        space(params, sample_loss),
        max_iter=SAMPLE_MAX_ITER,
        tol=max(SAMPLE_TOL, tol),
        callback=None,
    )
    if limited:
        is_overfit = _is_overfit(problem, params)
        for _ in range(MAX_LIMITED_FITS):
            if is_overfit:
                params, _, result = _fit_in_ball(
                    space(params, loss),
                    max_iter=LIMITED_ITER,
                    tol=tol,
                    callback=callback,
                )
            norm = np.linalg.norm(params.coef)
            wanted = norm * _growth(problem, params, ridge)
            if wanted >= max_norm:
                return DataModel(params, True, whitening)
            # It may still be on the way there.
            if not is_overfit or wanted <= norm or result.outcome is Outcome.STOPPED:
                break
        # It is within the ball. From the limit no gradient would lead there.
        params = params._replace(coef=params.coef * min(wanted / norm, 1.0))
    if not student.loss.is_quadratic:
        whitening = _whitening_at(problem, params, ridge, span)
    is_convex = student.loss.upper_hessian is None
    by_newton = student.loss.is_quadratic or (
        is_convex and rows_for_blocks(problem, whitening) is problem.real
    )
    # Where the Hessian was known, this has been done.
    if whitening.hessian is None and by_newton:
        params, n_iter, outcome = polish(
            space(params, loss, np.inf), problem, max_iter, tol, callback
        )
        fits = np.linalg.norm(params.coef) <= max_norm
        if fits or n_iter >= max_iter or outcome is Outcome.STOPPED:
            return DataModel(params, False, whitening, outcome)
    params, limited, result = _fit_in_ball(
        space(params, loss), max_iter=max_iter, tol=tol, callback=callback
    )
    model = DataModel(params, limited, whitening, result.outcome)
    steps = min(POLISHING_STEPS, max_iter - result.n_iter)
    if limited or result.outcome is Outcome.STOPPED or steps < 1:
        return model
    params, _, _ = polish(space(params, loss, np.inf), problem, steps, tol, callback)
    if np.linalg.norm(params.coef) > max_norm:
        return model
    return DataModel(params, False, whitening)


def _is_overfit(problem, params):
    """Whether a model owes its loss to the sample that it was fitted on.

    A sample has less to say against large coefficients than all the data.
    """
    if not problem.is_sampled:
        return False
    gap = problem.second_sample_loss.value(params) - problem.sample_loss.value(params)
    cost = problem.student.cost_without_features(problem.options.loss_unit)
    return gap > OVERFIT * cost


def _growth(problem, params, ridge):
    """Factor of the coefficients that the loss on all rows asks for.

    By a step of Newton's method along them, with the curvature on the sample.
    """
    student, sample, coef = problem.student, problem.sample, params.coef
    squared_norm = np.vdot(coef, coef)
    _, grad = problem.loss.value_and_grad(params)
    outward = -np.vdot(coef, grad.coef) - ridge * squared_norm
    raw = sample.X @ coef.T
    hessians = student.loss.convex_hessian(
        raw + params.intercept, student.encode(sample.y)
    )
    share = sample.sample_weight / sample.sample_weight.sum()
    curvature = share @ np.sum(raw * hessians.product(raw), axis=1)
    curvature += ridge * squared_norm
    return 1 + outward / max(curvature, np.finfo(np.float64).tiny)


def ridge_on_all_rows(student, hyperparameters, real):
    """Return the penalty that the estimator has on all rows, of a mean loss."""
    total = real.total_weight
    return 1 / (student.strength(hyperparameters, total) * total)


def _row_span(problem):
    """Return the RowSpan, or None where it is no smaller, or expensive to find."""
    sample, is_centered = problem.sample, problem.student.is_centered
    n, p = sample.X.shape
    if issparse(sample.X):
        return None  # a basis of sparse rows is dense
    if n < p and n**2 * p <= CHEAP_SPAN and not problem.is_sampled:
        return RowSpan(sample.X, sample.sample_weight, is_centered)
    return None


def _whitening_at(problem, params, ridge, span):
    """Return round coordinates near a model, in a span if there is one."""
    student, sample, real = problem.student, problem.sample, problem.real
    is_quadratic, tol = student.loss.is_quadratic, 0.0
    if is_quadratic:
        tol = 0.0 if ridge else student.estimator.tol
        ridge = ridge * student.n_outputs / 2
    else:
        raw = sample.X @ params.coef.T + params.intercept
        hessians = student.loss.convex_hessian(raw, student.encode(sample.y))
        # Rows that are all but certain have no curvature left to speak of.
        ridge = ridge / max(hessians.curvature.mean(), 1e-3)
    # Of a quadratic, what all the rows say is the Hessian itself.
    if span is None:
        if is_quadratic and real.n_features <= MAX_DENSE_FEATURES:
            moments = mean_and_covariance(real, student.is_centered)
            return PrincipalWhitening(*moments, ridge, tol, 2 / student.n_outputs)
        return Whitening(sample.X, sample.sample_weight, ridge)
    rows, weight = span.rows, sample.sample_weight
    within = Whitening(rows, weight, ridge)
    if is_quadratic and rows.shape[1] <= MAX_DENSE_FEATURES:
        covariance = (rows.T * (weight / weight.sum())) @ rows
        within = PrincipalWhitening(
            np.zeros(len(covariance)), covariance, ridge, tol, 2 / student.n_outputs
        )
    return SpanWhitening(span, within, ridge)


def _fit_in_ball(space, *, max_iter, tol, callback):
    """Minimize over the ball in whitened coordinates.

    The variable is projected on the ball, which is smooth where it binds, and leaves no
    multiplier to search for. The intercept is that of centered features.
    """
    free = np.full(len(space.x0), np.inf)
    result = minimize(
        space.value_and_grad,
        space.x0,
        lower=-free,
        upper=free,
        max_iter=max_iter,
        tol=tol,
        callback=lambda x, value: space.report(callback, x, value),
    )
    params, shrink = space.unpack(result.x)
    return space.centered(params), shrink < 1, result


class _ModelSpace:
    """The penalized loss in whitened coordinates, within a ball.

    Vectors hold whitened coefficients (k, size), of a model that is scaled back to the
    ball if it is outside, and the intercepts of centered features. The loss is counted
    in its unit, and vectors in that of raw predictions, which is the root of a
    quadratic loss's: the units of the targets do not matter.
    """

    def __init__(self, params, student, objective, ridge, max_norm, whitening, unit):
        self.student = student
        self.objective = objective
        self.ridge = ridge
        self.max_norm = max_norm
        self.whitening = whitening
        self.mean = whitening.mean * student.fit_intercept
        self.k = len(params.coef)
        self.unit, self.length = unit, student.raw_unit(unit)
        x0 = [
            whitening.from_coef(params.coef).ravel(),
            params.intercept + params.coef @ self.mean,
        ]
        self.x0 = np.concatenate(x0) / self.length

    def unpack(self, x):
        """Return the model, and the factor by which it was scaled back."""
        x = x * self.length
        coef = self.whitening.to_coef(x[: -self.k].reshape(self.k, -1))
        norm = np.linalg.norm(coef)
        shrink = self.max_norm / norm if norm > self.max_norm else 1.0
        coef = shrink * coef
        return LinearParams(coef, x[-self.k :] - coef @ self.mean), shrink

    def penalty(self, params):
        """Penalty of the model, with the intercept's if it has one."""
        squares = np.vdot(params.coef, params.coef)
        squares += self.student.intercept_penalty * np.vdot(
            params.intercept, params.intercept
        )
        return 0.5 * self.ridge * squares

    def value_and_grad(self, x):
        params, shrink = self.unpack(x)
        loss, grad = self.objective.value_and_grad(params)
        on_intercept = self.ridge * self.student.intercept_penalty
        intercept_grad = grad.intercept + on_intercept * params.intercept
        intercept_grad = intercept_grad * self.student.fit_intercept
        coef = params.coef
        coef_grad = grad.coef + self.ridge * coef - np.outer(intercept_grad, self.mean)
        if shrink < 1:
            outward = np.vdot(coef, coef_grad) / self.max_norm**2
            coef_grad = shrink * (coef_grad - outward * coef)
        v_grad = self.whitening.to_gradient(coef_grad)
        value = (float(loss) + self.penalty(params)) / self.unit
        grad = np.concatenate([v_grad.ravel(), intercept_grad])
        return value, grad * (self.length / self.unit)

    def report(self, callback, x, value):
        if callback is None:
            return False
        params, _ = self.unpack(x)
        return callback(params, value * self.unit - self.penalty(params))

    def centered(self, params):
        """Without sums over the outputs that are zero but for rounding of float32."""
        coef, intercept = params
        if self.student.outputs_add_up:
            coef = coef - coef.mean(axis=0)
        if self.student.loss.shift_invariant:
            intercept = intercept - intercept.mean()
        return LinearParams(coef, intercept)
