"""The linear model of all the real rows, within the norm that a few rows can induce.

Minimizes ``loss + ridge / 2 * ||coef||^2`` over ``||coef|| <= max_norm``. It sees the
real data through an objective. L-BFGS leads near the model on a sample, and to a model
that the norm limits. From there, a few steps of Newton's method, by conjugate gradients
in whitened coordinates, lead to rounding error. A product with the Hessian is a
difference of two gradients: any objective has these. Where there are too many rows,
features and classes for a Hessian of all rows, L-BFGS comes first there, too.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.utils import gen_batches

from skdistill.optimizers._lbfgs import minimize
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
#: Iterations on all the data after which a model at the limit counts as limited.
PROBE_ITER = 10
#: Products with the Hessian in a step of Newton's method, and their precision.
NEWTON_PRODUCTS = 60
NEWTON_RTOL = 1e-3
MAX_HALVINGS = 10
#: Steps after L-BFGS, where the Hessian is known from a sample alone.
POLISHING_STEPS = 2
#: Multiplications up to which blocks of the Hessian are computed in each step.
CHEAP_BLOCKS = 1e9
#: Multiplications up to which an orthonormal basis of wide rows is computed.
CHEAP_SPAN = 1e10
#: Rows that are multiplied at a time.
CHUNK_ROWS = 4096
#: Change of a coefficient, relative to the largest, that ends these steps.
COEF_TOL = 1e-10


class DataModel(NamedTuple):
    """A linear model fitted on the real data.

    Attributes
    ----------
    params : LinearParams
        The model.
    limited : bool
        Whether ``max_norm`` kept it from being the full-data model. A limited model
        may come from the sample alone: it is a place to start from.
    whitening : Whitening
        Round coordinates at the model.
    n_iter : int
        Iterations on all the data.
    converged : bool
        False if ``max_iter`` ended them.
    """

    params: LinearParams
    limited: bool
    whitening: Whitening
    n_iter: int
    converged: bool


def fit_data_model(
    student, objective, sample, ridge, max_norm, *, max_iter, tol, callback
):
    """Fit the student's kind of model on the real data.

    Parameters
    ----------
    student : LinearStudent
        States the loss and whether there is an intercept.
    objective : DataObjective
        Loss over the real rows.
    sample : DenseObjective
        Loss over a sample of them, or over all.
    ridge : float
        Penalty of the estimator on all rows, ``1 / (C * sum of weights)``; zero for
        the solution of least norm.
    max_norm : float
        Largest Frobenius norm of the coefficients, or infinity.
    max_iter, tol, callback
        See ``skdistill.optimizers``; the callback takes ``params`` and the loss.

    Returns
    -------
    DataModel
        The model.
    """
    k, p = student.n_outputs, sample.X.shape[1]
    params = LinearParams(np.zeros((k, p)), np.zeros(k))
    _, grad = sample.value_and_grad(params)
    # At the start the constraint is pulled with this force, later with less.
    force = 0.1 * np.linalg.norm(grad.coef) / max_norm
    at_start = ridge if student.loss_name == "squared_error" else max(ridge, force)
    span = _row_span(student, objective, sample)
    whitening = _whitening_at(student, sample, params, at_start, objective, span)
    params, limited, _ = _fit_in_ball(
        params,
        student,
        sample,
        ridge,
        max_norm,
        whitening,
        max_iter=min(SAMPLE_MAX_ITER, max_iter),
        tol=max(SAMPLE_TOL, tol),
        callback=None,
    )
    if limited:
        if _is_limited(objective, params, ridge):
            return DataModel(params, True, whitening, 0, True)
        # A sample has less to say against large coefficients than all the data.
        probe, limited, _ = _fit_in_ball(
            LinearParams(params.coef / 2, params.intercept),
            student,
            objective,
            ridge,
            max_norm,
            whitening,
            max_iter=PROBE_ITER,
            tol=tol,
            callback=None,
        )
        if limited and _is_limited(objective, probe, ridge):
            return DataModel(params, True, whitening, 0, True)
        params = probe
    if student.loss_name != "squared_error":
        whitening = _whitening_at(student, sample, params, ridge, objective, span)
    fits_by_newton = student.loss_name == "squared_error" or (
        _rows_for_blocks(student, objective, sample, whitening) is objective
    )
    if not limited and fits_by_newton:
        model = _polish(
            params,
            student,
            objective,
            sample,
            ridge,
            whitening,
            max_iter,
            tol,
            callback,
        )
        coef = model.params.coef
        if np.linalg.norm(coef) <= max_norm or model.n_iter >= max_iter:
            return model
        params = model.params
    params, limited, result = _fit_in_ball(
        params,
        student,
        objective,
        ridge,
        max_norm,
        whitening,
        max_iter=max_iter,
        tol=tol,
        callback=callback,
    )
    model = DataModel(params, limited, whitening, result.n_iter, result.converged)
    steps = min(POLISHING_STEPS, max_iter - result.n_iter)
    if limited or not result.converged or steps < 1:
        return model
    polished = _polish(
        params, student, objective, sample, ridge, whitening, steps, tol, callback
    )
    if np.linalg.norm(polished.params.coef) > max_norm:
        return model
    n_iter = result.n_iter + polished.n_iter
    return polished._replace(n_iter=n_iter, converged=True)


def _is_limited(objective, params, ridge):
    """Whether the loss pulls the coefficients outward more than the penalty inward."""
    _, grad = objective.value_and_grad(params)
    return -np.vdot(params.coef, grad.coef) > ridge * np.vdot(params.coef, params.coef)


def _row_span(student, objective, sample):
    """Return the RowSpan, or None where it is no smaller, or expensive to find."""
    n, p = sample.X.shape
    if n < p and n**2 * p <= CHEAP_SPAN and n == objective.n_rows:
        return RowSpan(sample.X, sample.sample_weight, student.is_centered)
    return None


def _whitening_at(student, sample, params, ridge, objective, span):
    """Return round coordinates near a model, in a span if there is one."""
    is_squared = student.loss_name == "squared_error"
    tol = 0.0 if ridge else student.estimator.tol
    if is_squared:
        ridge = ridge * student.n_outputs / 2
    else:
        raw = sample.X @ params.coef.T + params.intercept
        hessians = student.loss.hessian(raw, student.encode(sample.y))
        # Rows that are all but certain have no curvature left to speak of.
        ridge = ridge / max(hessians.curvature.mean(), 1e-3)
    data = sample
    if is_squared and isinstance(objective.X, np.ndarray):
        data = objective
    X, weight = data.X if span is None else span.rows, data.sample_weight
    if is_squared and X.shape[1] <= MAX_DENSE_FEATURES:
        # What all the rows say is the Hessian itself.
        chunks = ((X[rows], weight[rows]) for rows in gen_batches(len(X), CHUNK_ROWS))
        whitening = PrincipalWhitening(chunks, student.is_centered, ridge, tol)
    else:
        whitening = Whitening(X, weight, ridge)
    return whitening if span is None else SpanWhitening(span, whitening, ridge)


def _fit_in_ball(
    params,
    student,
    objective,
    ridge,
    max_norm,
    whitening,
    *,
    max_iter,
    tol,
    callback,
):
    """Minimize over the ball in whitened coordinates.

    The variable is projected on the ball, which is smooth where it binds, and leaves no
    multiplier to search for. The intercept is that of centered features.
    """
    space = _ModelSpace(params, student, objective, ridge, max_norm, whitening)
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


def _polish(
    params, student, objective, sample, ridge, whitening, max_iter, tol, callback
):
    """Fit by Newton's method until the coefficients no longer change."""
    space = _ModelSpace(params, student, objective, ridge, np.inf, whitening)
    x = space.x0
    value, grad = space.value_and_grad(x)
    if not grad.any():
        space.report(callback, x, value)
        return DataModel(space.centered(params), False, whitening, 1, True)
    # A quadratic is its own expansion, otherwise half of the digits are left.
    step_length = np.sqrt(np.finfo(sample.X.dtype).eps)
    blocks = None
    if student.loss_name == "squared_error":
        step_length = 1.0
    elif whitening.size <= MAX_DENSE_FEATURES:
        rows = _rows_for_blocks(student, objective, sample, whitening)
        blocks = _CurvatureBlocks(space, rows)
    preconditioner = None
    converged, first_size = False, np.linalg.norm(grad)
    for n_iter in range(1, max_iter + 1):  # noqa: B007

        def product(v, x=x, grad=grad):
            norm = np.linalg.norm(v)
            if not norm:
                return v
            length = step_length / norm
            return (space.value_and_grad(x + length * v)[1] - grad) / length

        hessian = LinearOperator((len(x), len(x)), product, dtype=np.float64)
        if blocks is not None and (preconditioner is None or blocks.are_cheap):
            preconditioner = blocks.inverse(params)
        # Early steps need not be exact.
        rtol = max(NEWTON_RTOL, 0.1 * min(1.0, np.linalg.norm(grad) / first_size))
        step, _ = cg(
            hessian,
            -grad,
            rtol=rtol,
            maxiter=NEWTON_PRODUCTS,
            M=preconditioner,
        )
        size, slope = np.linalg.norm(grad), np.vdot(grad, step)
        for _ in range(MAX_HALVINGS):
            candidate, candidate_grad = space.value_and_grad(x + step)
            # Near the minimum rounding hides the descent, but not in the gradient.
            if np.linalg.norm(candidate_grad) < 0.5 * size:
                break
            if candidate < value + 1e-4 * slope and -slope > 1e-14 * abs(value):
                break
            step, slope = step / 2, slope / 2
        else:
            converged = True
            break  # rounding
        value = candidate
        before = params
        x, grad = x + step, candidate_grad
        params, _ = space.unpack(x)
        change = np.abs(params.coef - before.coef).max()
        converged = np.abs(grad).max() <= tol
        if space.report(callback, x, value):
            break
        if change <= COEF_TOL * np.abs(params.coef).max():
            break
    params = space.centered(params)
    return DataModel(params, False, whitening, n_iter, converged)


