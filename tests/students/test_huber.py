"""The Huber student against scikit-learn: solutions with their scale, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import HuberRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, Task, check_student, student_for
from skdistill.synthetic._set import SyntheticSet

OUTPUT = Task(4, None, 1, False)
STRICT = {"tol": 1e-12, "max_iter": 100_000}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"alpha": 0.1},
        {"alpha": 0.01, "epsilon": 2.0, "fit_intercept": False},
    ],
    ids=str,
)
def test_student(params):
    """Scikit-learn stops early on some draws, but not on this one."""
    check_student(student_for(HuberRegressor(**STRICT, **params), OUTPUT))


@pytest.mark.parametrize("n_rows", [25, 12])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_solution_is_stationary(fit_intercept, n_rows, rng):
    """The outer loss is the reference, because it is computed independently.

    Of twelve rows so many are interpolated that the scale is often at its minimum.
    """
    estimator = HuberRegressor(alpha=0.1, fit_intercept=fit_intercept)
    student = student_for(estimator, OUTPUT)
    for _ in range(8):
        X = rng.standard_normal((n_rows, 4))
        y = rng.standard_t(1.5, n_rows)
        weight = rng.uniform(0.5, 2, n_rows)
        params = student.solve(SyntheticSet(X, y, weight, {"alpha": 0.1}))

        def objective(params, X=X, y=y, weight=weight):
            losses = student.outer_loss(student.raw_prediction(params, X), y)
            return weight @ losses + 0.1 * jnp.sum(params.coef**2)

        with jax.enable_x64(True):
            grad = jax.tree.map(np.asarray, jax.grad(objective)(params))
        assert np.abs(grad.coef).max() < 1e-8
        assert np.abs(grad.intercept * fit_intercept).max() < 1e-8
        is_least = params.scale < 2e-6 * np.abs(y).max()
        assert np.abs(grad.scale).max() < 1e-8 or (is_least and grad.scale > 0)


def test_outliers_do_not_count():
    """Moving an outlier farther out does not change its effect."""
    student = student_for(HuberRegressor(), Task(1, None, 1, False))
    X = np.linspace(-1, 1, 12)[:, None]
    y = 3 * X[:, 0] + 0.1 * (-1.0) ** np.arange(12)
    coefs = []
    for far in (10.0, 1000.0):
        y[0] = far
        params = student.solve(SyntheticSet(X, y, np.ones(12), {"alpha": 1e-4}))
        coefs.append(params.coef)
    assert_allclose(coefs[1], coefs[0], rtol=1e-9)


@pytest.mark.parametrize("scaled", [False, True])
def test_as_good_as_all_rows(scaled):
    X, y = load_diabetes(return_X_y=True)
    estimator = HuberRegressor(alpha=0.01, max_iter=10_000)
    X = 20 * X
    if scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    distiller = DatasetDistiller(
        estimator, n_synthetic=25, early_stopping=False, random_state=0
    ).fit(X_train, y_train)
    full = clone(estimator).fit(X_train, y_train)
    assert distiller.solver_ == "lbfgs"
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-3)
    assert distiller.score(X_test, y_test) > full.score(X_test, y_test) - 0.01


def test_rows_that_are_interpolated_have_no_scale(rng):
    """The scale stays at its minimum; the rest is a solution with a derivative."""
    student = student_for(HuberRegressor(alpha=1e-3), OUTPUT)
    X = rng.standard_normal((8, 4))
    y = X @ rng.standard_normal(4)
    synthetic = SyntheticSet(X, y, np.ones(8), {"alpha": 1e-3})
    params = student.solve(synthetic)
    assert 0 < params.scale < 1e-5
    assert_allclose(X @ params.coef[0] + params.intercept, y, atol=1e-5)
    cotangent = params._replace(coef=np.ones((1, 4)), intercept=np.zeros(1))
    hypergrad = student.implicit_vjp(params, cotangent, synthetic)

    def total(step):
        moved = synthetic._replace(y=y + step * X[:, 0])
        return student.solve(moved).coef.sum()

    # Targets that move along a feature move its coefficient.
    assert_allclose(total(1e-3) - total(-1e-3), 2e-3, rtol=1e-3)
    assert_allclose(hypergrad.y @ X[:, 0], 1.0, rtol=1e-3)


def test_units_of_the_targets_do_not_matter(rng):
    student = student_for(HuberRegressor(alpha=0.1), OUTPUT)
    X, y = rng.standard_normal((12, 4)), rng.standard_normal(12)
    # The loss grows as the targets do, the penalty with their square.
    params, scaled = (
        student.solve(SyntheticSet(X, unit * y, np.ones(12), {"alpha": 0.1 / unit}))
        for unit in (1.0, 1e6)
    )
    assert_allclose(scaled.coef, 1e6 * params.coef, rtol=1e-7)
    assert_allclose(scaled.scale, 1e6 * params.scale, rtol=1e-7)
    assert student.loss_unit(3.0) == 3.0


@pytest.mark.parametrize(
    ("params", "named"), [({"alpha": 0.0}, "alpha=0"), ({"epsilon": 1.0}, "epsilon=1")]
)
def test_settings_without_counterpart_are_refused_by_name(params, named):
    with pytest.raises(NotMirrored, match=f"{named}.*Supported"):
        student_for(HuberRegressor(**params), OUTPUT)


def test_rows_that_are_interpolated_are_searched_for(rng):
    X = rng.standard_normal((40, 6))
    y = X[:, 0] + 0.1 * rng.standard_normal(40)
    distiller = DatasetDistiller(
        HuberRegressor(), n_synthetic=10, max_iter=1, random_state=0
    )
    with pytest.warns(UserWarning, match="10 rows, because.*at least 11 rows"):
        distiller.fit(X, y)
    assert distiller.solver_ == "search"


def test_several_outputs_are_refused():
    with pytest.raises(ValueError, match="HuberRegressor takes one output"):
        student_for(HuberRegressor(), Task(4, None, 2, True))
