"""Labels and containers that scikit-learn users bring."""

from decimal import Decimal

import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from skdistill import (
    DatasetDistiller,
    DistillationSampler,
    DistilledClassifier,
    transfer_score,
)

LABELS = {
    "strings": np.array(["red", "green", "blue"]),
    "objects": np.array(["red", "green", "blue"], dtype=object),
    "ints": np.array([7, -2, 0]),
    "floats": np.array([1.0, 2.0, 4.0]),
}


@pytest.fixture(scope="module")
def reference(multiclass_table):
    X, y = multiclass_table
    return DatasetDistiller(random_state=0, weighting="match").fit(X, y)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind(multiclass_table, labels):
    X, y = multiclass_table
    distiller = DatasetDistiller(weighting="match").fit(X, labels[y])
    assert_array_equal(distiller.classes_, np.unique(labels))
    assert distiller.y_synthetic_.dtype == np.unique(labels).dtype
    assert set(distiller.predict(X)) <= set(labels)


def test_booleans(binary_table):
    X, y = binary_table
    distiller = DatasetDistiller(n_synthetic=4).fit(X, y.astype(bool))
    assert distiller.y_synthetic_.dtype == bool
    assert distiller.predict(X).dtype == bool


def test_pandas_categories_come_back(multiclass_table):
    X, y = multiclass_table
    names = pd.Categorical.from_codes(y, ["low", "mid", "high"])
    target = pd.Series(names, name="grade")
    distiller = DatasetDistiller(weighting="match").fit(X, target)
    assert distiller.y_synthetic_.dtype == target.dtype
    assert distiller.y_synthetic_.name == "grade"
    # The categories of a column may be without rows.
    more = target.cat.add_categories("none")
    assert DatasetDistiller(weighting="match").fit(X, more).n_iter_ >= 1


def test_pandas_frame_in_frame_out(reference, multiclass_table):
    X, y = multiclass_table
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(len(X)) + 100)
    distiller = DatasetDistiller(random_state=0, weighting="match")
    samples, labels = distiller.fit_transform(frame, pd.Series(y, name="class"))
    assert isinstance(samples, pd.DataFrame)
    assert list(samples.columns) == list("abcdef")
    assert labels.name == "class"
    assert_allclose(samples.to_numpy(), reference.X_synthetic_)
    assert_array_equal(distiller.feature_names_in_, list("abcdef"))
    assert_array_equal(distiller.estimator_.feature_names_in_, list("abcdef"))
    assert_array_equal(distiller.predict(frame), reference.predict(X))
    with pytest.raises(ValueError, match="feature names"):
        distiller.transform(frame.rename(columns={"a": "z"}))


def test_polars_frame_in_frame_out(reference, multiclass_table):
    X, y = multiclass_table
    frame = pl.DataFrame(X, schema=list("abcdef"), orient="row")
    distiller = DatasetDistiller(random_state=0, weighting="match")
    samples, labels = distiller.fit_transform(frame, pl.Series("class", y))
    assert isinstance(samples, pl.DataFrame)
    assert samples.columns == list("abcdef")
    assert labels.name == "class"
    assert_allclose(samples.to_numpy(), reference.X_synthetic_)
    assert_array_equal(distiller.predict(frame), reference.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, bool])
def test_numbers_of_any_width(dtype, rng):
    y = np.arange(60) % 2
    X = (rng.integers(0, 4, (60, 4)) + y[:, None]).astype(dtype)
    before = X.copy()
    distiller = DatasetDistiller(n_synthetic=4).fit(X, y)
    assert distiller.X_synthetic_.dtype == np.float64
    assert distiller.sample_weight_synthetic_.dtype == np.float64
    assert distiller.score(X, y) > 0.5
    assert_array_equal(X, before)


