"""The model of all the data, free and within a norm, against scikit-learn's."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from sklearn.base import clone, is_classifier
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from skdistill import DatasetDistiller
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._problem import Problem
from skdistill.solvers.exact import _model_of_all_rows
from skdistill.solvers.exact._model_of_all_rows import (
    _fit_in_ball,
    _ModelSpace,
    fit_model_of_all_rows,
)
from skdistill.solvers.exact._newton import _CurvatureBlocks
from skdistill.solvers.exact._whitening import (
    RowSpan,
    SpanWhitening,
    Whitening,
)
from skdistill.students import student_for
from skdistill.students._params import LinearParams
from tests.conftest import rows_of, spec_of, strict_logistic

OPTIONS = {"solver": "auto", "max_iter": 2000, "tol": 1e-10, "loss_unit": 1.0}


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"])
def problem(request, table):
    X, y = table
    estimator = strict_logistic(fit_intercept=request.param)
    student = student_for(estimator, spec_of(np.unique(y)))
    real = rows_of(X, y)
    problem = Problem(student, real, real, None, SimpleNamespace(**OPTIONS), None, None)
    return X, y, estimator, problem


def test_free_model_is_scikit_learns(problem):
    X, y, estimator, problem = problem
    model = fit_model_of_all_rows(problem, 1 / len(y), 1e3, callback=None)
    assert not model.limited
    assert_allclose(model.params.coef, estimator.fit(X, y).coef_, atol=1e-7)


@pytest.mark.parametrize("unit", [1.0, 1000.0])
@pytest.mark.parametrize(
    "estimator",
    [
        PoissonRegressor(),
        GammaRegressor(),
        TweedieRegressor(power=1.5, link="log"),
        LogisticRegression(),
        LinearSVC(C=0.1),
    ],
    ids=str,
)
def test_where_the_hessian_is_known_newton_is_quadratic(
    estimator, unit, monkeypatch, rng
):
    """In any unit of the targets: a Hessian in another unit is linear at best."""
    counts = []

    def counting(*arguments):
        *model, n_iter, outcome = polish(*arguments)
        counts.append((n_iter, outcome))
        return *model, n_iter, outcome

    polish = _model_of_all_rows.polish
    monkeypatch.setattr(_model_of_all_rows, "polish", counting)
    X = rng.standard_normal((400, 5))
    scores = 0.2 * X @ rng.standard_normal(5)
    y = unit * np.exp(scores) * rng.gamma(2.0, size=400)
    if is_classifier(estimator):
        y = rng.random(400) < 1 / (1 + np.exp(-scores))
    DatasetDistiller(estimator, n_synthetic=20, random_state=0).fit(X, y)
    ((n_iter, outcome),) = counts
    assert n_iter <= 10
    assert outcome is Outcome.CONVERGED


def test_model_on_the_ball_is_scikit_learns_of_the_same_norm(problem):
    """A bound on the norm acts as a penalty; bisection finds the C with this norm."""
    X, y, estimator, problem = problem
    student, max_norm = problem.student, 0.5

    def fitted(log_C):
        return estimator.set_params(C=np.exp(log_C)).fit(X, y)

    log_C = brentq(
        lambda log_C: np.linalg.norm(fitted(log_C).coef_) - max_norm, -15, 0, xtol=1e-12
    )
    k, p = student.n_outputs, X.shape[1]
    space = _ModelSpace(
        LinearParams(np.zeros((k, p)), np.zeros(k)),
        student,
        problem.loss,
        0.0,
        max_norm,
        Whitening(X, np.ones(len(y)), 0.1),
        1.0,
    )
    params, limited, _ = _fit_in_ball(space, max_iter=2000, tol=1e-10, callback=None)
    assert limited
    assert_allclose(np.linalg.norm(params.coef), max_norm, rtol=1e-12)
    assert_allclose(params.coef, fitted(log_C).coef_, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.999])
def test_a_stop_request_ends_the_fit(problem, share):
    """This holds even if the model is just out of reach and would be refitted."""
    X, y, _, problem = problem
    full = fit_model_of_all_rows(problem, 1 / len(y), np.inf, callback=None)
    seen = []

    def stop(params, loss):
        seen.append(loss)
        return True

    max_norm = share * np.linalg.norm(full.params.coef)
    model = fit_model_of_all_rows(problem, 1 / len(y), max_norm, callback=stop)
    assert len(seen) == (model.outcome is Outcome.STOPPED) <= 1


def test_a_callback_is_told_the_loss_without_the_penalty(problem):
    X, y, estimator, problem = problem
    seen = []

    def look(params, loss):
        seen.append((params, loss))

    fit_model_of_all_rows(problem, 1 / len(y), np.inf, callback=look)
    assert len(seen) > 1
    for params, loss in seen:
        assert_allclose(loss, problem.loss.value_and_grad(params)[0], rtol=1e-10)
    full = log_loss(y, estimator.fit(X, y).predict_proba(X))
    assert_allclose(seen[-1][1], full, rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whitening(dtype, rng):
    """In whitened coordinates the covariance with its ridge is the identity."""
    X = (rng.standard_normal((200, 5)) @ rng.standard_normal((5, 5))).astype(dtype)
    weight = rng.uniform(0.5, 2, 200)
    whitening = Whitening(X, weight, 0.3)
    v = rng.standard_normal((3, 5))
    coef = whitening.to_coef(v)
    tolerance = 1e-3 if dtype == np.float32 else 1e-10
    assert_allclose(whitening.from_coef(coef), v, rtol=1e-8, atol=1e-8)
    metric = np.cov(X.T, aweights=weight, ddof=0) + 0.3 * np.eye(5)
    assert_allclose(coef @ metric @ coef.T, v @ v.T, rtol=tolerance, atol=tolerance)
    gradient = rng.standard_normal((3, 5))
    assert_allclose(
        np.vdot(whitening.to_gradient(gradient), v), np.vdot(gradient, coef), rtol=1e-8
    )


COUPLED = {
    "softmax": strict_logistic(),
    "softmax without intercept": strict_logistic(fit_intercept=False),
    "one against the rest": LinearSVC(dual=False),
}


@pytest.mark.parametrize("estimator", COUPLED.values(), ids=COUPLED)
def test_hessian_of_several_outputs(estimator, rng):
    """For few rows the blocks are the Hessian that differences of gradients see."""
    y = np.arange(300) % 3
    X = rng.standard_normal((300, 4)) + np.eye(3, 4)[y]
    weight = rng.uniform(0.5, 2, 300)
    student = student_for(estimator, spec_of([0, 1, 2]))
    real = rows_of(X, y, weight)
    problem = Problem(student, real, real, None, SimpleNamespace(**OPTIONS), None, None)
    whitening = Whitening(X, weight, 0.1)
    params = LinearParams(
        rng.standard_normal((3, 4)), rng.standard_normal(3) * student.fit_intercept
    )
    space = _ModelSpace(params, student, problem.loss, 0.1, np.inf, whitening, 0.7)
    blocks = _CurvatureBlocks(space, real)
    assert blocks.are_all
    v = rng.standard_normal(len(space.x0))
    v[-3:] *= student.fit_intercept
    if student.loss.shift_invariant:  # what outputs share is not seen
        v[:-3] -= np.tile(v[:-3].reshape(3, 4).mean(axis=0), 3)
        v[-3:] -= v[-3:].mean()
    ends = [space.value_and_grad(space.x0 + step * v)[1] for step in (1e-6, -1e-6)]
    product = (ends[0] - ends[1]) / 2e-6
    assert_allclose(blocks.inverse(params) @ product, v, rtol=1e-4, atol=1e-5)


WIDE = {
    "logistic": LogisticRegression(solver="newton-cg", tol=1e-12, max_iter=1000),
    "logistic, no intercept": LogisticRegression(
        solver="newton-cg", tol=1e-12, max_iter=1000, fit_intercept=False
    ),
    "ridge classifier": RidgeClassifier(),
    "ridge": Ridge(alpha=0.1),
    "ridge, no intercept": Ridge(fit_intercept=False),
    "least squares": LinearRegression(),
    "svc": LinearSVC(dual=True, tol=1e-9, max_iter=100_000, C=0.01),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The line search", "ignore:Line Search")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("estimator", WIDE.values(), ids=WIDE)
def test_wide_rows(estimator, dtype, rng):
    """Solving in the span of 30 rows avoids a matrix of 2,500 x 2,500 with 50 MB.

    Without a penalty it is the solution with minimum norm.
    """
    y = np.arange(30) % 2
    X = rng.standard_normal((30, 2500)) * rng.uniform(0.5, 2, 2500) + 3.0
    X = (X + 0.2 * y[:, None]).astype(dtype)
    distiller = DatasetDistiller(
        estimator, n_synthetic=8, weighting="match", solver="exact"
    )
    targets = y if is_classifier(estimator) else X[:, 0] - 2.0 * X[:, 1]
    distiller.fit(X, targets)  # compiles, which takes memory, too
    tracemalloc.start()
    distiller.fit(X, targets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
    full = clone(estimator).fit(X.astype(np.float64), targets)
    unit = np.abs(full.coef_).max()
    rtol = 1e-6 if dtype == np.float64 else 1e-4
    assert_allclose(distiller.estimator_.coef_, full.coef_, rtol=0, atol=rtol * unit)


@pytest.mark.parametrize("is_centered", [True, False])
def test_whitening_in_the_span_of_the_rows(is_centered, rng):
    """For coefficients in the span, it has the same effect as in all coordinates."""
    X, weight = rng.standard_normal((6, 20)) + 2.0, rng.uniform(0.5, 2, 6)
    span = RowSpan(X, weight, is_centered)
    whitening = SpanWhitening(span, Whitening(span.rows, weight, 0.3), 0.3)
    rows = X - np.average(X, axis=0, weights=weight) * is_centered
    coef = rng.standard_normal((3, 6)) @ rows
    v = whitening.from_coef(coef)
    assert v.shape == (3, whitening.size) == (3, 6)
    assert_allclose(whitening.to_coef(v), coef, atol=1e-10)
    metric = np.cov(X.T, aweights=weight, ddof=0) + 0.3 * np.eye(20)
    assert_allclose(v @ v.T, coef @ metric @ coef.T, rtol=1e-10)
    gradient = rng.standard_normal((3, 20))
    assert_allclose(
        np.vdot(whitening.to_gradient(gradient), v), np.vdot(gradient, coef), rtol=1e-10
    )
    scale = np.sqrt(np.average((X - span.mean) ** 2, axis=0, weights=weight) + 0.3)
    assert_allclose(whitening.scale, scale)
