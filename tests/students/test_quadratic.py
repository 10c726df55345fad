"""Quadratic discriminants against scikit-learn."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, SyntheticSet, check_student, student_for
from tests.conftest import make_table, spec_of

SETTINGS = {
    "svd": {},
    "svd, reg_param": {"reg_param": 0.2, "priors": [0.5, 0.3, 0.2]},
    "eigen": {"solver": "eigen"},
    "eigen, shrinkage": {"solver": "eigen", "shrinkage": 0.3},
}


def student(task, **params):
    return student_for(QuadraticDiscriminantAnalysis(**params), task)


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_student(params):
    check_student(student(spec_of([3, 5, 9], 3), **params))


@pytest.mark.slow
def test_two_classes_and_more_features_than_rows(rng):
    """The covariance of a class has no inverse, but a shrunk one does."""
    task = spec_of([0, 1], 12)
    check_student(student(task, solver="eigen", shrinkage=0.5, tol=0))
    # As many rows as features: one singular value is zero, reg_param is not.
    X, y = rng.standard_normal((24, 12)), np.repeat([0, 1], 12)
    check_student(student(task, reg_param=0.5), X=X, y=y)


def _set(X, y):
    return SyntheticSet(X, np.eye(2)[y], np.ones(len(X)), {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("params", "least"),
    [({}, 5), ({"reg_param": 0.1}, 4), ({"solver": "eigen", "shrinkage": 0.1}, 2)],
)
def test_too_few_rows(params, least, rng):
    """The minimum number of rows is that of scikit-learn."""
    task = spec_of([0, 1], 4)
    for m in (least, least - 1):
        X, y = rng.standard_normal((2 * m, 4)), np.repeat([0, 1], m)
        estimator = QuadraticDiscriminantAnalysis(**params)
        if m == least:
            estimator.fit(X, y)
            student(task, **params).solve(_set(X, y))
        else:
            with pytest.raises((LinAlgError, ValueError)):
                estimator.fit(X, y)
            with pytest.raises(ValueError, match=f"at least {least} rows"):
                student(task, **params).solve(_set(X, y))


def test_rows_that_scikit_learn_refuses(rng):
    """A class with a variance up to tol cannot predict."""
    X, y = rng.standard_normal((20, 2)), np.repeat([0, 1], 10)
    X[:10, 1] *= 0.001
    with pytest.raises(LinAlgError, match="not full rank"):
        QuadraticDiscriminantAnalysis().fit(X, y)
    assert np.isnan(student(spec_of([0, 1], 2)).solve(_set(X, y)).whitener[0]).any()
    params = student(spec_of([0, 1], 2), tol=0).solve(_set(X, y))
    assert np.isfinite(params.whitener).all()


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"solver": "eigen", "shrinkage": "auto"}, "'auto'"),
        ({"shrinkage": 0.5}, "solver='svd' and shrinkage=0.5"),
        ({"solver": "eigen", "covariance_estimator": object()}, "covariance_estimator"),
    ],
)
def test_refused(params, named):
    with pytest.raises(NotMirrored, match=f"cannot be distilled with .*{named}"):
        student(spec_of([0, 1]), **params)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iteration_beats_the_model_of_all_rows():
    """The model of all rows does not minimize the log-loss itself."""
    X, y = make_table(3, n=300)
    estimator = QuadraticDiscriminantAnalysis(reg_param=0.1)
    distiller = DatasetDistiller(
        estimator, n_synthetic=24, solver="lbfgs", max_iter=20, early_stopping=False
    ).fit(X, y)
    exact = DatasetDistiller(estimator, n_synthetic=24).fit(X, y)
    assert distiller.loss_ < 0.9 * exact.loss_
    assert distiller.loss_ == pytest.approx(distiller.loss_curve_[-1], rel=1e-6)
