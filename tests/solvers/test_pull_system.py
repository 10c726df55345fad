"""The equations for rows: their derivatives, and what many classes cost."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from skdistill import DatasetDistiller
from skdistill.solvers.exact import _pull_system
from skdistill.solvers.exact._pull_system import (
    PullSystem,
    _FewEquations,
    _ManyEquations,
)
from skdistill.solvers.exact._span import ModelSpan
from skdistill.students import student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, spec_of, strict_logistic


def make_system(estimator, k, rng, m=7, r=3):
    student = student_for(estimator, spec_of(np.arange(k), r))
    n_outputs = student.n_outputs
    coef = rng.standard_normal((n_outputs, r))
    coef -= coef.mean(axis=0) * (n_outputs > 1)
    span = ModelSpan(LinearParams(coef, rng.standard_normal(n_outputs)), np.zeros(r))
    X = rng.standard_normal((m, r))
    synthetic = SyntheticSet(
        X,
        student.encode(np.arange(m) % k),
        rng.uniform(0.5, 2, m),
        student.hyperparameters,
    )
    Q = span.project(X)
    return PullSystem(student, span, synthetic, Q), Q


SYSTEMS = {
    "two classes": (strict_logistic(), 2),
    "softmax": (strict_logistic(), 4),
    "no intercept": (strict_logistic(fit_intercept=False), 4),
    "hinge": (LinearSVC(intercept_scaling=2.0), 4),
    "ridge": (RidgeClassifier(), 3),
}


@pytest.mark.parametrize(("estimator", "k"), SYSTEMS.values(), ids=SYSTEMS)
def test_derivatives_are_differences(estimator, k, rng):
    system, Q = make_system(estimator, k, rng)
    step = rng.standard_normal(Q.shape)
    eps = 1e-6
    change = system.residual(Q + eps * step) - system.residual(Q - eps * step)
    few = _FewEquations(system, Q)
    assert_allclose(few.jacobian @ step.ravel(), change / (2 * eps), atol=1e-6)


@pytest.mark.parametrize(("estimator", "k"), SYSTEMS.values(), ids=SYSTEMS)
def test_both_forms_of_the_equations_agree(estimator, k, rng):
    system, Q = make_system(estimator, k, rng)
    few, many = _FewEquations(system, Q), _ManyEquations(system, Q)
    assert_allclose(many.jacobian @ np.eye(Q.size), few.jacobian, atol=1e-12)
    n = len(few.jacobian)
    assert_allclose(many.jacobian.T @ np.eye(n), few.jacobian.T, atol=1e-12)
    assert_allclose(many.curvature, few.curvature, rtol=1e-12)


def test_steps_have_the_least_norm(rng):
    """With many equations this holds up to the tolerance of LSMR."""
    system, Q = make_system(strict_logistic(), 3, rng, m=12)
    few, many = _FewEquations(system, Q), _ManyEquations(system, Q)
    residual = system.residual(Q)
    ridge = 1e-2 * few.curvature
    step, change = few.step(residual, ridge)
    J = few.jacobian
    expected = np.linalg.lstsq(
        np.vstack([J, np.sqrt(ridge) * np.eye(Q.size)]),
        np.concatenate([residual, np.zeros(Q.size)]),
    )[0]
    assert_allclose(step.ravel(), expected, atol=1e-10)
    assert_allclose(change, J @ expected, atol=1e-10)
    near, _ = many.step(residual, ridge)
    assert np.linalg.norm(near - step) < 0.1 * np.linalg.norm(step)


@pytest.mark.parametrize("max_jacobian", [0, _pull_system.MAX_JACOBIAN])
def test_either_form_leads_to_the_model(max_jacobian, monkeypatch):
    monkeypatch.setattr(_pull_system, "MAX_JACOBIAN", max_jacobian)
    X, y = make_table(4, n=200)
    estimator = strict_logistic()
    distiller = DatasetDistiller(
        estimator, n_synthetic=12, weighting="match", solver="exact"
    ).fit(X, y)
    full = strict_logistic().fit(X, y)
    atol = 1e-6 * np.abs(full.coef_).max()
    assert_allclose(distiller.estimator_.coef_, full.coef_, atol=atol)


def count_residuals(monkeypatch):
    """Count the evaluations of the equations from now on."""
    evaluated = []
    residual = PullSystem.residual

    def counting(self, Q):
        evaluated.append(None)
        return residual(self, Q)

    monkeypatch.setattr(PullSystem, "residual", counting)
    return evaluated


def test_a_search_that_gets_nowhere_is_given_up(rng, monkeypatch):
    """The norm is out of reach, so the error stays at its minimum."""
    system, Q = make_system(strict_logistic(C=0.01), 3, rng)
    evaluated = count_residuals(monkeypatch)
    system.solve(Q)
    assert len(evaluated) <= 1 + 3 * _pull_system.PATIENCE[0][0]


def test_rounding_ends_a_search(rng, monkeypatch):
    """No steps are tried once the equations hold."""
    system, Q = make_system(strict_logistic(C=100.0), 3, rng, m=12)
    Q = system.solve(system.nearest_felt(Q))
    assert np.linalg.norm(system.residual(Q)) < 1e-12
    evaluated = count_residuals(monkeypatch)
    system.solve(Q)
    assert len(evaluated) <= 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_memory_for_many_classes():
    """The Jacobian for 120 rows of 40 classes would take 16 MB.

    A matrix of second derivatives for each real row would take 10 MB.
    """
    X, y = make_classification(
        800,
        20,
        n_informative=20,
        n_redundant=0,
        n_classes=40,
        n_clusters_per_class=1,
        random_state=0,
    )
    distiller = DatasetDistiller(LogisticRegression(C=10.0), n_synthetic=120)
    tracemalloc.start()
    distiller.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6
