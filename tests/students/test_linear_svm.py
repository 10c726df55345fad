"""Linear SVMs against LIBLINEAR: solutions, and derivatives through its refits."""

import warnings

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVC, LinearSVR

from skdistill import DatasetDistiller
from skdistill.students import StationaryStudent, Task, check_student, student_for
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, spec_of

STRICT = {"dual": False, "tol": 1e-12, "max_iter": 100_000}
OUTPUT = Task(4, None, 1, False)


def strict_svc(**params):
    return LinearSVC(**STRICT, **params)


def strict_svr(**params):
    return LinearSVR(loss="squared_epsilon_insensitive", **STRICT, **params)


CLASSIFIERS = {
    "binary": (2, {}),
    "one against the rest": (3, {}),
    "no intercept": (3, {"fit_intercept": False, "C": 0.3}),
    "intercept_scaling": (2, {"intercept_scaling": 3.0}),
    "class weights": (2, {"class_weight": {0: 1.0, 1: 3.0}}),
    "class weights, three": (3, {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}}),
    "balanced": (2, {"class_weight": "balanced"}),
}


@pytest.mark.parametrize(("n_classes", "params"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifier(n_classes, params):
    # No row of this draw is nearer to its margin than the steps of the differences.
    task = spec_of(np.arange(n_classes), 4)
    check_student(student_for(strict_svc(**params), task), random_state=1)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"epsilon": 0.3, "intercept_scaling": 0.5},
        {"fit_intercept": False, "C": 9.0},
    ],
    ids=str,
)
def test_regressor(params):
    check_student(student_for(strict_svr(**params), OUTPUT))


def test_scores_can_be_judged_by_their_softmax():
    task = spec_of(np.arange(3), 4)
    check_student(student_for(strict_svc(), task, "log_loss"), random_state=1)


@pytest.mark.parametrize("name", ["class weights", "class weights, three"])
def test_outer_loss_is_the_training_loss(name, rng):
    """The reference is LIBLINEAR's primal objective with class weights."""
    n_classes, params = CLASSIFIERS[name]
    y = rng.integers(0, n_classes, 20)
    student = student_for(strict_svc(**params), spec_of(np.arange(n_classes), 4))
    raw = rng.standard_normal((20, student.n_outputs))
    weights = params["class_weight"]
    weight = student.training_weight(y, np.ones(20))
    with jax.enable_x64(True):
        loss = weight * np.asarray(student.outer_loss(raw, y))
    for i, label in enumerate(y):
        expected = 0.0
        for c in range(student.n_outputs):
            positive = label == (1 if n_classes == 2 else c)
            missing = max(0, 1 - (1 if positive else -1) * raw[i, c])
            of_class = weights[label] if n_classes == 2 or positive else 1.0
            expected += of_class * missing**2
        assert_allclose(loss[i], expected, rtol=1e-12)
    coded = weight * student.loss.value(raw, student.encode(y))
    assert_allclose(coded, loss, rtol=1e-12)


def test_gradient_matches_refits(rng):
    """LIBLINEAR penalizes the intercept, and so does the student."""
    X, y = make_table(2)
    X, y = X[12:24], y[12:24]
    X_syn = X + 0.5
    estimator = strict_svc(C=0.5, intercept_scaling=2.0)
    student = student_for(estimator, spec_of([0, 1]))
    synthetic = SyntheticSet(X_syn, student.encode(y), np.ones(12), {"C": 0.5})
    params = student.solve(synthetic)
    cotangent = LinearParams(rng.standard_normal((1, 6)), np.ones(1))
    grad = student.implicit_vjp(params, cotangent, synthetic)
    direction = rng.standard_normal(X_syn.shape)

    def value(step):
        model = estimator.fit(X_syn + step * direction, y)
        return np.vdot(model.coef_, cotangent.coef) + model.intercept_[0]

    expected = (value(1e-4) - value(-1e-4)) / 2e-4
    assert_allclose(np.vdot(grad.X, direction), expected, rtol=1e-6)


