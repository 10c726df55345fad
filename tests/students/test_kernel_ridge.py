"""Kernel ridge against scikit-learn: solutions, and derivatives through its refits."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import log_softmax
from sklearn.cluster import KMeans
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from skdistill import DatasetDistiller
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import Student, Task, check_student, student_for
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss

# A few iterations suffice to see what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {
    "linear": {"kernel": "linear"},
    "rbf": {"kernel": "rbf"},
    "rbf, gamma": {"kernel": "rbf", "gamma": 0.3, "alpha": 0.1},
    "laplacian": {"kernel": "laplacian", "gamma": 0.2},
    "poly": {"kernel": "poly", "degree": 3, "coef0": 0.5},
    "polynomial": {"kernel": "polynomial", "degree": 2},
    "sigmoid": {"kernel": "sigmoid", "gamma": 0.05, "coef0": 0.1},
    "cosine": {"kernel": "cosine", "alpha": 0.5},
}


def student(task, outer_loss="auto", **params):
    return student_for(KernelRidge(**params), task, outer_loss)


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_student(params):
    check_student(student(Task(4, None, 1, False), **params))


@pytest.mark.slow
@pytest.mark.parametrize("outer_loss", ["squared_error", "log_loss"])
def test_several_outputs(outer_loss):
    check_student(student(Task(4, None, 3, True), outer_loss, kernel="rbf"))


def test_a_set_is_trained_on_once(rng):
    """It is trained on again only if it has changed, possibly in place."""
    one = student(Task(3, None, 1, False), kernel="rbf")
    X, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 1))
    synthetic = SyntheticSet(X, y, np.ones(6), one.hyperparameters)
    first = one.solve(synthetic)
    assert one.solve(synthetic._replace(X=X.copy())) is first
    X[0, 0] += 1
    changed = one.solve(synthetic)
    model = KernelRidge(kernel="rbf").fit(X, y)
    assert_allclose(changed.dual_coef[:6], model.dual_coef_, rtol=1e-9)
    first = one.implicit_vjp(changed, changed, synthetic).X
    for other in (
        synthetic._replace(y=2 * y),
        synthetic._replace(sample_weight=np.full(6, 0.5)),
        synthetic._replace(hyperparameters={**one.hyperparameters, "alpha": 2.0}),
    ):
        assert not np.allclose(one.implicit_vjp(changed, changed, other).X, first)
        again = one.implicit_vjp(changed, changed, synthetic).X
        assert_allclose(again, first, rtol=1e-12)


def test_the_norm_is_that_of_the_model(rng):
    one = student(Task(3, None, 2, True), kernel="rbf", gamma=0.5)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    params = one.solve(SyntheticSet(X, y, np.ones(6), one.hyperparameters))
    dual_coef = KernelRidge(kernel="rbf", gamma=0.5).fit(X, y).dual_coef_
    expected = np.trace(dual_coef.T @ rbf_kernel(X, gamma=0.5) @ dual_coef) / 2
    assert_allclose(params.squared_norm, expected, rtol=1e-12)


class Problem(NamedTuple):
    """Three coded classes or one number, with a reference from scikit-learn."""

    estimator: KernelRidge
    student: Student
    X: np.ndarray
    y: np.ndarray
    synthetic: SyntheticSet

    def refit_loss(self, synthetic):
        learned = dict(synthetic.hyperparameters)
        factor = learned.pop("inverse_temperature", None)
        model = KernelRidge(**{**self.estimator.get_params(), **learned}).fit(
            synthetic.X, synthetic.y, sample_weight=synthetic.sample_weight
        )
        raw = model.predict(self.X)
        if factor is None:
            return np.mean((raw - self.y) ** 2)
        return -np.mean(log_softmax(factor * raw, axis=1)[range(len(raw)), self.y])


@pytest.fixture(params=["squared_error", "log_loss"], scope="module")
def problem(request, multiclass_table):
    X, y = multiclass_table
    rng = np.random.default_rng(0)
    targets = X[:, 0] * X[:, 1] + X[:, 2]
    task, outer_y = Task(6, None, 1, False), targets
    if request.param == "log_loss":
        task, outer_y = Task(6, None, 3, True), y.astype(np.int32)
        targets = np.eye(3)[y] - 1 / 3
    model = student(task, request.param, kernel="rbf", gamma=0.2, alpha=0.5)
    synthetic = SyntheticSet(
        X[:15] + 0.1 * rng.standard_normal((15, 6)),
        targets[:15],
        rng.uniform(0.5, 2.0, 15),
        {**model.hyperparameters, **dict.fromkeys(model.smoothing_params, 3.0)},
    )
    return Problem(model.estimator, model, X, outer_y, synthetic)


def bilevel(problem):
    return BilevelLoss(
        problem.student,
        outer_loss(problem.X, problem.y, np.ones(len(problem.X)), problem.student),
    )


@pytest.mark.slow
def test_hypergradient_matches_refits(problem, rng):
    synthetic = problem.synthetic
    loss, hypergrad = bilevel(problem).value_and_grad(synthetic)
    assert_allclose(loss, problem.refit_loss(synthetic), rtol=1e-10)

    def assert_slope(slope, along):
        expected = (
            problem.refit_loss(along(1e-5)) - problem.refit_loss(along(-1e-5))
        ) / 2e-5
        assert_allclose(slope, expected, rtol=1e-6)

    for field in ("X", "y", "sample_weight"):
        value = getattr(synthetic, field)
        direction = rng.standard_normal(value.shape)
        assert_slope(
            np.vdot(getattr(hypergrad, field), direction),
            lambda step, field=field, value=value, direction=direction: (
                synthetic._replace(**{field: value + step * direction})
            ),
        )
    for name, value in synthetic.hyperparameters.items():
        assert_slope(
            hypergrad.hyperparameters[name],
            lambda step, name=name, value=value: synthetic._replace(
                hyperparameters={**synthetic.hyperparameters, name: value + step}
            ),
        )


def test_derivative_in_a_weight_of_zero(problem):
    """A learned weight may become zero and then positive again."""
    weight = problem.synthetic.sample_weight.copy()
    weight[0] = 0
    at_zero = problem.synthetic._replace(sample_weight=weight)
    loss, hypergrad = bilevel(problem).value_and_grad(at_zero)
    assert all(np.isfinite(hypergrad.X).ravel())
    steps = np.array([1e-4, 2e-4])
    rise = [
        problem.refit_loss(
            at_zero._replace(sample_weight=weight + step * np.eye(15)[0])
        )
        - loss
        for step in steps
    ]
    one_sided = (4 * rise[0] - rise[1]) / (2 * steps[0])
    assert_allclose(hypergrad.sample_weight[0], one_sided, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["laplacian", "sigmoid", "cosine"])
def test_equal_rows_and_zeros_have_finite_derivatives(kernel, problem):
    """One center lies on a real row, one on another center, and one at the origin."""
    model = student(problem.student.task, kernel=kernel, gamma=0.1)
    y = np.asarray(problem.synthetic.y)
    rows = np.repeat(problem.X[:8], 2, axis=0)[:15]
    rows[-1] = 0
    synthetic = SyntheticSet(
        rows,
        y,
        np.ones(15),
        model.hyperparameters,
    )
    params = model.solve(synthetic)
    _, hypergrad = BilevelLoss(
        model,
        outer_loss(
            problem.X,
            np.zeros((len(problem.X), *y.shape[1:])),
            problem.X[:, 0] ** 2,
            model,
        ),
    ).value_and_grad(synthetic)
    refit = KernelRidge(kernel=kernel, gamma=0.1).fit(synthetic.X, y)
    assert_allclose(
        params.dual_coef[: len(y)].reshape(y.shape), refit.dual_coef_, atol=1e-10
    )
    assert np.isfinite(hypergrad.X).all()


@pytest.fixture(scope="module")
def regression_table():
    X, _ = make_table(2, n=200, p=4, seed=3)
    return X, np.sin(X[:, 0]) * X[:, 1] + X[:, 2]


def r2_of_kmeans(estimator, X, y, n_rows):
    centers = KMeans(n_rows, n_init=3, random_state=0).fit(np.column_stack([X, y]))
    rows = centers.cluster_centers_
    return estimator.fit(rows[:, :-1], rows[:, -1]).score(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["unit", "match", "learn"])
def test_refit_beats_kmeans(regression_table, weighting):
    X, y = regression_table
    distiller = DatasetDistiller(
        KernelRidge(kernel="rbf", gamma=0.2, alpha=0.1),
        n_synthetic=10,
        weighting=weighting,
        max_iter=40,
        tol=1e-3,
    ).fit(X, y)
    baseline = r2_of_kmeans(KernelRidge(kernel="rbf", gamma=0.2, alpha=0.1), X, y, 10)
    assert distiller.score(X, y) > baseline + 0.05
    weight = distiller.sample_weight_synthetic_
    refit = KernelRidge(kernel="rbf", gamma=0.2, alpha=0.1).fit(
        *distiller.transform(X), sample_weight=weight
    )
    assert_allclose(np.mean((refit.predict(X) - y) ** 2), distiller.loss_, rtol=1e-9)
    if weighting == "unit":
        assert (weight == 1).all()
    elif weighting == "match":
        assert_allclose(weight.sum(), len(X))
    else:
        assert np.ptp(weight) > 0.01


def test_learned_hyperparameters(regression_table):
    X, y = regression_table
    estimator = KernelRidge(kernel="rbf", gamma=5.0, alpha=10.0)
    settings = {"n_synthetic": 10, "max_iter": 40, "tol": 1e-3}
    fixed = DatasetDistiller(estimator, **settings).fit(X, y)
    learned = DatasetDistiller(
        estimator, learn_params=("alpha", "gamma"), **settings
    ).fit(X, y)
    assert learned.loss_ < fixed.loss_ / 2
    assert learned.estimator_.gamma != 5.0
    assert learned.estimator_.alpha != 10.0
    assert (estimator.gamma, estimator.alpha) == (5.0, 10.0)


@pytest.mark.slow
def test_coded_classes_by_their_softmax(multiclass_table):
    """Rows for centered one-hot targets, which stay fixed, do better than k-means."""
    X, y = multiclass_table
    targets = np.eye(3)[y] - 1 / 3
    estimator = KernelRidge(kernel="rbf", gamma=0.1, alpha=1e-2)
    settings = {"n_synthetic": 6, "outer_loss": "log_loss", "learn_labels": False}
    distiller = DatasetDistiller(estimator, max_iter=40, tol=1e-3, **settings)
    distiller.fit(X, targets)
    start = DatasetDistiller(estimator, max_iter=1, tol=1e9, **settings)
    start.fit(X, targets)

    def accuracy(rows, codes):
        raw = KernelRidge(kernel="rbf", gamma=0.1, alpha=1e-2).fit(rows, codes)
        return np.mean(raw.predict(X).argmax(axis=1) == y)

    rows, codes = distiller.transform(X)
    assert set(np.unique(codes.round(12))) == set(np.round([-1 / 3, 2 / 3], 12))
    centers = [
        KMeans(2, n_init=3, random_state=0).fit(X[y == c]).cluster_centers_
        for c in range(3)
    ]
    baseline = accuracy(np.vstack(centers), np.repeat(np.eye(3), 2, axis=0) - 1 / 3)
    assert accuracy(rows, codes) > baseline + 0.02
    assert distiller.loss_ < start.loss_


@pytest.mark.slow
@pytest.mark.parametrize("case", ["duplicates", "constant", "one feature", "wide"])
def test_degenerate_data(case, regression_table):
    X, y = regression_table
    X, y = {
        "duplicates": (np.repeat(X[:6], 10, axis=0), np.repeat(y[:6], 10)),
        "constant": (np.column_stack([X[:60], np.full(60, 7.0)]), y[:60]),
        "one feature": (X[:60, :1], y[:60]),
        "wide": (np.tile(X[:5], (1, 10)), y[:5]),
    }[case]
    estimator = KernelRidge(kernel="rbf", alpha=0.1)
    distiller = DatasetDistiller(estimator, n_synthetic=4, max_iter=15).fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert distiller.score(X, y) > max(0.0, r2_of_kmeans(estimator, X, y, 4))


def test_nothing_is_compiled_twice(regression_table, count_compilations):
    X, y = regression_table
    settings = {"n_synthetic": 8, "max_iter": 3, "tol": 1e9}
    DatasetDistiller(KernelRidge(kernel="rbf", gamma=0.2), **settings).fit(X, y)
    with count_compilations() as compiled:
        DatasetDistiller(
            KernelRidge(kernel="rbf", gamma=0.3, alpha=0.1), **settings
        ).fit(X[:150], y[:150])
    assert compiled.count == 0


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"kernel": "precomputed"}, "kernel='precomputed'"),
        ({"kernel": "chi2"}, "kernel='chi2'"),
        ({"kernel": lambda x, z: 1.0}, "kernel=<function"),
        ({"alpha": np.array([1.0, 2.0])}, "alpha as an array"),
        ({"alpha": 0}, "alpha=0"),
        ({"kernel": "rbf", "kernel_params": {"a": 1}}, "kernel_params"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(params, named):
    with pytest.raises(ValueError, match=named) as error:
        student(Task(4, None, 1, False), **params)
    assert "Supported" in str(error.value)
