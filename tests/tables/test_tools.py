"""Mixed tables among the tools of scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.tables.helpers import (
    CATEGORICAL,
    as_polars,
    assert_is_table_of,
    distiller_for,
)


@pytest.mark.slow
def test_imputer_before(mixed):
    X, y, _ = mixed
    holes = X.astype({"weight": float}).copy()
    holes.loc[::7, "weight"] = np.nan
    imputer = make_column_transformer(
        (SimpleImputer(), ["weight"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(imputer, distiller_for()).fit(holes, y)
    assert pipeline.score(holes, y) > 0.7
    samples, _ = pipeline.transform(holes)
    assert samples.dtypes["size"] == np.int8
    assert set(samples["shape"]) <= {"disc", "ring"}


def test_last_step_behind_an_encoder(mixed):
    X, y, _ = mixed
    encoder = make_column_transformer(
        (OneHotEncoder(), CATEGORICAL), remainder=StandardScaler()
    )
    pipeline = make_pipeline(encoder, distiller_for(categorical_features=None))
    assert pipeline.fit(X, y).score(X, y) > 0.7


@pytest.mark.slow
def test_grid_search(mixed):
    X, y, _ = mixed
    distiller = distiller_for(LogisticRegression(C=10, tol=1e-6, max_iter=1000))
    search = GridSearchCV(
        distiller, {"n_synthetic": [2, 4]}, cv=2, error_score="raise"
    ).fit(X, y)
    assert search.best_score_ > 0.65
    assert_is_table_of(search.best_estimator_.X_synthetic_, X)


def test_pickle_is_small(fitted, mixed):
    X, _, _ = mixed
    dumped = pickle.dumps(fitted)
    assert len(dumped) < 12_000
    loaded = pickle.loads(dumped)
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert loaded.transform(X)[0].equals(fitted.X_synthetic_)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars", "default"])
def test_set_output(fitted, mixed, library):
    X, y, _ = mixed
    distiller = clone(fitted).set_params(n_synthetic=2).set_output(transform=library)
    samples, _ = distiller.fit_transform(X, y)
    assert type(samples) is (pl.DataFrame if library == "polars" else pd.DataFrame)
    assert list(samples.columns) == list(X.columns)
    assert samples["size"].to_list() == distiller.X_synthetic_["size"].to_list()
    assert str(samples["size"].dtype).lower() == "int8"
    frame = as_polars(X)
    samples, _ = distiller.fit_transform(frame, y)
    assert type(samples) is (pd.DataFrame if library == "pandas" else pl.DataFrame)
    assert str(samples["size"].dtype).lower() == "uint8"


class Scores:
    """A callback that scores each set on the data that it is given."""

    def __init__(self):
        self.scores = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name == "outer iteration":
            self.scores.append(fitted_estimator.score(X, y))


def test_callbacks_get_the_table(mixed):
    X, y, _ = mixed
    scores = Scores()
    distiller = distiller_for(n_synthetic=4).set_callbacks(scores).fit(X, y)
    assert len(scores.scores) == distiller.n_iter_ == len(distiller.loss_curve_)
    assert scores.scores[-1] == distiller.score(X, y)
