"""Columns of numbers come back in the dtypes that they came in."""

import gc
import pickle
import weakref
from decimal import Decimal

import narwhals
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller, DistilledClassifier
from skdistill.tables import _kinds
from skdistill.tables._columns import read_table
from tests.conftest import strict_logistic
from tests.tables.helpers import assert_is_table_of, distiller_for


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype",
    ["int16", "uint8", "Int64", "UInt8", "int64[pyarrow]", "object"]
    + ["float32", "float64", "Float32", "float[pyarrow]"],
)
def test_pandas_dtypes(numeric, dtype):
    X, y, _ = numeric
    X = X.assign(size=X["size"].astype(dtype), is_new=X["is_new"].astype("boolean"))
    distiller = distiller_for(categorical_features=None, max_iter=50).fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    refitted = strict_logistic(C=10).fit(*distiller.transform(X))
    assert_allclose(log_loss(y, refitted.predict_proba(X)), distiller.loss_, rtol=1e-5)


@pytest.mark.parametrize(
    "dtype", [pl.Int16, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean]
)
def test_polars_dtypes(numeric, dtype):
    X, y, _ = numeric
    X = pl.from_pandas(X).with_columns((pl.col("size") > 6).cast(dtype))
    distiller = distiller_for(categorical_features=None).fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    refitted = strict_logistic(C=10).fit(*distiller.transform(X))
    assert_allclose(log_loss(y, refitted.predict_proba(X)), distiller.loss_, rtol=1e-5)


def test_integers_at_the_end_of_their_range():
    largest = np.iinfo(np.int64).max
    X = pd.DataFrame({"a": [largest, 3], "b": np.array([255, 0], dtype=np.uint8)})
    table = read_table(X, None, None)
    low, high = table.set_range(X.to_numpy(dtype=np.float64))
    assert_array_equal(low, [3, 0])
    decoded = table.decode(
        np.array([[2.0**64, 254.6], [-5.0, -0.4], [7.4, 300.0], [np.inf, -np.inf]])
    )
    assert decoded["a"].tolist() == [largest, 3, 7, largest]
    assert decoded["b"].tolist() == [255, 0, 255, 0]
    assert decoded.dtypes.equals(X.dtypes)


def test_integers_of_every_column_keep_to_the_rows_that_have_weight():
    """Ranges are found in blocks of columns, or one by one in tall tables."""
    rng = np.random.default_rng(0)
    weight = np.array([0.0, 1.0, 2.0, 0.0])
    for dtype in ("int8", "uint16", "int64", "Int32", "int64[pyarrow]", "bool"):
        X = pd.DataFrame(rng.integers(0, 100, (4, 50))).astype(dtype)
        X.columns = [f"c{j}" for j in range(50)]
        X.insert(7, "float", rng.normal(size=4))
        kept = X.iloc[1:3].astype(float).to_numpy()
        for data in (X, pl.from_pandas(X), pa.Table.from_pandas(X)):
            table = read_table(data, None, weight)
            table.set_range(kept)
            far = np.array([[-1e9], [1e9]]) + np.zeros((1, 51))
            far[:, 7] = 0.5
            assert_array_equal(
                table.encode(table.decode(far))[:, :7], ends(kept)[:, :7]
            )
            assert_array_equal(
                table.encode(table.decode(far))[:, 8:], ends(kept)[:, 8:]
            )
            assert table.is_discrete.sum() == 50


def ends(values):
    return np.array([values.min(axis=0), values.max(axis=0)])


def test_tall_tables_have_the_ranges_of_wide_ones(monkeypatch):
    X = pd.DataFrame({"a": [2**62 + 1, 3, -5], "b": [True, False, True]})
    expected = [(int(X["a"].min()), int(X["a"].max())), (0, 1)]
    for block in (2**18, 1):
        monkeypatch.setattr(_kinds, "MAX_BLOCK", block)
        for data in (X, X.astype({"a": "Int64"}), pl.from_pandas(X)):
            kinds = _kinds.kinds_of_columns(data)
            assert [(kind.low, kind.high) for kind in kinds] == expected


def test_integers_of_128_bits(numeric):
    X, y, _ = numeric
    X = pl.from_pandas(X).with_columns(pl.col("size").cast(pl.Int128))
    distiller = distiller_for(categorical_features=None, max_iter=20).fit(X, y)
    assert distiller.X_synthetic_.schema == X.schema
    table = read_table(pl.DataFrame({"a": [2**100, 3]}).cast(pl.Int128), None, None)
    assert table.decode(np.array([[1e40], [0.0]]))["a"].to_list() == [2**100, 3]


@pytest.mark.slow
@pytest.mark.parametrize("fill", [0.0, np.nan], ids=["zeros", "NaN"])
@pytest.mark.parametrize("sparse", [["a", "b"], ["b"]], ids=["all", "one"])
def test_sparse_columns_are_numbers_like_any(binary_table, sparse, fill):
    X, y = binary_table
    dense = pd.DataFrame({"a": X[:, 0], "b": X[:, 1] * (X[:, 1] > 0)})
    frame = dense.astype(dict.fromkeys(sparse, pd.SparseDtype(float, fill)))
    distiller = DatasetDistiller(n_synthetic=4, random_state=0)
    expected = clone(distiller).fit(dense, y)
    samples, _ = distiller.fit_transform(frame, y)
    pd.testing.assert_frame_equal(samples, expected.X_synthetic_)
    assert distiller.score(frame, y) == expected.score(dense, y)
    assert_array_equal(distiller.predict(frame), expected.predict(dense))
    classifier = DistilledClassifier(LogisticRegression(), clone(distiller))
    assert classifier.fit(frame, y).score(frame, y) == classifier.fit(dense, y).score(
        dense, y
    )
    start = clone(distiller).set_params(init=(frame[:12], y[:12]), n_synthetic="auto")
    from_dense = clone(start).set_params(init=(dense[:12], y[:12])).fit(dense, y)
    assert_array_equal(start.fit(frame, y).X_synthetic_, from_dense.X_synthetic_)