class _ModelSpace:
    """The penalized loss in whitened coordinates, within a ball.

    Vectors hold whitened coefficients (k, size), of a model that is scaled back to the
    ball if it is outside, and the intercepts of centered features.
    """

    def __init__(self, params, student, objective, ridge, max_norm, whitening):
        self.student = student
        self.objective = objective
        self.ridge = ridge
        self.max_norm = max_norm
        self.whitening = whitening
        self.mean = whitening.mean * student.fit_intercept
        self.k = len(params.coef)
        self.x0 = np.concatenate(
            [
                whitening.from_coef(params.coef).ravel(),
                params.intercept + params.coef @ self.mean,
            ]
        )

    def unpack(self, x):
        """Return the model, and the factor by which it was scaled back."""
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
        value = float(loss) + self.penalty(params)
        return value, np.concatenate([v_grad.ravel(), intercept_grad])

    def report(self, callback, x, value):
        if callback is None:
            return False
        params, _ = self.unpack(x)
        return callback(params, value - self.penalty(params))

    def centered(self, params):
        """Without sums over the outputs that are zero but for rounding of float32."""
        coef, intercept = params
        if self.student.outputs_add_up:
            coef = coef - coef.mean(axis=0)
        if self.student.loss.shift_invariant:
            intercept = intercept - intercept.mean()
        return LinearParams(coef, intercept)


