"""Where student, objective and optimizer meet: what one hands to the other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from skdistill import DatasetDistiller
from skdistill.optimizers._outcome import Outcome, OuterResult
from skdistill.solvers._bilevel import BilevelLoss, minimize_outer_loss
from skdistill.students import SyntheticSet, student_for
from skdistill.students.linear import _inner_problem
from skdistill.students.linear._logistic import LogisticStudent
from skdistill.synthetic._variables import FeatureUnits, OuterVariables
from tests.conftest import outer_loss, spec_of

FREE = -np.inf, np.inf


@pytest.fixture
def problem(binary_table):
    """Return a student, its loss over a table, and six rows of the table."""
    X, y = binary_table
    y = y.astype(np.int32)
    student = student_for(LogisticRegression(), spec_of([0, 1]))
    rows = np.concatenate([np.flatnonzero(y == c)[:3] for c in (0, 1)])
    synthetic = SyntheticSet(X[rows], student.encode(y[rows]), np.ones(6), {"C": 1.0})
    return student, outer_loss(X, y, np.ones(len(y)), student), synthetic


def moved(synthetic, by):
    return synthetic._replace(X=synthetic.X + by)


def test_a_solution_starts_from_the_last_one(problem, monkeypatch):
    student, objective, synthetic = problem
    calls = []
    solve = student.solve

    def recording(synthetic, start=None):
        calls.append((start, solve(synthetic, start=start)))
        return calls[-1][1]

    monkeypatch.setattr(student, "solve", recording)
    bilevel = BilevelLoss(student, objective)
    for step in range(3):
        bilevel.value_and_grad(moved(synthetic, 0.01 * step))
    assert calls[0][0] is None
    for (_, last), (start, _) in zip(calls[:-1], calls[1:], strict=True):
        assert start is last


@pytest.mark.parametrize("estimator", [LogisticRegression(C=100), LinearSVC(C=10)])
def test_a_start_saves_steps_of_newtons_method(estimator, problem, monkeypatch):
    _, _, synthetic = problem
    student = student_for(estimator, spec_of([0, 1]))
    y = (synthetic.y > 0).astype(int)
    synthetic = synthetic._replace(
        y=student.encode(y), hyperparameters=student.hyperparameters
    )
    steps = []
    gradient = _inner_problem.InnerProblem.gradient
    monkeypatch.setattr(
        _inner_problem.InnerProblem,
        "gradient",
        lambda self, theta: steps.append(theta) or gradient(self, theta),
    )
    params = student.solve(synthetic)
    cold = len(steps)
    steps.clear()
    again = student.solve(moved(synthetic, 1e-6), start=params)
    assert len(steps) < cold
    assert_allclose(again.coef, params.coef, rtol=1e-3)


def test_fits_use_the_start(binary_table, monkeypatch):
    """Only a few solutions of an iteration start without an earlier solution."""
    starts = []
    solve = LogisticStudent.solve
    monkeypatch.setattr(
        LogisticStudent,
        "solve",
        lambda self, synthetic, start=None: (
            starts.append(start is not None) or solve(self, synthetic, start)
        ),
    )
    distiller = DatasetDistiller(
        LogisticRegression(C=0.1), n_synthetic=6, solver="lbfgs", random_state=0
    )
    distiller.fit(*binary_table)
    assert sum(starts) >= distiller.n_iter_
    assert len(starts) > sum(starts)


def test_optimizers_see_neither_units_nor_rows(problem):
    """They get the loss in its unit; callbacks get the loss itself and sets of rows."""
    student, objective, synthetic = problem
    seen, told = [], []

    def minimize(value_and_grad, x0, *, lower, upper, max_iter, callback, extra):
        seen.append((value_and_grad(x0), max_iter, extra))
        callback(x0 + 0.1, seen[-1][0][0])
        return OuterResult(x0 + 0.2, 0.0, 1, Outcome.STOPPED)

    def variables(scale):
        return OuterVariables(synthetic, FeatureUnits(np.full(6, scale)), FREE, {})

    for unit in (1.0, 4.0):
        best, result = minimize_outer_loss(
            student,
            objective,
            variables(2.0),
            minimize=minimize,
            unit=unit,
            max_iter=7,
            callback=lambda *each: told.append(each),
            extra="passed on",
        )
        assert result.outcome is Outcome.STOPPED
        assert_allclose(best.X, synthetic.X + 2.0 * 0.2)
    ((value, grad), *rest), ((value_in_unit, grad_in_unit), *_) = seen
    assert rest == [7, "passed on"]
    assert_allclose(value_in_unit, value / 4)
    assert_allclose(grad_in_unit, grad / 4)
    expected = objective.value_and_grad(student.solve(synthetic))[0]
    for at, loss in told:
        assert_allclose(at.X, synthetic.X + 2.0 * 0.1)
        assert_allclose(loss, expected)


@pytest.mark.parametrize(
    ("max_iter", "bounds", "outcome"),
    [(0, FREE, Outcome.MAX_ITER), (5, (0.0, 0.0), Outcome.CONVERGED)],
)
def test_nothing_to_do(max_iter, bounds, outcome, problem):
    """There is no iteration, or nothing is free to change."""
    student, objective, synthetic = problem
    synthetic = synthetic._replace(X=np.zeros((6, 6)))
    best, result = minimize_outer_loss(
        student,
        objective,
        OuterVariables(synthetic, FeatureUnits(np.ones(6)), bounds, {}),
        max_iter=max_iter,
        tol=0.0,
        callback=lambda *each: pytest.fail("There is no iteration."),
    )
    assert result.outcome is outcome
    assert_array_equal(best.X, synthetic.X)
