"""The vector of what is learned, against finite differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import FeatureUnits, OuterVariables

m, p, k = 5, 3, 4
FREE = np.full(p, -np.inf), np.full(p, np.inf)


@pytest.fixture
def synthetic(rng):
    return SyntheticSet(
        rng.standard_normal((m, p)),
        np.eye(k)[rng.integers(0, k, m)],
        rng.uniform(0.5, 2, m),
        {"C": 2.0, "gamma": 0.1, "other": 3.0},
    )


LIMITS = {"C": (0.1, 10.0), "gamma": (1e-3, 1.0)}
SCALE = np.array([1e-3, 1.0, 1e6])
UNITS = FeatureUnits(SCALE)
BLOCKS = {
    "samples": ((UNITS, FREE, {}), {}),
    "numbers": ((None, FREE, {}), {"target_scale": np.array([1.0, 2.0, 3.0, 4.0])}),
    "probabilities": ((None, FREE, {}), {"learn_probabilities": True}),
    "weights": ((None, FREE, {}), {"learn_weights": True}),
    "hyperparameters": ((None, FREE, LIMITS), {}),
    "all": (
        (UNITS, FREE, LIMITS),
        {"target_scale": 2.0, "learn_weights": True},
    ),
}


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_gradient_is_the_chain_rule(synthetic, block, binary, rng):
    (scale, bounds, limits), options = block
    if binary:
        synthetic = synthetic._replace(y=synthetic.y[:, 0])
        if isinstance(options.get("target_scale"), np.ndarray):
            options = {"target_scale": 3.0}
    variables = OuterVariables(synthetic, scale, bounds, limits, **options)
    slopes = SyntheticSet(
        rng.standard_normal((m, p)) / SCALE,
        rng.standard_normal(synthetic.y.shape),
        rng.standard_normal(m),
        {name: rng.standard_normal() for name in synthetic.hyperparameters},
    )

    def value(x):
        s = variables.to_synthetic(x)
        total = np.vdot(slopes.X, s.X) + np.vdot(slopes.y, s.y)
        total += slopes.sample_weight @ s.sample_weight
        return total + sum(
            slopes.hyperparameters[name] * s.hyperparameters[name]
            for name in s.hyperparameters
        )

    x = variables.x0 + 0.1 * rng.uniform(size=len(variables.x0))
    gradient = variables.to_gradient(slopes, variables.to_synthetic(x))
    direction = rng.standard_normal(len(x))
    step = 1e-5
    expected = (value(x + step * direction) - value(x - step * direction)) / (2 * step)
    assert_allclose(gradient @ direction, expected, rtol=1e-6)


def test_what_is_not_learned_stays(synthetic, rng):
    variables = OuterVariables(synthetic, UNITS, FREE, {"C": (0.1, 10.0)})
    changed = variables.to_synthetic(variables.x0 + 0.1)
    assert_array_equal(changed.y, synthetic.y)
    assert_array_equal(changed.sample_weight, synthetic.sample_weight)
    assert changed.hyperparameters["gamma"] == 0.1
    assert changed.hyperparameters["C"] != 2.0


def test_start_is_the_set(synthetic):
    variables = OuterVariables(
        synthetic, UNITS, FREE, LIMITS, target_scale=2.0, learn_weights=True
    )
    start = variables.to_synthetic(variables.x0)
    assert_allclose(start.X, synthetic.X, rtol=1e-14)
    assert_allclose(start.y, synthetic.y, rtol=1e-14)
    assert_allclose(start.sample_weight, synthetic.sample_weight, rtol=1e-14)


def test_probabilities_stay_probabilities(synthetic, rng):
    for y in (synthetic.y, synthetic.y[:, 0]):
        variables = OuterVariables(
            synthetic._replace(y=y), None, FREE, {}, learn_probabilities=True
        )
        start = variables.to_synthetic(variables.x0).y
        assert_array_equal(start > 0.5, y > 0.5)
        moved = variables.to_synthetic(
            variables.x0 + 5 * rng.standard_normal(len(variables.x0))
        ).y
        assert (moved >= 0).all()
        assert (moved <= 1).all()
        if y.ndim == 2:
            assert_allclose(moved.sum(axis=1), 1.0)


def test_bounds_are_exact(synthetic):
    low, high = np.array([-0.1, -0.2, 0.3]), np.array([0.1, 0.2, 0.3])
    variables = OuterVariables(synthetic, UNITS, (low, high), {})
    X = variables.to_synthetic(variables.upper).X
    assert_array_equal(X, np.tile(high, (m, 1)))
    assert_array_equal(variables.to_synthetic(variables.lower).X, np.tile(low, (m, 1)))
