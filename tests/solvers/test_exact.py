"""Rows that reproduce a model: the derivation of the user guide, number by number."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from skdistill import DatasetDistiller
from skdistill.objectives._losses import log_loss_limit
from skdistill.solvers.exact._given_targets import reproducing_rows
from skdistill.solvers.exact._span import (
    ModelSpan,
    is_reproduced,
    norm_limit,
    project_into_box,
)
from skdistill.students import student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, spec_of, strict_logistic

#: No bounds.
FREE = (np.array(-np.inf), np.array(np.inf))


@pytest.mark.parametrize("k", [2, 3, 10])
def test_limit_of_the_pull_by_direct_search(k):
    """The reference maximizes <z, y - p> over scores by a bounded search."""

    def negative_pull(s):
        return -s * (k - 1) / (np.exp(s) + k - 1)

    best = minimize_scalar(negative_pull, bounds=(0, 20), options={"xatol": 1e-10})
    assert_allclose(log_loss_limit(k), -best.fun, rtol=1e-9)


def test_no_scores_pull_more_than_the_limit(rng):
    for k in (3, 5):
        z = 4 * rng.standard_normal((10_000, k))
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        pull = z[:, 0] - (z * p).sum(axis=1)
        assert pull.max() < log_loss_limit(k)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("n_classes", "p"), [(2, 6), (3, 6), (3, 40), (2, 1), (3, 1)])
def test_rows_train_to_the_model(n_classes, p, weighted, fit_intercept, rng):
    """This includes fewer features than classes, and fewer features than rows."""
    X, y = make_table(n_classes, p=max(p, 4))
    X = X[:, :p]
    estimator = strict_logistic(C=0.5, fit_intercept=fit_intercept)
    full = estimator.fit(X, y)
    classes = np.arange(n_classes)
    student = student_for(estimator, spec_of(classes))
    params = student.params_of(full, None)
    if n_classes > 2:
        params = LinearParams(*(part - part.mean(axis=0) for part in params))
    y_syn = np.repeat(classes, 6)
    weight = np.bincount(y)[y_syn] / 6.0
    if weighted:
        weight = weight * rng.uniform(0.5, 1.5, len(y_syn))
    X_syn = np.vstack([X[y == c][:6] for c in classes])
    synthetic = SyntheticSet(X_syn, student.encode(y_syn), weight, {"C": 0.5})
    span = ModelSpan(params, np.zeros(p))
    trained = [
        student.solve(synthetic._replace(X=rows))
        for rows in reproducing_rows(student, span, synthetic, FREE)
    ]
    assert any(is_reproduced(params, found) for found in trained)


def test_what_the_model_does_not_see_stays(rng):
    """Rows differ from their reference only as far as the third condition requires."""
    X, y = make_table(2)
    wide = np.hstack([X, rng.standard_normal((len(X), 20))])
    estimator = strict_logistic().fit(wide, y)
    student = student_for(estimator, spec_of([0, 1]))
    y_syn = np.repeat([0, 1], 5)
    reference = wide[np.concatenate([np.flatnonzero(y == c)[:5] for c in (0, 1)])]
    synthetic = SyntheticSet(
        reference, student.encode(y_syn), np.full(10, 12.0), {"C": 1.0}
    )
    span = ModelSpan(student.params_of(estimator, None), np.zeros(26))
    rows = next(reproducing_rows(student, span, synthetic, FREE))
    change = rows - reference
    change -= (change @ span.U) @ span.U.T
    # One pull for each row: a correction of rank one.
    singular = np.linalg.svd(change, compute_uv=False)
    assert singular[1] < 1e-10 * singular[0]


STRICT = {"tol": 1e-12, "max_iter": 100_000}
CLASSIFIERS = {
    "logistic": strict_logistic(),
    "ridge": RidgeClassifier(),
    "svc": LinearSVC(dual=False, **STRICT),
    "svc, class weights": LinearSVC(
        dual=False, class_weight={0: 2.0, 1: 0.5}, intercept_scaling=3.0, **STRICT
    ),
    "ridge, no intercept": RidgeClassifier(alpha=0.1, fit_intercept=False),
}
REGRESSORS = {
    "ridge": Ridge(alpha=3.0),
    "ridge, no intercept": Ridge(fit_intercept=False),
    "least squares": LinearRegression(),
    "svr": LinearSVR(
        loss="squared_epsilon_insensitive", epsilon=5.0, dual=False, **STRICT
    ),
}


def assert_reproduced(distiller, X, y, rtol=1e-6):
    """Assert that a fit on the rows has scikit-learn's coefficients of all the data."""
    full = clone(distiller.estimator).fit(X, y)
    atol = rtol * np.abs(full.coef_).max()
    assert_allclose(distiller.estimator_.coef_, full.coef_, rtol=0, atol=atol)
    assert_allclose(distiller.predict(X), full.predict(X), rtol=rtol)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine], ids=["two", "three"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_of_tables(name, load):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    distiller = DatasetDistiller(
        CLASSIFIERS[name],
        n_synthetic=2 * len(np.unique(y)),
        weighting="match",
        solver="exact",
    )
    assert_reproduced(distiller.fit(X, y), X, y)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "ridge", "svc"])
