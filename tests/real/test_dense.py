"""The pass over the real rows against scikit-learn and finite differences."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skdistill.objectives import _losses
from skdistill.real._devices import batch_chunk_rows, chunk_rows_for
from skdistill.students import student_for
from skdistill.students._params import LinearParams
from tests.conftest import outer_loss, spec_of


@pytest.fixture(params=[2, 4], ids=["binary", "multinomial"])
def problem(request, rng):
    k = request.param
    X = rng.standard_normal((300, 5))
    y = rng.integers(0, k, 300).astype(np.int32)
    weight = rng.uniform(0, 2, 300)
    outputs = 1 if k == 2 else k
    params = LinearParams(
        rng.standard_normal((outputs, 5)), rng.standard_normal(outputs)
    )
    return (
        X,
        y,
        weight,
        student_for(LogisticRegression(), spec_of(np.arange(k))),
        params,
    )


def probabilities(params, X):
    raw = X @ params.coef.T + params.intercept
    if raw.shape[1] == 1:
        raw = np.hstack([np.zeros_like(raw), raw])
    odds = np.exp(raw)
    return odds / odds.sum(axis=1, keepdims=True)


def test_value_is_the_log_loss(problem):
    X, y, weight, student, params = problem
    loss, _ = outer_loss(X, y, weight, student).value_and_grad(params)
    expected = log_loss(y, probabilities(params, X), sample_weight=weight)
    assert_allclose(loss, expected, rtol=1e-12)


def test_gradient_matches_finite_differences(problem, rng):
    X, y, weight, student, params = problem
    objective = outer_loss(X, y, weight, student)
    _, grad = objective.value_and_grad(params)
    direction = LinearParams(*(rng.standard_normal(part.shape) for part in params))

    def loss_at(step):
        moved = LinearParams(
            *(part + step * way for part, way in zip(params, direction, strict=True))
        )
        return objective.value_and_grad(moved)[0]

    expected = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    actual = sum(np.vdot(g, d) for g, d in zip(grad, direction, strict=True))
    assert_allclose(actual, expected, rtol=1e-7)


@pytest.mark.parametrize("chunk_rows", [1, 7, 100, 300, 1024])
def test_any_chunk_size_gives_the_same_sum(problem, chunk_rows):
    X, y, weight, student, params = problem
    reference = outer_loss(X, y, weight, student).value_and_grad(params)
    chunked = outer_loss(X, y, weight, student, chunk_rows=chunk_rows)
    jax.tree.map(
        lambda a, b: assert_allclose(a, b, rtol=1e-12, atol=1e-14),
        chunked.value_and_grad(params),
        reference,
    )


def test_rows_of_weight_zero_do_not_count(problem):
    X, y, weight, student, params = problem
    weight[::3] = 0
    kept = weight > 0
    full = outer_loss(X, y, weight, student).value_and_grad(params)
    reduced = outer_loss(X[kept], y[kept], weight[kept], student)
    jax.tree.map(
        lambda a, b: assert_allclose(a, b, rtol=1e-12, atol=1e-14),
        full,
        reduced.value_and_grad(params),
    )


def test_float32_keeps_its_width_and_agrees(problem):
    X, y, weight, student, params = problem
    single = outer_loss(X.astype(np.float32), y, weight, student)
    assert single.real.X.dtype == np.float32
    loss, grad = single.value_and_grad(params)
    reference, reference_grad = outer_loss(X, y, weight, student).value_and_grad(params)
    assert_allclose(loss, reference, rtol=1e-6)
    assert_allclose(grad.coef, reference_grad.coef, rtol=1e-4, atol=1e-6)
    assert grad.coef.dtype == np.float64


@pytest.mark.parametrize(
    ("width", "dtype", "n_rows", "expected"),
    [
        (784, np.float32, 10**6, 1024),
        (3, np.float64, 10**6, 2048),
        (10**6, np.float64, 10**6, 1),
        # A full chunk, or its quarter if that takes all rows.
        (3, np.float64, 513, 2048),
        (3, np.float64, 512, 512),
        (3, np.float64, 1, 512),
        (784, np.float32, 1, 1024),
        (10**6, np.float64, 1, 1),
    ],
)
def test_size_of_chunks(width, dtype, n_rows, expected):
    assert chunk_rows_for(width, np.dtype(dtype), n_rows) == expected


def test_small_batches_pass_through_small_chunks(problem):
    """Small batches are not padded to a full chunk, and large ones are divided."""
    assert batch_chunk_rows(50, 2048) == 64
    assert batch_chunk_rows(64, 2048) == 64
    assert batch_chunk_rows(2048, 2048) == 512
    assert batch_chunk_rows(300, 256) == 256
    X, y, weight, student, _ = problem
    seen = []

    def total(chunk):
        seen.append(len(chunk.X))
        return chunk.sample_weight.sum()

    rows = np.arange(0, 300, 3)
    real = outer_loss(X, y, weight, student).real
    assert_allclose(real.map_sum(total, rows=rows), 1)
    assert seen == [128]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "k"), [(_losses.BINARY_LOG_LOSS, 1), (_losses.MULTINOMIAL_LOG_LOSS, 3)]
)
def test_numpy_derivatives_are_those_of_jax(loss, k, rng):
    raw = 3 * rng.standard_normal((8, k))
    y = rng.uniform(size=8) if k == 1 else rng.dirichlet(np.ones(k), size=8)
    with jax.enable_x64(True):

        def row(z, target):
            return loss.traced(z[None], target[None])[0]

        value = loss.traced(raw, y)
        gradient = jax.vmap(jax.grad(row))(raw, y)
        hessian = jax.vmap(jax.hessian(row))(raw, y)
    assert_allclose(loss.value(raw, y), value, rtol=1e-12)
    assert_allclose(loss.gradient(raw, y), gradient, rtol=1e-10, atol=1e-12)
    hessians = loss.hessian(raw, y)
    columns = np.stack([hessians.columns(c) for c in range(k)], axis=2)
    assert_allclose(columns, hessian, rtol=1e-10, atol=1e-12)
    shifted = loss.value(raw + 1.0, y)
    assert np.allclose(shifted, loss.value(raw, y)) == loss.shift_invariant
