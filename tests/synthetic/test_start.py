"""Starting rows, and the samples they are drawn from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from skdistill.real._sampling import systematic_sample
from skdistill.synthetic._allocation import rows_per_class
from skdistill.synthetic._start import rows_and_numbers, rows_of_groups
from tests.conftest import rows_of


def start(init, X, y, weight, n_rows, seed=0):
    real = rows_of(X, y, weight)
    return rows_of_groups(init, real, np.array(n_rows), np.random.RandomState(seed))


@pytest.fixture
def data(rng):
    y = np.repeat([0, 1, 2], [50, 80, 20])
    return rng.standard_normal((150, 4)) + y[:, None], y, rng.uniform(0.5, 2, 150)


def test_means_are_weighted_means(data):
    X, y, weight = data
    X0, y0 = start("mean", X, y, weight, [1, 1, 1])
    expected = [np.average(X[y == c], axis=0, weights=weight[y == c]) for c in range(3)]
    assert_allclose(X0, expected)
    assert_array_equal(y0, [0, 1, 2])


def test_several_means_part_a_little(data):
    X, y, weight = data
    X0, y0 = start("mean", X, y, weight, [3, 1, 2])
    assert_array_equal(np.bincount(y0), [3, 1, 2])
    assert len(np.unique(X0, axis=0)) == 6
    span = X.max(axis=0) - X.min(axis=0)
    assert (np.abs(X0[0] - X0[1]) <= 0.04 * span).all()


def test_centers_are_nearly_as_good_as_those_of_many_restarts(data):
    X, y, weight = data
    scale = X.max(axis=0) - X.min(axis=0)
    X0, y0 = start("kmeans", X, y, weight, [5, 5, 5])
    for c in range(3):
        Z, w = X[y == c] / scale, weight[y == c]
        best = KMeans(5, n_init=50, random_state=0).fit(Z, sample_weight=w)
        centers = X0[y0 == c] / scale
        distances = ((Z[:, None] - centers) ** 2).sum(axis=2).min(axis=1)
        assert w @ distances < 1.25 * best.inertia_


@pytest.mark.parametrize("init", ["kmeans", "mean", "sample"])
def test_order_and_repetition_of_rows_do_not_matter(data, init, rng):
    X, y, weight = data
    weight = np.round(2 * weight)
    reference, _ = start(init, X, y, weight, [3, 3, 3])
    order = rng.permutation(len(y))
    shuffled, _ = start(init, X[order], y[order], weight[order], [3, 3, 3])
    assert_allclose(shuffled, reference, atol=1e-10)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    repeated, _ = start(init, X[twice], y[twice], np.ones(len(twice)), [3, 3, 3])
    assert_allclose(repeated, reference, atol=1e-10)


def test_sampled_rows_are_real_rows_of_their_class(data):
    X, y, weight = data
    X0, y0 = start("sample", X, y, weight, [4, 4, 4])
    for row, label in zip(X0, y0, strict=True):
        assert (X[y == label] == row).all(axis=1).any()


def test_fewer_distinct_rows_than_centers():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]], [4, 4, 4], axis=0)
    y = np.repeat([0, 1], [8, 4])
    X0, y0 = start("kmeans", X, y, np.ones(12), [4, 3])
    assert np.isfinite(X0).all()
    assert len(np.unique(X0, axis=0)) == 7
    assert_allclose(X0[y0 == 1], 5.0, atol=0.2)


def test_systematic_sample_draws_by_weight():
    drawn = systematic_sample(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 8)
    assert_array_equal(np.bincount(drawn), [2, 2, 4])


def test_stratified_sample_keeps_the_weight_of_classes(data):
    X, y, weight = data
    sample = rows_of(X, y, weight).sample(30)
    assert len(np.unique(sample.X, axis=0)) == sample.n_rows < 150
    assert_allclose(sample.group_weight, np.bincount(y, weights=weight))


@pytest.mark.parametrize(
    ("n_synthetic", "expected"),
    [
        ("auto", [10, 4, 10]),
        (3, [1, 1, 1]),
        (8, [3, 2, 3]),
        (0.101, [4, 3, 4]),
        ({"a": 5, "b": 1, "c": 2}, [5, 1, 2]),
    ],
)
def test_allocation(n_synthetic, expected):
    classes, counts = np.array(["a", "b", "c"]), np.array([60, 4, 40])
    assert_array_equal(rows_per_class(n_synthetic, classes, counts), expected)


def test_targets_may_be_left_out_of_the_clusters(rng):
    """Rows that differ in their targets only share a center with the mean target."""
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 20, axis=0)
    X += 0.01 * rng.standard_normal(X.shape)
    y = np.tile([0.0, 10.0], 20) + X[:, 0]
    real = rows_of(X, y)
    X0, y0 = rows_and_numbers("kmeans", real, 2, np.random.RandomState(0), False)
    order = np.argsort(X0[:, 0])
    assert_allclose(X0[order], [X[:20].mean(axis=0), X[20:].mean(axis=0)])
    assert_allclose(y0[order], [y[:20].mean(), y[20:].mean()])
    four = rows_and_numbers("kmeans", real, 4, np.random.RandomState(0))[1]
    assert np.ptp(four) > 10  # parted by their targets
