"""Distilling for regressors: targets, starts, and what scikit-learn makes of them."""

import jax
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils.extmath import softmax

from skdistill import DatasetDistiller
from skdistill.students import SyntheticSet, Task, student_for

# The fits are cut short: what is tested holds for any of them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss did not converge:sklearn.exceptions.ConvergenceWarning"
)


@pytest.fixture(scope="module")
def table():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X[:200]), y[:200]


def rbf(**params):
    return KernelRidge(kernel="rbf", gamma=0.02).set_params(**params)


@pytest.fixture(scope="module")
def fitted(table):
    X, y = table
    return DatasetDistiller(rbf(), n_synthetic=12, max_iter=100, random_state=0).fit(
        X, y - 150
    )


@pytest.mark.slow
def test_loss_is_the_refits_error(fitted, table):
    X, y = table
    refit = rbf().fit(fitted.X_synthetic_, fitted.y_synthetic_)
    error = mean_squared_error(y - 150, refit.predict(X))
    assert_allclose(fitted.loss_, error, rtol=1e-9)
    assert_allclose(fitted.loss_curve_[-1], error, rtol=1e-6)
    assert is_regressor(fitted)
    assert not hasattr(fitted, "classes_")
    assert not hasattr(fitted, "predict_proba")
    assert fitted.score(X, y - 150) == refit.score(X, y - 150)


def test_beats_clusters_with_their_mean_targets(fitted, table):
    X, y = table
    kmeans = KMeans(12, random_state=0).fit(X)
    means = [y[kmeans.labels_ == c].mean() - 150 for c in range(12)]
    baseline = rbf().fit(kmeans.cluster_centers_, means)
    assert fitted.score(X, y - 150) > baseline.score(X, y - 150) + 0.05
    full = rbf().fit(X, y - 150)
    assert fitted.score(X, y - 150) > full.score(X, y - 150) - 0.01


@pytest.mark.parametrize("init", ["kmeans", "sample", "mean"])
def test_targets_that_are_not_learned_are_the_starts(table, init):
    X, y = table
    distiller = DatasetDistiller(
        rbf(), n_synthetic=12, init=init, learn_labels=False, max_iter=3
    )
    labels = distiller.set_params(random_state=0).fit(X, y).y_synthetic_
    assert y.min() <= labels.min() < labels.max() <= y.max()
    if init == "sample":
        assert np.isin(labels, y).all()
    if init == "mean":
        assert_allclose(labels.mean(), y.mean(), rtol=0.02)
        assert np.ptp(labels) > 0.5 * np.ptp(y)


@pytest.mark.slow
def test_several_outputs_and_names(table):
    X, y = table
    targets = pd.DataFrame({"once": y - 150, "twice": 2 * (y - 150)})
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    distiller = DatasetDistiller(rbf(), n_synthetic=10, max_iter=30)
    samples, labels = distiller.fit_transform(frame, targets)
    assert list(labels.columns) == ["once", "twice"]
    assert list(samples.columns) == list(frame.columns)
    refit = rbf().fit(samples, labels)
    assert_allclose(
        distiller.loss_, mean_squared_error(targets, refit.predict(frame)), rtol=1e-9
    )
    assert distiller.predict(frame).shape == (200, 2)


@pytest.mark.slow
def test_series_keeps_its_name(table):
    X, y = table
    distiller = DatasetDistiller(rbf(), n_synthetic=5, max_iter=2)
    _, labels = distiller.fit_transform(X, pd.Series(y.astype(int), name="progress"))
    assert labels.name == "progress"
    assert labels.dtype == np.float64


