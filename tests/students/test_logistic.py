"""The student against scikit-learn: solutions, and derivatives through its refits."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import StationaryStudent, Student, student_for
from skdistill.students._params import LinearParams
from skdistill.students.linear import _inner_problem as linear
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss, spec_of, strict_logistic

SETTINGS = {
    "binary": {"n_classes": 2},
    "multinomial": {"n_classes": 3},
    "binary, no intercept": {"n_classes": 2, "fit_intercept": False},
    "multinomial, no intercept": {"n_classes": 3, "fit_intercept": False},
    "weighted": {"n_classes": 3, "weighted": True},
    "matched weights": {"n_classes": 2, "match": True},
    "matched weights, multinomial": {"n_classes": 3, "match": True},
    "class weights": {"n_classes": 3, "class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    "balanced": {"n_classes": 2, "class_weight": "balanced", "weighted": True},
    "more features than rows": {"n_classes": 3, "p": 20},
}


class Problem(NamedTuple):
    estimator: LogisticRegression
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    X_syn: np.ndarray
    y_syn: np.ndarray
    weight_syn: np.ndarray
    student: Student

    def synthetic(self, X=None, C=None):
        return SyntheticSet(
            self.X_syn if X is None else X,
            self.student.encode(self.y_syn),
            self.student.training_weight(self.y_syn, self.weight_syn),
            {"C": self.estimator.C if C is None else C},
        )

    def refit(self, X=None, weight=None, **params):
        return (
            LogisticRegression(**self.estimator.get_params())
            .set_params(**params)
            .fit(
                self.X_syn if X is None else X,
                self.y_syn,
                self.weight_syn if weight is None else weight,
            )
        )

    def refit_loss(self, **changes):
        probabilities = self.refit(**changes).predict_proba(self.X)
        weight = self.student.training_weight(self.y, self.weight)
        return log_loss(self.y, probabilities, sample_weight=weight)


def make_problem(
    n_classes,
    p=6,
    fit_intercept=True,
    weighted=False,
    match=False,
    class_weight=None,
    seed=0,
):
    rng = np.random.default_rng(seed)
    X, y = make_table(n_classes, p=p)
    y_syn = np.repeat(np.arange(n_classes), 3)
    X_syn = np.vstack([X[y == c][:3] for c in range(n_classes)])
    X_syn = X_syn + 0.1 * rng.standard_normal(X_syn.shape)
    weight = rng.uniform(0.5, 2.0, len(y)) if weighted else np.ones(len(y))
    weight_syn = np.ones(len(y_syn))
    if match:
        weight_syn = np.bincount(y, weights=weight)[y_syn] / 3
    estimator = strict_logistic(
        C=2.0, fit_intercept=fit_intercept, class_weight=class_weight
    )
    student = student_for(estimator, spec_of(np.arange(n_classes), p))
    return Problem(estimator, X, y, weight, X_syn, y_syn, weight_syn, student)


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS, scope="module")
def problem(request):
    return make_problem(**request.param)


def bilevel(problem):
    weight = problem.student.training_weight(problem.y, problem.weight)
    objective = outer_loss(
        problem.X, problem.y.astype(np.int32), weight, problem.student
    )
    return BilevelLoss(problem.student, objective)


def test_solution_is_scikit_learns(problem):
    params = problem.student.solve(problem.synthetic())
    refit = problem.refit()
    assert_allclose(params.coef, refit.coef_, rtol=0, atol=1e-9)
    # Intercepts of a softmax are determined up to a constant.
    shift = np.mean(params.intercept - refit.intercept_) * (len(params.intercept) > 1)
    assert_allclose(params.intercept - shift, refit.intercept_, rtol=0, atol=1e-9)


def test_solution_does_not_depend_on_the_start(problem, rng):
    cold = problem.student.solve(problem.synthetic())
    start = LinearParams(
        rng.standard_normal(cold.coef.shape),
        np.zeros(len(cold.intercept)),
    )
    warm = problem.student.solve(problem.synthetic(), start=start)
    assert_allclose(warm.coef, cold.coef, rtol=0, atol=1e-10)


def test_hypergradient_matches_refits(problem, rng):
    """Refits are precise, because an early stop of ``lbfgs`` could hide a bug."""
    loss, hypergrad = bilevel(problem).value_and_grad(problem.synthetic())
    assert_allclose(loss, problem.refit_loss(), rtol=1e-9)
    for _ in range(3):
        direction = rng.standard_normal(problem.X_syn.shape)
        plus, minus = (
            problem.refit_loss(X=problem.X_syn + step * direction)
            for step in (1e-4, -1e-4)
        )
        expected = (plus - minus) / 2e-4
        assert_allclose(np.vdot(hypergrad.X, direction), expected, rtol=1e-6)


def test_hypergradient_of_C_matches_refits(problem):
    _, hypergrad = bilevel(problem).value_and_grad(problem.synthetic())
    C = problem.estimator.C
    plus, minus = (problem.refit_loss(C=C + step) for step in (1e-4, -1e-4))
    expected = (plus - minus) / 2e-4
    assert_allclose(hypergrad.hyperparameters["C"], expected, rtol=1e-6)


def test_hypergradient_of_weights_matches_refits(problem, rng):
    """The student's weights include class weights, so these weights are varied."""
    if problem.student.class_weight == "balanced":
        pytest.skip("balanced class weights depend on the sample weights")
    synthetic = problem.synthetic()
    _, hypergrad = bilevel(problem).value_and_grad(synthetic)
    direction = rng.uniform(-1, 1, len(problem.y_syn))
    plus, minus = (
        problem.refit_loss(weight=problem.weight_syn + step * direction)
        for step in (1e-4, -1e-4)
    )
    factor = synthetic.sample_weight / problem.weight_syn
    expected = (plus - minus) / 2e-4
    assert_allclose(
        np.vdot(hypergrad.sample_weight, factor * direction), expected, rtol=1e-6
    )


