"""Least squares of least norm against scikit-learn and differences of its fits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from skdistill.students import Task, check_student, student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet

SHAPES = {
    "one output": Task(4, None, 1, False),
    "three outputs": Task(4, None, 3, True),
    "more features than rows": Task(40, None, 2, True),
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("task", SHAPES.values(), ids=SHAPES)
def test_student(task, fit_intercept):
    check_student(student_for(LinearRegression(fit_intercept=fit_intercept), task))


@pytest.mark.parametrize("p", [1, 3, 20])
def test_all_gradients_match_refits(p, rng):
    """Rows, targets and weights are moved together for scikit-learn's fits."""
    X, y, weight = (
        rng.standard_normal((9, p)),
        rng.standard_normal((9, 2)),
        rng.uniform(0.5, 2.0, 9),
    )
    dX, dy, dw = (rng.standard_normal(v.shape) for v in (X, y, weight))
    cotangent = LinearParams(rng.standard_normal((2, p)), rng.standard_normal(2))
    student = student_for(LinearRegression(), Task(p, None, 2, True))
    synthetic = SyntheticSet(X, y, weight, {})
    grad = student.implicit_vjp(student.solve(synthetic), cotangent, synthetic)

    def value(step):
        model = LinearRegression().fit(X + step * dX, y + step * dy, weight + step * dw)
        return np.vdot(cotangent.coef, model.coef_) + np.vdot(
            cotangent.intercept, model.intercept_
        )

    expected = (value(1e-5) - value(-1e-5)) / 2e-5
    slope = np.vdot(grad.X, dX) + np.vdot(grad.y, dy)
    assert_allclose(slope + np.vdot(grad.sample_weight, dw), expected, rtol=1e-6)


def test_columns_that_depend_on_each_other(rng):
    """Singular values count as zero if scikit-learn's ``tol`` says so."""
    X = rng.standard_normal((12, 3))
    X = np.column_stack([X, X[:, 0] + 1e-7 * rng.standard_normal(12), np.ones(12)])
    y = rng.standard_normal(12)
    for tol in (1e-6, 1e-9):
        estimator = LinearRegression(tol=tol)
        student = student_for(estimator, Task(5, None, 1, False))
        params = student.solve(SyntheticSet(X, y, np.ones(12), {}))
        expected = estimator.fit(X, y).coef_
        assert_allclose(params.coef[0], expected, atol=1e-8 * np.abs(expected).max())


def test_no_weight_is_no_row(rng):
    X, y = rng.standard_normal((9, 4)), rng.standard_normal(9)
    weight = np.array([1.0] * 8 + [0.0])
    student = student_for(LinearRegression(), Task(4, None, 1, False))
    synthetic = SyntheticSet(X, y, weight, {})
    params = student.solve(synthetic)
    assert_allclose(params.coef[0], LinearRegression().fit(X[:8], y[:8]).coef_)
    cotangent = LinearParams(rng.standard_normal((1, 4)), np.ones(1))
    grad = student.implicit_vjp(params, cotangent, synthetic)
    assert_allclose(grad.X[8], 0, atol=1e-14)
    # Yet its weight has a slope.
    more = student.solve(
        synthetic._replace(sample_weight=weight + 1e-6 * (weight == 0))
    )
    change = np.vdot(more.coef - params.coef, cotangent.coef)
    change += np.vdot(more.intercept - params.intercept, cotangent.intercept)
    assert_allclose(grad.sample_weight[8], change / 1e-6, rtol=1e-4)


def test_positive_is_refused():
    with pytest.raises(ValueError, match="positive=True"):
        student_for(LinearRegression(positive=True), SHAPES["one output"])
