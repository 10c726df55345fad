"""Learned targets, zeros, outliers and tolerances of ``docs/exact_linear_note.rst``.

As in ``test_exact_note``, rows are written down by the formulas of the note, and
scikit-learn is the judge.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import (
    HuberRegressor,
    Lasso,
    LogisticRegression,
    MultiTaskLasso,
    Ridge,
    TweedieRegressor,
)
from sklearn.preprocessing import StandardScaler

from tests.conftest import strict_logistic
from tests.solvers.test_exact_note import NEWTON, centered, of_length, rows_at

DESCENT = {"tol": 1e-14, "max_iter": 1_000_000}


@pytest.mark.parametrize("k", [1, 3])
def test_learned_targets_take_a_row_more_than_outputs(k, rng):
    """Theorem 8 for ridge regression: whatever the norm, and no fewer rows."""
    W, b, alpha = 100 * rng.standard_normal((k, 6)), rng.standard_normal(k), 3.0
    A = centered(rng.standard_normal((k + 1, k)))
    S0 = rng.standard_normal((k + 1, 6))
    S = S0 + np.linalg.pinv(A).T @ (W - A.T @ S0)
    T = S @ W.T + b + alpha * A
    fitted = Ridge(alpha=alpha, solver="svd").fit(S, T)
    assert_allclose(np.atleast_2d(fitted.coef_), W, rtol=1e-8)
    fewer = Ridge(alpha=alpha, solver="svd").fit(S[:k], T[:k])
    assert np.linalg.matrix_rank(np.atleast_2d(fewer.coef_), tol=1e-8) < k


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_two_positive_targets_reach_every_model_of_a_deviance(power, rng):
    w, alpha = of_length(4.0, rng), 0.3
    C = 1 / (2 * alpha)
    a = 0.5 * C
    z = np.array([w @ w / a, 0.0])  # any constant may be added
    A = a * np.array([1.0, -1.0])
    S = rows_at(z, A, w, 0.4, rng.standard_normal((2, 4)))
    mean = np.exp(z)
    t = mean + mean ** (power - 1) * A / C
    assert (t > 0).all()
    fitted = TweedieRegressor(power=power, alpha=alpha, **NEWTON).fit(S, t)
    assert_allclose(fitted.coef_, w, atol=1e-7)
    assert_allclose(fitted.intercept_, 0.4, atol=1e-7)


def lasso_set(m, rng, at_the_rim=False):
    """Rows and targets for three coefficients that are not zero and two that are."""
    W, alpha = np.array([2.0, -1.0, 0.5, 0.0, 0.0]), 0.3
    G = alpha * np.array([1.0, -1.0, 1.0, 0.9, -0.5])
    A = centered(rng.standard_normal((m, 1)))
    S0 = rng.standard_normal((m, 5))
    if at_the_rim:  # the fourth column is that of the first
        G[3] = G[0]
        S0[:, 3] = S0[:, 0]
    S = S0 + np.linalg.pinv(A).T @ (G - A.T @ S0)
    return W, alpha, S, S @ W + 0.4 + m * A[:, 0]


def test_zeros_take_a_row_more_than_the_support(rng):
    W, alpha, S, t = lasso_set(4, rng)
    fitted = Lasso(alpha=alpha, **DESCENT).fit(S, t)
    assert_allclose(fitted.coef_, W, atol=1e-6)
    assert_array_equal(fitted.coef_ == 0, W == 0)
    # On three rows the model is a minimizer, too, but not the only one.
    W, alpha, S, t = lasso_set(3, rng)
    design = centered(S)[:, :3]
    along = np.linalg.svd(design)[2][-1]
    moved = W + np.append(0.1 * along, [0.0, 0.0])

    def value(W):
        error = centered(t - S @ W)
        return error @ error / (2 * len(t)) + alpha * np.abs(W).sum()

    assert_allclose(value(moved), value(W), rtol=1e-12)
    assert np.abs(moved - W).max() > 0.01


def test_several_tasks_need_no_more_rows_if_nothing_is_kept_beside(rng):
    """Two features for three outputs: three rows, where the rest has no derivative."""
    W, alpha = np.array([[2.0, -1.0, 0.0, 0.0]] * 3) * rng.uniform(0.5, 2, (3, 4)), 0.3
    norms = np.linalg.norm(W, axis=0)
    G = alpha * W / np.where(norms > 0, norms, 1.0)
    V, singular, U = np.linalg.svd(G)
    A = centered(rng.standard_normal((3, 2))) @ (V[:, :2] * singular[:2]).T
    S0 = rng.standard_normal((3, 4))
    S = S0 + np.linalg.pinv(A, rcond=1e-12).T @ (G - A.T @ S0)
    assert_allclose(A.T @ S, G, atol=1e-12)
    fitted = MultiTaskLasso(alpha=alpha, **DESCENT).fit(S, S @ W.T + 0.4 + 3 * A)
    assert_allclose(fitted.coef_, W, atol=1e-6)
    assert_array_equal(fitted.coef_ == 0, W == 0)


def test_derivatives_at_the_rim_leave_other_minimizers(rng):
    """Independent features suffice only where the rest is strictly below the rim."""
    W, alpha, S, t = lasso_set(8, rng, at_the_rim=True)
    assert np.linalg.matrix_rank(centered(S)[:, W != 0]) == 3
    moved = W + np.array([-1.0, 0.0, 0.0, 1.0, 0.0])
    assert_allclose(S @ moved, S @ W, atol=1e-12)
    assert_allclose(np.abs(moved).sum(), np.abs(W).sum())


def test_two_rows_reach_every_model_of_huber(rng):
    W, b, scale, alpha = of_length(40.0, rng), 2.0, 0.7, 1.3
    side = np.array([1.0, -1.0])
    A = (side / alpha)[:, None]
    S0 = rng.standard_normal((2, 4))
    S = S0 + np.linalg.pinv(A).T @ (W - A.T @ S0)
    t = S @ W + b + scale * side
    fitted = HuberRegressor(alpha=alpha, tol=1e-12, max_iter=10_000).fit(S, t)
    assert_allclose(fitted.coef_, W, atol=1e-4)
    assert_allclose([fitted.intercept_, fitted.scale_], [b, scale], atol=1e-4)


def test_given_targets_limit_huber_by_their_deviation(rng):
    """Proposition 10: attained where no target is an outlier of their mean."""
    t, alpha = np.array([-1.1, -0.4, 0.1, 1.4]), 0.8
    deviation = t.std()
    scale = 0.4 * deviation
    w = of_length(4 * (deviation - scale) / alpha, rng)
    z = (1 - scale / deviation) * t
    S = rows_at(z, t / deviation / alpha, w, 0.0, rng.standard_normal((4, 4)))
    options = {"alpha": alpha, "epsilon": 2.0, "tol": 1e-12, "max_iter": 10_000}
    fitted = HuberRegressor(**options).fit(S, t)
    assert_allclose(fitted.coef_, w, atol=1e-5)
    shares = []
    for _ in range(40):
        X = rng.standard_normal((4, 3)) * 10 ** rng.uniform(-1, 1)
        fitted = HuberRegressor(**options).fit(X, t)
        limit = 4 * (deviation - fitted.scale_) / alpha
        shares.append(fitted.coef_ @ fitted.coef_ / limit)
    assert max(shares) <= 1 + 1e-4


@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-8])
def test_a_solver_that_stops_early_is_as_far_as_its_gradient(tol):
    """Proposition 12, and that ``tol`` bounds the gradient over ``C`` and weight."""
    X, y = load_breast_cancer(return_X_y=True)
    X, C = StandardScaler().fit_transform(X), 10.0
    exact = strict_logistic(C=C).fit(X, y)
    fitted = LogisticRegression(C=C, tol=tol, max_iter=10_000).fit(X, y)
    error = C * (expit(fitted.decision_function(X)) - y)
    grad, on_intercept = X.T @ error + fitted.coef_[0], error.sum()
    largest = max(np.abs(grad).max(), abs(on_intercept))
    assert largest <= tol * C * len(y)
    away = np.linalg.norm(fitted.coef_ - exact.coef_)
    moved = abs(fitted.intercept_[0] - exact.intercept_[0])
    allowed = np.linalg.norm(grad) * away + abs(on_intercept) * moved
    assert 0 < away**2 <= allowed
