"""L-BFGS-B: its results and the outcomes that it reports."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.optimizers._lbfgs import minimize
from skdistill.optimizers._outcome import Outcome


def go_on(x, value):
    return False


def run(function, x0, *, bound=np.inf, max_iter=200, tol=1e-6, callback=go_on):
    x0 = np.asarray(x0, dtype=float)
    return minimize(
        function,
        x0,
        lower=np.full(len(x0), -bound),
        upper=np.full(len(x0), bound),
        max_iter=max_iter,
        tol=tol,
        callback=callback,
    )


CURVATURE = np.geomspace(1, 1e3, 8)


def quadratic(x):
    """A function with its minimum, of value one, at one."""
    return 1 + 0.5 * CURVATURE @ (x - 1) ** 2, CURVATURE * (x - 1)


def rosenbrock(x):
    a, b = x[1] - x[0] ** 2, 1 - x[0]
    return 100 * a**2 + b**2, np.array([-400 * a * x[0] - 2 * b, 200 * a])


def kink(x):
    """A function with a kink across the direction of descent."""
    across = x[0] + 0.3 * x[1]
    side = np.sign(across)
    return 1 + 10 * abs(across) + x[1] ** 2 / 2, np.array([10.0, 3.0]) * side + [
        0,
        x[1],
    ]


def test_converges():
    result = run(rosenbrock, [-1.2, 1.0])
    assert result.outcome is Outcome.CONVERGED
    assert_allclose(result.x, 1, atol=1e-5)
    assert result.value == rosenbrock(result.x)[0]
    assert result.outcome.warning(max_iter=200) == ""


@pytest.mark.parametrize("tol", [0.0, 1e-300])
def test_rounding_is_no_failure(tol):
    """If nothing is left to gain, the run has converged."""
    result = run(quadratic, np.zeros(8), tol=tol, max_iter=1000)
    assert result.outcome is Outcome.CONVERGED
    assert_allclose(result.x, 1, atol=1e-6)
    assert result.outcome.warning(max_iter=1000) == ""


def test_bounds_hold_and_bind():
    result = run(quadratic, np.zeros(8), bound=0.5)
    assert_array_equal(result.x, 0.5)
    assert result.outcome is Outcome.CONVERGED


def test_iterations_are_counted_and_limited():
    seen = []
    result = run(
        rosenbrock, [-1.2, 1.0], max_iter=5, callback=lambda *each: seen.append(each)
    )
    assert result.outcome is Outcome.MAX_ITER
    assert result.n_iter == len(seen) == 5
    assert_array_equal(result.x, seen[-1][0])
    assert result.value == seen[-1][1] == rosenbrock(result.x)[0]
    assert "max_iter=5" in result.outcome.warning(max_iter=5)


def test_a_callback_stops():
    seen = []

    def stop_at_third(x, value):
        seen.append(x.copy())
        return len(seen) == 3

    result = run(rosenbrock, [-1.2, 1.0], callback=stop_at_third)
    assert result.outcome is Outcome.STOPPED
    assert result.n_iter == len(seen) == 3
    assert_array_equal(result.x, seen[-1])
    assert result.outcome.warning(max_iter=200) == ""


def test_a_kink_stalls():
    """A line search that finds no descent does not count as convergence."""
    result = run(kink, [1.0, 2.0])
    assert result.outcome is Outcome.STALLED
    assert result.value == kink(result.x)[0] < kink(np.array([1.0, 2.0]))[0]
    assert "could not be lowered" in result.outcome.warning(max_iter=200)


def test_descent_that_rounding_hides_stalls():
    """The loss has two digits, while the gradient shows that more could be gained."""
    result = run(lambda x: (np.round(quadratic(x)[0], 2), quadratic(x)[1]), np.zeros(8))
    assert result.outcome is Outcome.STALLED


def test_a_gradient_of_nearly_tol_is_no_failure():
    """That of the fold is 10: asked for is 2, and a line search that ends beside."""
    result = run(kink, [1.0, 2.0], tol=2.0)
    assert_allclose(np.abs(kink(result.x)[1]).max(), 10.0)
    assert result.outcome is Outcome.CONVERGED


def test_a_start_that_cannot_be_left_is_told():
    """The gradient points uphill, so no iteration is made, and the result says so."""

    def uphill(x):
        value, grad = quadratic(x)
        return value, -grad

    x0 = np.zeros(8)
    result = run(uphill, x0)
    assert result.outcome is Outcome.STALLED
    assert result.n_iter == 0
    assert_array_equal(result.x, x0)


def test_runs_that_cannot_go_on_begin_anew():
    """A restart drops the stored curvature, which may be what is wrong."""
    calls = 0

    def wrong_for_a_while(x):
        nonlocal calls
        calls += 1
        value, grad = rosenbrock(x)
        return value, -grad if 10 <= calls < 32 else grad

    result = run(wrong_for_a_while, [-1.2, 1.0])
    assert result.outcome is Outcome.CONVERGED
    assert_allclose(result.x, 1, atol=1e-5)


def nan_beyond(limit, function):
    def limited(x):
        value, grad = function(x)
        if x[0] > limit:
            return np.nan, np.full_like(grad, np.nan)
        return value, grad

    return limited


def test_a_wall_of_nan_is_not_convergence():
    """The best iterate before the NaN is returned; it is finite."""
    result = run(nan_beyond(0.5, rosenbrock), [-1.2, 1.0])
    assert result.outcome is Outcome.NOT_FINITE
    assert np.isfinite(result.value)
    assert result.x[0] <= 0.5
    assert result.value == rosenbrock(result.x)[0] < 4
    assert "infinite or NaN" in result.outcome.warning(max_iter=200)


def test_a_gradient_of_nan_is_not_convergence():
    def without_gradient(x):
        return quadratic(x)[0], np.full(8, np.nan)

    x0 = np.zeros(8)
    result = run(without_gradient, x0)
    assert result.outcome is Outcome.NOT_FINITE
    assert_array_equal(result.x, x0)


def infinite_once(function):
    """Return the function with an infinite third value, as after a step too long."""
    calls = 0

    def trial(x):
        nonlocal calls
        calls += 1
        value, grad = function(x)
        return (np.inf if calls == 3 else value), grad

    return trial


def test_a_step_into_infinity_on_the_way_does_not_matter():
    result = run(infinite_once(quadratic), np.zeros(8))
    assert result.outcome is Outcome.CONVERGED
    assert_allclose(result.x, 1, atol=1e-5)


@pytest.mark.parametrize("stops", [True, False])
def test_what_ends_a_run_after_such_a_step_is_said(stops):
    """The message does not name that step, because the run recovered from it."""
    seen = []

    def stop_at_fourth(x, value):
        seen.append(value)
        return stops and len(seen) == 4

    result = run(
        infinite_once(quadratic), np.zeros(8), max_iter=5, callback=stop_at_fourth
    )
    assert result.outcome is (Outcome.STOPPED if stops else Outcome.MAX_ITER)
    assert len(seen) == (4 if stops else 5)


def test_ends_when_the_value_no_longer_falls():
    values = []

    def note(x, value):
        values.append(value)
        return False

    start = [-1.2, 1.0]
    whole = run(rosenbrock, start, callback=note)
    first, values[:] = list(values), []
    result = minimize(
        rosenbrock,
        np.array(start),
        lower=np.full(2, -np.inf),
        upper=np.full(2, np.inf),
        max_iter=200,
        tol=1e-6,
        callback=note,
        n_iter_no_change=5,
        min_decrease=0.1,
    )
    assert result.outcome is Outcome.CONVERGED
    assert result.n_iter == len(values) < whole.n_iter
    assert values == first[: len(values)]
    decreases = np.array(values[:-5]) - values[5:]
    assert decreases[-1] < 0.5 <= decreases[:-1].min(initial=np.inf)