@pytest.mark.slow
def test_closed_form_agrees_with_the_implicit_function_theorem(rng):
    student = student_for(strict_svr(epsilon=0.2), OUTPUT)
    synthetic = SyntheticSet(
        rng.standard_normal((12, 4)), rng.standard_normal(12), np.ones(12), {"C": 2.0}
    )
    params = student.solve(synthetic)
    cotangent = LinearParams(rng.standard_normal((1, 4)), np.ones(1))
    closed = student.implicit_vjp(params, cotangent, synthetic)
    general = StationaryStudent.implicit_vjp(student, params, cotangent, synthetic)
    assert_allclose(closed.X, general.X, rtol=1e-8, atol=1e-10)
    assert_allclose(closed.y, general.y, rtol=1e-8, atol=1e-10)


def test_classifier_beats_kmeans_rows():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    distiller = DatasetDistiller(strict_svc(), n_synthetic=20, max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        distiller.fit(X_train, y_train)
    centers = [
        KMeans(2, n_init=1, random_state=0).fit(X_train[y_train == c]).cluster_centers_
        for c in range(10)
    ]
    kmeans = strict_svc().fit(np.vstack(centers), np.repeat(np.arange(10), 2))
    assert distiller.score(X_test, y_test) > kmeans.score(X_test, y_test) + 0.02


@pytest.mark.parametrize("feature_range", [None, (0.0, 0.1)])
def test_one_row(feature_range, rng):
    """One row is enough, because it also determines the penalized intercept."""
    X, y = 3 * rng.random((1, 10)), np.ones(1)
    distiller = DatasetDistiller(strict_svr(), feature_range=feature_range).fit(X, y)
    if feature_range is None:
        expected = strict_svr().fit(X, y).coef_
        assert_allclose(distiller.estimator_.coef_, expected, atol=1e-6)
    assert np.isfinite(distiller.X_synthetic_).all()


def test_regressor_beats_kmeans_rows(rng):
    X = rng.standard_normal((400, 10))
    y = X @ rng.standard_normal(10) + rng.standard_normal(400)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    distiller = DatasetDistiller(strict_svr(), n_synthetic=6).fit(X_train, y_train)
    clusters = KMeans(6, n_init=1, random_state=0).fit(X_train)
    labels = clusters.labels_
    means = np.bincount(labels, y_train) / np.bincount(labels)
    kmeans = strict_svr().fit(clusters.cluster_centers_, means)
    assert distiller.score(X_test, y_test) > kmeans.score(X_test, y_test) + 0.02


@pytest.mark.parametrize(
    "name", ["duplicates", "one feature", "constant", "wide", "rare"]
)
@pytest.mark.parametrize("estimator", [LinearSVC(tol=1e-8), strict_svr()], ids=str)
@pytest.mark.filterwarnings(
    "ignore:Liblinear failed:sklearn.exceptions.ConvergenceWarning"
)
def test_degenerate_data(estimator, name):
    X, y = make_table(2, n=60, p=5)
    if isinstance(estimator, LinearSVR):
        y = X[:, 0] + 0.1 * X[:, 1]
    rare = np.concatenate([np.flatnonzero(y <= 0)[:1], np.flatnonzero(y > 0)])
    X, y = {
        "duplicates": (np.repeat(X[:10], 6, axis=0), np.repeat(y[:10], 6)),
        "one feature": (X[:, :1], y),
        "constant": (np.column_stack([X, np.full(60, 3.0)]), y),
        "wide": (np.tile(X[:20], 8), y[:20]),
        "rare": (X[rare], y[rare]),
    }[name]
    n_synthetic = {0: 1, 1: 4} if name == "rare" and y.dtype.kind == "i" else 6
    distiller = DatasetDistiller(estimator, n_synthetic=n_synthetic, max_iter=300)
    distiller.fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "task", "named"),
    [
        (LinearSVC(loss="hinge"), spec_of([0, 1]), "loss='hinge'"),
        (LinearSVC(multi_class="crammer_singer"), spec_of([0, 1, 2]), "crammer_singer"),
        (LinearSVC(class_weight="balanced"), spec_of([0, 1, 2]), "pass a dict"),
        (LinearSVR(), OUTPUT, "loss='epsilon_insensitive'"),
        (strict_svr(), Task(4, None, 2, True), "one output"),
    ],
    ids=str,
)
def test_settings_without_counterpart_are_refused_by_name(estimator, task, named):
    with pytest.raises(ValueError, match=named):
        student_for(estimator, task)
