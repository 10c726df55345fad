"""Rows that reproduce a model with its zeros."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    MultiTaskElasticNet,
    MultiTaskLasso,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller

STRICT = {"tol": 1e-12, "max_iter": 100_000}


@pytest.fixture(scope="module")
def table():
    """Return more rows than a sample holds; half of the features have no effect."""
    rng = np.random.default_rng(0)
    mixed = np.eye(20) + 0.2 * rng.standard_normal((20, 20))
    X = rng.standard_normal((6000, 20)) @ mixed
    coef = rng.standard_normal((20, 3)) * (rng.random((20, 1)) < 0.5)
    return X, X @ coef + 2 * rng.standard_normal((6000, 3)) + 5


ESTIMATORS = {
    "lasso": (Lasso(alpha=0.3, **STRICT), 1, 15),
    "lasso without intercept": (Lasso(0.3, fit_intercept=False, **STRICT), 1, 15),
    "lasso, outputs": (Lasso(alpha=0.5, **STRICT), 3, 16),
    "elastic net": (ElasticNet(alpha=0.3, **STRICT), 1, 4),
    "tasks": (MultiTaskLasso(alpha=1.0, **STRICT), 3, 15),
    "tasks, elastic net": (
        MultiTaskElasticNet(alpha=1.0, l1_ratio=0.3, **STRICT),
        3,
        8,
    ),
}


def reproduced(estimator, X, y, n_synthetic, **params):
    distiller = DatasetDistiller(
        estimator, n_synthetic=n_synthetic, random_state=0, **params
    ).fit(X, y)
    full = clone(estimator).fit(X, y)
    unit = np.abs(full.coef_).max()
    assert distiller.solver_ == "exact"
    assert_allclose(distiller.estimator_.coef_, full.coef_, rtol=0, atol=1e-6 * unit)
    assert_array_equal(distiller.estimator_.coef_ != 0, full.coef_ != 0)
    assert 0 < np.count_nonzero(full.coef_) < full.coef_.size
    return distiller


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("n_rows", [600, 6000])
def test_learned_targets(name, n_rows, table):
    """They are found from the rows themselves and from their moments."""
    estimator, n_outputs, n_synthetic = ESTIMATORS[name]
    X, Y = table[0][:n_rows], table[1][:n_rows]
    y = Y if n_outputs > 1 else Y[:, 0]
    reproduced(estimator, X, y, n_synthetic)


@pytest.mark.parametrize("name", ["lasso", "elastic net"])
def test_given_targets(name, table):
    estimator, _, n_synthetic = ESTIMATORS[name]
    X, y = table[0], table[1][:, 0]
    reproduced(estimator, X, y, n_synthetic, learn_labels=False, solver="exact")


def test_rows_that_took_no_part():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(20 * X, y, random_state=0)
    estimator = Lasso(alpha=1.0, **STRICT)
    distiller = reproduced(estimator, X_train, y_train, 15)
    full = clone(estimator).fit(X_train, y_train)
    expected = full.score(X_test, y_test)
    assert_allclose(distiller.score(X_test, y_test), expected, atol=1e-6)


@pytest.mark.parametrize("unit", [1.0, 1e4])
def test_behind_a_scaler(unit, table):
    """The scales of the synthetic rows differ from those of the real rows."""
    X, Y = table[0] * np.geomspace(1, unit, 20), table[1]
    pipeline = make_pipeline(StandardScaler(), Lasso(alpha=0.3, **STRICT))
    distiller = DatasetDistiller(pipeline, n_synthetic=30, random_state=0)
    distiller.fit(X[:5000], Y[:5000, 0])
    full = clone(pipeline).fit(X[:5000], Y[:5000, 0])
    assert distiller.solver_ == "exact"
    assert_array_equal(distiller.estimator_[-1].coef_ != 0, full[-1].coef_ != 0)
    expected = full.predict(X[5000:])
    assert_allclose(distiller.predict(X[5000:]), expected, atol=1e-5)


def test_weights_of_real_rows(table):
    X, y = table[0][:1000], table[1][:1000, 0]
    weight = np.random.default_rng(1).uniform(0.5, 2, 1000)
    estimator = Lasso(alpha=0.3, **STRICT)
    distiller = DatasetDistiller(estimator, n_synthetic=15, random_state=0)
    distiller.fit(X, y, sample_weight=weight)
    full = clone(estimator).fit(X, y, sample_weight=weight)
    assert distiller.solver_ == "exact"
    assert_allclose(distiller.estimator_.coef_, full.coef_, atol=1e-7)


@pytest.mark.parametrize("n_rows", [900, 4500])
def test_fewer_rows_than_features_in_the_model(n_rows, table):
    """The best rows use fewer features; the error of "exact" says what is needed."""
    X, y = table[0] + 3.0, table[1][:, 0]
    estimator = Lasso(alpha=0.3, **STRICT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller = DatasetDistiller(estimator, n_synthetic=6, random_state=0)
        distiller.fit(X[:n_rows], y[:n_rows])
    full = clone(estimator).fit(X[:n_rows], y[:n_rows])
    assert np.count_nonzero(full.coef_) > 6
    assert distiller.solver_ == "lbfgs"
    assert np.count_nonzero(distiller.estimator_.coef_) < 6
    score = distiller.score(X[4500:], y[4500:])
    assert score > full.score(X[4500:], y[4500:]) - 0.15
    with pytest.raises(ValueError, match="no 6 rows.*has 7 features. Pass more rows"):
        DatasetDistiller(estimator, n_synthetic=6, solver="exact").fit(X, y)


def test_a_model_of_no_features(table):
    X, y = table[0], table[1][:, 0]
    distiller = DatasetDistiller(Lasso(alpha=100.0), n_synthetic=4, random_state=0)
    distiller.fit(X, y)
    assert not distiller.estimator_.coef_.any()
    assert_allclose(distiller.predict(X[:3]), y.mean(), rtol=1e-6)


def test_learned_alpha(table):
    X, y = table[0][:1000], table[1][:1000, 0]
    distiller = DatasetDistiller(
        Lasso(alpha=0.3, **STRICT),
        n_synthetic=15,
        learn_labels=False,
        learn_params=("alpha",),
        solver="lbfgs",
        max_iter=20,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y)
    assert distiller.estimator_.alpha != 0.3
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-3)
