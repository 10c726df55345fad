"""What the distiller promises: the refit, the forms of its parameters, its optima."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import lambertw
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller
from tests.conftest import make_table, strict_logistic


def test_refit_is_what_is_reported(table):
    X, y = table
    distiller = DatasetDistiller(strict_logistic(), random_state=0).fit(X, y)
    refit = strict_logistic().fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(refit.predict_proba(X), distiller.predict_proba(X), atol=1e-9)
    assert_allclose(distiller.loss_, log_loss(y, refit.predict_proba(X)), rtol=1e-9)
    assert distiller.score(X, y) == refit.score(X, y)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_students_loss_is_the_refits(table, weighting, fit_intercept):
    """The last value of the curve comes from the student, ``loss_`` from the refit."""
    X, y = table
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    estimator = strict_logistic(fit_intercept=fit_intercept, class_weight="balanced")
    distiller = DatasetDistiller(
        estimator, n_synthetic=6, weighting=weighting, solver="lbfgs", random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y, sample_weight=weight)
        refit = clone(estimator).fit(
            distiller.X_synthetic_,
            distiller.y_synthetic_,
            distiller.sample_weight_synthetic_,
        )
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-8)
    totals = np.bincount(y, weights=weight)
    outer_weight = weight * (totals.sum() / (len(totals) * totals))[y]
    expected = log_loss(y, refit.predict_proba(X), sample_weight=outer_weight)
    assert_allclose(distiller.loss_, expected, rtol=1e-8)


def best_loss_within_norm(X, y, C, m):
    """Lowest binary log-loss of coefficients that m rows of unit weight can induce.

    By SLSQP on the convex problem with the norm as a constraint: another formulation,
    another solver, and no synthetic rows.
    """
    sign = 2 * y - 1

    def loss(theta):
        return np.mean(np.logaddexp(0, -sign * (X @ theta[:-1] + theta[-1])))

    def gradient(theta):
        pull = -sign / (1 + np.exp(sign * (X @ theta[:-1] + theta[-1]))) / len(y)
        return np.append(X.T @ pull, pull.sum())

    limit = C * m * lambertw(1 / np.e).real
    result = minimize(
        loss,
        np.zeros(X.shape[1] + 1),
        jac=gradient,
        method="SLSQP",
        constraints={
            "type": "ineq",
            "fun": lambda theta: limit - theta[:-1] @ theta[:-1],
            "jac": lambda theta: np.append(-2 * theta[:-1], 0.0),
        },
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert result.success
    return result.fun


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
@pytest.mark.parametrize("unit", ["standardized", "raw"])
@pytest.mark.parametrize("m", [2, 6])
def test_binary_optimum_is_reached(m, unit, solver):
    """The optimum is also reached on raw features whose scales differ by 10,000."""
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :8]
    if unit == "standardized":
        X = StandardScaler().fit_transform(X)
    distiller = DatasetDistiller(
        strict_logistic(C=0.1), n_synthetic=m, solver=solver, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y)
    scaler = StandardScaler().fit(X)
    if unit == "raw":
        # SLSQP needs help with the units: coefficients in units of 1 / std.
        X_reference = scaler.transform(X)
        loss = scaled_best_loss(X_reference, y, 0.1, m, scaler.scale_)
    else:
        loss = best_loss_within_norm(X, y, 0.1, m)
    assert distiller.loss_ >= loss - 1e-6
    assert distiller.loss_ <= loss + 2e-4


def scaled_best_loss(X, y, C, m, scale):
    """The same bound with the norm of the raw coefficients, ``theta / scale``."""
    sign = 2 * y - 1
    limit = C * m * lambertw(1 / np.e).real

    def loss(theta):
        return np.mean(np.logaddexp(0, -sign * (X @ theta[:-1] + theta[-1])))

    def gradient(theta):
        pull = -sign / (1 + np.exp(sign * (X @ theta[:-1] + theta[-1]))) / len(y)
        return np.append(X.T @ pull, pull.sum())

    # By a penalty whose strength is found by bisection: the norm falls as it grows.
    def fit(strength):
        return minimize(
            lambda t: loss(t) + strength / 2 * np.sum((t[:-1] / scale) ** 2),
            np.zeros(X.shape[1] + 1),
            jac=lambda t: gradient(t) + strength * np.append(t[:-1] / scale**2, 0),
            method="BFGS",
            options={"gtol": 1e-9, "maxiter": 5000},
        ).x

    low, high = 1e-12, 1e2
    for _ in range(60):
        strength = np.sqrt(low * high)
        norm = np.sum((fit(strength)[:-1] / scale) ** 2)
        low, high = (strength, high) if norm > limit else (low, strength)
    return loss(fit(high))


@pytest.mark.slow
def test_ten_rows_of_digits_serve_as_all_of_them():
    """Distilled rows beat k-means of the same size and score like the full data."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    train, test = slice(None, 1200), slice(1200, None)
    distiller = DatasetDistiller(LogisticRegression(C=10), n_synthetic=10)
    distiller.fit(X[train], y[train])
    centers = [
        KMeans(1, n_init=1, random_state=0).fit(X[train][y[train] == c])
        for c in range(10)
    ]
    kmeans = LogisticRegression(C=10).fit(
        np.vstack([center.cluster_centers_ for center in centers]), np.arange(10)
    )
    full = LogisticRegression(C=10, max_iter=1000).fit(X[train], y[train])
    score = distiller.score(X[test], y[test])
    assert score > kmeans.score(X[test], y[test]) + 0.02
    assert score > full.score(X[test], y[test]) - 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "n_synthetic", "weighting"),
    [
        (load_breast_cancer, 2, "match"),
        (load_breast_cancer, 60, "unit"),
        (load_wine, 30, "unit"),
        (load_wine, 30, "match"),
        (load_iris, 3, "match"),
        (load_digits, 100, "match"),
    ],
)
def test_exact_rows_reproduce_scikit_learns_model_of_all_rows(
    load, n_synthetic, weighting
):
    """The coefficients of a fit on a few rows are those of the fit on all."""
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    distiller = DatasetDistiller(
        strict_logistic(),
        n_synthetic=n_synthetic,
        weighting=weighting,
        solver="exact",
        tol=1e-10,
        max_iter=5000,
        random_state=0,
    ).fit(X, y)
    full = strict_logistic().fit(X, y)
    refit = distiller.estimator_
    assert_allclose(refit.coef_, full.coef_, rtol=0, atol=1e-6)
    assert_allclose(refit.predict_proba(X), full.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_exact_out_of_reach_says_what_would_do(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(LogisticRegression(C=0.05), n_synthetic=3)
    with pytest.raises(ValueError, match="It takes C >= .* or about .* rows") as error:
        distiller.set_params(solver="exact").fit(X, y)
    rows = int(str(error.value).split("or about ")[1].split(" rows")[0])
    distiller.set_params(n_synthetic=min(2 * rows, len(y))).fit(X, y)


def test_rows_stay_close_to_the_rows_they_start_from():
    """Directions of the rows that do not affect the model stay at their start."""
    X, y = load_iris(return_X_y=True)
    X = np.hstack([X, np.random.default_rng(0).standard_normal((150, 30))])
    distiller = DatasetDistiller(strict_logistic(), weighting="match", random_state=0)
    distiller.fit(X, y)
    start = DatasetDistiller(
        strict_logistic(), weighting="match", random_state=0, init="kmeans"
    )
    change = distiller.X_synthetic_[:, 4:]
    centers = start.fit(X, y).X_synthetic_[:, 4:]
    assert_allclose(change, centers)
    spread = np.abs(change).mean()
    assert 0.1 < spread < 1.0  # centers of ten rows in each of thirty directions


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_synthetic", "expected"),
    [
        ("auto", [10, 10, 10]),
        (3, [1, 1, 1]),
        (0.1, [4, 4, 4]),
        ({0: 1, 1: 2, 2: 3}, [1, 2, 3]),
    ],
)
def test_forms_of_n_synthetic(multiclass_table, n_synthetic, expected):
    X, y = multiclass_table
    distiller = DatasetDistiller(n_synthetic=n_synthetic, max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y)
    assert_array_equal(np.bincount(distiller.y_synthetic_), expected)
    assert distiller.X_synthetic_.shape == (sum(expected), X.shape[1])


@pytest.mark.parametrize("init", ["kmeans", "mean", "sample"])
def test_every_init_reaches_the_same_loss(binary_table, init):
    X, y = binary_table
    distiller = DatasetDistiller(
        strict_logistic(), n_synthetic=4, init=init, random_state=0
    ).fit(X, y)
    reference = DatasetDistiller(strict_logistic(), n_synthetic=4).fit(X, y)
    assert_allclose(distiller.loss_, reference.loss_, atol=1e-4)


def test_init_from_arrays(binary_table):
    X, y = binary_table
    names = np.array(["no", "yes"])[y]
    X0, y0 = X[[0, 1, 2, 3, 4, 5]], names[[0, 1, 2, 3, 4, 5]]
    before = X0.copy()
    distiller = DatasetDistiller(init=(X0, y0)).fit(X, names)
    assert_array_equal(distiller.y_synthetic_, y0)
    assert_array_equal(X0, before)


@pytest.mark.parametrize("feature_range", ["data", (-0.5, 0.5), ([-1] * 6, [2] * 6)])
def test_bounds_are_respected_exactly(table, feature_range):
    X, y = table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller = DatasetDistiller(
            feature_range=feature_range, n_synthetic=6, max_iter=20
        ).fit(X, y)
    if isinstance(feature_range, str):
        low, high = X.min(axis=0), X.max(axis=0)
    else:
        low, high = feature_range
    assert (distiller.X_synthetic_ >= low).all()
    assert (distiller.X_synthetic_ <= high).all()
    assert distiller.score(X, y) > 1.2 * np.bincount(y).max() / len(y)


def test_matched_weights_have_the_totals_of_their_classes(multiclass_table, rng):
    X, y = multiclass_table
    weight = rng.uniform(0, 2, len(y))
    distiller = DatasetDistiller(weighting="match", n_synthetic=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y, sample_weight=weight)
    totals = np.bincount(
        distiller.y_synthetic_, weights=distiller.sample_weight_synthetic_
    )
    assert_allclose(totals, np.bincount(y, weights=weight))


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_learned_C_brings_the_full_model_within_reach(table, solver):
    X, y = table
    estimator = strict_logistic(C=0.1)
    args = {"n_synthetic": 3, "solver": solver, "random_state": 0, "max_iter": 300}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fixed = DatasetDistiller(estimator, **args).fit(X, y)
        learned = DatasetDistiller(estimator, learn_params=("C",), **args).fit(X, y)
    full = strict_logistic(C=0.1).fit(X, y)
    assert learned.loss_ < fixed.loss_
    assert learned.loss_ < log_loss(y, full.predict_proba(X)) + 1e-3
    assert estimator.C == 0.1
    assert learned.estimator_.C > 0.1
    refit = strict_logistic(C=learned.estimator_.C)
    refit.fit(learned.X_synthetic_, learned.y_synthetic_)
    assert_allclose(refit.coef_, learned.estimator_.coef_)


def test_warm_start_goes_on_where_it_stopped():
    X, y = make_table(3, seed=1)
    distiller = DatasetDistiller(
        strict_logistic(C=0.1), n_synthetic=6, solver="lbfgs", warm_start=True
    )
    distiller.set_params(max_iter=3)
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        distiller.fit(X, y)
    first = distiller.loss_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y)
    second = distiller.loss_
    assert second < first
    distiller.set_params(n_synthetic=9)
    with pytest.raises(ValueError, match="starting set has"):
        distiller.fit(X, y)
    assert distiller.loss_ == second


