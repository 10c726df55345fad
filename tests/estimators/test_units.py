"""The units of the targets do not matter: rows, scores and warnings are the same."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import scale
from sklearn.svm import SVR, LinearSVR

from skdistill import DatasetDistiller

#: Units of the targets, in units of their standard deviation.
UNITS = [1e-6, 1e6]


@pytest.fixture(scope="module")
def table():
    X, y = load_diabetes(return_X_y=True)
    return scale(X[:150]), scale(y[:150])


def rbf():
    return KernelRidge(kernel="rbf", gamma=0.05)


def regressors(unit):
    """Return regressors whose settings suit targets in this unit."""
    return {
        "Ridge": Ridge(),
        "LinearRegression": LinearRegression(),
        "LinearSVR": LinearSVR(
            loss="squared_epsilon_insensitive",
            epsilon=0.1 * unit,
            dual=False,
            tol=1e-10,
            max_iter=10_000,
        ),
        "KernelRidge": rbf(),
        "SVR": SVR(C=unit, epsilon=0.1 * unit, gamma=0.05),
        "GaussianProcessRegressor": GaussianProcessRegressor(alpha=0.1, optimizer=None),
        "KNeighborsRegressor": KNeighborsRegressor(3),
    }


def fit(estimator, X, y, **params):
    """Return a fitted distiller and the warnings of its fit."""
    params = {"n_synthetic": 12, "max_iter": 8, "random_state": 0, **params}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        distiller = DatasetDistiller(estimator, **params).fit(X, y)
    return distiller, [str(warning.message) for warning in caught]


def assert_alike(name, table, unit, **params):
    """Fit with the targets in two units, and compare the results."""
    X, y = table
    one, said = fit(regressors(1.0)[name], X, y, **params)
    other, said_in_unit = fit(regressors(unit)[name], X, unit * y, **params)
    degree = 1 if name == "SVR" else 2
    assert_allclose(other.X_synthetic_, one.X_synthetic_, atol=1e-6)
    assert_allclose(other.y_synthetic_ / unit, one.y_synthetic_, atol=1e-6)
    assert_allclose(other.loss_curve_ / unit**degree, one.loss_curve_, rtol=1e-6)
    assert other.n_iter_ == one.n_iter_
    if name != "SVR":
        # libsvm's tol is absolute: with a small C, it ends before it is done.
        assert_allclose(other.loss_ / unit**degree, one.loss_, rtol=1e-6)
        assert_allclose(other.score(X, unit * y), one.score(X, y), atol=1e-6)
        assert said_in_unit == said


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("learn_labels", ["auto", False])
@pytest.mark.parametrize("name", regressors(1.0))
def test_every_regressor(name, learn_labels, unit, table):
    assert_alike(name, table, unit, learn_labels=learn_labels)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Ridge", {"solver": "lbfgs"}),
        ("Ridge", {"solver": "lbfgs", "n_synthetic": 1}),
        ("LinearSVR", {"solver": "lbfgs"}),
        ("LinearRegression", {"solver": "adam"}),
        ("KernelRidge", {"solver": "adam"}),
        ("KernelRidge", {"init": "sample"}),
        ("KernelRidge", {"init": "mean", "learn_params": ("alpha", "gamma")}),
        ("KNeighborsRegressor", {"init": "mean"}),
        ("GaussianProcessRegressor", {"target_range": "data"}),
    ],
)
def test_other_solvers_and_starts(name, params, unit, table):
    assert_alike(name, table, unit, **params)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", ["Ridge", "KernelRidge"])
def test_convergence(name, unit, table):
    """tol is relative to the variance of the targets."""
    assert_alike(name, table, unit, tol=1e-2, max_iter=200, feature_range="data")


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_an_early_stop_of_scikit_learns_is_told(unit, table):
    """The warning depends on the cost in units of the loss, not on absolute numbers."""
    X, y = table
    estimator = regressors(unit)["LinearSVR"].set_params(tol=0.5, max_iter=2, dual=True)
    _, said = fit(estimator, X, unit * y + 10 * unit)
    assert any("its solver stopped early" in message for message in said)


@pytest.mark.parametrize("units", [(1.0, 1e-3), (1e4, 1e-4)])
def test_several_outputs_in_units_of_their_own(units, table):
    """Each target is learned in its own unit, here without a common loss."""
    X, y = table
    Y = np.column_stack([y, y[::-1]])
    exact = {"solver": "exact", "n_synthetic": 5}
    one, _ = fit(Ridge(), X, Y, **exact)
    other, _ = fit(Ridge(), X, Y * units, **exact)
    full = Ridge().fit(X, Y)
    coef = other.estimator_.coef_ / np.reshape(units, (2, 1))
    assert_allclose(coef, full.coef_, atol=1e-6)
    assert_allclose(one.estimator_.coef_, full.coef_, atol=1e-6)


def test_narrow_targets_of_neighbors_are_learned(table):
    """A small standard deviation of 0.01 does not count as convergence."""
    X, y = table
    y = 0.01 * y
    params = {"random_state": 0, "n_synthetic": 12, "early_stopping": False}
    estimator = KNeighborsRegressor(3)
    start, _ = fit(estimator, X, y, tol=1e9, **params)
    learned, _ = fit(estimator, X, y, max_iter=30, **params)
    assert learned.n_iter_ > 5
    assert learned.score(X, y) > start.score(X, y) + 0.1
    with_unit, _ = fit(estimator, X, 100 * y, max_iter=30, **params)
    assert_allclose(learned.score(X, y), with_unit.score(X, 100 * y), atol=1e-6)


def test_tiny_targets_of_a_kernel_ridge_are_learned(table):
    X, y = table
    tiny, said = fit(rbf(), X, 1e-8 * y, max_iter=30)
    one, said_of_one = fit(rbf(), X, y, max_iter=30)
    assert tiny.n_iter_ == one.n_iter_ > 1
    assert said == said_of_one
    assert_allclose(tiny.score(X, 1e-8 * y), one.score(X, y), atol=1e-6)


@pytest.mark.parametrize("unit", UNITS)
def test_units_of_the_features(unit, table):
    """The unit of X does not matter either, if the estimator's settings follow it."""
    X, y = table
    one, _ = fit(rbf(), X, y)
    other, _ = fit(rbf().set_params(gamma=0.05 / unit**2), unit * X, y)
    assert_allclose(other.X_synthetic_ / unit, one.X_synthetic_, atol=1e-6)
    assert_array_equal(other.n_iter_, one.n_iter_)