def _rows_for_blocks(student, objective, sample, whitening):
    """All rows, where a Hessian of all is as cheap as some products with it."""
    work = len(objective.y) * whitening.size**2 * student.n_outputs
    is_cheap = work <= CHEAP_BLOCKS and whitening.size <= MAX_DENSE_FEATURES
    return objective if is_cheap and isinstance(objective.X, np.ndarray) else sample


class _CurvatureBlocks:
    """Diagonal blocks of the Hessian on some rows, one for each output.

    Whitened coordinates are round for the mean curvature of the rows; the blocks know
    the curvature of each row and output.
    """

    def __init__(self, space, sample):
        self.space, self.sample = space, sample
        student, size = space.student, space.whitening.size
        basis = space.whitening.to_coef(np.eye(size))
        self.design = np.ones((len(sample.X), size + 1))
        self.design[:, :-1] = (sample.X - space.mean) @ basis.T
        self.y = student.encode(sample.y)
        self.penalty = np.zeros((size + 1, size + 1))
        self.penalty[:-1, :-1] = space.ridge * basis @ basis.T
        intercept = np.append(-basis @ space.mean, 1.0)
        on_intercept = space.ridge * student.intercept_penalty
        self.penalty += on_intercept * np.outer(intercept, intercept)
        if not student.fit_intercept:
            self.design[:, -1] = 0.0
            self.penalty[-1, -1] = 1.0
        self.are_cheap = self.design.size * (size + 1) * space.k <= CHEAP_BLOCKS

    def inverse(self, params):
        """Return the inverse of the blocks at a model, as an operator."""
        sample, k = self.sample, self.space.k
        raw = sample.X @ params.coef.T + params.intercept
        curvature = self.space.student.loss.hessian(raw, self.y).curvature
        curvature = curvature * sample.sample_weight[:, None]
        factors = []
        for c in range(k):
            block = (self.design.T * curvature[:, c]) @ self.design + self.penalty
            # Where nothing is curved, nothing is known: stay close.
            ridge = 1e-8 * np.trace(block) / len(block)
            block[np.diag_indices_from(block)] += ridge
            factors.append(cho_factor(block, overwrite_a=True, check_finite=False))

        def apply(x):
            v = np.column_stack([x[:-k].reshape(k, -1), x[-k:]])
            v = np.array([cho_solve(f, row) for f, row in zip(factors, v, strict=True)])
            return np.concatenate([v[:, :-1].ravel(), v[:, -1]])

        return LinearOperator((len(self.space.x0),) * 2, apply, dtype=np.float64)