def test_fortran_order_and_read_only(reference, multiclass_table):
    X, y = multiclass_table
    fortran = np.asfortranarray(X)
    fortran.setflags(write=False)
    distiller = DatasetDistiller(random_state=0, weighting="match").fit(fortran, y)
    assert_allclose(distiller.X_synthetic_, reference.X_synthetic_, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_labels_that_are_dates(multiclass_table, unit):
    X, y = multiclass_table
    days = np.array(["2020-02-01", "2021-01-01", "2019-03-05"], "datetime64[D]")
    labels = days.astype(f"datetime64[{unit}]")[y]
    plain = DatasetDistiller(n_synthetic=6, random_state=0).fit(X, labels)
    assert_array_equal(plain.classes_, np.unique(labels))
    assert plain.y_synthetic_.dtype == labels.dtype
    full = LogisticRegression().fit(X, labels).score(X, labels)
    assert plain.score(X, labels) > full - 0.1
    assert_array_equal(plain.to_frame()["target"].to_numpy(), plain.y_synthetic_)
    per_class = {days[0]: 1, days[1]: 2, days[2]: 3}
    for keys in (list(per_class), [pd.Timestamp(day) for day in per_class]):
        named = clone(plain).set_params(
            n_synthetic=dict(zip(keys, per_class.values(), strict=True))
        )
        named.fit(X, labels)
        for day, count in per_class.items():
            assert np.sum(named.y_synthetic_ == day) == count
    with pytest.raises(ValueError, match="missing: .*2019-03-05"):
        clone(plain).set_params(n_synthetic={days[0]: 1, days[1]: 2}).fit(X, labels)
    twice = {**per_class, days[0].item(): 1}
    with pytest.raises(ValueError, match="every class once"):
        clone(plain).set_params(n_synthetic=twice).fit(X, labels)
    # Starting labels may be of another unit.
    start = clone(plain).set_params(init=(X[:12], days[y][:12]), n_synthetic="auto")
    assert_array_equal(np.sort(start.fit(X, labels).y_synthetic_), np.sort(labels[:12]))
    series = pd.Series(labels, name="day")
    distiller = clone(plain).fit(X, series)
    assert distiller.y_synthetic_.dtype == series.dtype
    assert_array_equal(distiller.to_frame()["day"], distiller.y_synthetic_)


@pytest.mark.parametrize("kind", [object, Decimal])
def test_fixed_targets_that_are_objects_stay_fractions(multiclass_table, kind):
    X, _ = multiclass_table
    target = np.round(X[:, 0] / 3, 3)
    values = (
        target.astype(object) if kind is object else [Decimal(str(v)) for v in target]
    )
    distiller = DatasetDistiller(
        Ridge(), n_synthetic=5, learn_labels=False, random_state=0
    )
    expected = clone(distiller).fit(X, target).y_synthetic_
    distiller.fit(X, pd.Series(values, dtype=object))
    assert_allclose(distiller.y_synthetic_.astype(float), expected)


LAZY = {
    "polars": lambda frame: pl.from_pandas(frame).lazy(),
    "dask": lambda frame: dd.from_pandas(frame, npartitions=2),
}


@pytest.mark.parametrize("make_lazy", LAZY.values(), ids=LAZY)
def test_lazy_targets_are_to_be_collected(multiclass_table, make_lazy):
    """Lazy targets for rows in memory are refused; lazy rows are read in blocks."""
    X, y = multiclass_table
    frame = pd.DataFrame(X, columns=list("abcdef"))
    lazy, lazy_y = make_lazy(frame), make_lazy(pd.DataFrame({"y": y}))
    distiller = DatasetDistiller(n_synthetic=3).fit(frame, y)
    calls = {
        "y": [
            lambda: DatasetDistiller().fit(frame, lazy_y),
            lambda: distiller.score(frame, lazy_y),
            lambda: DistilledClassifier().fit(frame, lazy_y),
            lambda: DistillationSampler().fit_resample(frame, lazy_y),
            lambda: transfer_score(distiller, [Ridge()], frame, y, X=frame, y=lazy_y),
        ],
        "X of init": [
            lambda: DatasetDistiller(init=(lazy, y)).fit(frame, y),
        ],
        "y_test": [lambda: transfer_score(distiller, [Ridge()], frame, lazy_y)],
    }
    for name, refused in calls.items():
        for call in refused:
            with pytest.raises(ValueError, match=f"^{name} is a lazy frame, .*Collect"):
                call()
    with pytest.raises(ValueError, match="^X_test is .* read block by block"):
        transfer_score(distiller, [Ridge()], lazy, y)
    with pytest.raises(ValueError, match="^X is .* read block by block"):
        transfer_score(distiller, [Ridge()], frame, y, X=lazy, y=y)


def test_columns_that_share_a_name(multiclass_table):
    """They are refused before the columns are used."""
    X, y = multiclass_table
    frame = pd.DataFrame(X, columns=list("abcdaf"))
    targets = pd.DataFrame(X[:, :2], columns=["u", "u"])
    for call in (
        lambda: DatasetDistiller().fit(frame, y),
        lambda: DatasetDistiller(categorical_features=[1]).fit(frame, y),
        lambda: DistilledClassifier().fit(frame, y),
    ):
        with pytest.raises(ValueError, match="^X has columns with the same name"):
            call()
    with pytest.raises(ValueError, match="^y has columns with the same name"):
        DatasetDistiller(Ridge()).fit(X, targets)
