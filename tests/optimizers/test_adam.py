"""Adam on mini-batches: its result, its evaluations and its compilations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.optimizers._adam import minimize
from skdistill.optimizers._outcome import Outcome

STEPS = 10
CENTERS = np.random.default_rng(0).normal(3.0, 1.0, (50, 4))


def distance(x, rows=None):
    """Half the mean squared distance to the centers."""
    centers = CENTERS if rows is None else CENTERS[rows]
    return 0.5 * np.mean((x - centers) ** 2) * 4, x - centers.mean(axis=0)


@pytest.fixture
def run():
    def run(
        bound=np.inf,
        max_iter=60,
        validate=None,
        callback=None,
        batch_size=16,
        gradient=None,
    ):
        seen = []

        def value_and_grad(x, rows):
            seen.append(rows)
            value, grad = distance(x, rows)
            return value, grad if gradient is None else gradient(grad, len(seen))

        result = minimize(
            value_and_grad,
            np.zeros(4),
            lower=np.full(4, -bound),
            upper=np.full(4, bound),
            n_rows=50,
            batch_size=batch_size,
            n_batches=STEPS,
            learning_rate=0.1,
            validate=validate or (lambda x: distance(x)[0]),
            random_state=np.random.RandomState(0),
            max_iter=max_iter,
            callback=callback or (lambda x, value: False),
        )
        return result, seen

    return run


def test_ends_at_the_minimum(run):
    result, _ = run()
    assert_allclose(result.x, CENTERS.mean(axis=0), atol=1e-2)
    assert result.outcome is Outcome.CONVERGED
    assert result.n_iter == 60


def test_bounds_hold_and_bind(run):
    result, _ = run(bound=2.0)
    assert_array_equal(result.x, np.full(4, 2.0))


def test_every_row_is_seen_once_in_a_pass(run):
    _, seen = run(max_iter=1)
    assert len(seen) == STEPS
    a_pass = np.concatenate(seen[:3])  # 3 batches of 16 of 50 rows
    assert len(np.unique(a_pass)) == len(a_pass) == 48
    _, seen = run(max_iter=1, batch_size=1000)
    assert_array_equal(np.sort(seen[0]), np.arange(50))


def test_best_iterate_is_returned(run):
    """The best iterate on the fixed sample is returned, not the last one."""
    curve = []

    def validate(x):
        return float(np.abs(x - 1.0).sum())  # passed on the way to the mean

    result, _ = run(
        validate=validate, callback=lambda x, value: curve.append((value, x))
    )
    best, x = min(curve, key=lambda point: point[0])
    assert best < 0.2 * curve[-1][0]
    assert_array_equal(result.x, x)


def test_start_is_kept_if_nothing_is_better(run):
    result, _ = run(validate=lambda x: float(np.abs(x).sum()))
    assert_array_equal(result.x, np.zeros(4))


def test_callback_stops(run):
    result, seen = run(callback=lambda x, value: value < 10)
    assert result.outcome is Outcome.STOPPED
    assert 0 < result.n_iter < 60
    assert len(seen) == STEPS * result.n_iter


def test_second_run_compiles_nothing(run, count_compilations):
    run()
    with count_compilations() as counter:
        run()
    assert counter.count == 0


def test_a_gradient_of_nan_ends_the_run_with_the_best_so_far(run):
    curve = []
    result, seen = run(
        gradient=lambda grad, calls: grad * (np.nan if calls > 4 * STEPS + 3 else 1),
        callback=lambda x, value: curve.append((value, x)),
    )
    assert result.outcome is Outcome.NOT_FINITE
    assert result.n_iter == len(curve) == 4
    assert len(seen) == 4 * STEPS + 4
    best, x = min(curve, key=lambda point: point[0])
    assert result.value == best
    assert_array_equal(result.x, x)


def test_a_value_of_nan_ends_the_run_with_the_best_so_far(run):
    values = []

    def validate(x):
        values.append(np.nan if len(values) == 4 else distance(x)[0])
        return values[-1]

    result, _ = run(validate=validate)
    assert result.outcome is Outcome.NOT_FINITE
    assert result.n_iter == 3
    assert result.value == min(values[:4])


def test_a_start_of_nan_is_not_convergence(run):
    """No later loss would ever be lower than NaN."""
    result, seen = run(validate=lambda x: np.nan if not x.any() else distance(x)[0])
    assert result.outcome is Outcome.NOT_FINITE
    assert result.n_iter == len(seen) == 0
    assert_array_equal(result.x, np.zeros(4))
