"""Solvers use only what ``RealRows`` promises, never the arrays behind it.

``Opaque`` answers what ``RealRows`` promises and nothing else. A fit on it is the fit
on ``DenseRows``: so a container of another kind is one file.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import is_regressor
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.gaussian_process import (
    GaussianProcessClassifier,
    GaussianProcessRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from skdistill import DatasetDistiller
from skdistill.real import _reading
from skdistill.real._base import RealRows
from skdistill.real._dense import DenseRows
from skdistill.real._targets import ClassTargets

LINEAR = {
    "LogisticRegression": LogisticRegression(C=10),
    "RidgeClassifier": RidgeClassifier(),
    "LinearSVC": LinearSVC(dual=False),
    "Ridge": Ridge(),
    "LinearRegression": LinearRegression(),
    "LinearSVR": LinearSVR(loss="squared_epsilon_insensitive", dual=False),
    "Pipeline": make_pipeline(StandardScaler(), LogisticRegression(C=10)),
}
OF_MOMENTS = {
    "GaussianNB": GaussianNB(priors=[0.5, 0.5]),
    "NearestCentroid": NearestCentroid(priors=[0.4, 0.6]),
    "LinearDiscriminantAnalysis": LinearDiscriminantAnalysis(priors=[0.5, 0.5]),
}
OTHERS = {
    "SVC": SVC(gamma=0.1),
    "SVR": SVR(gamma=0.1),
    "KernelRidge": KernelRidge(kernel="rbf", gamma=0.1),
    "GaussianProcessClassifier": GaussianProcessClassifier(),
    "GaussianProcessRegressor": GaussianProcessRegressor(alpha=0.1, optimizer=None),
    "KNeighborsClassifier": KNeighborsClassifier(1),
    "KNeighborsRegressor": KNeighborsRegressor(2),
}
ESTIMATORS = {**LINEAR, **OF_MOMENTS, **OTHERS}


class Opaque(RealRows):
    """Rows with the methods that ``RealRows`` promises, and nothing else."""

    def __init__(self, X, y, sample_weight, targets, **present):
        self.__rows = DenseRows(X, y, sample_weight, targets, **present)
        for name in RealRows.__annotations__:
            setattr(self, name, getattr(self.__rows, name))

    def map_sum(self, function, *arguments, rows=None):
        return self.__rows.map_sum(function, *arguments, rows=rows)

    def take(self, rows):
        return self.__rows.take(rows)

    def draw(self, sizes, random_state, offset=0.5):
        return self.__rows.draw(sizes, random_state, offset)

    def labels(self):
        return self.__rows.labels()

    def places(self, random_state):
        return self.__rows.places(random_state)

    def weighted_by(self, function):
        return self.__around(self.__rows.weighted_by(function))

    def only(self, rows):
        return self.__around(self.__rows.only(rows))

    def __around(self, rows):
        present = {"present": rows.present}
        return Opaque(rows.X, rows.y, rows.sample_weight, rows.targets, **present)


def table_for(estimator, n, p=4):
    """Return rows for a classifier of two classes, or for a regressor.

    They are sorted by class, like a sample, so that rounding errors are the same.
    """
    X, y = make_classification(
        n, p, n_informative=3, n_redundant=0, flip_y=0.1, random_state=0
    )
    if is_regressor(estimator):
        rng = np.random.default_rng(0)
        return X, np.sin(X[:, 0]) + X[:, 1] + 0.1 * rng.standard_normal(n)
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


@pytest.fixture
def assert_fits_agree(monkeypatch):
    """Fit on dense rows and on opaque ones, and compare all that is learned."""

    def assert_fits_agree(estimator, X, y, sample_weight=None, **params):
        params = {"n_synthetic": 8, "max_iter": 2, "random_state": 0, **params}
        fitted = []
        for rows in (DenseRows, Opaque):
            monkeypatch.setattr(_reading, "rows_in_memory", rows)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of convergence, gaps
                distiller = DatasetDistiller(estimator, **params)
                fitted.append(distiller.fit(X, y, sample_weight))
        dense, opaque = fitted
        samples = np.asarray(dense.X_synthetic_, dtype=float)
        unit = np.abs(samples).max()
        others = np.asarray(opaque.X_synthetic_, dtype=float)
        assert_allclose(others, samples, rtol=1e-8, atol=1e-8 * unit)
        assert_allclose(opaque.y_synthetic_, dense.y_synthetic_, rtol=1e-8, atol=1e-8)
        assert_allclose(
            opaque.sample_weight_synthetic_, dense.sample_weight_synthetic_, rtol=1e-8
        )
        assert_allclose(opaque.loss_curve_, dense.loss_curve_, rtol=1e-8)
        assert_allclose(opaque.loss_, dense.loss_, rtol=1e-8)
        return opaque

    return assert_fits_agree


def test_opaque_rows_hide_their_arrays():
    X, y = table_for(SVC(), 20)
    rows = Opaque(X, y, np.ones(20), ClassTargets(y, np.arange(2)))
    assert rows.n_rows == rows.group_counts.sum() == 20
    for name in ("X", "y", "sample_weight", "chunk_rows"):
        assert not hasattr(rows, name)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "adam"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_student(name, solver, assert_fits_agree):
    X, y = table_for(ESTIMATORS[name], 60)
    assert_fits_agree(ESTIMATORS[name], X, y, solver=solver)


@pytest.mark.parametrize("name", [*LINEAR, *OF_MOMENTS])
def test_exact_sets(name, assert_fits_agree):
    X, y = table_for(ESTIMATORS[name], 60)
    by_weights = "LogisticRegression", "LinearSVC", "Pipeline"
    weighting = "match" if name in by_weights else "unit"
    assert_fits_agree(
        ESTIMATORS[name], X, y, solver="exact", weighting=weighting, max_iter=100
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "solver"),
    [
        ("LogisticRegression", "lbfgs"),
        ("Ridge", "auto"),
        ("GaussianNB", "auto"),
        ("KernelRidge", "lbfgs"),
        ("KernelRidge", "adam"),
        ("KNeighborsClassifier", "lbfgs"),
        ("SVC", "adam"),
    ],
)
def test_more_rows_than_a_sample_holds(name, solver, assert_fits_agree):
    X, y = table_for(ESTIMATORS[name], 4500, p=3)
    assert_fits_agree(ESTIMATORS[name], X, y, solver=solver, batch_size=500)


@pytest.mark.parametrize("init", ["mean", "sample"])
@pytest.mark.parametrize("name", ["LogisticRegression", "KernelRidge"])
def test_other_starts(name, init, assert_fits_agree):
    X, y = table_for(ESTIMATORS[name], 60)
    assert_fits_agree(ESTIMATORS[name], X, y, init=init, solver="lbfgs")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("LogisticRegression", {"learn_labels": True}),
        ("LogisticRegression", {"weighting": "learn", "learn_params": ("C",)}),
        ("LogisticRegression", {"feature_range": "data"}),
        ("RidgeClassifier", {"outer_loss": "log_loss"}),
        ("GaussianProcessRegressor", {"outer_loss": "log_density"}),
        ("KernelRidge", {"target_range": "data", "learn_params": ("alpha", "gamma")}),
    ],
)
def test_other_things_to_learn(name, params, assert_fits_agree, rng):
    X, y = table_for(ESTIMATORS[name], 60)
    weight = rng.uniform(0.5, 2.0, len(y))
    assert_fits_agree(ESTIMATORS[name], X, y, weight, solver="lbfgs", **params)


@pytest.mark.slow
def test_classes_that_numbers_code(assert_fits_agree):
    X, y = table_for(SVC(), 60)
    Y = np.eye(2)[y] - 0.5
    assert_fits_agree(
        ESTIMATORS["KernelRidge"], X, Y, outer_loss="log_loss", solver="lbfgs"
    )


def test_class_weights(assert_fits_agree, rng):
    X, y = table_for(SVC(), 60)
    weight = rng.uniform(0.5, 2.0, len(y))
    estimator = LogisticRegression(class_weight="balanced")
    assert_fits_agree(estimator, X, y, weight, solver="lbfgs")


def test_rows_that_are_rounded(assert_fits_agree):
    X, y = table_for(SVC(), 60)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["a"] = np.rint(3 * frame["a"]).astype(int)
    frame["b"] = frame["b"] > 0
    fitted = assert_fits_agree(
        LogisticRegression(), frame, y, solver="lbfgs", max_iter=8
    )
    assert_array_equal(fitted.X_synthetic_.dtypes, frame.dtypes)
