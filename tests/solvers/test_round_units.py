"""Coordinates of rows in which the curvature of the loss is the identity."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.solvers.exact._round_units import RoundUnits
from skdistill.solvers.exact._whitening import Whitening

m, p, k = 3, 4, 5


@pytest.fixture
def real(rng):
    X = rng.standard_normal((200, p)) @ rng.standard_normal((p, p))
    return X * np.array([1e-3, 1.0, 10.0, 1e3])


@pytest.fixture
def pull(rng):
    rows = np.linalg.qr(rng.standard_normal((k, m)))[0].T
    return rows * np.array([[1.0], [1.5], [0.9]])


@pytest.fixture
def curvature(rng):
    root = rng.standard_normal((k, k))
    return root @ root.T + 5 * np.eye(k)


def units_of(real, pull, curvature):
    whitening = Whitening(real, np.ones(len(real)), 0.0)
    return RoundUnits(whitening, pull, curvature)


FREE = np.full(p, -np.inf), np.full(p, np.inf)


def test_curvature_is_the_identity(real, pull, curvature, rng):
    """The model is ``pull' X``; the loss is a quadratic of its raw predictions."""
    mean = np.diag(curvature).mean()
    X = rng.standard_normal((m, p))
    block = units_of(real, pull, curvature).block(X, FREE)
    centered = real - real.mean(axis=0)

    def loss(x):
        raw = centered @ (pull.T @ block.decode(x)).T
        return 0.5 * np.sum(raw @ (curvature / mean) * raw) / len(real)

    x, size = rng.standard_normal((2, len(block.x0)))
    direction = size / np.linalg.norm(size)
    second = loss(x + direction) - 2 * loss(x) + loss(x - direction)
    assert_allclose(second, 1, rtol=1e-6)


def test_gradient_is_the_chain_rule(real, pull, curvature, rng):
    X = rng.standard_normal((m, p))
    block = units_of(real, pull, curvature).block(X, FREE)
    slopes, x, direction = (
        rng.standard_normal((m, p)),
        *rng.standard_normal((2, m * p)),
    )
    expected = np.vdot(slopes, block.decode(x + direction) - block.decode(x))
    found = direction @ block.pull_back(slopes, None).ravel()
    assert_allclose(found, expected, rtol=1e-9)


def test_start_is_the_set(real, pull, curvature, rng):
    X = rng.standard_normal((m, p))
    block = units_of(real, pull, curvature).block(X, FREE)
    assert_array_equal(block.decode(block.x0), X)
    assert_array_equal(block.lower, -np.inf)
    assert_array_equal(block.upper, np.inf)


def test_fixed_entries_stay(real, pull, curvature, rng):
    X = rng.standard_normal((m, p))
    low, high = np.full((m, p), -np.inf), np.full((m, p), np.inf)
    low[1, 2] = high[1, 2] = 7.0
    block = units_of(real, pull, curvature).block(X, (low, high))
    x, direction = rng.standard_normal((2, m * p))
    moved = block.decode(x)
    assert moved[1, 2] == 7.0
    assert (np.delete(moved.ravel(), 6) != np.delete(X.ravel(), 6)).all()
    slopes = rng.standard_normal((m, p))
    expected = np.vdot(slopes, block.decode(x + direction) - moved)
    assert_allclose(
        direction @ block.pull_back(slopes, None).ravel(), expected, rtol=1e-9
    )


def test_bounds_are_kept(real, pull, curvature, rng):
    """With bounds, the coordinates must not mix the features."""
    X = rng.uniform(0, 1, (m, p))
    low, high = np.full(p, -np.inf), np.array([np.inf, np.inf, 1.0, np.inf])
    block = units_of(real, pull, curvature).block(X, (low, high))
    assert_allclose(block.decode(block.x0), X)
    assert_allclose(block.decode(block.upper)[:, 2], 1.0)


def test_pulls_of_nothing_have_coordinates(real, curvature, rng):
    X = rng.standard_normal((m, p))
    block = units_of(real, np.zeros((m, k)), curvature).block(X, FREE)
    assert np.isfinite(block.decode(np.ones(m * p))).all()
    block = units_of(real, np.ones((m, k)), np.zeros((k, k))).block(X, FREE)
    assert np.isfinite(block.decode(np.ones(m * p))).all()
