"""Given targets in ``docs/exact_linear_note.rst``, with scikit-learn as the judge.

Models are reached by rows that are written down here from the formulas of the note, not
by the package's search: where both agree, so do the note and the code.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit, lambertw, softmax
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import (
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from skdistill.objectives._losses import log_loss_limit, squared_hinge_loss
from skdistill.solvers.exact._span import norm_limit
from skdistill.students import Task, student_for
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import spec_of, strict_logistic

NEWTON = {"solver": "newton-cholesky", "tol": 1e-13, "max_iter": 1000}
LIBLINEAR = {"dual": False, "tol": 1e-12, "max_iter": 100_000}


def pull_of_classes(z, y):
    return y - expit(z)


def pull_of_counts(z, y):
    return y - np.exp(z)


def pull_of_amounts(z, y):
    return y * np.exp(-z) - 1


def strongest(pull, y, c):
    """The score with the largest ``(z - c) * pull`` of a row, and that product."""
    z = np.linspace(c - 30, c + 30, 6001)
    best = z[np.argmax((z - c) * pull(z, y))]
    found = minimize_scalar(
        lambda z: -(z - c) * pull(z, y),
        bounds=(best - 0.02, best + 0.02),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return found.x, -found.fun


def least_limit(pull, y):
    """The right side of theorem 3 for ``C = 1``, and the scores where it is met."""

    def limit(c):
        return sum(strongest(pull, each, c)[1] for each in y)

    c = minimize_scalar(limit, (-1.0, 1.0)).x
    return limit(c), np.array([strongest(pull, each, c)[0] for each in y])


def rows_at(z, A, w, b, reference):
    """The rows of theorem 2 for one output."""
    u, p = w / np.linalg.norm(w), len(w)
    A = A[:, None]
    seen = np.outer((z - b) / np.linalg.norm(w), u)
    apart = np.eye(len(z)) - A @ np.linalg.pinv(A)
    return seen + apart @ reference @ (np.eye(p) - np.outer(u, u))


def of_length(squared_norm, rng, p=4):
    w = rng.standard_normal(p)
    return w * np.sqrt(squared_norm) / np.linalg.norm(w)


ONE_OUTPUT = {
    "two classes": (pull_of_classes, [1.0, 0.0], 2.0),
    "one against three": (pull_of_classes, [1.0, 0.0, 0.0, 0.0], 2.0),
    "counts": (pull_of_counts, [0.0, 1.0, 4.0], 0.5),
    "amounts": (pull_of_amounts, [0.3, 1.0, 4.0], 0.5),
}


def estimator_of(pull, C, m):
    if pull is pull_of_classes:
        return LogisticRegression(C=C, **NEWTON)
    power = 1 if pull is pull_of_counts else 2
    return TweedieRegressor(power=power, alpha=1 / (C * m), **NEWTON)


@pytest.mark.parametrize("share", [0.2, 0.999])
@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_one_output_reaches_all_that_theorem_3_allows(name, share, rng):
    """Theorem 4: whatever the intercept, from constant scores to the strongest."""
    pull, y, C = ONE_OUTPUT[name]
    y = np.array(y)
    limit, z_end = least_limit(pull, y)
    w, b = of_length(share * C * limit, rng), 0.7

    def scores(a):
        return np.array(
            [
                brentq(lambda z, a=a, y=y: pull(z, y) - a, -60, 60, xtol=1e-14)
                for a, y in zip(a, y, strict=True)
            ]
        )

    constant = brentq(lambda c: pull(np.full(len(y), c), y).sum(), -30, 30)
    start, end = pull(np.full(len(y), constant), y), pull(z_end, y)

    def missing(step):
        a = start + step * (end - start)
        return C * a @ scores(a) - w @ w

    a = start + brentq(missing, 0, 1, xtol=1e-15) * (end - start)
    S = rows_at(scores(a), C * a, w, b, rng.standard_normal((len(y), 4)))
    fitted = estimator_of(pull, C, len(y)).fit(S, y)
    assert_allclose(fitted.coef_.ravel(), w, atol=1e-6)
    assert_allclose(fitted.intercept_, b, atol=1e-6)


def test_the_gram_matrix_decides(rng):
    """Theorem 2: the scores of one set serve other features, and the rows are nearest.

    Any rows with these scores that reach the model come from a reference of their own.
    """
    y, C, k = np.repeat([0, 1, 2], 2), 2.0, 3
    X = rng.standard_normal((6, 3))
    fitted = LogisticRegression(C=C, **NEWTON).fit(X, y)
    W, b = (part - part.mean(axis=0) for part in (fitted.coef_, fitted.intercept_))
    Z = X @ W.T + b
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    A = C * (np.eye(k)[y] - p)
    assert_allclose(A.T @ (Z - b), W @ W.T, atol=1e-9)
    left, singular, _ = np.linalg.svd(W)
    V = left[:, :2] * singular[:2]
    U = np.linalg.qr(rng.standard_normal((8, 2)))[0]
    Q = np.linalg.lstsq(V, (Z - b).T, rcond=None)[0].T

    def rows(S0):
        apart = np.eye(6) - A @ np.linalg.pinv(A, rcond=1e-10)
        return Q @ U.T + apart @ S0 @ (np.eye(8) - U @ U.T)

    S0, other = rng.standard_normal((2, 6, 8))
    again = LogisticRegression(C=C, **NEWTON).fit(rows(S0), y)
    coef = again.coef_ - again.coef_.mean(axis=0)
    assert_allclose(coef, V @ U.T, atol=1e-8)
    assert_allclose(again.intercept_ - again.intercept_.mean(), b, atol=1e-8)
    away = np.linalg.norm(rows(S0) - S0)
    for share in (0.01, 1.0):
        assert np.linalg.norm(rows(S0 + share * other) - S0) > away


def test_the_limit_of_unequal_classes_is_below_that_of_the_sum():
    """One row against five: a free intercept takes a third of what equal rows pull."""
    equal, _ = least_limit(pull_of_classes, [1.0, 0.0])
    assert_allclose(equal, 2 * lambertw(1 / np.e).real, rtol=1e-9)
    unequal, _ = least_limit(pull_of_classes, [1.0] + 5 * [0.0])
    assert_allclose(unequal / (3 * equal), 0.682, atol=1e-3)


@pytest.mark.parametrize(
    "class_weight", [(1, 5), (2, 2), (1e4, 1), (1, 2, 3), (5, 1, 1, 1)], ids=str
)
def test_the_limit_of_classes_is_what_rows_of_equal_scores_pull(class_weight, rng):
    """By duality: the largest pull of a row for each class if pulls sum to zero."""
    weight = np.array(class_weight, float)
    k = len(weight)

    def pulls(scores):
        z = scores.reshape(k, k)
        return weight[:, None] * (np.eye(k) - softmax(z, axis=1))

    def missing(scores):
        return -np.vdot(pulls(scores), scores) / weight.max()

    balance = {"type": "eq", "fun": lambda scores: pulls(scores).sum(axis=0)[1:]}
    found = [
        minimize(
            missing,
            rng.standard_normal(k * k),
            method="SLSQP",
            constraints=balance,
            options={"maxiter": 500, "ftol": 1e-13},
        )
        for _ in range(8)
    ]
    largest = -min(each.fun for each in found if each.success) * weight.max()
    student = student_for(LogisticRegression(), Task(2, np.arange(k), k, False))
    y = student.encode(np.arange(k))
    synthetic = SyntheticSet(np.zeros((k, 2)), y, weight, student.hyperparameters)
    assert_allclose(norm_limit(student, synthetic), largest, rtol=1e-5)


@pytest.mark.parametrize("power", [1.0, 1.3, 2.0])
def test_the_code_has_the_limit_of_the_note(power):
    student = student_for(
        TweedieRegressor(power=power, alpha=0.5), Task(4, None, 1, False)
    )
    y = np.array([0.2, 1.0, 4.0, 9.0])
    synthetic = SyntheticSet(np.eye(4), y, np.ones(4), student.hyperparameters)

    def pull(z, y):
        return y * np.exp((1 - power) * z) - np.exp((2 - power) * z)

    expected, _ = least_limit(pull, y)
    assert_allclose(norm_limit(student, synthetic), expected, rtol=1e-8)


def random_sets(rng, n_sets, k=2):
    for _ in range(n_sets):
        m = k * rng.integers(1, 5)
        X = rng.standard_normal((m, 3)) * 10 ** rng.uniform(-1, 1.5)
        yield X, np.arange(m) % k, 10 ** rng.uniform(-1, 1)


@pytest.mark.parametrize("k", [2, 4])
def test_no_set_of_classes_exceeds_theorem_3(k, rng):
    shares = []
    for X, y, C in random_sets(rng, 150, k):
        coef = LogisticRegression(C=C, **NEWTON).fit(X, y).coef_
        shares.append(np.vdot(coef, coef) / (C * len(y) * log_loss_limit(k)))
    assert 0.8 < max(shares) <= 1 + 1e-9


def test_no_set_of_a_penalized_intercept_exceeds_its_limit(rng):
    """Squared hinges: with the intercept, one half for each row."""
    shares = []
    for X, y, C in random_sets(rng, 150):
        scaling = 10 ** rng.uniform(-0.5, 0.5)
        fitted = LinearSVC(C=C, intercept_scaling=scaling, **LIBLINEAR).fit(X, y)
        squares = np.sum(fitted.coef_**2) + fitted.intercept_[0] ** 2 / scaling**2
        limit = squared_hinge_loss().pull_limit(2.0 * y[:, None] - 1).sum()
        assert limit == len(y) / 2
        shares.append(squares / (C * limit))
    assert 0.8 < max(shares) <= 1 + 1e-6


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_a_penalized_intercept_in_closed_form(share, rng):
    """The reach of ``LinearSVC`` with two rows of one class and three of the other."""
    y, C, scaling, b = np.array([1, 1, 0, 0, 0]), 2.0, 1.5, 0.8
    m, n, rho = 5, np.array([2, 3]), scaling**-2.0
    drift = (n[0] - n[1] - rho * b / C) / m
    limit = C * m / 2 * (1 - drift**2)
    w = of_length(share * limit - rho * b**2, rng)
    # Pulls that are too strong by as much on both sides give up the rest.
    excess = np.sqrt(2 * (1 - share) * limit / C / np.sum(1 / n))
    a = np.array([1 - drift, 1 + drift]) + excess / n
    a = np.where(y == 1, a[0], a[1])
    sign = 2 * y - 1
    S = rows_at(sign * (1 - a / 2), C * sign * a, w, b, rng.standard_normal((m, 4)))
    fitted = LinearSVC(C=C, intercept_scaling=scaling, **LIBLINEAR).fit(S, y)
    assert_allclose(fitted.coef_[0], w, atol=1e-4)
    assert_allclose(fitted.intercept_, b, atol=1e-4)


def test_corners_of_a_simplex_attain_the_limit_of_a_softmax():
    k, m, C = 4, 8, 0.7
    y = np.repeat(np.arange(k), m // k)
    pull = log_loss_limit(k)
    assert_allclose(pull, lambertw((k - 1) / np.e).real, rtol=1e-12)
    margin = pull + 1
    missing = (k - 1) / (np.exp(margin) + k - 1)
    size = np.sqrt(margin * (k - 1) / (C * missing * m))
    fitted = LogisticRegression(C=C, **NEWTON).fit(size * (np.eye(k) - 1 / k)[y], y)
    W = fitted.coef_ - fitted.coef_.mean(axis=0)
    simplex = np.eye(k) - 1 / k
    # No other model has this norm.
    assert_allclose(W @ W.T, C * m * pull / (k - 1) * simplex, atol=1e-9)


def test_the_norm_alone_does_not_put_a_softmax_within_reach(rng):
    """A model of rank one has no use for the third class: less than two thirds."""
    limit = lambertw(2 / np.e).real
    q = np.linspace(-20, 20, 40_001)
    z = np.outer(q, [1.0, -1.0, 0.0]) / np.sqrt(2)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    pulls = [np.sum(z * (np.eye(3)[c] - p), axis=1) for c in range(3)]
    assert pulls[2].max() <= 1e-15
    assert max(pulls[0].max(), pulls[1].max()) < limit
    share = (pulls[0].max() + pulls[1].max()) / (3 * limit)
    assert_allclose(share, 0.612, atol=1e-3)


def test_matched_weights_reach_every_model_of_two_classes(rng):
    """A row for each class, with its weight: real rows pull less than their mean."""
    X, y = load_breast_cancer(return_X_y=True)
    full = strict_logistic(C=100.0).fit(StandardScaler().fit_transform(X), y)
    w, n = full.coef_[0], np.bincount(y)

    def total(log_share):
        """With the error of both rows in balance, what they pull."""
        error = np.exp(log_share) * n.min() / n
        return 100 * n @ (error * np.log((1 - error) / error)) - w @ w

    error = np.exp(brentq(total, -40, np.log(0.05), xtol=1e-14)) * n.min() / n
    sign = np.array([-1.0, 1.0])
    z = sign * np.log((1 - error) / error)
    A = 100 * n * sign * error
    S = rows_at(z, A, w, full.intercept_[0], np.zeros((2, len(w))))
    fitted = strict_logistic(C=100.0).fit(S, [0, 1], sample_weight=n)
    assert_allclose(fitted.coef_, full.coef_, atol=1e-6 * np.abs(w).max())


def test_ten_digits_of_unit_weight_are_out_of_reach():
    """Ten times: what ten rows induce is less than a tenth of what it takes."""
    X, y = load_digits(return_X_y=True)
    student = student_for(LogisticRegression(), spec_of(range(10), 64))
    synthetic = SyntheticSet(
        np.zeros((10, 64)), np.eye(10), np.ones(10), student.hyperparameters
    )
    coef = strict_logistic().fit(X / 16, y).coef_
    assert norm_limit(student, synthetic) < 0.1 * np.vdot(coef, coef)


def centered(Y):
    return Y - Y.mean(axis=0)


def test_a_squared_error_reaches_an_order_of_matrices(rng):
    """Theorem 7: never beyond, attained, and not a ball of the spectral norm."""
    Y = rng.standard_normal((5, 2)) @ np.diag([3.0, 0.3])
    alpha = 0.8
    order = centered(Y).T @ centered(Y) / (4 * alpha)
    shares = []
    for _ in range(200):
        X = rng.standard_normal((5, 4)) * 10 ** rng.uniform(-1.5, 1)
        W = Ridge(alpha=alpha, solver="svd").fit(X, Y).coef_
        shares.append(np.linalg.eigvals(np.linalg.solve(order, W @ W.T)).real.max())
    assert 0.9 < max(shares) <= 1 + 1e-9
    # All singular values of the rows at the root of alpha: equality.
    P, _, _ = np.linalg.svd(centered(Y), full_matrices=False)
    S = np.sqrt(alpha) * P @ np.eye(2, 4)
    W = Ridge(alpha=alpha, solver="svd").fit(S, Y).coef_
    assert_allclose(W @ W.T, order, atol=1e-9)
    # In the ball, but not in reach: the second output cannot have the first one's norm.
    radius = np.linalg.norm(order, 2)
    swapped = order[::-1, ::-1]
    assert np.linalg.norm(swapped, 2) <= radius * (1 + 1e-12)
    assert np.linalg.eigvalsh(order - swapped).min() < -0.1 * radius


def test_a_box_may_be_too_small_for_a_norm_that_is_not_too_large(rng):
    C, m, half = 1.0, 4, 0.2
    assert 1.0 < lambertw(1 / np.e).real * C * m  # the norm of w = 1 is within reach
    y = np.array([0, 0, 1, 1])
    best = LogisticRegression(C=C, **NEWTON).fit(half * (2 * y[:, None] - 1), y)
    assert best.coef_[0, 0] < C * m * half < 1.0
    for _ in range(20):
        X = rng.uniform(-half, half, (m, 1))
        assert abs(LogisticRegression(C=C, **NEWTON).fit(X, y).coef_[0, 0]) < 0.8


def test_the_other_limits_of_the_table(rng):
    """Those of numbers, without intercepts: one row meets them."""
    for estimator, t, limit in (
        (Ridge(alpha=0.5, fit_intercept=False), 3.0, 9.0 / 2),
        (
            LinearSVR(
                loss="squared_epsilon_insensitive",
                epsilon=1.0,
                fit_intercept=False,
                **LIBLINEAR,
            ),
            3.0,
            4.0 / 2,
        ),
        (PoissonRegressor(alpha=1.0, fit_intercept=False, **NEWTON), 0.0, 1 / np.e),
    ):
        student = student_for(estimator, Task(1, None, 1, False))
        assert_allclose(student.loss.pull_limit(np.array([t])), limit, rtol=1e-9)
        sizes = np.geomspace(0.1, 10, 80)
        norms = [np.sum(estimator.fit([[size]], [t]).coef_ ** 2) for size in sizes]
        assert_allclose(max(norms), limit, rtol=5e-3)
        assert max(norms) <= limit * (1 + 1e-9)
