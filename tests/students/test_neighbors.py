"""Nearest neighbors: the soft vote, its limit, and what it is good for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import brentq
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_friedman1
from sklearn.metrics import mean_squared_error
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skdistill import DatasetDistiller
from skdistill.objectives import OuterLoss
from skdistill.students import Task, check_student, student_for
from skdistill.students.neighbors import _vote
from skdistill.students.neighbors._metrics import metric_of
from skdistill.students.neighbors._vote import log_memberships
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, rows_of, spec_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss is .* on rows that were held back",
    "ignore::sklearn.exceptions.ConvergenceWarning",  # few iterations are enough here
)

SETTINGS = {
    "1": {"n_neighbors": 1, "weights": "distance"},
    "3": {"n_neighbors": 3},
    "3, distance": {"n_neighbors": 3, "weights": "distance"},
    "all": {"n_neighbors": 18, "weights": "distance", "metric": "euclidean"},
}


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_classifier(params):
    check_student(student_for(KNeighborsClassifier(**params), spec_of([3, 5, 9])))


WEIGHTS = {"metric_params": {"w": [2.0, 1.0, 0.5, 0.1, 3.0, 1.0]}}
METRICS = {
    "manhattan": {"metric": "manhattan"},
    "l1": {"p": 1, **WEIGHTS},
    "p=1.5": {"p": 1.5},
    "p=4": {"p": 4, **WEIGHTS},
    "weighted": WEIGHTS,
    "chebyshev": {"metric": "chebyshev"},
    "p=inf": {"p": np.inf},
    "cosine": {"metric": "cosine"},
}


@pytest.mark.slow
@pytest.mark.parametrize("params", METRICS.values(), ids=METRICS)
def test_metrics(params):
    estimator = KNeighborsClassifier(3, **params)
    check_student(student_for(estimator, spec_of([3, 5, 9])))
    estimator = KNeighborsRegressor(3, weights="distance", **params)
    student = student_for(estimator, Task(6, None, 2, True))
    # With the rows of seed 0 a difference of manhattan distances, which have a
    # kink at zero, changes its sign within a step.
    check_student(student, random_state=1)


@pytest.mark.parametrize("params", METRICS.values(), ids=METRICS)
def test_distances(params, rng):
    """They are powers of scikit-learn's, with finite derivatives for equal rows."""
    metric = metric_of(KNeighborsClassifier(**params))
    X, Z = rng.standard_normal((9, 6)), rng.standard_normal((4, 6))
    X[0] = Z[0]
    if metric.power == 2:
        X[1], Z[1] = 1e-100, 0.0  # powers of this difference are zero
    neighbors = KNeighborsClassifier(4, algorithm="brute", **params)
    distances, order = neighbors.fit(Z, np.arange(4)).kneighbors(X)
    with jax.enable_x64(True):
        found = np.asarray(metric(jnp.asarray(X), jnp.asarray(Z)))
        slope = jax.grad(lambda Z: metric(jnp.asarray(X), Z).sum())(jnp.asarray(Z))
    found = np.take_along_axis(found, order, axis=1)
    assert_allclose(found, distances**metric.power, atol=1e-12)
    assert np.isfinite(slope).all()


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["manhattan", "cosine"])
def test_other_metrics_in_the_distiller(metric):
    """Sparse rows allow products only, so the Manhattan metric needs dense rows."""
    X, y = load_digits(return_X_y=True)
    X, y = sparse.csr_array(X[:300]), y[:300]
    estimator = KNeighborsClassifier(1, metric=metric)
    params = {"n_synthetic": 20, "max_iter": 10, "solver": "lbfgs"}
    distiller = DatasetDistiller(estimator, early_stopping=False, **params)
    if metric == "manhattan":
        with pytest.raises(ValueError, match=r"X\.toarray"):
            distiller.fit(X, y)
        X = X.toarray()
    distiller.fit(X, y)
    assert distiller.loss_ == pytest.approx(distiller.loss_curve_[-1], rel=1e-5)
    assert distiller.loss_curve_[-1] < 0.8 * distiller.loss_curve_[0]


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_regressor(params):
    check_student(student_for(KNeighborsRegressor(**params), Task(4, None, 2, True)))


