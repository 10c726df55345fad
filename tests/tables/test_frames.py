"""Labels and containers that scikit-learn users bring."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skdistill import DatasetDistiller

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


@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_to_frame_round_trip(multiclass_table, weighting):
    """One line to share the set, from which anybody refits the estimator."""
    X, y = multiclass_table
    options = {"n_synthetic": 6, "weighting": weighting, "random_state": 0}
    of_array = DatasetDistiller(**options).fit(X, y).to_frame()
    assert list(of_array.columns[:7]) == [*(f"x{i}" for i in range(6)), "target"]
    assert ("sample_weight" in of_array) == (weighting == "match")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    distiller = DatasetDistiller(**options).fit(frame, pd.Series(y, name="class"))
    rows = distiller.to_frame()
    refit = clone(distiller.estimator_).fit(
        rows[list("abcdef")], rows["class"], rows.get("sample_weight")
    )
    assert_array_equal(refit.predict(frame), distiller.predict(frame))
    of_polars = DatasetDistiller(**options).fit(
        pl.DataFrame(X, schema=list("abcdef"), orient="row"), pl.Series("class", y)
    )
    assert isinstance(of_polars.to_frame(), pl.DataFrame)
    assert_allclose(
        of_polars.to_frame().to_numpy().astype(float), rows.to_numpy().astype(float)
    )


def test_to_frame_of_several_targets_and_of_names_that_clash(multiclass_table):
    X, _ = multiclass_table
    distiller = DatasetDistiller(Ridge(), n_synthetic=4).fit(X, X[:, :2])
    assert list(distiller.to_frame().columns[6:]) == ["target0", "target1"]
    frame = pd.DataFrame(X, columns=["target", *"bcdef"])
    with pytest.raises(ValueError, match=r"share the names \['target'\]"):
        DatasetDistiller(Ridge(), n_synthetic=4).fit(frame, X[:, 0]).to_frame()
