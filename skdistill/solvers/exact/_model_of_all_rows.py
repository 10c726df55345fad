"""The linear model of all the real rows, within the norm that a few rows can induce.

It minimizes ``loss + ridge / 2 * ||coef||^2`` over ``||coef|| <= max_norm``. The real
data are used only through an objective. L-BFGS first comes near the model on a sample.
If the norm limits the model, L-BFGS on all rows finds it. Otherwise a few steps of
Newton's method on all rows reduce the error to rounding. If the Hessian of all rows is
too expensive, L-BFGS runs on all rows before that.
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

#: Maximum number of iterations on the sample, and their tolerance.
SAMPLE_MAX_ITER = 40
SAMPLE_TOL = 1e-3
#: Number of iterations of a fit at the limit on all the data, and maximum number of
#: such fits.
LIMITED_ITER = 9
MAX_LIMITED_FITS = 3
#: A model overfits a sample if its loss on other rows is higher by more than this, in
#: units of the loss of predicting without features.
OVERFIT = 0.02
#: Maximum number of Newton steps after L-BFGS if the Hessian comes from a sample.
POLISHING_STEPS = 2
#: Maximum number of multiplications for an orthonormal basis of wide rows.
CHEAP_SPAN = 1e10


class DataModel(NamedTuple):
    """A linear model fitted on the real data.

    Attributes
    ----------
    params : LinearParams
        The model.
    limited : bool
        Whether ``max_norm`` limits it, so that it is not the full-data model. A limited
        model is only a start and is not fitted to the end.
    whitening : Whitening
        Coordinates in which the loss near the model is round.
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
        The problem, which has the student, the loss on all rows and that on a sample.
    ridge : float
        Penalty of the estimator on all rows, ``1 / (C * sum of weights)``. Zero gives
        the solution of minimum norm.
    max_norm : float
        Maximum Frobenius norm of the coefficients, or infinity.
    callback : callable or None
        ``callback(params, loss)`` is called after each iteration on all rows. A true
        result ends the fit.

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
    # Estimate the multiplier of the constraint at the start; later it is smaller.
    force = 0.0
    if max_norm:
        force = 0.1 * np.linalg.norm(grad.coef) / max_norm
    at_start = ridge if student.loss.is_quadratic else max(ridge, force)
    span = _row_span(problem)
    whitening = _whitening_at(problem, params, at_start, span)

    def space(params, objective, max_norm=max_norm):
        return _ModelSpace(params, student, objective, ridge, max_norm, whitening, unit)

    if whitening.hessian is not None:
        # The Hessian of all rows is known, so a sample is of no use.
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
            # The fit may not have reached the limit yet.
            if not is_overfit or wanted <= norm or result.outcome is Outcome.STOPPED:
                break
        # The model is inside the ball, so move it away from the boundary.
        params = params._replace(coef=params.coef * min(wanted / norm, 1.0))
    if not student.loss.is_quadratic:
        whitening = _whitening_at(problem, params, ridge, span)
    is_convex = student.loss.upper_hessian is None
    by_newton = student.loss.is_quadratic or (
        is_convex and rows_for_blocks(problem, whitening) is problem.real
    )
    # If the Hessian was known, this has been done above.
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
    """Whether a model overfits the sample, by its loss on a second sample.

    Coefficients fitted on a sample may be too large for all the data.
    """
    if not problem.is_sampled:
        return False
    gap = problem.second_sample_loss.value(params) - problem.sample_loss.value(params)
    cost = problem.student.cost_without_features(problem.options.loss_unit)
    return gap > OVERFIT * cost


def _growth(problem, params, ridge):
    """Return the factor by which the loss on all rows would scale the coefficients.

    It is a step of Newton's method along them, with the curvature on the sample.
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
    """Return the penalty of the estimator on all rows, relative to the mean loss."""
    total = real.total_weight
    return 1 / (student.strength(hyperparameters, total) * total)


def _row_span(problem):
    """Return the RowSpan, or None if it is not smaller, or expensive to compute."""
    sample, is_centered = problem.sample, problem.student.is_centered
    n, p = sample.X.shape
    if issparse(sample.X):
        return None  # a basis of sparse rows is dense
    if n < p and n**2 * p <= CHEAP_SPAN and not problem.is_sampled:
        return RowSpan(sample.X, sample.sample_weight, is_centered)
    return None


def _whitening_at(problem, params, ridge, span):
    """Return coordinates in which the loss near a model is round, in a span if any."""
    student, sample, real = problem.student, problem.sample, problem.real
    is_quadratic, tol = student.loss.is_quadratic, 0.0
    if is_quadratic:
        tol = 0.0 if ridge else student.estimator.tol
        ridge = ridge * student.n_outputs / 2
    else:
        raw = sample.X @ params.coef.T + params.intercept
        hessians = student.loss.convex_hessian(raw, student.encode(sample.y))
        # Rows that are predicted with certainty have almost no curvature.
        ridge = ridge / max(hessians.curvature.mean(), 1e-3)
    # For a quadratic loss, the moments of all rows give the Hessian itself.
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

    The variables are unconstrained: they are projected on the ball before the loss is
    computed. So no multiplier is needed. The intercept is that of centered features.
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
    """The penalized loss as a function of whitened coordinates, within a ball.

    Vectors hold the whitened coefficients (k, size) and the intercepts of centered
    features. A model outside the ball is scaled back to it. The loss is in its own
    unit, and vectors are in the unit of raw predictions, so the units of the targets do
    not matter.
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
        """Return the penalty of the model, including that of its intercept if any."""
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
        """Return the model with sums over outputs of exactly zero, without rounding."""
        coef, intercept = params
        if self.student.outputs_add_up:
            coef = coef - coef.mean(axis=0)
        if self.student.loss.shift_invariant:
            intercept = intercept - intercept.mean()
        return LinearParams(coef, intercept)