def test_max_iter_is_a_warning_with_usable_attributes(table):
    X, y = table
    distiller = DatasetDistiller(n_synthetic=3, solver="lbfgs", max_iter=1, tol=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        distiller.fit(X, y)
    assert distiller.n_iter_ <= 2
    assert distiller.predict(X).shape == y.shape


def test_early_stop_of_the_refit_is_said():
    """The reported loss is that of scikit-learn's fit, even if it stops too early."""
    X, y = load_wine(return_X_y=True)
    distiller = DatasetDistiller(LogisticRegression(max_iter=3), n_synthetic=30)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        distiller.fit(X, y)
    assert any("its solver stopped early" in str(w.message) for w in caught)
    reported = log_loss(y, distiller.predict_proba(X))
    assert_allclose(distiller.loss_, reported, rtol=1e-9)


def test_random_state_decides(multiclass_table):
    X, y = multiclass_table
    args = {"init": "sample", "n_synthetic": 30}
    first, same, other = (
        DatasetDistiller(random_state=seed, **args).fit(X, y).X_synthetic_
        for seed in (0, 0, 1)
    )
    assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.1


def test_estimator_is_not_modified(multiclass_table):
    X, y = multiclass_table
    estimator = LogisticRegression(C=2.0)
    distiller = DatasetDistiller(estimator, n_synthetic=30).fit(X, y)
    assert vars(estimator) == vars(LogisticRegression(C=2.0))
    assert distiller.estimator_ is not estimator
