"""Tables made of cells of real rows, in every container."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from skdistill.real._cells import MAX_WHOLE, read_cells, with_rows

N = 30
COLUMNS = {
    "height": np.linspace(1.5, 2.0, N),
    "age": np.arange(N) % 7 + 20,
    "town": np.array(["Oslo", "Rome", "Lima"] * 10),
    "smokes": np.arange(N) % 2 == 0,
}


def pandas_frame():
    X = pd.DataFrame(COLUMNS, index=np.arange(N)[::-1])
    return X.assign(
        kind=X["town"].astype("category"),
        seen=pd.date_range("2020-02-28", periods=N).to_numpy(),
        visits=X["age"].astype("Int64").mask(X["age"] == 22),
        weight=X["height"].astype("float32").mask(X["age"] == 23),
        small=X["age"].astype("uint8"),
        mixed=[1, "a", None] * 10,
    )


def polars_frame():
    return pl.DataFrame(COLUMNS).with_columns(
        pl.col("town").cast(pl.Categorical).alias("kind"),
        pl.when(pl.col("age") != 22).then(pl.col("age")).alias("visits"),
    )


FRAMES = [pandas_frame, polars_frame, lambda: polars_frame().to_arrow()]


def drawn(cells, size=8, seed=0):
    random_state = np.random.RandomState(seed)
    donors = random_state.randint(N, size=(size, cells.n_columns))
    return donors, cells.numbers(random_state.randint(N, size=size))


@pytest.mark.parametrize("make", FRAMES, ids=["pandas", "polars", "arrow"])
def test_whole_rows_come_back_as_they_were(make):
    X = make()
    cells = read_cells(X)
    rows = np.array([3, 0, 0, 17, 2])
    table = cells.table(cells.donors(rows), cells.numbers(rows))
    assert type(table) is type(X)
    expected = X.take(rows) if not isinstance(X, pl.DataFrame) else X[rows.tolist()]
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(table, expected.reset_index(drop=True))
    else:
        # Dictionaries of arrow may hold the same values in another order.
        as_rows = "to_dicts" if isinstance(X, pl.DataFrame) else "to_pylist"
        assert getattr(table, as_rows)() == getattr(expected, as_rows)()
        assert table.schema == X.schema


@pytest.mark.parametrize("make", FRAMES[:2], ids=["pandas", "polars"])
def test_cells_come_from_their_donors(make):
    X = make()
    cells = read_cells(X)
    donors, numbers = drawn(cells)
    table = cells.table(donors, numbers)
    for j, name in enumerate(X.columns):
        if not cells.is_number[j]:
            real = list(X[name])
            expected = [real[row] for row in donors[:, j]]
            made = list(table[name])
            assert [repr(value) for value in made] == [repr(v) for v in expected]


def test_integers_stay_whole_and_within_the_data():
    X = pandas_frame()
    cells = read_cells(X)
    donors, numbers = drawn(cells)
    table = cells.table(donors, numbers + np.array([9.0, 0.4, -0.3, 0, 99])[:5])
    assert (table.dtypes == X.dtypes).all()
    assert table["height"].max() <= 2.0
    assert set(table["age"]) <= set(X["age"])
    assert set(table["visits"].dropna()) <= set(X["visits"].dropna())
    assert table["small"].max() <= 26


def test_missing_numbers_stay_missing():
    cells = read_cells(pandas_frame())
    rows = np.array([2, 3, 4])
    table = cells.table(cells.donors(rows), cells.numbers(rows))
    assert table["visits"].isna().tolist() == [True, False, False]
    assert table["weight"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16"])
def test_arrays_keep_their_dtype(dtype, rng):
    X = (20 * rng.uniform(size=(N, 3))).astype(dtype)
    cells = read_cells(X)
    assert cells.is_number.all()
    assert cells.is_whole.all() == (X.dtype.kind in "iu")
    rows = np.array([1, 1, 5])
    table = cells.table(cells.donors(rows), cells.numbers(rows))
    assert table.dtype == X.dtype
    assert_array_equal(table, X[rows])


def test_arrays_of_objects_tell_numbers_from_others():
    X = pandas_frame()[["height", "age", "town", "mixed", "smokes"]].to_numpy()
    cells = read_cells(X)
    assert cells.is_number.tolist() == [True, True, False, False, False]
    assert cells.is_whole.tolist() == [False, True]
    table = cells.table(*drawn(cells))
    assert table.dtype == object
    assert all(isinstance(age, int) for age in table[:, 1])


def test_numbers_of_categories_are_not_mixed(rng):
    X = rng.integers(5, size=(N, 2))
    cells = read_cells(X, categorical_features=[1])
    donors, numbers = drawn(cells)
    assert numbers.shape == (8, 1)
    assert_array_equal(cells.table(donors, numbers)[:, 1], X[donors[:, 1], 1])


def test_long_integers_name_something():
    X = pd.DataFrame({"id": np.arange(N) + MAX_WHOLE, "x": np.arange(N)})
    assert read_cells(X).is_number.tolist() == [False, True]


@pytest.mark.parametrize(
    "feature_range",
    [
        {"height": (1.6, 9.0), "age": (20.5, 23.9)},
        ({"height": 1.6, "age": 20.5}, {"height": 9.0, "age": 23.9}),
    ],
)
def test_bounds_hold_within_the_data(feature_range):
    cells = read_cells(pd.DataFrame(COLUMNS), feature_range=feature_range)
    table = cells.table(*drawn(cells, size=50))
    assert table["height"].between(1.6, 2.0).all()
    assert set(table["age"]) <= {21, 22, 23}


@pytest.mark.parametrize(
    ("feature_range", "message"),
    [
        ({"age": (20.2, 20.8)}, r"leaves no value .* \['age'\]"),
        ({"height": (3.0, 4.0)}, r"leaves no value .* \['height'\]"),
        ({"town": (0, 1)}, r"that hold categories: \['town'\]"),
        ({"size": (0, 1)}, r"that X does not have"),
    ],
)
def test_bounds_without_a_value_are_refused(feature_range, message):
    with pytest.raises(ValueError, match=message):
        read_cells(pd.DataFrame(COLUMNS), feature_range=feature_range)


def test_texts_are_whole_cells():
    X = [f"text {i}" for i in range(N)]
    cells = read_cells(X)
    donors, numbers = drawn(cells)
    assert numbers.shape == (8, 0)
    table = cells.table(donors, numbers)
    assert isinstance(table, list)
    assert table == [X[row] for row in donors[:, 0]]


def test_sparse_rows_are_whole_cells(rng):
    X = csr_array(rng.integers(3, size=(N, 4)))
    cells = read_cells(X)
    table = cells.table(*drawn(cells))
    assert (table.format, table.shape) == ("csr", (8, 4))


def test_lists_of_numbers_are_arrays():
    cells = read_cells([[i, i / 2] for i in range(N)])
    assert cells.is_number.all()
    assert isinstance(cells.table(*drawn(cells)), np.ndarray)


def test_lazy_frames_are_refused():
    with pytest.raises(ValueError, match=r"collect"):
        read_cells(polars_frame().lazy())


@pytest.mark.parametrize("make", FRAMES, ids=["pandas", "polars", "arrow"])
def test_more_rows_are_matched_by_name(make):
    X = make()
    names = list(X.columns) if not hasattr(X, "column_names") else X.column_names
    more = X.select(names[::-1]) if not isinstance(X, pd.DataFrame) else X[names[::-1]]
    both = with_rows(X, more)
    cells = read_cells(both)
    assert cells.n_rows == 2 * N
    first, second = np.arange(N), np.arange(N, 2 * N)
    for j in np.flatnonzero(~cells.is_number).tolist():
        assert repr(cells.values(j, first)) == repr(cells.values(j, second))
    assert_array_equal(cells.numbers(first), cells.numbers(second))


def test_more_rows_in_other_containers(rng):
    X = rng.integers(5, size=(N, 2)).astype(np.int8)
    assert_array_equal(with_rows(X, [[1, 2]])[-1], [1, 2])
    assert with_rows(X, [[1, 2]]).dtype == np.int8
    assert with_rows(["a", "b"], ("c",)) == ["a", "b", "c"]
    assert with_rows(csr_array(X), csr_array(X[:2])).shape == (N + 2, 2)


def test_more_rows_of_other_columns_are_refused(rng):
    X = pandas_frame()
    with pytest.raises(ValueError, match=r"lacks the columns \['age'\]"):
        with_rows(X, X.drop(columns="age"))
    with pytest.raises(ValueError, match="cannot hold"):
        with_rows(X, X.assign(age="old"))
    with pytest.raises(ValueError, match=r"expected \(1, 2\)"):
        with_rows(rng.normal(size=(3, 2)), [[1.0]])
