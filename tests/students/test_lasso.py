"""Lasso and its relatives against scikit-learn: solutions, zeros, derivatives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LassoLars,
    MultiTaskElasticNet,
    MultiTaskLasso,
    QuantileRegressor,
    RidgeCV,
)

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, Task, check_student, student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet

STRICT = {"tol": 1e-15, "max_iter": 1_000_000}
OUTPUT = Task(8, None, 1, False)
OUTPUTS = Task(8, None, 3, True)
WIDE = Task(60, None, 1, False)
# Scikit-learn says that rounding keeps it from a tolerance of nearly nothing.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Objective did not converge:sklearn.exceptions.ConvergenceWarning"
)

STUDENTS = {
    "lasso": (Lasso(alpha=0.05, **STRICT), OUTPUT),
    "lasso without intercept": (Lasso(0.02, fit_intercept=False, **STRICT), OUTPUT),
    "lasso, three outputs": (Lasso(alpha=0.05, **STRICT), OUTPUTS),
    "lasso, more features than rows": (Lasso(alpha=0.05, **STRICT), WIDE),
    "elastic net": (ElasticNet(alpha=0.05, l1_ratio=0.3, **STRICT), OUTPUT),
    "elastic net, outputs": (ElasticNet(alpha=0.05, **STRICT), OUTPUTS),
    "elastic net, wide": (ElasticNet(alpha=0.05, l1_ratio=0.3, **STRICT), WIDE),
    "tasks": (MultiTaskLasso(alpha=0.05, **STRICT), OUTPUTS),
    "tasks, elastic net": (
        MultiTaskElasticNet(alpha=0.1, l1_ratio=0.4, fit_intercept=False, **STRICT),
        OUTPUTS,
    ),
}


@pytest.mark.parametrize("name", STUDENTS)
def test_student(name):
    # No coefficient of this draw comes or goes within the steps of the differences.
    check_student(student_for(*STUDENTS[name]), random_state=1)


def test_one_row_of_one_feature_by_hand():
    """``w = sign(xy) max(0, |xy| - alpha) / x^2``, so that ``dw/dy = 1/x``."""
    x, y, alpha = 0.7, 1.3, 0.2
    student = student_for(
        Lasso(alpha=alpha, fit_intercept=False), Task(1, None, 1, False)
    )
    synthetic = SyntheticSet(
        np.array([[x]]), np.array([y]), np.ones(1), {"alpha": alpha}
    )
    params = student.solve(synthetic)
    assert_allclose(params.coef, [[(x * y - alpha) / x**2]], rtol=1e-14)
    unit = LinearParams(np.ones((1, 1)), np.zeros(1))
    slope = student.implicit_vjp(params, unit, synthetic)
    assert_allclose(slope.y, [1 / x], rtol=1e-13)
    assert_allclose(slope.X, [[-y / x**2 + 2 * alpha / x**3]], rtol=1e-13)
    assert_allclose(slope.hyperparameters["alpha"], -1 / x**2, rtol=1e-13)
    # A coefficient of zero stays there.
    small = synthetic._replace(y=np.array([0.1]))
    params = student.solve(small)
    assert params.coef == 0
    assert not student.implicit_vjp(params, unit, small).X.any()


def violation(student, synthetic, params):
    """Return the maximum violation of the optimality conditions, by definition."""
    X, y, weight, hyperparameters = synthetic
    Y = y.reshape(len(X), -1)
    share = weight / weight.sum()
    error = X @ params.coef.T + params.intercept - Y
    gradient = (share[:, None] * error).T @ X
    alpha, ratio = hyperparameters["alpha"], student.l1_ratio
    gradient += alpha * (1 - ratio) * params.coef
    norms = np.abs(params.coef)
    if student.in_groups:
        norms = np.linalg.norm(params.coef, axis=0) + 0 * params.coef
    kept = norms > 0
    direction = np.where(kept, params.coef / np.where(kept, norms, 1), 0)
    on_support = np.abs(gradient + alpha * ratio * direction)[kept]
    sizes = np.abs(gradient)
    if student.in_groups:
        sizes = np.linalg.norm(gradient, axis=0) + 0 * gradient
    beside = sizes[~kept] - alpha * ratio
    worst = max(on_support.max(initial=0), beside.max(initial=0))
    if student.fit_intercept:
        worst = max(worst, np.abs(share @ error).max())
    return worst


@pytest.mark.parametrize("name", STUDENTS)
def test_solutions_are_optimal(name, rng):
    """Rows are correlated; solves start from zero or from another solution."""
    student = student_for(*STUDENTS[name])
    p, k = student.task.n_features, student.task.n_outputs
    last = None
    for _ in range(10):
        X = rng.standard_normal((20, p)) @ rng.standard_normal((p, p))
        Y = X @ rng.standard_normal((p, k)) + rng.standard_normal((20, k))
        y = Y if student.task.multi_output else Y[:, 0]
        weight = np.ones(20) if student.in_groups else rng.uniform(0.5, 2, 20)
        synthetic = SyntheticSet(X, y, weight, {"alpha": 0.1 * p})
        for start in (None, last):
            params = student.solve(synthetic, start)
            assert violation(student, synthetic, params) < 1e-8
        last = params


def test_zeros_are_zeros(rng):
    X = rng.standard_normal((30, 20))
    y = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(30)
    estimator = Lasso(alpha=0.1, **STRICT)
    student = student_for(estimator, Task(20, None, 1, False))
    params = student.solve(SyntheticSet(X, y, np.ones(30), {"alpha": 0.1}))
    expected = estimator.fit(X, y).coef_
    assert 0 < np.count_nonzero(expected) < 20
    assert_array_equal(params.coef[0] != 0, expected != 0)


def test_alpha_above_all_correlations(rng):
    X, y = rng.standard_normal((9, 8)), 3 + rng.standard_normal(9)
    student = student_for(Lasso(alpha=100.0), OUTPUT)
    params = student.solve(SyntheticSet(X, y, np.ones(9), {"alpha": 100.0}))
    assert not params.coef.any()
    assert_allclose(params.intercept, y.mean())


@pytest.mark.parametrize(
    ("estimator", "task", "named"),
    [
        (Lasso(alpha=0), OUTPUT, "alpha=0"),
        (Lasso(positive=True), OUTPUT, "positive=True"),
        (ElasticNet(l1_ratio=0), OUTPUT, "l1_ratio=0"),
        (MultiTaskElasticNet(l1_ratio=0), OUTPUTS, "l1_ratio=0"),
    ],
    ids=str,
)
def test_settings_without_counterpart_are_refused_by_name(estimator, task, named):
    with pytest.raises(NotMirrored, match=f"{named}.*Supported"):
        student_for(estimator, task)


@pytest.mark.parametrize(
    "estimator",
    [
        LassoCV(cv=2, alphas=5),
        ElasticNetCV(cv=2, alphas=5),
        RidgeCV(),
        LassoLars(alpha=0.1),
        QuantileRegressor(alpha=0.1),
    ],
    ids=lambda each: type(each).__name__,
)
def test_relatives_are_searched_for(estimator, rng):
    """They choose their penalty from the rows, or have no gradient."""
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + 0.1 * rng.standard_normal(60)
    distiller = DatasetDistiller(
        estimator,
        n_synthetic=12,
        max_iter=2,
        early_stopping=False,
        random_state=0,
    ).fit(X, y)
    assert distiller.solver_ == "search"
    assert distiller.estimator_.coef_.shape == (3,)
    with pytest.raises(NotMirrored, match="no student for"):
        student_for(estimator, OUTPUT)


def test_several_tasks_are_needed():
    with pytest.raises(ValueError, match="MultiTaskLasso takes several outputs"):
        student_for(MultiTaskLasso(), OUTPUT)
