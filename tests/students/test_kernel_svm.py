"""Support vector machines against scikit-learn: solutions, derivatives of refits."""

from itertools import combinations

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import DataConversionWarning
from sklearn.svm import SVC, SVR

from skdistill import DatasetDistiller
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import Task, check_student, student_for
from skdistill.students.kernel._svm_dual import Dual, solve_dual
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss, spec_of

# A few iterations suffice to see what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STEP = 3e-4
RTOL = 1e-3

CLASSIFIERS = {
    "two classes": (2, {}),
    "three classes": (3, {"C": 3.0}),
    "gamma": (2, {"gamma": 0.3, "C": 10.0}),
    "gamma auto, class weights": (3, {"gamma": "auto", "class_weight": {0: 2.0}}),
    "balanced": (2, {"class_weight": "balanced", "C": 0.3}),
    "linear": (3, {"kernel": "linear", "C": 0.5}),
    "poly": (2, {"kernel": "poly", "degree": 2, "coef0": 1.0}),
}
REGRESSORS = {
    "rbf": {},
    "gamma": {"gamma": 0.1, "C": 5.0, "epsilon": 0.3},
    "linear": {"kernel": "linear"},
    "poly": {"kernel": "poly", "coef0": 0.5, "epsilon": 0.2},
}


