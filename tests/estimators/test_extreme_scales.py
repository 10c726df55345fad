"""Penalties, weights and units so large or small that rounding decides."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.svm import SVC, SVR, LinearSVC

from skdistill import DatasetDistiller
from tests.conftest import strict_logistic

few_iterations = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


@pytest.mark.slow
@few_iterations
@pytest.mark.parametrize("C", [1e12, 1e15, 1e20])
def test_penalty_that_is_lost_in_rounding(C, table):
    """The rows train to the model without a penalty, just as all the data do."""
    X, y = table
    distiller = DatasetDistiller(LogisticRegression(C=C), n_synthetic=24).fit(X, y)
    full = strict_logistic(C=1e8).fit(X, y)
    expected = log_loss(y, full.predict_proba(X))
    assert distiller.loss_curve_[-1] < 1.02 * expected


@few_iterations
def test_weights_that_leave_no_penalty(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(
        LogisticRegression(), n_synthetic=24, weighting="match"
    )
    distiller.fit(X, y, sample_weight=np.full(len(y), 1e30))
    expected = log_loss(y, strict_logistic(C=1e8).fit(X, y).predict_proba(X))
    assert distiller.loss_curve_[-1] < 1.02 * expected


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize(
    "estimator",
    [LinearSVC(), LogisticRegression(), RidgeClassifier(), SVC()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_class_weights_that_are_not_positive_are_refused(estimator, weight, table):
    X, y = table
    y = np.array(["one", "two", "three"])[y]
    estimator = clone(estimator).set_params(class_weight={"two": weight})
    with pytest.raises(ValueError, match=r"class weights of \{'two': .*leave out"):
        DatasetDistiller(estimator).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, 1e6])
@pytest.mark.parametrize(
    "estimator",
    [KNeighborsRegressor(), LinearRegression(), Ridge(), SVR()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_constant_targets(estimator, value, binary_table):
    """The rows predict the constant, and nothing warns."""
    X, _ = binary_table
    distiller = DatasetDistiller(estimator, n_synthetic=10)
    distiller.fit(X, np.full(len(X), value))
    assert_allclose(distiller.predict(X), value, rtol=1e-12)
    assert distiller.loss_ <= 1e-24 * value**2


@pytest.mark.slow
@few_iterations
@pytest.mark.parametrize("power", [-40, 40])
@pytest.mark.parametrize(
    "estimator",
    [
        GaussianNB(),
        KNeighborsClassifier(),
        LinearDiscriminantAnalysis(),
        NearestCentroid(),
        SVC(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_unit_of_the_features(estimator, power, multiclass_table):
    """Estimators that do not depend on the unit of the features get the same rows.

    A power of two changes no rounding.
    """
    X, y = multiclass_table
    unit = 2.0**power
    distiller = DatasetDistiller(estimator, n_synthetic=9, max_iter=5, random_state=0)
    expected = clone(distiller).fit(X, y)
    fitted = clone(distiller).fit(unit * X, y)
    assert_allclose(fitted.loss_curve_, expected.loss_curve_, rtol=1e-6)
    assert_allclose(fitted.X_synthetic_ / unit, expected.X_synthetic_, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_weights_out_of_range_are_refused(factor, binary_table):
    X, y = binary_table
    with pytest.raises(ValueError, match="Divide them by their mean"):
        DatasetDistiller().fit(X, y, sample_weight=np.full(len(y), factor))
