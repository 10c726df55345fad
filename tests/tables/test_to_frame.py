"""The synthetic set as one DataFrame, to look at and to share."""

import subprocess
import sys

import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skdistill import DatasetDistiller
from tests.tables.helpers import distiller_for


@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_to_frame_round_trip(multiclass_table, weighting):
    """The set is saved in one line, and anybody can refit the estimator from it."""
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
    with pytest.raises(ValueError, match=r"have the names \['target'\]"):
        DatasetDistiller(Ridge(), n_synthetic=4).fit(frame, X[:, 0]).to_frame()
    weighted = DatasetDistiller(Ridge(), n_synthetic=4, weighting="match")
    for data, target in (
        (frame, pd.Series(X[:, 0], name="sample_weight")),
        (frame.rename(columns={"b": "sample_weight"}), pd.Series(X[:, 0], name="y")),
    ):
        with pytest.raises(ValueError, match=r"have the names \['sample_weight'\]"):
            weighted.fit(data, target).to_frame()


def test_to_frame_keeps_the_labels_of_columns(multiclass_table):
    """Labels of pandas columns may be numbers or tuples."""
    X, y = multiclass_table
    pairs = pd.MultiIndex.from_product([["u", "v"], range(3)])
    for columns in (range(6), pairs):
        frame = pd.DataFrame(X, columns=columns)
        distiller = DatasetDistiller(n_synthetic=3, random_state=0).fit(frame, y)
        assert distiller.X_synthetic_.columns.equals(frame.columns)
        rows = distiller.to_frame()
        assert list(rows.columns) == [*columns, "target"]
        assert_array_equal(rows[list(columns)], distiller.X_synthetic_)


@pytest.mark.slow
def test_a_colleague_refits_from_a_csv_file(mixed, tmp_path):
    """Categories, integers and booleans survive, and the score is the same."""
    X, y, _ = mixed
    names = ["kept", "sold", "lost"]
    labels = y.map(dict(enumerate(names))).where(X["size"] < 9, "lost")
    distiller = distiller_for(n_synthetic=9, weighting="match").fit(X, labels)
    distiller.to_frame().to_csv(tmp_path / "rows.csv", index=False)
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert list(rows.columns) == [*X.columns, "sold", "sample_weight"]
    pipeline = clone(distiller.estimator_)
    pipeline.fit(
        rows[list(X.columns)],
        rows["sold"],
        estimator__sample_weight=rows["sample_weight"],
    )
    assert pipeline.score(X, labels) == distiller.score(X, labels)
    assert_allclose(pipeline.predict_proba(X), distiller.predict_proba(X), atol=1e-6)
    # The rows are rows like any: they can be scored, too.
    assert distiller.score(rows[list(X.columns)], rows["sold"]) == distiller.score(
        distiller.X_synthetic_, distiller.y_synthetic_
    )


def test_a_csv_file_of_arrays(multiclass_table, tmp_path):
    X, y = multiclass_table
    distiller = DatasetDistiller(n_synthetic=6, random_state=0).fit(X, y)
    distiller.to_frame().to_csv(tmp_path / "rows.csv", index=False)
    rows = pd.read_csv(tmp_path / "rows.csv")
    refitted = clone(distiller.estimator_)
    refitted.fit(rows.drop(columns="target").to_numpy(), rows["target"])
    assert refitted.score(X, y) == distiller.score(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [["pandas"], ["pandas", "polars"]])
def test_to_frame_of_arrays_without_pandas(missing):
    """skdistill requires neither pandas nor polars; it uses the installed one."""
    script = f"""
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name in {missing}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NotInstalled())
from skdistill import DatasetDistiller
distiller = DatasetDistiller(n_synthetic=2).fit([[0.0], [1.0]], [0, 1])
try:
    rows = distiller.to_frame()
except ImportError as error:
    assert "pip install pandas" in str(error)
    assert "polars" in {missing}
else:
    assert type(rows).__module__.startswith("polars")
    assert rows.columns == ["x0", "target"]
    assert rows["target"].to_list() == [0, 1]
"""
    subprocess.run([sys.executable, "-c", script], check=True)
