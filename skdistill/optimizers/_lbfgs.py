"""L-BFGS-B on a deterministic outer loss: the bounds come for free."""

import numpy as np
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize

from skdistill.optimizers._outcome import Outcome, OuterResult

#: Relative decrease of an iteration that is rounding.
ROUNDING = 1e-15
#: Steps that are remembered: the most, and of long vectors the fewest.
MAX_STEPS, MIN_STEPS = 20, 5
#: Entries of the steps that are remembered, and as many of changes of the gradient.
MAX_MEMORY = 2**23
#: Runs with a fresh memory after one that could not go on.
MAX_RESTARTS = 2
#: Status of SciPy's for a line search that failed.
ABNORMAL = 2
#: Factor of ``tol`` up to which a run that cannot go on counts as converged.
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
        ``value_and_grad(x) -> (float, ndarray)``, with a value of about one at the
        start and variables of about one.
    x0 : ndarray of shape (d,)
        Start.
    lower, upper : ndarray of shape (d,)
        Bounds, infinite where there are none.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Stop when no entry of the projected gradient exceeds it.
    callback : callable
        ``callback(x, value)`` after each iteration; a true result stops the run.
    n_iter_no_change : int, default=infinity
        Stop when so many iterations have lowered the value by less than
        ``min_decrease`` each, on average.
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

    # SciPy reads bounds one by one, which takes long for wide rows without any.
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
        # A line search that fails may owe it to what the memory says of the curvature:
        # it is forgotten, for as long as that helps.
        if result.status != ABNORMAL or not result.nit or n_iter >= max_iter:
            break
    outcome = _outcome(result, lower, upper, tol) if end is None else end
    if not finite.ever or (not finite.always and outcome is Outcome.STALLED):
        outcome = Outcome.NOT_FINITE
    # SciPy goes back to the last iterate then, but says the value of the last trial.
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
    """A function that is large where it is not finite, so that line searches return.

    Attributes
    ----------
    always, ever : bool
        Whether it was finite wherever it was called, and anywhere.
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
