"""Rows that are read block by block answer what the same rows in memory answer."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.real import _reserve
from skdistill.real._dense import DenseRows
from skdistill.real._moments import class_moments, mean_and_covariance
from skdistill.real._reading_blocks import rows_in_blocks
from skdistill.real._targets import ClassTargets, NumericTargets
from skdistill.real.sources._sliced import SlicedSource
from skdistill.tables._columns import Table

N_ROWS, N_CLASSES = 700, 3


@pytest.fixture
def arrays(rng):
    X = rng.standard_normal((N_ROWS, 4)) * [1.0, 2.0, 0.5, 3.0]
    y = rng.choice(N_CLASSES, N_ROWS, p=[0.7, 0.25, 0.05])
    weight = rng.uniform(0.5, 2.0, N_ROWS) * np.array([1.0, 2.0, 8.0])[y]
    return X + y[:, None], y, weight


@pytest.fixture
def few_at_hand(monkeypatch):
    """Limit the sample to 200 rows, with at least 20 of each class."""
    monkeypatch.setattr(_reserve, "MAX_ROWS", 200)
    monkeypatch.setattr(_reserve, "MIN_GROUP_ROWS", 20)


def in_blocks(X, y, weight=None, *, block_rows=97, of_classes=True):
    return rows_in_blocks(
        SlicedSource(X, y, weight, block_rows=block_rows),
        Table(),
        of_classes=of_classes,
        multi_output=np.ndim(y) == 2,
        codes_classes=False,
        like=y,
    )


def in_memory(X, y, weight):
    y = y.astype(np.int32)
    return DenseRows(X, y, weight, ClassTargets(y, np.arange(N_CLASSES)))


def products(chunk, matrix):
    weighted = chunk.sample_weight[:, None] * (chunk.X @ matrix)
    return {"X": weighted.T @ chunk.X, "y": chunk.sample_weight @ (chunk.y + 1.0)}


def assert_same_rows(blocks, memory, matrix):
    for name in ("n_rows", "n_features", "n_passed", "n_at_hand", "dtype"):
        assert getattr(blocks, name) == getattr(memory, name), name
    for name in ("group_counts", "group_weight", "total_weight", "low", "high"):
        assert_allclose(getattr(blocks, name), getattr(memory, name), rtol=1e-12)
    assert_array_equal(blocks.passed, memory.passed)
    assert_array_equal(blocks.labels(), memory.labels())
    expected = memory.map_sum(products, matrix)
    for name, value in blocks.map_sum(products, matrix).items():
        assert_allclose(value, expected[name], rtol=1e-11)


@pytest.mark.parametrize("block_rows", [1, 97, 350, N_ROWS, 10_000])
def test_any_block_size_gives_the_rows(arrays, block_rows, rng):
    matrix = rng.standard_normal((4, 2))
    blocks = in_blocks(*arrays, block_rows=block_rows)
    assert_same_rows(blocks, in_memory(*arrays), matrix)


def test_derived_rows_are_those_in_memory(arrays, rng):
    """Parts of rows and other weights agree, also if applied one after the other."""
    matrix = rng.standard_normal((4, 2))
    kept = np.sort(rng.permutation(N_ROWS)[:500])
    less = np.sort(rng.permutation(500)[:300])

    def reweighted(y, weight, counts=None):
        factor = np.array([3.0, 1.0, 0.2])[y]
        return weight * factor

    for derive in (
        lambda real: real.only(kept),
        lambda real: real.weighted_by(reweighted),
        lambda real: real.only(kept).weighted_by(reweighted),
        lambda real: real.weighted_by(reweighted).only(kept),
        lambda real: real.only(kept).only(less),
        lambda real: real.only(kept).weighted_by(reweighted).only(less),
    ):
        assert_same_rows(derive(in_blocks(*arrays)), derive(in_memory(*arrays)), matrix)


def test_moments_are_those_in_memory(arrays):
    blocks, memory = in_blocks(*arrays), in_memory(*arrays)
    for moments in (class_moments, partial(mean_and_covariance, is_centered=True)):
        pairs = zip(moments(blocks), moments(memory), strict=True)
        for found, expected in pairs:
            assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_rows_without_weight_are_left_out(arrays):
    X, y, weight = arrays
    weight = np.where(np.arange(N_ROWS) % 3, weight, 0.0)
    X[0], X[3] = 1e6, np.inf  # which has no weight, but has to be a number
    with pytest.raises(ValueError, match=r"infinity|Input X contains"):
        in_blocks(X, y, weight)
    X[3] = -1e6
    present = weight > 0
    blocks = in_blocks(X, y, weight)
    memory = in_memory(X[present], y[present], weight[present])
    assert_allclose(blocks.high, memory.high)
    assert_array_equal(blocks.group_counts, memory.group_counts)
    assert_array_equal(blocks.passed, np.flatnonzero(present))
    assert blocks.n_passed == N_ROWS


def test_blocks_without_weight_count_among_the_passed_rows(arrays):
    """Parts of the rows can therefore be given by their positions in the input."""
    X, y, weight = arrays
    weight[:97] = weight[-100:] = 0.0  # the first block, and more than the last
    blocks = in_blocks(X, y, weight)
    assert blocks.n_passed == N_ROWS
    assert_array_equal(blocks.passed, np.arange(97, N_ROWS - 100))


@pytest.mark.usefixtures("few_at_hand")
def test_sums_are_over_all_rows_when_few_are_at_hand(arrays, rng):
    X, y, weight = arrays
    matrix = rng.standard_normal((4, 2))
    blocks = in_blocks(*arrays)
    assert blocks.n_rows == N_ROWS
    assert 200 <= blocks.n_at_hand < 260
    expected = in_memory(*arrays).map_sum(products, matrix)
    assert_allclose(blocks.map_sum(products, matrix)["X"], expected["X"], rtol=1e-11)
    assert_allclose(blocks.group_weight, np.bincount(y, weight))
    assert_array_equal(blocks.group_counts, np.bincount(y))
    # What is at hand are rows as they are, with their own targets.
    taken = blocks.take(np.arange(blocks.n_at_hand))
    assert_array_equal(taken.X, X[blocks.passed])
    assert_array_equal(taken.y, y[blocks.passed])
    assert np.bincount(taken.y).min() >= 20


@pytest.mark.usefixtures("few_at_hand")
def test_rows_that_are_left_out_are_in_no_sum(arrays, rng):
    X, y, weight = arrays
    matrix = rng.standard_normal((4, 2))
    blocks = in_blocks(*arrays)
    kept = np.arange(blocks.n_at_hand)[::2]
    out = np.setdiff1d(blocks.passed, blocks.passed[kept])
    part = blocks.only(kept)
    is_kept = np.ones(N_ROWS, dtype=bool)
    is_kept[out] = False
    factor = np.bincount(y, weight) / np.bincount(y, weight * is_kept)
    memory = in_memory(X[is_kept], y[is_kept], (weight * factor[y])[is_kept])
    expected = memory.map_sum(products, matrix)
    for name, value in part.map_sum(products, matrix).items():
        assert_allclose(value, expected[name], rtol=1e-11)
    assert part.n_rows == is_kept.sum()
    assert_allclose(part.high, X[is_kept].max(axis=0))
    assert_allclose(part.group_weight, np.bincount(y, weight))


@pytest.mark.usefixtures("few_at_hand")
def test_what_is_at_hand_does_not_depend_on_the_blocks(arrays):
    first = in_blocks(*arrays, block_rows=33)
    second = in_blocks(*arrays, block_rows=500)
    assert_array_equal(first.passed, second.passed)
    assert_allclose(
        first.take(np.arange(100)).sample_weight,
        second.take(np.arange(100)).sample_weight,
        rtol=1e-12,
    )


@pytest.mark.usefixtures("few_at_hand")
def test_the_rows_at_hand_are_a_fair_sample(rng):
    """In sorted data, too, each tenth of the rows is drawn about equally often."""
    X = np.arange(5000.0)[:, None]
    y = (X[:, 0] > 2500).astype(int)
    taken = in_blocks(X, y).take(np.arange(200)).X[:, 0]
    counts, _ = np.histogram(taken, bins=10, range=(0, 5000))
    assert counts.min() > 8
    assert counts.max() < 36


def test_numeric_targets_have_the_moments_of_all_rows(rng, monkeypatch):
    X, Y = rng.standard_normal((500, 2)), 1e6 + rng.standard_normal((500, 2)) * [1, 5]
    weight = rng.uniform(0.5, 2, 500)
    whole = NumericTargets.of(Y, weight, Y)
    for size in (1000, 100):
        monkeypatch.setattr(_reserve, "MAX_ROWS", size)
        targets = in_blocks(X, Y, weight, of_classes=False).targets
        assert_allclose(targets.unit, whole.unit, rtol=1e-9)
        assert_array_equal(targets.low, whole.low)
        assert_array_equal(targets.high, whole.high)


def test_a_value_that_is_not_finite_is_found_with_its_rows(arrays):
    X, y, weight = arrays
    X[321, 2] = np.nan
    with pytest.raises(ValueError, match="NaN") as caught:
        in_blocks(X, y, weight, block_rows=100)
    assert "300 to 400" in "".join(caught.value.__notes__)
