"""L-BFGS-B on a deterministic outer loss: the bounds come for free."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize


class OuterResult(NamedTuple):
    """Where an outer optimizer stopped.

    Attributes
    ----------
    x : ndarray
        Best vector.
    n_iter : int
        Outer iterations.
    converged : bool
        False if ``max_iter`` ended the run.
    """

    x: np.ndarray
    n_iter: int
    converged: bool


def minimize(value_and_grad, x0, *, lower, upper, max_iter, tol, callback):
    """Minimize with L-BFGS-B.

    Parameters
    ----------
    value_and_grad : callable
        ``value_and_grad(x) -> (float, ndarray)``.
    x0 : ndarray of shape (d,)
        Start.
    lower, upper : ndarray of shape (d,)
        Bounds, infinite where there are none.
    max_iter : int
        Most iterations.
    tol : float
        Stop when no entry of the projected gradient exceeds it.
    callback : callable
        ``callback(x, value)`` after each iteration; a true result stops the run.

    Returns
    -------
    OuterResult
        The last iterate, which has the lowest value.
    """

    def stop_if_asked(intermediate_result):
        if callback(intermediate_result.x, intermediate_result.fun):
            raise StopIteration

    result = scipy_minimize(
        value_and_grad,
        x0,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower, upper),
        callback=stop_if_asked,
        options={
            "maxiter": max_iter,
            "maxfun": 20 * max_iter,
            "maxcor": 20,
            "gtol": tol,
            "ftol": min(1e-9, 1e-2 * tol**2),
        },
    )
    return OuterResult(result.x, result.nit, converged=result.status != 1)
