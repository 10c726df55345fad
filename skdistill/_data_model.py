"""The linear model of all the real rows, within the norm that a few rows can induce.

Minimizes ``loss + ridge / 2 * ||coef||^2`` over ``||coef|| <= max_norm``. It sees the
real data through an objective. L-BFGS leads near the model in some tens of passes, and
is slow to go on; a few steps of Newton's method, by conjugate gradients in whitened
coordinates, lead to rounding error. A product with the Hessian is a difference of two
gradients: any objective has these.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.utils import gen_batches

from skdistill._containers import LinearParams
from skdistill._whitening import MAX_DENSE_FEATURES, PrincipalWhitening, Whitening
from skdistill.optimizers._lbfgs import minimize

#: The sample only leads near the solution.
SAMPLE_MAX_ITER = 40
SAMPLE_TOL = 1e-3
#: Iterations on all the data after which a model at the limit counts as limited.
PROBE_ITER = 10
#: Steps of Newton's method, products with the Hessian in each, and their precision.
NEWTON_STEPS = 10
NEWTON_PRODUCTS = 60
NEWTON_RTOL = 1e-3
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
    whitening = _whitening_at(student, sample, params, max(ridge, force), objective)
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
    if ridge:
        whitening = _whitening_at(student, sample, params, ridge)
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
    n_iter = result.n_iter
    if result.converged and not limited:
        steps = min(NEWTON_STEPS, max_iter - n_iter)
        params, n_steps = _polish(
            params, student, objective, ridge, whitening, steps, callback
        )
        n_iter += n_steps
    return DataModel(params, limited, whitening, n_iter, result.converged)


def _is_limited(objective, params, ridge):
    """Whether the loss pulls the coefficients outward more than the penalty inward."""
    _, grad = objective.value_and_grad(params)
    return -np.vdot(params.coef, grad.coef) > ridge * np.vdot(params.coef, params.coef)


def _whitening_at(student, sample, params, ridge, objective=None):
    if not ridge and sample.X.shape[1] <= MAX_DENSE_FEATURES:
        # What counts as zero depends on all the rows.
        data = objective if isinstance(objective.X, np.ndarray) else sample
        chunks = (
            (data.X[rows], data.sample_weight[rows])
            for rows in gen_batches(len(data.X), CHUNK_ROWS)
        )
        return PrincipalWhitening(chunks, student.is_centered, student.estimator.tol)
    raw = sample.X @ params.coef.T + params.intercept
    hessian = student.loss.hessian(raw, student.encode(sample.y))
    curvature = np.mean(np.einsum("icc->ic", hessian))
    # Rows that are all but certain have no curvature left to speak of.
    return Whitening(sample.X, sample.sample_weight, ridge / max(curvature, 1e-3))


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


def _polish(params, student, objective, ridge, whitening, max_steps, callback):
    """Take steps of Newton's method until the coefficients no longer change."""
    space = _ModelSpace(params, student, objective, ridge, np.inf, whitening)
    x = space.x0
    if not max_steps:
        return params, 0
    _, grad = space.value_and_grad(x)
    # A quadratic is its own expansion, otherwise half of the digits are left.
    step_length = np.sqrt(np.finfo(objective.X.dtype).eps)
    if student.loss_name == "squared_error":
        step_length = 1.0
    for n_steps in range(1, max_steps + 1):  # noqa: B007

        def product(v, x=x, grad=grad):
            norm = np.linalg.norm(v)
            if not norm:
                return v
            length = step_length / norm
            return (space.value_and_grad(x + length * v)[1] - grad) / length

        hessian = LinearOperator((len(x), len(x)), product, dtype=np.float64)
        step, _ = cg(hessian, -grad, rtol=NEWTON_RTOL, maxiter=NEWTON_PRODUCTS)
        for _ in range(3):
            value, candidate_grad = space.value_and_grad(x + step)
            if np.linalg.norm(candidate_grad) < np.linalg.norm(grad):
                break
            step = step / 2
        else:
            break  # rounding
        before, _ = space.unpack(x)
        x, grad = x + step, candidate_grad
        params, _ = space.unpack(x)
        change = np.abs(params.coef - before.coef).max()
        if space.report(callback, x, value):
            break
        if change <= COEF_TOL * np.abs(params.coef).max():
            break
    params, _ = space.unpack(x)
    return space.centered(params), n_steps


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
        """Without what a softmax does not see of a model."""
        if self.student.loss.shift_invariant:
            # Zero at the minimum, and rounding of float32 data elsewhere.
            return LinearParams(*(part - part.mean(axis=0) for part in params))
        return params