@pytest.mark.slow
def test_sparse_integers_stay_integers(numeric):
    X, y, _ = numeric
    sparse = X.astype({"size": pd.SparseDtype("int8", 0)})
    distiller = distiller_for(LogisticRegression(), categorical_features=None)
    expected = clone(distiller).fit(X, y)
    distiller.fit(sparse, y)
    pd.testing.assert_frame_equal(distiller.X_synthetic_, expected.X_synthetic_)


def as_decimals(frame, library):
    """Return column "b" as decimals of three digits, in the type of a library."""
    values = [Decimal(f"{value:.3f}") for value in frame["b"]]
    if library == "objects":
        return frame.assign(b=pd.Series(values, dtype=object))
    if library == "pandas":
        dtype = pd.ArrowDtype(pa.decimal128(10, 3))
        return frame.assign(b=pd.Series(values, dtype=dtype))
    if library == "polars":
        return pl.DataFrame({"a": frame["a"].to_numpy(), "b": pl.Series(values)})
    return pa.table({"a": frame["a"].to_numpy(), "b": values})


@pytest.mark.slow
@pytest.mark.parametrize("library", ["objects", "pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("estimator", [LogisticRegression(), KNeighborsClassifier(1)])
def test_decimals_are_numbers(binary_table, library, estimator):
    """They come back as floats, because learned values have any number of digits."""
    X, y = binary_table
    floats = pd.DataFrame({"a": X[:, 0], "b": np.round(X[:, 1], 3)})
    frame = as_decimals(floats, library)
    distiller = DatasetDistiller(estimator, n_synthetic=4, random_state=0, tol=1e-2)
    expected = clone(distiller).fit(floats, y)
    samples, _ = distiller.fit_transform(frame, y)
    assert type(samples) is type(frame)
    for name in ("a", "b"):
        learned = np.asarray(samples[name])
        assert learned.dtype == np.float64
        assert_allclose(learned, expected.X_synthetic_[name], rtol=1e-9)
    assert_array_equal(distiller.predict(frame), expected.predict(floats))
    assert distiller.score(frame, y) == expected.score(floats, y)


def test_pyarrow(numeric):
    """A table of another library than pandas or polars, with integers."""
    X, y, _ = numeric
    distiller = distiller_for(LogisticRegression(), categorical_features=None)
    expected = clone(distiller).fit(X, y)
    data = pa.Table.from_pandas(X, preserve_index=False)
    samples, labels = distiller.fit_transform(data, pa.chunked_array([y.to_numpy()]))
    assert samples.schema.equals(data.schema)
    as_pandas = samples.to_pandas()
    assert as_pandas.dtypes.equals(X.dtypes)
    # The order of an array in memory decides on the rounding of its products.
    assert_allclose(as_pandas.astype(float), expected.X_synthetic_.astype(float), 1e-3)
    assert labels.to_pylist() == expected.y_synthetic_.tolist()
    assert distiller.score(data, y) == expected.score(X, y)
    rows = distiller.to_frame()
    assert rows.column_names == [*X.columns, "target"]
    assert rows.schema.field("size").type == data.schema.field("size").type
    mixed = data.append_column("color", pa.array(["red", "blue"] * (len(y) // 2)))
    with pytest.raises(ValueError, match="pyarrow.lib.Table, which the ColumnTrans"):
        distiller_for(categorical_features=["color"]).fit(mixed, y)


def test_frames_of_narwhals(numeric):
    X, y, _ = numeric
    distiller = distiller_for(LogisticRegression(), categorical_features=None)
    expected = clone(distiller).fit(X, y)
    for library in (nw, narwhals):
        distiller.fit(library.from_native(X), y)
        assert expected.X_synthetic_.equals(distiller.X_synthetic_)


@pytest.mark.slow
def test_a_table_does_not_keep_the_real_rows(mixed):
    """It keeps neither the frame nor an array or buffer that it shares."""
    X, _, _ = mixed
    values = np.zeros((1000, 2))
    floats = weakref.ref(values)
    frame = pd.DataFrame(values, columns=["a", "b"], copy=False)
    assert np.shares_memory(frame.to_numpy(), values)
    table = read_table(frame, None, None)
    del frame, values
    gc.collect()
    assert floats() is None
    assert len(table.decode(np.zeros((2, 2)))) == 2
    before = pa.total_allocated_bytes()
    strings = pd.array([f"g{i % 3}" for i in range(100_000)], dtype="string[pyarrow]")
    frame = pd.DataFrame({"g": strings, "n": np.arange(100_000)})
    tables = [
        read_table(frame, ["g"], None),
        read_table(frame[["n"]].astype("int64[pyarrow]"), None, None),
        read_table(pa.table({"n": np.arange(100_000)}), None, None),
    ]
    del frame, strings
    gc.collect()
    assert pa.total_allocated_bytes() - before < 10_000
    for small in (table, *tables, read_table(X, ["color", "shape"], None)):
        assert len(pickle.dumps(small)) < 6_000
