"""Linear discriminants against scikit-learn."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skdistill.students import check_student, student_for
from skdistill.students.moments._discriminant import _pinv
from tests.conftest import spec_of

SETTINGS = {
    "svd": {},
    "svd, priors": {"priors": [0.5, 0.3, 0.2]},
    "lsqr": {"solver": "lsqr", "shrinkage": 0.3, "priors": [0.5, 0.3, 0.2]},
    "eigen": {"solver": "eigen", "shrinkage": 1},
}


def student(task, **params):
    return student_for(LinearDiscriminantAnalysis(**params), task)


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_student(params):
    check_student(student(spec_of([3, 5, 9], 4), **params))


@pytest.mark.slow
def test_two_classes():
    check_student(student(spec_of([0, 1], 4)))


@pytest.mark.slow
def test_more_features_than_rows():
    """The covariance within classes has no inverse."""
    check_student(student(spec_of([3, 5, 9], 30)))


def test_constant_and_repeated_columns(rng):
    y = np.repeat([0, 1, 2], 6)
    X = rng.standard_normal((18, 5)) + y[:, None]
    X[:, 3], X[:, 4] = 2.0, X[:, 0]
    with np.errstate(all="raise"):
        params = student(spec_of([0, 1, 2], 5)).solve(_set(X, y))
    expected = LinearDiscriminantAnalysis().fit(X, y)
    raw = X @ params.coef.T + params.intercept
    assert_allclose(raw, expected.decision_function(X), atol=1e-8)


def _set(X, y):
    from skdistill.students import SyntheticSet

    return SyntheticSet(X, np.eye(3)[y], np.ones(len(X)), {})


@pytest.mark.slow
def test_derivative_of_the_pseudo_inverse(rng):
    """Each of its terms is tested, at a rank below both dimensions."""
    left, right = rng.standard_normal((5, 2)), rng.standard_normal((2, 4))
    d_left, d_right = rng.standard_normal((5, 2)), rng.standard_normal((2, 4))

    def inverse(step):
        return _pinv((left + step * d_left) @ (right + step * d_right), 1e-6)

    with jax.enable_x64(True):
        _, slope = jax.jvp(inverse, (0.0,), (1.0,))
        expected = (inverse(1e-6) - inverse(-1e-6)) / 2e-6
    assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"solver": "lsqr", "shrinkage": "auto"}, "auto"),
        ({"solver": "eigen"}, "shrinkage=None"),
        ({"solver": "lsqr", "covariance_estimator": object()}, "covariance_estimator"),
    ],
)
def test_refused(params, named):
    with pytest.raises(ValueError, match=f"cannot be distilled with .*{named}"):
        student(spec_of([0, 1]), **params)


def test_a_row_for_each_class(rng):
    with pytest.raises(ValueError, match="at least 3"):
        check_student(
            student(spec_of([0, 1], 4)),
            X=rng.standard_normal((2, 4)),
            y=np.array([0, 1]),
        )