@pytest.mark.slow
def test_closed_form_agrees_with_the_implicit_function_theorem(problem, rng):
    """jaxopt differentiates the stationarity condition that the student states."""
    synthetic = problem.synthetic()
    params = problem.student.solve(synthetic)
    cotangent = LinearParams(
        rng.standard_normal(params.coef.shape),
        rng.standard_normal(params.intercept.shape),
    )
    if len(params.intercept) > 1:
        # As every loss of a softmax has it: nothing that all outputs share.
        cotangent = LinearParams(*(part - part.mean(axis=0) for part in cotangent))
    closed = problem.student.implicit_vjp(params, cotangent, synthetic)
    general = StationaryStudent.implicit_vjp(
        problem.student, params, cotangent, synthetic
    )
    assert_allclose(closed.X, general.X, rtol=1e-8, atol=1e-10)
    assert_allclose(closed.sample_weight, general.sample_weight, rtol=1e-8, atol=1e-10)
    assert_allclose(
        closed.hyperparameters["C"], general.hyperparameters["C"], rtol=1e-8, atol=1e-10
    )
    # Labels on the simplex: their derivatives are compared along it.
    y_closed, y_general = closed.y, general.y
    if y_closed.ndim == 2:
        y_closed = y_closed - y_closed.mean(axis=1, keepdims=True)
        y_general = y_general - y_general.mean(axis=1, keepdims=True)
    assert_allclose(y_closed, y_general, rtol=1e-8, atol=1e-10)


def test_one_sample_of_each_class_by_hand():
    """Rows +-x: coef solves ``w = 2 C x sigmoid(-w x)``, found by bisection."""
    from scipy.optimize import brentq
    from scipy.special import expit

    C, x = 3.0, 0.8
    student = student_for(LogisticRegression(C=C), spec_of([0, 1], 1))
    synthetic = SyntheticSet(
        np.array([[-x], [x]]), np.array([0.0, 1.0]), np.ones(2), {"C": C}
    )
    expected = brentq(lambda w: w - 2 * C * x * expit(-w * x), 0, 10, xtol=1e-14)
    params = student.solve(synthetic)
    assert_allclose(params.coef, [[expected]], rtol=1e-12)
    assert_allclose(params.intercept, [0.0], atol=1e-12)