def test_classifiers_of_digits(name):
    X, y = load_digits(return_X_y=True)
    distiller = DatasetDistiller(
        CLASSIFIERS[name], n_synthetic=20, weighting="match", solver="exact"
    )
    # LIBLINEAR ends when its objective falls by less than 1e-12 of itself.
    rtol = 5e-6 if name == "svc" else 1e-6
    assert_reproduced(distiller.fit(X / 16, y), X / 16, y, rtol)


@pytest.mark.parametrize("m", [2, 5, 30])
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, m):
    """This includes fewer rows than features: two rows suffice for one output."""
    X, y = load_diabetes(return_X_y=True)
    distiller = DatasetDistiller(REGRESSORS[name], n_synthetic=m, solver="exact").fit(
        20 * X, y
    )
    assert_reproduced(distiller, 20 * X, y)
    if m == 30:
        # More rows than features: nearly all is left to the targets.
        again = DatasetDistiller(Ridge(), n_synthetic=m, init="kmeans").fit(20 * X, y)
        assert_allclose(distiller.X_synthetic_, again.X_synthetic_, atol=0.5)
    assert np.abs(distiller.y_synthetic_).max() < 3 * np.abs(y).max()


@pytest.mark.parametrize("estimator", [Ridge(), LinearRegression()], ids=str)
@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_several_outputs(estimator, weighting, rng):
    X = rng.standard_normal((80, 7))
    Y = X @ rng.standard_normal((7, 3)) + rng.standard_normal((80, 3))
    distiller = DatasetDistiller(
        estimator, n_synthetic=4, weighting=weighting, solver="exact"
    )
    assert_reproduced(distiller.fit(X, Y), X, Y)


def test_columns_that_depend_on_each_other(rng):
    """Among all least squares solutions it is the one with minimum norm."""
    Z = rng.standard_normal((60, 3))
    X = np.column_stack([Z, Z @ [1.0, 2.0, -1.0], np.ones(60)])
    y = Z[:, 0] + 0.1 * rng.standard_normal(60)
    distiller = DatasetDistiller(LinearRegression(), n_synthetic=5, solver="exact")
    assert_reproduced(distiller.fit(X, y), X, y)


@pytest.mark.parametrize("estimator", [Ridge(), LinearRegression()], ids=str)
def test_given_targets(estimator, rng):
    """With a squared error there is a closed form for targets that stay fixed."""
    X = rng.standard_normal((100, 4))
    y = X[:, 0] + 0.5 * rng.standard_normal(100)
    distiller = DatasetDistiller(
        estimator, n_synthetic=5, learn_labels=False, weighting="match", solver="exact"
    ).fit(X, y)
    assert_reproduced(distiller, X, y)


def test_one_row_for_each_class_of_a_ridge():
    """Matched weights keep the Gram matrix of the targets, so a solution exists."""
    X, y = load_digits(return_X_y=True)
    distiller = DatasetDistiller(
        RidgeClassifier(), n_synthetic=10, weighting="match", solver="exact"
    )
    assert_reproduced(distiller.fit(X, y), X, y)


