"""Which real rows are held back, and that they are left out everywhere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from skdistill.real import _holding
from skdistill.real._dense import DenseRows
from skdistill.real._holding import parts_of
from skdistill.real._sampling import fair_places
from skdistill.real._targets import ClassTargets, NumericTargets


def rows(n=400, weight=None, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, 3)), (rng.random(n) < 0.2).astype(np.int32)
    weight = np.ones(n) if weight is None else weight
    return DenseRows(X, y, weight, ClassTargets(y, np.array(["a", "b"])))


def parts(real, fraction=0.1, in_folds=True):
    return parts_of(real, fraction, 0, in_folds=in_folds)


def test_few_rows_are_held_back_in_turn():
    real = rows()
    folds = parts(real)
    assert len(folds) == _holding.N_FOLDS
    assert_array_equal(np.sort(np.concatenate([p.held for p in folds])), range(400))
    for kept, held in folds:
        assert_array_equal(np.union1d(kept, held), range(400))
        assert abs(len(held) - 80) <= 4
        # Stratified.
        assert abs(real.y[held].mean() - real.y.mean()) < 0.02
    assert_array_equal(parts(real, in_folds=False)[0].held, folds[0].held)


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_of_many_rows_a_share_is_held_back(fraction):
    real = rows(4000)
    (part,) = parts(real, fraction)
    for c in (0, 1):
        members = (real.y == c).sum()
        assert abs((real.y[part.held] == c).sum() - fraction * members) <= 3


def test_no_more_rows_than_tell_anything(monkeypatch):
    monkeypatch.setattr(_holding, "MAX_HELD_ROWS", 50)
    (part,) = parts(rows(4000))
    assert abs(len(part.held) - 50) <= 4


def test_a_part_holds_its_share_of_the_weight():
    rng = np.random.default_rng(1)
    weight = rng.exponential(size=4000)
    real = rows(4000, weight)
    (part,) = parts(real)
    for c in (0, 1):
        of_class = real.y[part.held] == c
        share = weight[part.held][of_class].sum() / weight[real.y == c].sum()
        assert abs(share - 0.1) < 0.02


def test_the_parts_do_not_depend_on_the_order_of_rows():
    real, order = rows(), np.random.default_rng(2).permutation(400)
    shuffled = DenseRows(real.X[order], real.y[order], np.ones(400), real.targets)
    for part, other in zip(parts(real), parts(shuffled), strict=True):
        assert_array_equal(part.held, np.sort(order[other.held]))


def test_every_class_keeps_a_row():
    X, y = np.arange(8.0)[:, None], np.array([0, 0, 0, 0, 0, 0, 0, 1], dtype=np.int32)
    real = DenseRows(X, y, np.ones(8), ClassTargets(y, np.arange(2)))
    for kept, held in parts(real):
        assert 7 in kept
        assert len(kept) + len(held) == 8


def test_given_parts_count_the_rows_that_were_passed():
    """Rows 2 and 5 have weight zero, so they were left out when the rows were read."""
    X, y = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 0, 1], dtype=np.int32)
    real = DenseRows(X, y, np.ones(6), ClassTargets(y, np.arange(2)))
    real.passed, real.n_passed = np.array([0, 1, 3, 4, 6, 7]), 8
    is_held = np.isin(np.arange(8), [2, 4, 7])
    for given in ([([6, 0, 1, 3, 5], [7, 2, 4])], [(~is_held, is_held)]):
        (part,) = parts(real, given)
        assert_array_equal(part.kept, [0, 1, 2, 4])
        assert_array_equal(part.held, [3, 5])


def test_splitters():
    real = rows(60)
    folds = parts(real, TimeSeriesSplit(3))
    assert [part.held.min() > part.kept.max() for part in folds] == [True] * 3
    groups = np.arange(60) % 6
    folds = parts(real, list(GroupKFold(3).split(real.X, real.y, groups)))
    for kept, held in folds:
        assert not np.intersect1d(groups[kept], groups[held]).size


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([([0, 1, 2], [])], "both need rows"),
        ([([0, 1, 2], [2, 3])], "rows in both parts"),
        ([([0, 1], [2, 3])], r"classes \['b'\]"),
    ],
)
def test_parts_that_cannot_be_used(given, message):
    X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1], dtype=np.int32)
    real = DenseRows(X, y, np.ones(4), ClassTargets(y, np.array(["a", "b"])))
    with pytest.raises(ValueError, match=message):
        parts(real, given)


def sums(chunk):
    X, y, weight = chunk
    return {"weight": weight.sum(), "X": weight @ X}


class TestOnly:
    """Compares a part of the rows with the same rows in arrays of their own."""

    @pytest.fixture
    def real(self):
        weight = np.random.default_rng(3).exponential(size=300)
        return rows(300, weight)

    @pytest.fixture
    def kept(self):
        return np.flatnonzero(np.arange(300) % 3 > 0)

    @pytest.fixture
    def part(self, real, kept):
        return real.only(kept)

    def test_groups_keep_their_weight(self, real, part):
        assert_allclose(part.group_weight, real.group_weight)
        assert_allclose(part.total_weight, real.total_weight)
        assert part.n_rows == part.group_counts.sum() == 200

    def test_sums(self, real, kept, part):
        factor = np.empty(2)
        for c in (0, 1):
            of_class = real.y[kept] == c
            factor[c] = real.group_weight[c] / real.sample_weight[kept][of_class].sum()
        weight = real.sample_weight[kept] * factor[real.y[kept]]
        assert_allclose(
            part.map_sum(sums)["X"], weight / weight.sum() @ real.X[kept], atol=1e-12
        )
        batch = np.array([0, 5, 7])
        share = weight[batch] / weight[batch].sum()
        assert_allclose(
            part.map_sum(sums, rows=batch)["X"], share @ real.X[kept[batch]]
        )

    def test_rows_are_counted_among_those_that_there_are(self, real, kept, part):
        assert_array_equal(part.take(np.array([3, 199])).X, real.X[kept[[3, 199]]])
        assert_array_equal(part.labels(), real.y[kept])
        assert_array_equal(part.passed, kept)
        drawn = np.concatenate(part.draw([None, None], np.random.RandomState(0)))
        assert_array_equal(np.sort(drawn), range(200))

    @pytest.mark.parametrize("size", [40, 1000])
    def test_samples_have_no_other_rows(self, real, kept, part, size):
        sample = part.sample(size)
        present = {tuple(row) for row in real.X[kept]}
        assert {tuple(row) for row in sample.X} <= present
        assert_allclose(sample.group_weight, real.group_weight)

    def test_parts_of_parts(self, real, kept, part):
        again = part.only(np.arange(0, 200, 2))
        assert_array_equal(again.labels(), real.y[kept[::2]])
        weighted = again.weighted_by(lambda y, weight: 2 * weight)
        assert_allclose(weighted.group_weight, 2 * real.group_weight)
        assert weighted.n_rows == 100

    def test_in_memory(self, real, kept, part):
        extracted = part.extract(np.array([1, 2]))
        assert_array_equal(extracted.X, real.X[kept[[1, 2]]])


def test_regression_keeps_its_weight():
    X, y = np.arange(6.0)[:, None], np.arange(6.0)
    weight = np.array([1.0, 2, 3, 4, 5, 6])
    real = DenseRows(X, y, weight, NumericTargets.of(y, weight, y))
    part = real.only(np.array([1, 2]))
    assert_allclose(part.take(np.arange(2)).sample_weight, np.array([2, 3]) * 21 / 5)


def test_places_follow_the_weight_along_the_line():
    """By hand: the middles of 1, 3 and 1, in units of their mean, times a constant."""
    places = fair_places(np.array([2.0, 0.0, 1.0]), np.array([1.0, 1.0, 3.0]))
    middles = np.array([4.5, 0.5, 2.5]) / (5 / 3)
    assert_allclose(places, middles * (np.sqrt(5) - 1) / 2 % 1)
