"""Exact rows for linear models behind a scaler."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skdistill import DatasetDistiller
from tests.conftest import make_table, strict_logistic

SCALERS = {
    "standard": StandardScaler(),
    "standard, no mean": StandardScaler(with_mean=False),
    "standard, no std": StandardScaler(with_std=False),
    "minmax": MinMaxScaler((-1, 3)),
    "maxabs": MaxAbsScaler(),
    "robust": RobustScaler(),
}


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True, scaled=False)


def assert_reproduced(distiller, X, y, **weights):
    """Assert that predictions are those of scikit-learn's pipeline on all the rows."""
    assert distiller.solver_ == "exact"
    full = type(distiller.estimator_)(distiller.estimator.steps).fit(X, y, **weights)
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(full, method):
            expected = getattr(full, method)(X)
            atol = 1e-6 * np.abs(expected).max()
            assert_allclose(getattr(distiller, method)(X), expected, atol=atol)
            break


@pytest.mark.parametrize(
    "scaler",
    [
        scaler if scaler == "standard" else pytest.param(scaler, marks=pytest.mark.slow)
        for scaler in SCALERS
    ],
)
def test_logistic(scaler, wine):
    pipeline = make_pipeline(SCALERS[scaler], strict_logistic(C=10.0))
    if scaler == "standard, no std":
        X, y = make_table(3)
    else:
        X, y = wine
    distiller = DatasetDistiller(pipeline, n_synthetic=30, solver="exact").fit(X, y)
    assert_reproduced(distiller, X, y)


@pytest.mark.parametrize("scaler", SCALERS)
def test_ridge_with_learned_targets(scaler, diabetes):
    X, y = diabetes
    distiller = DatasetDistiller(make_pipeline(SCALERS[scaler], Ridge())).fit(X, y)
    assert_reproduced(distiller, X, y)


def test_classes_by_ridge(wine):
    X, y = wine
    pipeline = make_pipeline(StandardScaler(), RidgeClassifier(alpha=0.1))
    distiller = DatasetDistiller(pipeline, n_synthetic=30).fit(X, y)
    assert_reproduced(distiller, X, y)


def test_weights_are_those_of_the_last_step(wine, rng):
    X, y = wine
    weight = rng.uniform(0.2, 2.0, len(y))
    pipeline = make_pipeline(StandardScaler(), strict_logistic(C=10.0))
    distiller = DatasetDistiller(pipeline, n_synthetic=30).fit(X, y, weight)
    assert_reproduced(distiller, X, y, logisticregression__sample_weight=weight)


@pytest.mark.slow
def test_a_model_of_large_norm_draws_the_rows_together():
    """The scaler then enlarges their distances again, so any norm is possible."""
    X, y = load_breast_cancer(return_X_y=True)
    model = strict_logistic(C=0.1)
    scaled = StandardScaler().fit_transform(X)
    with pytest.raises(ValueError, match="cannot reproduce.*squared norm"):
        DatasetDistiller(model, n_synthetic=20, solver="exact").fit(scaled, y)
    pipeline = make_pipeline(StandardScaler(), model)
    distiller = DatasetDistiller(pipeline, n_synthetic=20, solver="exact").fit(X, y)
    assert_reproduced(distiller, X, y)
    assert (distiller.X_synthetic_.std(axis=0) < X.std(axis=0)).all()


@pytest.mark.slow
def test_more_rows_than_the_sample(rng):
    """The scaler's statistics and the model are those of all rows."""
    X = rng.standard_normal((9000, 4)) * [1.0, 10.0, 0.1, 1e3] + [0, 50, 1, -1e4]
    raw = (X - X.mean(axis=0)) / X.std(axis=0) @ [1.0, -1.0, 0.5, 0.0]
    y = (raw + rng.logistic(size=len(X)) > 0).astype(int)
    for scaler in (StandardScaler(), MinMaxScaler()):
        pipeline = make_pipeline(scaler, strict_logistic(C=10.0))
        distiller = DatasetDistiller(pipeline, n_synthetic=30).fit(X, y)
        assert_reproduced(distiller, X, y)


@pytest.mark.slow
def test_bounds_and_constants_are_kept(wine):
    X, y = wine
    X = np.column_stack([X, np.full(len(X), 3.0)])
    pipeline = make_pipeline(StandardScaler(), strict_logistic(C=10.0))
    distiller = DatasetDistiller(pipeline, n_synthetic=30, feature_range="data")
    rows = distiller.fit(X, y).X_synthetic_
    assert (rows >= X.min(axis=0)).all()
    assert (rows <= X.max(axis=0)).all()
    assert (rows[:, -1] == 3.0).all()
    assert_reproduced(distiller, X, y)


@pytest.mark.slow
def test_rows_that_are_rounded_are_judged(wine):
    """Rounding makes them inexact. Iterations lower a loss without penalty."""
    X, y = wine
    frame = pd.DataFrame(X).rename(columns=str).astype({"12": int})
    pipeline = make_pipeline(StandardScaler(), strict_logistic())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller = DatasetDistiller(
            pipeline, n_synthetic=15, max_iter=10, random_state=0
        ).fit(frame, y)
    assert distiller.X_synthetic_["12"].dtype == frame["12"].dtype
    assert distiller.solver_ == "lbfgs"
    assert distiller.validation_loss_ is not None


def test_out_of_reach(wine):
    pipeline = make_pipeline(StandardScaler(), strict_logistic(C=0.1))
    distiller = DatasetDistiller(pipeline, n_synthetic=3, solver="exact")
    with pytest.raises(ValueError, match="found no 3 rows.*of the pipeline"):
        distiller.fit(*wine)


def test_lbfgs_goes_on_where_it_is_asked_for(wine):
    """If only the loss counts, iterations can improve on exact rows."""
    losses = {}
    for solver in ("exact", "lbfgs"):
        distiller = DatasetDistiller(
            make_pipeline(StandardScaler(), strict_logistic(C=10.0)),
            n_synthetic=30,
            solver=solver,
            early_stopping=False,
            max_iter=30,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            losses[solver] = distiller.fit(*wine).loss_
    assert losses["lbfgs"] < losses["exact"]


def test_estimators_without_a_penalty_are_iterated(diabetes):
    pipeline = make_pipeline(StandardScaler(), LinearRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller = DatasetDistiller(pipeline, max_iter=3).fit(*diabetes)
    assert distiller.solver_ == "lbfgs"