@pytest.mark.parametrize("estimator", [RidgeClassifier(), Ridge()], ids=str)
def test_bounds(estimator):
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    distiller = DatasetDistiller(
        estimator,
        n_synthetic=20,
        weighting="match",
        feature_range="data",
        solver="exact",
    ).fit(X, y)
    assert (distiller.X_synthetic_ >= X.min(axis=0)).all()
    assert (distiller.X_synthetic_ <= X.max(axis=0)).all()
    assert_reproduced(distiller, X, y)


def test_projections_end_in_the_box_and_on_the_plane(rng):
    normal = rng.standard_normal(5)
    normal /= np.linalg.norm(normal)

    def project(X):
        return X - np.outer(X @ normal - 1.5, normal)

    bounds = np.full(5, -1.0), np.full(5, 1.0)
    X = project_into_box(project, 3 * rng.standard_normal((4, 5)), bounds)
    assert np.abs(X).max() <= 1
    assert_allclose(X @ normal, 1.5, atol=1e-12)


@pytest.mark.parametrize(
    "estimator",
    [RidgeClassifier(), LinearSVC(dual=False), strict_logistic()],
    ids=["ridge", "svc", "logistic"],
)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_no_rows_induce_more_than_the_limit(estimator, n_classes, rng):
    """Even the best rows, multiples of the class corners, do not exceed it."""
    student = student_for(estimator, spec_of(np.arange(n_classes), n_classes))
    y = np.repeat(np.arange(n_classes), 2)
    norms = []
    for size in np.geomspace(0.05, 20, 60):
        X = size * (np.eye(n_classes) - 1 / n_classes)[y]
        if n_classes == 2:
            X = X[:, 1:]
        synthetic = SyntheticSet(
            X, student.encode(y), np.ones(len(y)), student.hyperparameters
        )
        norms.append(np.sum(student.solve(synthetic).coef ** 2))
    limit = norm_limit(student, synthetic) * student.loss_strength(
        student.hyperparameters
    )
    assert max(norms) <= limit * (1 + 1e-12)
    assert max(norms) > 0.95 * limit or isinstance(estimator, LinearSVC)


def test_squared_error_reaches_what_it_can_and_no_more():
    """The limit for two rows and one output is ``W W' = Y'Y / (4 alpha)``, centered."""
    y = np.array([0, 1])
    student = student_for(RidgeClassifier(alpha=2.0), spec_of([0, 1], 3))
    synthetic = SyntheticSet(
        np.eye(2, 3), student.encode(y), np.ones(2), {"alpha": 2.0}
    )
    end = np.sqrt(2 / (4 * 2.0))
    for norm, in_reach in [(0.999 * end, True), (1.001 * end, False)]:
        params = LinearParams(norm * np.array([[0.6, 0.0, 0.8]]), np.array([0.2]))
        span = ModelSpan(params, np.zeros(3))
        found = [
            is_reproduced(params, student.solve(synthetic._replace(X=rows)))
            for rows in reproducing_rows(student, span, synthetic, FREE)
        ]
        assert any(found) == in_reach


@pytest.mark.parametrize(
    ("estimator", "n_outputs", "named"),
    [
        (Ridge(), 3, "at least 4 rows.*intercept; got 3"),
        (Ridge(), 1, "at least 2 rows"),
    ],
)
def test_too_few_rows_are_named(estimator, n_outputs, named, rng):
    X = rng.standard_normal((40, 5))
    Y = X[:, :n_outputs] + 0.1
    distiller = DatasetDistiller(estimator, n_synthetic=n_outputs, solver="exact")
    with pytest.raises(ValueError, match=named):
        distiller.fit(X, Y if n_outputs > 1 else Y[:, 0])


def test_out_of_reach_says_what_would_do():
    X, y = make_table(2, class_sep=2.0)
    with pytest.raises(ValueError, match="It takes alpha <= .*rows, or weighting"):
        DatasetDistiller(
            RidgeClassifier(alpha=30.0), n_synthetic=2, solver="exact"
        ).fit(X, y)
