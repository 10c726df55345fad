"""Starts and moves of a search: centers that columns can hold, typical rows, merges."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skdistill.real._cells import read_cells
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.solvers.search import SearchProblem
from skdistill.solvers.search._problem import MAX_JUDGING_ROWS, shares_of_total
from skdistill.solvers.search._search import starts_of
from skdistill.solvers.search._sets import CellSet
from skdistill.solvers.search._typical import LEAST


def pose(estimator, X, y, counts, *, weight=None, **options):
    weight = np.ones(len(y)) if weight is None else weight
    targets, y = (
        numeric_targets(y, weight, y) if y.dtype.kind == "f" else class_targets(y, y)
    )
    return SearchProblem(
        estimator,
        read_cells(X),
        targets,
        y,
        weight,
        np.array(counts),
        np.arange(len(y)),
        np.random.RandomState(0),
        **options,
    )


@pytest.fixture
def groups():
    """Return two classes, each with two groups of rows with their own town and age."""
    group = np.arange(200) % 4
    X = pd.DataFrame(
        {
            "age": 20 * group + np.arange(200) % 3,
            "town": np.array(["Oslo", "Rome", "Lima", None], dtype=object)[group],
        }
    )
    return X, group // 2


def test_centers_have_the_values_of_their_clusters(groups):
    X, y = groups
    problem = pose(Untrained(), X, y, [2, 2])
    (centers, _, _, medoids), _ = starts_of(problem)
    table = problem.training(centers).X.sort_values("age")
    assert table["age"].tolist() == [1, 21, 41, 61]
    assert table["town"].tolist()[:3] == ["Oslo", "Rome", "Lima"]
    assert table["town"].isna().tolist() == [False, False, False, True]
    assert_array_equal(centers.y, [0, 0, 1, 1])
    rows = problem.training(medoids).X
    real = X.iloc[medoids.donors[:, 0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, real)


def test_drawn_rows_are_whole_and_of_their_class(groups):
    X, y = groups
    problem = pose(Untrained(), X, y, [3, 1])
    _, drawn = starts_of(problem)
    for each in drawn:
        assert (each.donors == each.donors[:, :1]).all()
        assert_array_equal(y[each.donors[:, 0]], each.y)
        assert_array_equal(np.bincount(each.y), [3, 1])
        assert len(np.unique(each.donors[:, 0])) == 4


def test_more_rows_than_a_class_has_repeat(groups):
    X, y = groups
    few = np.flatnonzero(y == 0)[:2]
    rows = np.concatenate([few, np.flatnonzero(y == 1)])
    problem = pose(Untrained(), X.iloc[rows], y[rows], [5, 1])
    assert all(len(each.y) == 6 for sets in starts_of(problem) for each in sets)


@pytest.mark.parametrize("of_classes", [True, False])
def test_weights_move_centers_as_repeated_rows_do(rng, of_classes):
    X = rng.standard_normal((60, 2))
    X[::9, 1] = np.nan
    y = np.arange(60) % 2 if of_classes else X[:, 0] ** 2
    counts = [2, 3] if of_classes else [4]
    weight = rng.integers(1, 4, size=60)
    repeats = np.repeat(np.arange(60), weight)
    weighted = pose(Untrained(), X, y, counts, weight=weight.astype(float))
    repeated = pose(Untrained(), X[repeats], y[repeats], counts)
    for one, other in zip(
        starts_of(weighted)[0][:1], starts_of(repeated)[0][:1], strict=True
    ):
        assert_allclose(one.numbers, other.numbers)
        assert_allclose(one.y, other.y)


def test_rows_that_others_contradict_are_not_typical(rng):
    X = rng.standard_normal((400, 2)) + 4 * (np.arange(400) % 2)[:, None]
    y = np.arange(400) % 2
    y[:20] = 1 - y[:20]
    typical = pose(KNeighborsClassifier(9), X, y, [1, 1]).typicality
    assert typical[:20].max() < 0.5 < np.median(typical[20:])
    assert typical.min() >= LEAST
    z = X[:, 0].copy()
    z[:20] += 50
    typical = pose(KNeighborsRegressor(9), X, z, [2]).typicality
    assert typical[:20].max() < np.median(typical[20:])


class Untrained:
    """An estimator that fails, so that all rows count as typical."""

    def fit(self, X, y):
        raise RuntimeError


def test_all_rows_are_typical_of_an_estimator_that_fails(groups):
    X, y = groups
    assert (pose(Untrained(), X, y, [1, 1]).typicality == 1).all()


def test_missing_numbers_meet_others_at_one_of_both():
    X = np.array([[0.0], [np.nan], [4.0]] * 20)
    problem = pose(Untrained(), X, np.arange(60) % 2, [2, 2])
    (start, *_), _ = starts_of(problem)
    random_state = np.random.RandomState(0)
    for move in problem.moves.all():
        for _ in range(20):
            numbers = move(start, random_state).numbers
            assert np.isnan(numbers).any() or np.isfinite(numbers).all()
            assert ((numbers >= 0) & (numbers <= 4) | np.isnan(numbers)).all()


def test_moves_leave_the_set_that_they_start_from(groups):
    X, y = groups
    problem = pose(Untrained(), X, y, [4, 4], learn_labels=True, learn_weights=True)
    (start, *_), _ = starts_of(problem)
    before, random_state = start.copy(), np.random.RandomState(0)
    for move in problem.moves.all():
        moved = move(start, random_state)
        for part, new, old in zip(start, moved, before, strict=True):
            assert_array_equal(part, old)
            assert new.shape == old.shape
            assert new.dtype == old.dtype


def test_changes_of_several_sets_are_merged_row_by_row():
    start = CellSet(
        np.zeros((3, 2), dtype=int),
        np.array([[np.nan], [0.0], [0.0]]),
        np.zeros(3, dtype=int),
        np.ones(3),
    )
    first, second = start.copy(), start.copy()
    first.numbers[1], second.numbers[1], second.donors[2] = 1.0, 2.0, 7
    merged = start.merged([first, second])
    assert_array_equal(merged.numbers, [[np.nan], [1.0], [0.0]])
    assert_array_equal(merged.donors, [[0, 0], [0, 0], [7, 7]])
    assert_array_equal(start.changed_rows(second), [False, True, True])


def test_shares_are_in_proportion():
    assert_array_equal(shares_of_total(np.array([3.0, 1.0, 1.0]), 6), [4, 1, 1])
    assert shares_of_total(np.array([1.0, 1.0, 1.0]), 4).sum() == 4


def test_the_first_rows_are_like_all_of_them():
    y = (np.arange(20_000) % 50 == 0).astype(int)
    X = np.arange(20_000.0)[:, None]
    problem = pose(Untrained(), X, y, [1, 1])
    rows, weight = problem._in_order(problem.rows)
    assert len(rows) == MAX_JUDGING_ROWS
    for size in (500, 2000, 4000):
        assert_allclose(y[rows[:size]].mean(), 0.02, atol=0.003)
    assert (weight == 1).all()


@pytest.mark.parametrize(("n", "is_split"), [(90, True), (300, False), (4, False)])
def test_few_real_rows_give_cells_or_judge(n, is_split):
    """If real rows are few, those that give cells to the sets do not judge them."""
    y = np.arange(n) % 2
    problem = pose(Untrained(), np.arange(float(n))[:, None], y, [2, 2])
    giving, judging = problem.parts
    assert not is_split or not set(giving) & set(judging)
    assert sorted({*giving, *judging}) == list(range(n))
    assert is_split or len(giving) == len(judging) == n
    assert set(y[giving]) == set(y[judging]) == {0, 1}