@pytest.mark.slow
def test_one_target():
    check_student(student_for(KNeighborsRegressor(2), Task(3, None, 1, False)))


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_limit_is_the_vote(weights, multiclass_table):
    """This includes votes at the rows themselves, where distances are zero."""
    X, y = multiclass_table
    estimator = KNeighborsClassifier(4, weights=weights).fit(X[:20], y[:20])
    student = student_for(estimator, spec_of([0, 1, 2]))
    synthetic = SyntheticSet(
        X[:20], student.encode(y[:20]), np.ones(20), dict(student.smoothing_params)
    )
    params = student.as_predicted(student.solve(synthetic))
    with jax.enable_x64(True):
        shares = np.exp(student.raw_prediction(params, X[:40]))
    assert_allclose(shares, estimator.predict_proba(X[:40]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("is_sorted", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_memberships_sum_to_k(k, is_sorted, rng, monkeypatch):
    """The reference searches for the threshold; a few or nearly all scores are tied."""
    monkeypatch.setattr(_vote, "MAX_MAXIMA", 0 if is_sorted else 12)
    scores = rng.standard_normal((50, 12)) * np.geomspace(0.1, 100, 50)[:, None]
    scores[:, 3] = scores[:, 2] = scores.max(axis=1)
    scores[::2, 5:] = scores[::2].min(axis=1, keepdims=True)
    with jax.enable_x64(True):
        found = np.exp(log_memberships(scores, k))
    for row, memberships in zip(scores, found, strict=True):
        if k == 12:
            assert_allclose(memberships, 1)
            continue

        def excess(threshold, row=row):
            return np.exp(np.minimum(row - threshold, 0)).sum() - k

        threshold = brentq(excess, row.min() - 9, row.max() + 9, xtol=1e-14)
        expected = np.exp(np.minimum(row - threshold, 0))
        assert_allclose(memberships, expected, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("is_sorted", [False, True])
def test_memberships_are_one_where_all_rows_are_tied(is_sorted, rng, monkeypatch):
    """Rounding decides which of the tied rows defines the threshold."""
    monkeypatch.setattr(_vote, "MAX_MAXIMA", 0 if is_sorted else 12)
    scores = np.repeat(10 * rng.standard_normal((200, 1)), 12, axis=1)
    for k in (3, 7, 11):
        scores[:, k:] = -np.inf
        with jax.enable_x64(True):
            found = np.exp(log_memberships(scores, k))
        assert_allclose(found[:, :k], 1)
        scores[:, k:] = scores[:, :1]


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 7])
def test_rows_that_fill_a_set_up_have_no_vote(k, rng):
    """This holds however near they are, and if few other rows are left."""
    scores = rng.standard_normal((20, 7)) - 1
    filled = np.pad(scores, ((0, 0), (0, 5)), constant_values=-np.inf)
    with jax.enable_x64(True):
        memberships = jax.jit(log_memberships, static_argnums=1)
        found = np.exp(memberships(filled, k))
        expected = np.exp(memberships(scores, k))
    assert_allclose(found[:, :7], expected, atol=1e-12)
    assert_allclose(found[:, 7:], 0)
    student = student_for(KNeighborsClassifier(k), spec_of([0, 1, 2], 4))
    # The mean of the rows, where those that fill up are, is far from all of them.
    X = 100 * np.vstack([np.eye(4), -np.eye(4)])[:7]
    targets = student.encode(np.arange(7) % 3)
    params = student.solve(SyntheticSet(X, targets, np.ones(7), {"gamma": 1e3}))
    alone = params._replace(
        centers=params.centers[:7], targets=params.targets[:7], votes=np.ones(7)
    )
    at = X.mean(axis=0) + rng.standard_normal((20, 4))
    for prediction in (student.raw_prediction, student.rough_prediction):
        with jax.enable_x64(True):
            found, expected = (
                jax.jit(prediction)(each, at) for each in (params, alone)
            )
        assert np.isfinite(expected).all()
        assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("is_regressor", [False, True])
def test_rough_votes_differ_by_rounding(k, is_regressor, rng):
    """This includes rows far from the origin: distances are in double precision."""
    X = rng.standard_normal((200, 4)) + 1e6
    if is_regressor:
        student = student_for(KNeighborsRegressor(k), Task(4, None, 1, False))
        y, targets = X[:, 0] - 1e6, rng.standard_normal(9)
    else:
        student = student_for(KNeighborsClassifier(k), spec_of([0, 1, 2], 4))
        y, targets = rng.integers(0, 3, 200), student.encode(np.arange(9) % 3)
    params = student.solve(
        SyntheticSet(X[:9] + 0.1, targets, np.ones(9), {"gamma": 5.0})
    )
    exact, rough = (
        OuterLoss(rows_of(X, y), prediction, student.outer_loss).value_and_grad(params)
        for prediction in (student.raw_prediction, student.rough_prediction)
    )
    assert rough[0] != exact[0]
    assert_allclose(rough[0], exact[0], rtol=1e-5)
    scale = np.abs(exact[1].centers).max()
    assert_allclose(rough[1].centers, exact[1].centers, atol=1e-4 * scale)


@pytest.mark.slow
def test_the_loss_is_exact_where_batches_are_rough(rng):
    X = rng.standard_normal((300, 3)) + 10
    y = X.sum(axis=1) + rng.standard_normal(300)
    distiller = DatasetDistiller(
        KNeighborsRegressor(2),
        n_synthetic=8,
        solver="adam",
        max_iter=1,
        batch_size=100,
        early_stopping=False,
        random_state=0,
    ).fit(X, y)
    expected = mean_squared_error(y, distiller.predict(X))
    assert_allclose(distiller.loss_, expected, rtol=1e-9)


def centers_of_classes(X, y, n_rows):
    """Return the baseline: k-means in each class."""
    classes = np.unique(y)
    centers = [
        KMeans(n_rows, n_init=3, random_state=0).fit(X[y == c]).cluster_centers_
        for c in classes
    ]
    return np.vstack(centers), np.repeat(classes, n_rows)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 3])
