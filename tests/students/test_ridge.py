"""Ridge students against scikit-learn, by hand and through its refits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import mean_squared_error

from skdistill import DatasetDistiller
from skdistill.students import StationaryStudent, Task, check_student, student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, spec_of

OUTPUT = Task(4, None, 1, False)
OUTPUTS = Task(4, None, 3, True)


@pytest.mark.parametrize("task", [OUTPUT, OUTPUTS, Task(40, None, 2, True)])
@pytest.mark.parametrize("params", [{}, {"alpha": 0.1, "fit_intercept": False}])
def test_ridge(params, task):
    check_student(student_for(Ridge(**params), task))


@pytest.mark.slow
@pytest.mark.parametrize("outer_loss", ["auto", "log_loss"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.3},
        {"fit_intercept": False},
        {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
        {"class_weight": "balanced"},
    ],
    ids=str,
)
def test_ridge_classifier(params, n_classes, outer_loss):
    params = dict(params)
    if isinstance(params.get("class_weight"), dict):
        params["class_weight"] = {
            c: w for c, w in params["class_weight"].items() if c < n_classes
        }
    task = spec_of(np.arange(n_classes), 4)
    check_student(student_for(RidgeClassifier(**params), task, outer_loss))


def test_one_sample_by_hand():
    """One row (x, y) without intercept: ``w = x y / (x^2 + a)``."""
    x, y, a = 0.7, 1.3, 0.4
    student = student_for(Ridge(alpha=a, fit_intercept=False), Task(1, None, 1, False))
    synthetic = SyntheticSet(np.array([[x]]), np.array([y]), np.ones(1), {"alpha": a})
    params = student.solve(synthetic)
    assert_allclose(params.coef, [[x * y / (x**2 + a)]], rtol=1e-14)
    slope = student.implicit_vjp(
        params, LinearParams(np.ones((1, 1)), np.zeros(1)), synthetic
    )
    assert_allclose(slope.X, [[y * (a - x**2) / (x**2 + a) ** 2]], rtol=1e-13)
    assert_allclose(slope.y, [x / (x**2 + a)], rtol=1e-13)
    assert_allclose(slope.sample_weight, [x * y * a / (x**2 + a) ** 2], rtol=1e-13)
    expected = -x * y / (x**2 + a) ** 2
    assert_allclose(slope.hyperparameters["alpha"], expected, rtol=1e-13)


@pytest.mark.parametrize("outputs", [1, 3])
def test_gradient_matches_refits(outputs, rng):
    X, X_syn = rng.standard_normal((30, 5)), rng.standard_normal((8, 5))
    y, y_syn = rng.standard_normal((30, outputs)), rng.standard_normal((8, outputs))
    student = student_for(Ridge(alpha=0.2), Task(5, None, outputs, True))
    synthetic = SyntheticSet(X_syn, y_syn, np.ones(8), {"alpha": 0.2})
    params = student.solve(synthetic)
    error = X @ params.coef.T + params.intercept - y
    cotangent = LinearParams(
        2 * error.T @ X / error.size, 2 * error.sum(0) / error.size
    )
    grad = student.implicit_vjp(params, cotangent, synthetic)
    dX, dy = rng.standard_normal(X_syn.shape), rng.standard_normal(y_syn.shape)

    def loss(step):
        model = Ridge(alpha=0.2).fit(X_syn + step * dX, y_syn + step * dy)
        return mean_squared_error(y, model.predict(X).reshape(y.shape))

    expected = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert_allclose(np.vdot(grad.X, dX) + np.vdot(grad.y, dy), expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
def test_closed_form_agrees_with_the_implicit_function_theorem(n_classes, rng):
    student = student_for(RidgeClassifier(), spec_of(np.arange(n_classes), 5))
    y = np.repeat(np.arange(n_classes), 4)
    synthetic = SyntheticSet(
        rng.standard_normal((len(y), 5)),
        student.encode(y),
        rng.uniform(0.5, 2, len(y)),
        student.hyperparameters,
    )
    params = student.solve(synthetic)
    cotangent = LinearParams(
        rng.standard_normal(params.coef.shape), rng.standard_normal(len(params.coef))
    )
    closed = student.implicit_vjp(params, cotangent, synthetic)
    general = StationaryStudent.implicit_vjp(student, params, cotangent, synthetic)
    assert_allclose(closed.X, general.X, rtol=1e-8, atol=1e-10)


def degenerate_tables():
    X, y = make_table(2, n=60, p=5)
    z = X[:, 0] + 0.1 * X[:, 1]
    constant = np.column_stack([X, np.full(60, 3.0)])
    few = np.flatnonzero(y == 0)[:1]
    one_row = np.concatenate([few, np.flatnonzero(y == 1)])
    return {
        "duplicates": (np.repeat(X[:10], 6, axis=0), np.repeat(y[:10], 6), 6),
        "constant column": (constant, y, 8),
        "one feature": (X[:, :1], y, 4),
        "more features than rows": (np.tile(X[:20], 8), y[:20], 6),
        "a class with one row": (X[one_row], y[one_row], {0: 1, 1: 4}),
        "numbers far out": (1e4 + X, 1e3 * z, 8),
    }


@pytest.mark.parametrize("name", degenerate_tables())
def test_degenerate_data(name):
    X, y, n_synthetic = degenerate_tables()[name]
    estimator = Ridge() if y.dtype.kind == "f" else RidgeClassifier()
    distiller = DatasetDistiller(estimator, n_synthetic=n_synthetic, max_iter=500)
    distiller.fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert np.isfinite(distiller.loss_)
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"positive": True}, "positive=True"),
        ({"alpha": 0.0}, "alpha=0"),
        ({"alpha": np.ones(3)}, "alpha as an array"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(params, named):
    with pytest.raises(ValueError, match=f"Ridge cannot.*{named}.*Supported"):
        student_for(Ridge(**params), OUTPUT)
