"""L1 penalties of classifiers against scikit-learn: solutions, zeros, derivatives."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, check_student, student_for
from skdistill.students.linear._sparse_base import SparseProblem
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import spec_of

STRICT = {"tol": 1e-12, "max_iter": 1_000_000}
# Below this tolerance the line search of LIBLINEAR may fail far from the optimum,
# which depends on the order it draws.
STRICT_LIBLINEAR = {"tol": 1e-10, "max_iter": 100_000, "random_state": 0}


def by_saga(**params):
    return LogisticRegression(solver="saga", random_state=0, **STRICT, **params)


def by_liblinear(**params):
    return LogisticRegression(
        l1_ratio=1, solver="liblinear", **STRICT_LIBLINEAR, **params
    )


def svc(**params):
    return LinearSVC(penalty="l1", dual=False, **STRICT_LIBLINEAR, **params)


CLASSIFIERS = {
    "l1": (by_saga(l1_ratio=1), 2),
    "l1, softmax": (by_saga(l1_ratio=1), 3),
    "both": (by_saga(l1_ratio=0.5, class_weight={0: 1.0, 1: 2.0}), 2),
    "both, softmax": (by_saga(l1_ratio=0.5, fit_intercept=False), 3),
    "liblinear": (by_liblinear(intercept_scaling=2.0), 2),
    "liblinear without intercept": (by_liblinear(fit_intercept=False), 2),
    "svc": (svc(C=0.3), 2),
    "svc, one against the rest": (svc(C=0.3), 3),
    "svc, scaling": (svc(C=0.5, intercept_scaling=3.0), 2),
    "svc without intercept": (svc(C=0.5, fit_intercept=False), 2),
}


@pytest.fixture(scope="module")
def table():
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(StandardScaler().fit_transform(X), y, random_state=0)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_student(name):
    estimator, n_classes = CLASSIFIERS[name]
    check_student(student_for(estimator, spec_of(np.arange(n_classes), 6)))


def test_deprecated_penalty():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        old = LogisticRegression(penalty="l1", solver="saga")
        assert student_for(old, spec_of([0, 1], 6)).l1_ratio == 1


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_solutions_are_optimal(name, rng):
    """This includes rows beyond their margin and starts from another solution."""
    estimator, n_classes = CLASSIFIERS[name]
    student = student_for(estimator, spec_of(np.arange(n_classes), 6))
    y = np.repeat(np.arange(n_classes), 6)
    last = None
    for _ in range(15):
        X = rng.standard_normal((n_classes, 6))[y] + rng.standard_normal((len(y), 6))
        weight = student.training_weight(y, rng.uniform(0.5, 2, len(y)))
        synthetic = SyntheticSet(X, student.encode(y), weight, student.hyperparameters)
        for start in (None, last):
            params = student.solve(synthetic, start)
            problem = SparseProblem.of(student, synthetic)
            theta = problem.to_theta(params)
            value = problem.value(theta)
            for step in (1e-4, 1e-3):
                # No coefficient can be moved to advantage.
                for entry in np.ndindex(theta.shape):
                    for sign in (-1, 1):
                        moved = theta.copy()
                        moved[entry] += sign * step * problem.is_used[entry]
                        assert problem.value(moved) >= value - 1e-12
        last = params


def test_exact_with_the_same_zeros(table):
    """The rows have matched weights, for which scikit-learn's LIBLINEAR is precise."""
    X, X_test, y, y_test = table
    estimator = by_liblinear(C=0.1, fit_intercept=False)
    distiller = DatasetDistiller(
        estimator, n_synthetic=20, weighting="match", random_state=0
    )
    distiller.fit(X, y)
    full = clone(estimator).fit(X, y)
    assert distiller.solver_ == "exact"
    assert_array_equal(distiller.estimator_.coef_ != 0, full.coef_ != 0)
    assert 0 < np.count_nonzero(full.coef_) < 30
    assert_allclose(distiller.estimator_.coef_, full.coef_, atol=1e-4)
    assert abs(distiller.score(X_test, y_test) - full.score(X_test, y_test)) < 0.01


@pytest.mark.parametrize(
    "estimator", [by_liblinear(C=0.1), svc(C=0.1)], ids=["logistic", "svc"]
)
def test_rows_that_would_train_to_nothing(estimator, table):
    """On four rows near the centers, all coefficients and gradients would be zero."""
    X, X_test, y, y_test = table
    distiller = DatasetDistiller(
        estimator, n_synthetic=4, max_iter=40, tol=1e-3, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X, y)
    assert distiller.estimator_.coef_.any()
    assert distiller.score(X_test, y_test) > 0.85


@pytest.mark.parametrize(
    ("estimator", "n_classes", "named"),
    [
        (LogisticRegression(l1_ratio=1, solver="liblinear"), 3, "more than two"),
        (LogisticRegression(solver="liblinear"), 2, "intercept"),
        (LogisticRegression(l1_ratio=1, solver="saga", C=np.inf), 2, "C=inf"),
    ],
    ids=str,
)
def test_settings_without_counterpart_are_refused_by_name(estimator, n_classes, named):
    with pytest.raises(NotMirrored, match=f"{named}.*Supported"):
        student_for(estimator, spec_of(np.arange(n_classes), 6))