def test_vote_beats_centers_of_classes(k):
    """The vote itself is compared, on test rows."""
    X, y = load_digits(return_X_y=True)
    estimator = KNeighborsClassifier(k)
    baseline = clone(estimator).fit(*centers_of_classes(X[:1200], y[:1200], 3))
    distiller = DatasetDistiller(estimator, n_synthetic=30, max_iter=20)
    distiller.fit(X[:1200], y[:1200])
    test = X[1200:], y[1200:]
    assert 1 - distiller.score(*test) < 0.9 * (1 - baseline.score(*test))


@pytest.mark.slow
@pytest.mark.parametrize(("k", "weights"), [(1, "uniform"), (3, "distance")])
def test_mean_beats_centers(k, weights):
    """The real rows are scored, as so few of them are soon overfitted."""
    X, y = make_friedman1(500, n_features=5, noise=0.5, random_state=0)
    estimator = KNeighborsRegressor(k, weights=weights)
    joint = np.column_stack([X, y / y.std()])
    centers = KMeans(40, n_init=3, random_state=0).fit(joint).cluster_centers_
    baseline = clone(estimator).fit(centers[:, :5], centers[:, 5] * y.std())
    distiller = DatasetDistiller(estimator, n_synthetic=40, max_iter=100)
    distiller.fit(X, y)
    assert 1 - distiller.score(X, y) < 0.8 * (1 - baseline.score(X, y))


