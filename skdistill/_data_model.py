"""The linear model of all the real rows, within the norm that a few rows can induce.

Minimizes ``loss + ridge / 2 * ||coef||^2`` over ``||coef|| <= max_norm``. It sees the
real data through an objective, in as many passes as L-BFGS takes iterations.
"""

from typing import NamedTuple

import numpy as np

from skdistill._containers import LinearParams
from skdistill._whitening import Whitening
from skdistill.optimizers._lbfgs import minimize

#: The sample only leads near the solution.
SAMPLE_MAX_ITER = 40
SAMPLE_TOL = 1e-3
#: Iterations on all the data after which a model at the limit counts as limited.
PROBE_ITER = 10


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
        Penalty of the estimator on all rows, ``1 / (C * sum of weights)``.
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
    whitening = _whitening_at(student, sample, params, max(ridge, force))
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
    return DataModel(params, limited, whitening, result.n_iter, result.converged)


def _is_limited(objective, params, ridge):
    """Whether the loss pulls the coefficients outward more than the penalty inward."""
    _, grad = objective.value_and_grad(params)
    return -np.vdot(params.coef, grad.coef) > ridge * np.vdot(params.coef, params.coef)


def _whitening_at(student, sample, params, ridge):
    raw = sample.X @ params.coef.T + params.intercept
    curvature = np.mean(np.einsum("icc->ic", student.loss.hessian(raw, sample.y)))
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
    k, p = params.coef.shape
    mean = whitening.mean * student.fit_intercept

    def unpack(x):
        coef = whitening.to_coef(x[: k * p].reshape(k, p))
        norm = np.linalg.norm(coef)
        shrink = max_norm / norm if norm > max_norm else 1.0
        coef = shrink * coef
        return LinearParams(coef, x[k * p :] - coef @ mean), shrink

    def value_and_grad(x):
        params, shrink = unpack(x)
        loss, grad = objective.value_and_grad(params)
        coef = params.coef
        value = float(loss) + 0.5 * ridge * np.vdot(coef, coef)
        coef_grad = grad.coef + ridge * coef - np.outer(grad.intercept, mean)
        if shrink < 1:
            outward = np.vdot(coef, coef_grad) / max_norm**2
            coef_grad = shrink * (coef_grad - outward * coef)
        intercept_grad = grad.intercept * student.fit_intercept
        v_grad = whitening.to_gradient(coef_grad)
        return value, np.concatenate([v_grad.ravel(), intercept_grad])

    def report(x, value):
        if callback is None:
            return False
        params, _ = unpack(x)
        return callback(params, value - 0.5 * ridge * np.vdot(params.coef, params.coef))

    x0 = np.concatenate(
        [
            whitening.from_coef(params.coef).ravel(),
            params.intercept + params.coef @ mean,
        ]
    )
    free = np.full(len(x0), np.inf)
    result = minimize(
        value_and_grad,
        x0,
        lower=-free,
        upper=free,
        max_iter=max_iter,
        tol=tol,
        callback=report,
    )
    params, shrink = unpack(result.x)
    if student.loss.shift_invariant:
        # Zero at the minimum, and rounding of float32 data elsewhere.
        params = LinearParams(*(part - part.mean(axis=0) for part in params))
    return params, shrink < 1, result