@pytest.mark.slow
@pytest.mark.parametrize("learn_labels", [True, False])
def test_one_hot_targets_are_ranked(learn_labels, multiclass_table):
    """The loss is that of the softmax of scores at a learned temperature."""
    X, y = multiclass_table
    Y = np.eye(3)[y] - 1 / 3
    distiller = DatasetDistiller(
        rbf(gamma=0.1),
        n_synthetic=6,
        outer_loss="log_loss",
        learn_labels=learn_labels,
        max_iter=60,
        early_stopping=False,
        random_state=0,
    ).fit(X, Y)
    refit = rbf(gamma=0.1).fit(distiller.X_synthetic_, distiller.y_synthetic_)
    scores = refit.predict(X)
    # The reported loss is that at the temperature that was learned.
    factor = distiller._learned_values["inverse_temperature"]
    assert_allclose(log_loss(y, softmax(factor * scores)), distiller.loss_, rtol=1e-6)
    assert np.mean(scores.argmax(axis=1) == y) > 0.8
    if not learn_labels:
        assert_allclose(np.unique(distiller.y_synthetic_, axis=0), np.unique(Y, axis=0))
        assert_array_equal(
            np.bincount(distiller.y_synthetic_.argmax(axis=1)), [2, 2, 2]
        )


@pytest.mark.slow
def test_matched_and_learned_weights(table):
    X, y = table
    y = y - 150
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for weighting in ("match", "learn"):
        distiller = DatasetDistiller(
            rbf(), n_synthetic=6, weighting=weighting, max_iter=20
        ).fit(X, y, sample_weight=weight)
        learned = distiller.sample_weight_synthetic_
        if weighting == "match":
            assert_allclose(learned, weight.sum() / 6)
        else:
            assert (learned >= 0).all()
            assert np.ptp(learned) > 0.1
        refit = rbf().fit(distiller.X_synthetic_, distiller.y_synthetic_, learned)
        error = mean_squared_error(y, refit.predict(X), sample_weight=weight)
        assert_allclose(distiller.loss_, error, rtol=1e-9)


def test_learned_hyperparameters(table):
    X, y = table
    y = y - 150
    args = {"n_synthetic": 6, "max_iter": 60}
    fixed = DatasetDistiller(rbf(gamma=0.3), **args).fit(X, y)
    learned = DatasetDistiller(
        rbf(gamma=0.3), learn_params=("gamma", "alpha"), **args
    ).fit(X, y)
    assert learned.loss_ < fixed.loss_
    assert learned.estimator_.gamma < 0.2
    assert learned.estimator.gamma == 0.3
    refit = clone(learned.estimator_).fit(learned.X_synthetic_, learned.y_synthetic_)
    assert_allclose(mean_squared_error(y, refit.predict(X)), learned.loss_, rtol=1e-9)


@pytest.mark.slow
def test_batches_are_an_alternative(table):
    X, y = table
    y = y - 150
    args = {"n_synthetic": 12, "solver": "adam", "random_state": 0, "max_iter": 30}
    distiller = DatasetDistiller(rbf(), batch_size=50, **args).fit(X, y)
    assert distiller.score(X, y) > rbf().fit(X, y).score(X, y) - 0.05
    assert distiller.n_iter_ == len(distiller.loss_curve_) == 30
    # The best iterate is returned, and is no worse than any.
    assert_allclose(distiller.loss_, distiller.loss_curve_.min(), rtol=1e-6)
    again = DatasetDistiller(rbf(), batch_size=50, **args).fit(X, y)
    assert_array_equal(again.X_synthetic_, distiller.X_synthetic_)


@pytest.mark.slow
def test_constant_features_stay(table):
    X, y = table
    X = np.column_stack([X, np.full(len(X), 7.0)])
    distiller = DatasetDistiller(rbf(), n_synthetic=5, max_iter=5).fit(X, y)
    assert_array_equal(distiller.X_synthetic_[:, -1], np.full(5, 7.0))


@pytest.mark.slow
def test_bounds_and_given_start(table):
    X, y = table
    start = X[:8], y[:8]
    distiller = DatasetDistiller(
        rbf(), init=start, feature_range="data", max_iter=10
    ).fit(X, y)
    assert len(distiller.X_synthetic_) == 8
    assert (distiller.X_synthetic_ >= X.min(axis=0)).all()
    assert (distiller.X_synthetic_ <= X.max(axis=0)).all()
    warm = distiller.set_params(warm_start=True).fit(X, y)
    assert warm.loss_curve_[0] <= warm.loss_curve_.max()


