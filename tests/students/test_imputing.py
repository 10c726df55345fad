"""Pipelines that impute, against scikit-learn's own on real rows with gaps."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller, DistilledClassifier, distillation_curve
from skdistill.real._targets import weighted_spread
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import (
    NotMirrored,
    check_student,
    refuse_unmirrored,
    student_for,
)
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss, rows_of, spec_of, strict_logistic

IMPUTERS = {
    "mean": SimpleImputer(),
    "median": SimpleImputer(strategy="median"),
    "most_frequent": SimpleImputer(strategy="most_frequent"),
    "constant": SimpleImputer(strategy="constant", fill_value=0.3),
    "zero": SimpleImputer(strategy="constant"),
}


@pytest.fixture(scope="module")
def gaps():
    """Return three classes; 10 % of values are missing, and 50 % of one feature."""
    X, y = make_table(3, n=200, p=5)
    rng = np.random.default_rng(0)
    missing = rng.uniform(size=X.shape) < [0.1, 0.1, 0.5, 0.1, 0.0]
    return np.where(missing, np.nan, X), y


def fit(distiller, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return distiller.fit(X, y, **params)


def quick(estimator, **params):
    return DatasetDistiller(estimator, n_synthetic=9, max_iter=4, **params)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPUTERS)
def test_parity_and_gradients(name):
    pipeline = make_pipeline(IMPUTERS[name], StandardScaler(), strict_logistic(C=5.0))
    check_student(student_for(pipeline, spec_of([0, 1, 2], 4)))


@pytest.mark.parametrize("name", IMPUTERS)
def test_hypergradient_matches_refits(name, gaps, rng):
    """The values that fill the gaps of real rows depend on the synthetic rows."""
    X, y = gaps
    pipeline = make_pipeline(IMPUTERS[name], strict_logistic(C=5.0))
    student = student_for(pipeline, spec_of([0, 1, 2], X.shape[1]))
    rows, labels = rng.standard_normal((12, X.shape[1])), np.arange(12) % 3
    synthetic = SyntheticSet(
        rows, student.encode(labels), np.ones(12), student.hyperparameters
    )
    loss, hypergrad = BilevelLoss(
        student, outer_loss(X, y, np.ones(len(y)), student)
    ).value_and_grad(synthetic)

    def refit_loss(step):
        fitted = pipeline.fit(rows + step * direction, labels)
        return log_loss(y, fitted.predict_proba(X))

    direction = rng.standard_normal(rows.shape)
    assert_allclose(loss, refit_loss(0.0), rtol=1e-6)
    far, near = (
        (refit_loss(step) - refit_loss(-step)) / (2 * step) for step in (2e-4, 1e-4)
    )
    slope = np.vdot(hypergrad.X, direction)
    assert_allclose(slope, near + (near - far) / 3, rtol=1e-6)
    if name == "mean":  # by which a statistic that is taken for fixed is found out
        fixed = student.solve(synthetic)
        assert np.abs(_slope_of_stats(student, fixed, X, y)).max() > 1e-3


def _slope_of_stats(student, params, X, y):
    objective = outer_loss(X, y, np.ones(len(y)), student)
    return objective.value_and_grad(params)[1].stats[0]


def test_the_most_frequent_of_equal_numbers(gaps):
    X, _ = gaps
    rows = np.array([[3.0, 1.0], [2.0, 1.0], [3.0, 0.0], [2.0, -1.0], [5.0, -1.0]])
    pipeline = make_pipeline(IMPUTERS["most_frequent"], strict_logistic())
    student = student_for(pipeline, spec_of([0, 1], 2))
    y = np.arange(5) % 2
    synthetic = SyntheticSet(rows, student.encode(y), np.ones(5), {"C": 1.0})
    assert_array_equal(student.solve(synthetic).stats[0], [2.0, -1.0])
    assert_array_equal(pipeline.fit(rows, y)[0].statistics_, [2.0, -1.0])


@pytest.mark.parametrize(
    "scaler", [pytest.param(StandardScaler(), marks=pytest.mark.slow), "passthrough"]
)
def test_rows_have_no_gaps_and_refit_to_the_loss(scaler, gaps):
    X, y = gaps
    pipeline = make_pipeline(SimpleImputer(), scaler, strict_logistic())
    distiller = fit(quick(pipeline), X, y)
    assert distiller.solver_ == "lbfgs"
    assert np.isfinite(distiller.X_synthetic_).all()
    refitted = pipeline.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    loss = log_loss(y, refitted.predict_proba(X))
    assert_allclose(distiller.loss_, loss, rtol=1e-6)
    assert_array_equal(distiller.predict(X), refitted.predict(X))
    assert distiller.transform(X)[0] is distiller.X_synthetic_


@pytest.mark.slow
@pytest.mark.parametrize("module", [pd, pl], ids=["pandas", "polars"])
def test_gaps_of_frames(module, gaps):
    """Integer columns may have gaps, and stay integers within their range."""
    X, y = gaps
    whole = [None if np.isnan(value) else round(value * 3) + 7 for value in X[:, 0]]
    dtype = "Int16" if module is pd else pl.Int16
    frame = module.DataFrame(
        {"whole": module.Series(whole, dtype=dtype), "half": X[:, 2], "all": X[:, 4]}
    )
    pipeline = make_pipeline(SimpleImputer(), strict_logistic())
    distiller = fit(quick(pipeline, random_state=0), frame, y)
    rows = distiller.X_synthetic_
    assert list(rows.dtypes) == list(frame.dtypes)
    known = [value for value in whole if value is not None]
    assert set(np.asarray(rows["whole"])) <= set(range(min(known), max(known) + 1))
    loss = log_loss(y, pipeline.fit(rows, distiller.y_synthetic_).predict_proba(frame))
    assert_allclose(distiller.loss_, loss, rtol=1e-6)


@pytest.mark.parametrize("init", ["kmeans", "mean", "sample"])
def test_starts_for_numbers(init, gaps):
    X, _ = gaps
    y = np.nan_to_num(X) @ np.arange(5.0)
    pipeline = make_pipeline(SimpleImputer(), Ridge(alpha=0.1))
    distiller = fit(quick(pipeline, init=init, random_state=0), X, y)
    assert distiller.loss_ < 0.5 * y.var()
    expected = pipeline.fit(distiller.X_synthetic_, distiller.y_synthetic_).predict(X)
    assert_allclose(distiller.predict(X), expected)


def test_real_rows_are_filled_with_weighted_means(gaps):
    X, y = gaps
    weight = np.linspace(0.5, 2.0, len(y))
    real = rows_of(X, y, weight)
    known = ~np.isnan(X[:, 2])
    mean = np.average(X[known, 2], weights=weight[known])
    filled = real.filled.X
    assert_allclose(filled[~known, 2], mean)
    assert_array_equal(filled[known, 2], X[known, 2])
    assert_array_equal(real.low, np.nanmin(X, axis=0))
    assert_array_equal(real.high, np.nanmax(X, axis=0))
    assert np.isfinite(weighted_spread(filled, weight, 1.0)).all()
    whole = rows_of(np.nan_to_num(X), y, weight)
    assert whole.filled is whole


def test_rows_with_gaps_are_drawn_whatever_their_order(gaps):
    X, y = gaps
    order = np.random.default_rng(0).permutation(len(y))
    places = [
        rows_of(X[rows], y[rows]).places(np.random.RandomState(0))
        for rows in (slice(None), order)
    ]
    assert_allclose(places[0][order], places[1])


def test_a_part_without_any_value_of_a_feature(gaps):
    X, y = gaps
    part = rows_of(X, y).only(np.flatnonzero(np.isnan(X[:, 2])))
    assert_array_equal(part.filled.X[part.present, 2], 0.0)


@pytest.mark.parametrize("init", ["kmeans", "sample"])
def test_weights_and_order_of_rows(init, gaps):
    X, y = gaps
    pipeline = make_pipeline(SimpleImputer(strategy="median"), strict_logistic())
    twice = np.arange(len(y)) % 3 == 0
    distiller = quick(pipeline, init=init, random_state=0)
    weighted = fit(clone(distiller), X, y, sample_weight=1.0 + twice)
    order = np.random.default_rng(0).permutation(len(y) + twice.sum())
    repeated = fit(
        clone(distiller),
        np.vstack([X, X[twice]])[order],
        np.concatenate([y, y[twice]])[order],
    )
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-6)


@pytest.mark.slow
def test_distilled_classifier_takes_gaps(gaps):
    pipeline = make_pipeline(SimpleImputer(), strict_logistic())
    classifier = fit(DistilledClassifier(pipeline, quick(None)), *gaps)
    assert_allclose(classifier.score(*gaps), fit(quick(pipeline), *gaps).score(*gaps))


@pytest.mark.slow
def test_exact_where_nothing_is_missing(gaps):
    X, y = gaps
    whole = np.nan_to_num(X)
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), strict_logistic(C=0.1))
    exact = fit(quick(pipeline), whole, y)
    assert exact.solver_ == "exact"
    full = pipeline.fit(whole, y).decision_function(whole)
    assert_allclose(exact.decision_function(whole), full, atol=1e-3)
    with pytest.raises(ValueError, match="solver='exact' is not supported"):
        quick(pipeline, solver="exact").fit(X, y)


@pytest.mark.slow
def test_rows_start_from_the_model_of_filled_rows(gaps):
    """They train to it; their means are as close to the filling means as possible."""
    X, y = gaps
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), strict_logistic(C=0.1))
    full = pipeline.fit(X, y)
    filled, coef = full[0].transform(X), full[-1].coef_
    # An iteration that is content with anything returns its start.
    start = fit(quick(pipeline, early_stopping=False, tol=1e3), X, y)
    assert start.solver_ == "lbfgs"
    expected = full[1:].decision_function(filled)
    found = start.estimator_[1:].decision_function(filled)
    assert_allclose(found, expected, atol=1e-3)
    off = (start.X_synthetic_.mean(axis=0) - full[1].mean_) / full[1].scale_
    assert_allclose(off, np.linalg.pinv(coef) @ (coef @ off), atol=1e-3)


def test_rows_that_are_held_back_have_gaps(gaps):
    pipeline = make_pipeline(SimpleImputer(), strict_logistic())
    distiller = fit(quick(pipeline, early_stopping=True), *gaps)
    assert np.isfinite(distiller.validation_loss_curve_).all()


def test_gaps_are_refused_where_no_step_fills_them(gaps):
    X, y = gaps
    with pytest.raises(ValueError, match=r"missing values.* columns \[0, 1, 2, 3\]"):
        quick(strict_logistic()).fit(X, y)
    pipeline = make_pipeline(SimpleImputer(), strict_logistic())
    with pytest.raises(ValueError, match="infinity"):
        quick(pipeline).fit(np.where(X > 1, np.inf, X), y)
    with pytest.raises(ValueError, match="X of init contains NaN"):
        quick(pipeline, init=(X[:9], np.arange(9) % 3)).fit(X, y)


def test_an_imputer_behind_a_scaler_is_searched_for(gaps):
    pipeline = make_pipeline(StandardScaler(), SimpleImputer(), LogisticRegression())
    with pytest.warns(UserWarning, match=r"missing values .* by search instead"):
        distiller = DatasetDistiller(
            pipeline, n_synthetic=6, max_iter=1, random_state=0
        ).fit(*gaps)
    assert distiller.solver_ == "search"
    with pytest.raises(NotMirrored, match=r"missing values"):
        quick(pipeline, solver="lbfgs").fit(*gaps)


def test_a_feature_without_any_value_is_refused(gaps):
    X, y = gaps
    X = np.column_stack([X, np.full(len(y), np.nan)])
    with pytest.raises(ValueError, match=r"missing in the columns \['5'\]"):
        quick(make_pipeline(SimpleImputer(), strict_logistic())).fit(X, y)


@pytest.mark.parametrize(
    ("imputer", "message"),
    [
        (SimpleImputer(add_indicator=True), "add_indicator=True"),
        (SimpleImputer(missing_values=-1), "missing_values=-1"),
        (SimpleImputer(strategy=np.max), "strategy as a function"),
    ],
)
def test_settings_are_refused_without_data(imputer, message):
    with pytest.raises(NotMirrored, match=message):
        refuse_unmirrored(make_pipeline(imputer, LogisticRegression()))


@pytest.mark.slow
def test_a_second_fit_compiles_nothing(gaps, count_compilations):
    X, y = gaps
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), strict_logistic())
    for rows in (slice(None), slice(20, None)):
        with count_compilations() as counter:
            fit(quick(pipeline), X[rows], y[rows])
    assert counter.count == 0


@pytest.mark.slow
def test_curve_of_a_table_with_gaps(gaps):
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        curve = distillation_curve(quick(pipeline), *gaps, n_synthetic=[9], cv=3)
    assert np.isfinite(curve.test_scores["kmeans"]).all()
    assert curve.test_scores["distill"].mean() > curve.full_test_scores.mean() - 0.1
