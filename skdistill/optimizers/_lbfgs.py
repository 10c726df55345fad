"""L-BFGS-B from SciPy, for a deterministic outer loss with bounds."""

import numpy as np
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize

from skdistill.optimizers._outcome import Outcome, OuterResult

#: Maximum relative decrease of an iteration that counts as rounding.
ROUNDING = 1e-15
#: Maximum and minimum number of steps that are remembered; fewer for long vectors.
MAX_STEPS, MIN_STEPS = 20, 5
#: Maximum number of entries of these steps, and of changes of the gradient each.
MAX_MEMORY = 2**23
#: Maximum number of restarts without memory after a failed line search.
MAX_RESTARTS = 2
#: SciPy's status for a failed line search.
ABNORMAL = 2
#: A run that cannot go on has converged if the gradient is below ``tol`` times this.
NEARLY = 10.0


def minimize(
    value_and_grad,
    x0,
    *,
    lower,
    upper,
    max_iter,
    tol,
    callback,
    n_iter_no_change=np.inf,
    min_decrease=0.0,
):
    """Minimize with L-BFGS-B.

    Parameters
    ----------
    value_and_grad : callable
        ``value_and_grad(x) -> (float, ndarray)``. It should be scaled such that the
        variables and the value at the start are about one.
    x0 : ndarray of shape (d,)
        Start.
    lower, upper : ndarray of shape (d,)
        Bounds; infinite entries stand for no bound.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Stop when no entry of the projected gradient exceeds it.
    callback : callable
        ``callback(x, value)`` is called after each iteration. The run stops if it
        returns true.
    n_iter_no_change : int, default=infinity
        Stop when the last ``n_iter_no_change`` iterations have lowered the value by
        less than ``min_decrease`` on average.
    min_decrease : float, default=0.0
        See ``n_iter_no_change``.

    Returns
    -------
    OuterResult
        The iterate with the lowest value.
    """
    finite = _Finite(value_and_grad)
    end, values = None, []

    def stop_if_asked(intermediate_result):
        nonlocal end
        values.append(intermediate_result.fun)
        if callback(intermediate_result.x, intermediate_result.fun):
            end = Outcome.STOPPED
        elif len(values) > n_iter_no_change:
            decrease = values[-1 - n_iter_no_change] - values[-1]
            if decrease < n_iter_no_change * min_decrease:
                end = Outcome.CONVERGED
        if end is not None:
            raise StopIteration

    # SciPy reads bounds one by one, so leave out bounds that are all infinite.
    is_bounded = np.isfinite(lower).any() or np.isfinite(upper).any()
    x, n_iter = x0, 0
    for _ in range(MAX_RESTARTS + 1):
        result = scipy_minimize(
            finite,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(lower, upper) if is_bounded else None,
            callback=stop_if_asked,
            options={
                "maxiter": max_iter - n_iter,
                "maxfun": 20 * max_iter,
                "maxcor": min(max(MAX_MEMORY // x0.size, MIN_STEPS), MAX_STEPS),
                "gtol": tol,
                "ftol": max(min(1e-9, 1e-2 * tol**2), ROUNDING),
            },
        )
        x, n_iter = result.x, n_iter + result.nit
        # A line search may fail because the remembered steps mislead it. Restart
        # without memory as long as that helps.
        if result.status != ABNORMAL or not result.nit or n_iter >= max_iter:
            break
    outcome = _outcome(result, lower, upper, tol) if end is None else end
    if not finite.ever or (not finite.always and outcome is Outcome.STALLED):
        outcome = Outcome.NOT_FINITE
    # In this case SciPy returns the last iterate, but the value of the last trial.
    value = finite(x)[0] if result.status == ABNORMAL else result.fun
    return OuterResult(x, value, n_iter, outcome)


def _outcome(result, lower, upper, tol):
    if result.status == 0:
        return Outcome.CONVERGED
    if result.status == 1:
        return Outcome.MAX_ITER
    step = np.clip(result.x - result.jac, lower, upper) - result.x
    if np.abs(step).max() <= max(NEARLY * tol, np.sqrt(ROUNDING)):
        return Outcome.CONVERGED
    return Outcome.STALLED


class _Finite:
    """Function that is large where another one is not finite, for line searches.

    Attributes
    ----------
    always, ever : bool
        Whether it was finite in all calls, and in at least one call.
    """

    def __init__(self, value_and_grad):
        self.value_and_grad = value_and_grad
        self.largest = 1.0
        self.always, self.ever = True, False

    def __call__(self, x):
        value, grad = self.value_and_grad(x)
        if np.isfinite(value) and np.isfinite(grad).all():
            self.ever = True
            self.largest = max(self.largest, abs(value))
            return value, grad
        self.always = False
        return 1e3 * self.largest, np.zeros_like(x)