def test_raw_units(table):
    """Columns of 1e-3 beside 1e6 converge as standardized ones do."""
    X, y = table
    unit = np.logspace(-3, 6, X.shape[1])
    args = {"n_synthetic": 4, "max_iter": 100, "tol": 1e-4, "random_state": 0}
    scaled = DatasetDistiller(Ridge(alpha=1e-6, solver="svd"), **args).fit(X, y)
    raw = DatasetDistiller(Ridge(alpha=1e-6, solver="svd"), **args).fit(
        X * unit + 3 * unit, y
    )
    assert_allclose(raw.loss_, scaled.loss_, rtol=0.02)


@pytest.mark.parametrize(
    ("params", "target", "message"),
    [
        ({"n_synthetic": {0: 3}}, None, "gives rows to classes, but y holds numbers"),
        ({"n_synthetic": 201}, None, "more than the 200 real rows"),
        ({"outer_loss": "log_loss"}, None, "a column for each class"),
        ({"init": (np.zeros((3, 10)), np.zeros((3, 2)))}, None, r"shape \(3, 2\)"),
        ({"init": (np.zeros((3, 9)), np.zeros(3))}, None, "has 9 features"),
        ({"init": (np.zeros((3, 10)), np.zeros(3)), "n_synthetic": 4}, None, "asks"),
        ({}, np.full(200, np.nan), "NaN"),
        ({}, np.array(["a"] * 200), "could not convert"),
        ({"learn_params": ("C",)}, None, r"\['alpha', 'gamma'\]"),
    ],
)
def test_bad_input(table, params, target, message):
    X, y = table
    distiller = DatasetDistiller(rbf(), **params)
    with pytest.raises(ValueError, match=message):
        distiller.fit(X, y if target is None else target)
    assert not hasattr(distiller, "estimator_")


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        rbf(),
        GaussianProcessRegressor(
            RBF(5.0) + WhiteKernel(0.5), alpha=0.5, optimizer=None, normalize_y=True
        ),
        SVR(gamma=0.02, C=10.0, tol=1e-8),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_penalty_leads_to_the_model_of_all_the_data(table, estimator):
    """Even rows that could interpolate predict new rows as the fit on all rows does."""
    X, y = table
    y = y - 150
    distiller = DatasetDistiller(clone(estimator), n_synthetic=30, max_iter=150)
    distiller.fit(X[:120], y[:120])
    full = clone(estimator).fit(X[:120], y[:120])
    predicted, expected = distiller.predict(X[120:]), full.predict(X[120:])
    kmeans = KMeans(30, random_state=0).fit(X[:120])
    means = [y[:120][kmeans.labels_ == c].mean() for c in range(30)]
    baseline = clone(estimator).fit(kmeans.cluster_centers_, means).predict(X[120:])
    error = np.linalg.norm(predicted - expected)
    # The hinges of a support vector machine are rough going.
    share = 0.6 if isinstance(estimator, SVR) else 0.25
    assert error < share * np.linalg.norm(baseline - expected)


@pytest.mark.parametrize(
    "estimator", [rbf(), SVR(gamma=0.02, C=10.0), SVC(gamma=0.02, C=10.0)], ids=repr
)
def test_penalty_is_the_squared_norm(table, estimator):
    """The norm is taken from the kernel matrix and the dual coefficients of a fit."""
    X, y = table
    task = Task(X.shape[1], None, 1, False)
    y = y - 150
    if is_classifier(estimator):
        y = y > 0
        task = task._replace(classes=np.array([False, True]), n_outputs=2)
    student = student_for(estimator, task)
    fitted = clone(estimator).fit(X, y)
    synthetic = SyntheticSet(X, student.encode(y), np.ones(len(X)), {})
    synthetic = synthetic._replace(hyperparameters=student.hyperparameters)
    params = student.params_of(fitted, synthetic)
    with jax.enable_x64(True):
        penalty = float(student.penalty(params, student.hyperparameters))
    if isinstance(estimator, KernelRidge):
        centers, dual, strength = X, fitted.dual_coef_, 1.0
    else:
        centers = fitted.support_vectors_
        dual, strength = fitted.dual_coef_.ravel(), 1 / (2 * estimator.C)
    norm = dual @ rbf_kernel(centers, gamma=0.02) @ dual
    assert_allclose(penalty, strength * norm, rtol=1e-9)