@pytest.mark.slow
def test_reported_loss_is_that_of_the_regressor():
    """It is the error of the vote, not that of the soft vote used for learning."""
    X, y = make_friedman1(300, n_features=5, noise=0.5, random_state=0)
    distiller = DatasetDistiller(
        KNeighborsRegressor(3), n_synthetic=40, max_iter=40
    ).fit(X, y)
    error = np.mean((distiller.predict(X) - y) ** 2)
    assert_allclose(distiller.loss_, error, rtol=1e-9)


@pytest.mark.slow
def test_units_do_not_matter(binary_table):
    X, y = binary_table
    estimator = KNeighborsClassifier(1)
    first, second = (
        DatasetDistiller(estimator, n_synthetic=4, max_iter=5, tol=0.05).fit(c * X, y)
        for c in (1.0, 2.0**20)
    )
    assert_allclose(second.X_synthetic_, 2.0**20 * first.X_synthetic_, rtol=1e-6)


@pytest.mark.slow
def test_mini_batches(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(
        KNeighborsClassifier(1), n_synthetic=6, solver="adam", max_iter=8, batch_size=60
    ).fit(X, y)
    assert distiller.loss_curve_[-1] < distiller.loss_curve_[0]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"weights": lambda distance: distance}, "callable"),
        ({"metric": "canberra"}, "canberra"),
        ({"metric": abs}, "metric="),
        ({"p": 0.5}, "p=0.5"),
        ({"metric_params": {"V": [1.0]}}, "metric_params"),
        ({"metric_params": {"w": [0.0] * 6}}, "weights of features"),
        ({"p": np.inf, "metric_params": {"w": [1.0] * 6}}, "weights of features"),
    ],
)
@pytest.mark.parametrize("estimator", [KNeighborsClassifier, KNeighborsRegressor])
def test_refused(estimator, params, named):
    with pytest.raises(ValueError, match=f"cannot be distilled with .*{named}"):
        student_for(estimator(**params), spec_of([0, 1]))


def test_more_neighbors_than_rows(binary_table):
    with pytest.raises(ValueError, match="Pass n_synthetic of at least 5"):
        DatasetDistiller(KNeighborsClassifier(), n_synthetic=4).fit(*binary_table)


def test_other_losses_are_refused():
    with pytest.raises(ValueError, match="expected_squared_error"):
        student_for(KNeighborsRegressor(), Task(3, None, 2, True), "log_loss")


DEGENERATE = {
    "repeated rows": lambda X: np.repeat(X[::4], 4, axis=0),
    "constant columns": lambda X: np.where(np.arange(X.shape[1]) < 2, 1e6, X),
    "one feature": lambda X: X[:, :1],
    "all rows alike": lambda X: np.ones_like(X),
    "wide": lambda X: np.hstack([X] * 30),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate(change):
    X, y = make_table(2, n=40)
    X = change(X)
    distiller = DatasetDistiller(KNeighborsClassifier(2), max_iter=3).fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert np.isfinite(distiller.loss_)


@pytest.mark.slow
def test_class_with_one_row():
    X, y = make_table(2, n=40)
    y[0] = 2
    distiller = DatasetDistiller(KNeighborsClassifier(1), max_iter=3).fit(X, y)
    assert (distiller.y_synthetic_ == 2).sum() == 1
    assert np.isfinite(distiller.loss_)


def test_a_start_that_knows_nothing_does_not_make_votes_useless(rng):
    """A very soft vote would have no lower loss, and would not move the rows."""
    X, y = rng.standard_normal((80, 3)), rng.integers(0, 2, 80)
    distiller = DatasetDistiller(
        KNeighborsClassifier(1), n_synthetic=4, max_iter=2, early_stopping=False
    ).fit(X, y)
    assert distiller._learned_values["gamma"] >= 0.999
    assert distiller.loss_ < 0.99 * np.log(2)