@pytest.mark.slow
@pytest.mark.parametrize(("n_classes", "params"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifier(n_classes, params):
    estimator = SVC(tol=1e-10, **params)
    check_student(student_for(estimator, spec_of(np.arange(n_classes), 4)))


@pytest.mark.slow
@pytest.mark.parametrize("params", REGRESSORS.values(), ids=REGRESSORS)
def test_regressor(params):
    check_student(student_for(SVR(tol=1e-10, **params), Task(4, None, 1, False)))


def hinge(model, X, y):
    """Return the mean hinge over pairs of classes, with scikit-learn's tie rule."""
    decision = model.decision_function(X)
    k = len(model.classes_)
    if k == 2:
        return np.maximum(0, 1 - (2 * y - 1) * decision).mean()
    losses = np.zeros(len(X))
    for column, (i, j) in enumerate(combinations(range(k), 2)):
        sign = (y == i).astype(float) - (y == j)
        losses += np.abs(sign) * np.maximum(0, 1 - sign * decision[:, column])
    return losses.mean() / (k - 1)


def epsilon_insensitive(model, X, y, epsilon=0.1):
    return np.maximum(0, np.abs(model.predict(X) - y) - epsilon).mean()


@pytest.fixture(scope="module")
def regression_table():
    X, _ = make_table(2, n=200, p=6, seed=3)
    return X, np.sin(X[:, 0]) * X[:, 1] + X[:, 2]


@pytest.fixture(params=["two classes", "three classes", "numbers"], scope="module")
def problem(request, binary_table, multiclass_table, regression_table):
    """Refits are limited by libsvm, which computes kernels in single precision.

    The tolerances of refits account for it. ``check_student`` requires six digits.
    """
    if request.param == "numbers":
        X, y = regression_table
        estimator, refit_loss = SVR(C=2.0, tol=1e-10), epsilon_insensitive
        task = Task(6, None, 1, False)
    else:
        X, y = binary_table if request.param == "two classes" else multiclass_table
        estimator = SVC(C=2.0, tol=1e-10, decision_function_shape="ovo")
        task, refit_loss = spec_of(np.unique(y)), hinge
    student = student_for(estimator, task)
    rng = np.random.default_rng(0)
    synthetic = SyntheticSet(
        X[:30] + 0.1 * rng.standard_normal((30, 6)),
        student.encode(y[:30]),
        rng.uniform(0.5, 2.0, 30),
        student.hyperparameters,
    )
    objective = outer_loss(X, y, np.ones(len(X)), student)
    loss, hypergrad = BilevelLoss(student, objective).value_and_grad(synthetic)

    def loss_at(synthetic):
        model = clone(estimator).set_params(**synthetic.hyperparameters)
        model.fit(synthetic.X, synthetic.y, synthetic.sample_weight)
        return refit_loss(model, X, y)

    return synthetic, loss, hypergrad, loss_at


@pytest.mark.slow
def test_hypergradient_matches_refits(problem, rng):
    synthetic, loss, hypergrad, loss_at = problem
    assert_allclose(loss, loss_at(synthetic), rtol=1e-7)
    learns_y = "epsilon" in synthetic.hyperparameters
    for field in ["X", "sample_weight"] + ["y"] * learns_y:
        value = getattr(synthetic, field)
        direction = rng.standard_normal(value.shape)
        plus, minus = (
            loss_at(synthetic._replace(**{field: value + step * direction}))
            for step in (STEP, -STEP)
        )
        slope = np.vdot(getattr(hypergrad, field), direction)
        assert_allclose(slope, (plus - minus) / (2 * STEP), rtol=RTOL)


def test_hypergradient_of_hyperparameters_matches_refits(problem):
    synthetic, _, hypergrad, loss_at = problem
    for name, value in synthetic.hyperparameters.items():
        plus, minus = (
            loss_at(
                synthetic._replace(
                    hyperparameters={**synthetic.hyperparameters, name: value + step}
                )
            )
            for step in (STEP, -STEP)
        )
        slope = hypergrad.hyperparameters[name]
        assert_allclose(slope, (plus - minus) / (2 * STEP), rtol=RTOL)


def test_raw_prediction_is_predict(regression_table):
    X, y = regression_table
    student = student_for(SVR(), Task(6, None, 1, False))
    synthetic = SyntheticSet(X[:30], y[:30], np.ones(30), student.hyperparameters)
    with jax.enable_x64(True):
        raw = student.raw_prediction(student.solve(synthetic), X)
    expected = SVR(tol=1e-12).fit(X[:30], y[:30]).predict(X)
    assert_allclose(raw[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("C", [0.01, 1.0, 1e4])
@pytest.mark.parametrize("repeated", [False, True])
def test_active_set_reaches_the_solution_from_anywhere(C, repeated, rng):
    """It starts with no support vectors and without libsvm; rows may repeat."""
    X = rng.standard_normal((40, 3))
    y = np.where(X[:, 0] + rng.standard_normal(40) > 0, 1.0, -1.0)
    if repeated:
        X, y = np.repeat(X[:20], 2, axis=0), np.repeat(y[:20], 2)
    gram = np.exp(-((X[:, None] - X) ** 2).sum(-1))
    coef, intercept = solve_dual(Dual(gram, y, y, np.full(40, C)), np.zeros(40))
    assert (y * coef >= 0).all()
    assert (y * coef <= C).all()
    assert_allclose(coef.sum(), 0, atol=1e-12 * C)
    margin = y * (gram @ coef + intercept)
    assert margin[y * coef < C].min() > 1 - 1e-9
    assert margin[y * coef > 0].max() < 1 + 1e-9
    libsvm = SVC(C=C, kernel="precomputed", tol=1e-10).fit(gram, y)
    assert_allclose(gram @ coef + intercept, libsvm.decision_function(gram), atol=1e-7)


@pytest.mark.parametrize("zero", [[0], [1], [0, 1]])
def test_classes_whose_rows_weigh_nothing(zero, multiclass_table):
    """With learned weights of zero one class may remain, which libsvm refuses.

    The other machines are those of the rows that are left.
    """
    X, y = (part[:30] for part in multiclass_table)
    student = student_for(SVC(gamma=0.5), spec_of([0, 1, 2]))
    weight = np.where(np.isin(y, zero), 0.0, 1.0)
    synthetic = SyntheticSet(X, y, weight, {"C": 1.0, "gamma": 0.5})
    params = student.solve(synthetic)
    with jax.enable_x64(True):
        raw = np.asarray(student.raw_prediction(params, X))
    left = np.setdiff1d([0, 1, 2], zero)
    for column, (first, second) in enumerate(student.pairs):
        expected = float(second in left) - float(first in left)
        if expected or len(left) == 1:
            assert_allclose(raw[:, column], expected)
        else:
            rows = np.isin(y, left)
            alone = SVC(gamma=0.5, tol=1e-10).fit(X[rows], y[rows])
            assert_allclose(raw[:, column], alone.decision_function(X), atol=1e-6)
    hypergrad = student.implicit_vjp(params, params, synthetic)
    assert np.isfinite(hypergrad.X).all()


def test_intercept_without_free_coefficients():
    """If all coefficients are at bounds, it is the middle of its possible range."""
    X, y = np.array([[0.0], [1.0], [3.0]]), np.array([0, 1, 1])
    estimator = SVC(C=0.01, kernel="linear", tol=1e-12)
    student = student_for(estimator, spec_of([0, 1], 1))
    # The upper bounds of one class are the sum of those of the other.
    weight = np.array([2.0, 1.0, 1.0])
    synthetic = SyntheticSet(X, student.encode(y), weight, student.hyperparameters)
    params = student.solve(synthetic)
    model = clone(estimator).fit(X, y, weight)
    assert_allclose(np.abs(model.dual_coef_).ravel(), 0.01 * weight)
    assert_allclose(params.intercept, model.intercept_, rtol=1e-12)
    grad = jax.tree.map(np.zeros_like, params)._replace(intercept=np.ones(1))
    slope = student.implicit_vjp(params, grad, synthetic).X[:, 0]
    for row, direction in enumerate(np.eye(3)[:, :, None]):
        plus, minus = (
            clone(estimator).fit(X + step * direction, y, weight).intercept_[0]
            # A step that is exact in single precision, of a quadratic function.
            for step in (2**-10, -(2**-10))
        )
        assert_allclose(slope[row], (plus - minus) * 2**9, rtol=1e-9, atol=1e-12)


def kmeans_score(estimator, X, y, n_rows):
    """Return the score of a fit on k-means, per class or jointly with targets."""
    if y.dtype.kind == "f":
        centers = KMeans(n_rows, n_init=3, random_state=0).fit(np.column_stack([X, y]))
        rows = centers.cluster_centers_
        return clone(estimator).fit(rows[:, :-1], rows[:, -1]).score(X, y)
    rows = [
        KMeans(n_rows, n_init=3, random_state=0).fit(X[y == c]).cluster_centers_
        for c in np.unique(y)
    ]
    labels = np.repeat(np.unique(y), n_rows)
    return clone(estimator).fit(np.vstack(rows), labels).score(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_classifier_beats_kmeans(kernel, multiclass_table):
    X, y = multiclass_table
    estimator = SVC(C=10.0, kernel=kernel, tol=1e-8)
    distiller = DatasetDistiller(estimator, n_synthetic=6, max_iter=30, tol=1e-3)
    distiller.fit(X, y)
    assert distiller.score(X, y) > kmeans_score(estimator, X, y, 2) + 0.02
    ovo = clone(estimator).set_params(decision_function_shape="ovo")
    refit = ovo.fit(*distiller.transform(X))
    assert_allclose(distiller.loss_, hinge(refit, X, y), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["unit", "match", "learn"])
def test_regressor_beats_kmeans(weighting, regression_table):
    X, y = regression_table
    estimator = SVR(C=2.0, tol=1e-8)
    settings = {"n_synthetic": 10, "weighting": weighting, "tol": 1e-3}
    distiller = DatasetDistiller(estimator, max_iter=30, **settings).fit(X, y)
    assert distiller.score(X, y) > kmeans_score(estimator, X, y, 10) + 0.05
    weight = distiller.sample_weight_synthetic_
    refit = clone(estimator).fit(*distiller.transform(X), sample_weight=weight)
    assert_allclose(distiller.loss_, epsilon_insensitive(refit, X, y), rtol=1e-9)


@pytest.mark.slow
def test_one_column_of_targets_is_taken(regression_table):
    """SVR also takes it, because it has a single output."""
    X, y = regression_table
    distiller = DatasetDistiller(SVR(), n_synthetic=4, max_iter=1, tol=1e9)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        distiller.fit(X, y[:, None])
    assert distiller.y_synthetic_.shape == (4,)
    with pytest.raises(ValueError, match="1d array"):
        distiller.fit(X, np.column_stack([y, y]))


@pytest.mark.slow
def test_learned_hyperparameters(regression_table):
    X, y = regression_table
    estimator = SVR(C=0.1, gamma=2.0, tol=1e-8)
    settings = {"n_synthetic": 10, "max_iter": 30, "tol": 1e-3}
    fixed = DatasetDistiller(estimator, **settings).fit(X, y)
    names = ("C", "gamma", "epsilon")
    learned = DatasetDistiller(estimator, learn_params=names, **settings).fit(X, y)
    assert learned.loss_ < 0.6 * fixed.loss_
    for name in names:
        assert getattr(learned.estimator_, name) != getattr(estimator, name)
    with pytest.raises(ValueError, match=r"learn_params contains \['gamma'\]"):
        DatasetDistiller(SVC(), learn_params=("gamma",)).fit(X, y > 0)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [SVC(C=10.0), SVR()], ids=["SVC", "SVR"])
@pytest.mark.parametrize(
    "case", ["duplicates", "constant", "one feature", "wide", "one row of a class"]
)
def test_degenerate_data(case, estimator, regression_table):
    X, y = regression_table
    X, y = {
        "duplicates": (np.repeat(X[:6], 10, axis=0), np.repeat(y[:6], 10)),
        "constant": (np.column_stack([X[:60], np.full(60, 7.0)]), y[:60]),
        "one feature": (X[:60, :1], y[:60]),
        "wide": (np.tile(X[:5], (1, 10)), y[:5]),
        "one row of a class": (X[:60], y[:60]),
    }[case]
    if isinstance(estimator, SVC):
        y = y > (np.median(y) if case != "one row of a class" else np.sort(y)[-2])
    distiller = DatasetDistiller(estimator, n_synthetic=4, max_iter=10).fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    floor = 0.0 if isinstance(estimator, SVR) else max(np.mean(y), 1 - np.mean(y))
    assert distiller.score(X, y) >= floor


@pytest.mark.slow
def test_nothing_is_compiled_twice(binary_table, count_compilations):
    X, y = binary_table
    settings = {"n_synthetic": 8, "max_iter": 3, "tol": 1e9}
    DatasetDistiller(SVC(), **settings).fit(X, y)
    with count_compilations() as compiled:
        DatasetDistiller(SVC(C=3.0), **settings).fit(X[:100], y[:100])
    assert compiled.count == 0


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (SVC(kernel="sigmoid"), "kernel='sigmoid'"),
        (SVC(kernel="precomputed"), "kernel='precomputed'"),
        (SVC(kernel=lambda x, z: x @ z.T), "kernel=<function"),
        (SVC(probability=True), "probability=True"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(estimator, named):
    with pytest.raises(ValueError, match=named) as error:
        student_for(estimator, spec_of([0, 1]))
    assert "Supported" in str(error.value)


def test_regression_without_counterpart_is_refused_by_name():
    with pytest.raises(ValueError, match="epsilon=0"):
        student_for(SVR(epsilon=0), Task(4, None, 1, False))
    with pytest.raises(ValueError, match="several outputs"):
        student_for(SVR(), Task(4, None, 2, True))
