"""Curves, transfer and pictures of estimators that read tables as they come."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import (
    DatasetDistiller,
    DistillationDisplay,
    distillation_curve,
    transfer_score,
)
from skdistill.evaluation._baselines import reduced_set

# A set of a few rows, after one iteration, is often clearly worse on rows held back.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss is .* on rows that were held back"
)


def behind_encoder(tree):
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ),
        tree,
    )


PIPELINE = behind_encoder(DecisionTreeClassifier(random_state=0))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "value": rng.normal(size=120),
            "town": rng.choice(["Oslo", "Rome", "Lima"], 120),
            "count": rng.integers(0, 9, 120),
        }
    )
    likes = (X["value"] > 0) ^ (X["town"] == "Rome")
    X.loc[::9, "value"] = np.nan
    return X, likes.map({True: "yes", False: "no"})


@pytest.fixture(scope="module")
def distiller(table):
    return DatasetDistiller(PIPELINE, n_synthetic=6, max_iter=1, random_state=0).fit(
        *table
    )


def test_centers_are_rows_that_the_columns_can_hold(table):
    X, y = table
    codes = (y == "yes").to_numpy().astype(int)
    rows, labels, weight = reduced_set(
        "kmeans", X, y, codes, 6, as_it_came=True, random_state=0
    )
    assert weight is None
    assert list(rows.dtypes) == list(X.dtypes)
    assert set(rows["town"]) <= set(X["town"])
    assert rows["count"].between(0, 8).all()
    assert isinstance(labels, pd.Series)
    assert_array_equal(np.sort(labels), ["no"] * 3 + ["yes"] * 3)
    # Of numbers, the centers have the means of their clusters.
    numbers, means, _ = reduced_set(
        "kmeans", X, X["count"] + 0.5, None, 1, as_it_came=True, random_state=0
    )
    assert numbers["value"][0] == pytest.approx(X["value"].mean())
    assert means[0] == pytest.approx(X["count"].mean() + 0.5)


def test_transfer_and_curve(table, distiller):
    X, y = table
    scores = transfer_score(distiller, [PIPELINE], X, y, X=X, y=y, n_repeats=1).scores
    assert list(scores) == ["distill", "kmeans", "sample", "full"]
    assert scores["distill"]["pipeline"] == distiller.score(X, y)
    curve = distillation_curve(
        DatasetDistiller(PIPELINE, max_iter=1), X, y, n_synthetic=[4], cv=2
    )
    assert np.isfinite(curve.test_scores["kmeans"]).all()
    assert curve.full_test_scores.min() > curve.test_scores["sample"].min()


def test_numbers_as_targets(table):
    X, _ = table
    tree = behind_encoder(DecisionTreeRegressor(random_state=0))
    y = X["count"] + 0.5
    curve = distillation_curve(
        DatasetDistiller(tree, max_iter=1), X, y, n_synthetic=[4], cv=2
    )
    assert np.isfinite(curve.test_scores["distill"]).all()


def test_a_picture_of_the_table(table, distiller):
    display = DistillationDisplay.from_estimator(distiller, X=table[0], kind="table")
    mask = display.image_.get_array().mask
    assert mask[:, 1].all()
    assert not mask[:, 2].any()
    assert {text.get_text() for text in display.ax_.texts} <= {"Oslo", "Rome", "Lima"}
    display.figure_.canvas.draw()