def test_soft_labels_are_weighted_hard_labels(rng):
    problem = make_problem(3)
    soft = rng.dirichlet(np.ones(3), size=len(problem.X_syn))
    params = problem.student.solve(problem.synthetic()._replace(y=soft))
    repeated = np.repeat(problem.X_syn, 3, axis=0)
    hard = np.tile(np.arange(3), len(problem.X_syn))
    reference = strict_logistic(C=2.0).fit(repeated, hard, soft.ravel())
    assert_allclose(params.coef, reference.coef_, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_units_far_apart(n_classes):
    """Features of 1e-3 beside 1e6, far from zero, train to rounding error."""
    problem = make_problem(n_classes)
    unit = np.array([1e-3, 1e6, 1.0, 1e3, 1e-2, 10.0])
    X = problem.X_syn * unit + 3 * unit
    synthetic = problem.synthetic(X=X)
    params = problem.student.solve(synthetic)
    raw = X @ params.coef.T + params.intercept
    residual = problem.student.loss.gradient(raw, synthetic.y)
    induced = -2.0 * residual.T @ X
    # A residual is known to rounding error, and counts in the unit of its feature.
    assert_allclose((induced - params.coef) / unit, 0.0, atol=1e-8)


def test_rows_that_weigh_nothing():
    """All learned weights may be zero at some iterate."""
    student = student_for(LogisticRegression(), spec_of([0, 1], 2))
    synthetic = SyntheticSet(np.eye(2), np.array([0.0, 1.0]), np.zeros(2), {"C": 1.0})
    params = student.solve(synthetic)
    assert not params.coef.any()
    cotangent = LinearParams(np.ones((1, 2)), np.ones(1))
    grad = student.implicit_vjp(params, cotangent, synthetic)
    assert not grad.X.any()
    assert np.isfinite(grad.sample_weight).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_penalty_that_is_lost_in_rounding(n_classes, rng):
    """At C=1e16 the solution and its derivative are those at a smaller large C."""
    X, y = make_table(n_classes, n=60)
    student = student_for(LogisticRegression(), spec_of(np.arange(n_classes)))

    def solve(C):
        synthetic = SyntheticSet(X, student.encode(y), np.ones(60), {"C": C})
        params = student.solve(synthetic)
        cotangent = LinearParams(*map(np.ones_like, params))
        cotangent.coef[0] = -np.arange(X.shape[1])
        if n_classes > 2:  # the outer loss does not see what outputs share
            cotangent = LinearParams(*(each - each.mean(axis=0) for each in cotangent))
        return params, student.implicit_vjp(params, cotangent, synthetic)

    (params, hypergrad), (expected, expected_hypergrad) = solve(1e16), solve(1e8)
    reference = strict_logistic(C=1e8).fit(X, y)
    assert_allclose(expected.coef, reference.coef_, rtol=1e-6, atol=1e-6)
    assert_allclose(params.coef, expected.coef, rtol=1e-6, atol=1e-6)
    assert_allclose(hypergrad.X, expected_hypergrad.X, rtol=1e-5, atol=1e-7)
    assert_allclose(hypergrad.y, expected_hypergrad.y, rtol=1e-5, atol=1e-7)


def test_many_rows_are_solved_and_differentiated():
    """1,000 rows and 10 classes have 6,000 unknowns, solved without their Hessian."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 100)
    X = rng.standard_normal((1000, 60)) + rng.standard_normal((10, 60))[y]
    student = student_for(LogisticRegression(), spec_of(np.arange(10), 60))
    synthetic = SyntheticSet(X, student.encode(y), np.ones(1000), {"C": 1.0})
    params = student.solve(synthetic)
    residual = student.loss.gradient(X @ params.coef.T + params.intercept, synthetic.y)
    assert_allclose(-residual.T @ X, params.coef, atol=1e-8)
    cotangent = LinearParams(params.coef, np.zeros(10))
    hypergrad = student.implicit_vjp(params, cotangent, synthetic)
    # Scaling rows by (1 + t) and C by (1 + t)^-2 scales the solution by 1 / (1 + t).
    change = np.vdot(hypergrad.X, X) - 2 * hypergrad.hyperparameters["C"]
    assert_allclose(change, -np.vdot(params.coef, params.coef), rtol=1e-9)


@pytest.mark.parametrize("max_entries", [0, linear.MAX_BLOCK_ENTRIES])
def test_large_systems_have_the_solution_of_scikit_learn(max_entries, monkeypatch):
    """Conjugate gradients use a block for each output or one block for all."""
    monkeypatch.setattr(linear, "MAX_BLOCK_ENTRIES", max_entries)
    X, y = make_table(5, p=60, n=200)
    student = student_for(strict_logistic(), spec_of(np.arange(5), 60))
    synthetic = SyntheticSet(X, student.encode(y), np.ones(200), {"C": 1.0})
    params = student.solve(synthetic)
    assert params.coef.size > linear.MAX_DENSE_UNKNOWNS
    assert_allclose(params.coef, strict_logistic().fit(X, y).coef_, atol=1e-8)


def test_scikit_learn_weights_each_class_as_we_do():
    y = np.array([0, 0, 0, 1, 2])
    weight = np.array([1.0, 2.0, 0.5, 1.0, 4.0])
    student = student_for(
        LogisticRegression(class_weight="balanced"), spec_of(["a", "b", "c"])
    )
    total = student.training_weight(y, weight)
    assert_allclose(np.bincount(y, weights=total), weight.sum() / 3)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"penalty": None}, "penalty=None"),
        ({"C": np.inf}, "C=inf"),
        ({"solver": "liblinear"}, "solver='liblinear'"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(params, named):
    with pytest.raises(ValueError, match=named) as error:
        student_for(LogisticRegression(**params), spec_of([0, 1]))
    assert "Supported" in str(error.value)


def test_estimators_without_student_are_refused_by_name():
    with pytest.raises(
        ValueError, match="GradientBoosting.*by search.*LogisticRegression"
    ):
        student_for(GradientBoostingClassifier(), spec_of([0, 1]))
