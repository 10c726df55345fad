"""Second derivatives of the losses, against JAX, and without its matrices."""

import tracemalloc
from fractions import Fraction

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from skdistill.objectives import _losses
from skdistill.objectives._hessians import SoftmaxHessians

LOSSES = {
    "binary": (_losses.BINARY_LOG_LOSS, lambda rng: rng.uniform(size=8), 1),
    "multinomial": (
        _losses.MULTINOMIAL_LOG_LOSS,
        lambda rng: rng.dirichlet(np.ones(3), size=8),
        3,
    ),
    "squared": (_losses.SQUARED_LOSS, lambda rng: rng.standard_normal((8, 3)), 3),
    "hinge": (
        _losses.squared_hinge_loss(),
        lambda rng: np.where(rng.uniform(size=(8, 3)) > 0.5, 2.0, -1.0),
        3,
    ),
    "insensitive": (
        _losses.squared_epsilon_insensitive_loss(0.3),
        lambda rng: rng.standard_normal(8),
        1,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_hessians_are_those_of_jax(name, rng):
    loss, targets, k = LOSSES[name]
    raw, y = 2 * rng.standard_normal((8, k)), targets(rng)
    with jax.enable_x64(True):

        def row(z, target):
            return loss.traced(z[None], target[None])[0]

        expected = np.asarray(jax.vmap(jax.hessian(row))(raw, y))
    hessians = loss.hessian(raw, y)
    assert_allclose(hessians.curvature, np.einsum("icc->ic", expected), atol=1e-12)
    for c in range(k):
        assert_allclose(hessians.columns(c), expected[:, :, c], atol=1e-12)
    V = rng.standard_normal((8, k))
    product = np.einsum("icd,id->ic", expected, V)
    assert_allclose(hessians.product(V), product, atol=1e-12)


@pytest.mark.parametrize("gap", [5, 30, 80])
def test_certain_rows_keep_their_digits(gap):
    """The reference uses exact fractions, because 1 - p has no digits left."""
    p = softmax(np.array([[0.0, gap, 1.0]]), axis=1)
    a, _, c = (Fraction(value) for value in p[0])
    b = 1 - a - c  # what rounding makes 1.0
    hessians = SoftmaxHessians(p)
    assert_allclose(hessians.curvature[0, 1], float(b * (1 - b)), rtol=1e-12)
    v = Fraction(3), Fraction(2), Fraction(5)
    mean = a * v[0] + b * v[1] + c * v[2]
    expected = [float(q * (each - mean)) for q, each in zip((a, b, c), v, strict=True)]
    product = hessians.product(np.array([[3.0, 2.0, 5.0]]))[0]
    assert_allclose(product, expected, rtol=1e-12)


def test_memory_is_that_of_the_raw_predictions(rng):
    """One matrix for each row would take 64 MB here."""
    raw = rng.standard_normal((200, 200))
    y = np.eye(200)
    tracemalloc.start()
    hessians = _losses.MULTINOMIAL_LOG_LOSS.hessian(raw, y)
    hessians.product(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * raw.nbytes
