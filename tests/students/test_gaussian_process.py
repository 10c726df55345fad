"""Gaussian processes against scikit-learn: solutions, and derivatives of refits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    CompoundKernel,
    ConstantKernel,
    DotProduct,
    ExpSineSquared,
    Matern,
    PairwiseKernel,
    RationalQuadratic,
    WhiteKernel,
)

from skdistill import DatasetDistiller
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import Task, check_student, student_for
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table
from tests.conftest import outer_loss as loss_over

# A few iterations suffice to see what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KERNELS = {
    "constant * RBF + white": ConstantKernel(2.0) * RBF(1.5) + WhiteKernel(0.1),
    "anisotropic": RBF([0.5, 1.0, 2.0, 4.0]) + WhiteKernel(0.1),
    "Matern 0.5": Matern(1.5, nu=0.5) + WhiteKernel(0.1),
    "Matern 1.5": Matern([1.0, 1.0, 2.0, 3.0], nu=1.5) + WhiteKernel(0.1),
    "Matern 2.5 and inf": 0.5 * Matern(1.5, nu=2.5) + Matern(2.5, nu=np.inf),
    "rational quadratic, periodic": RationalQuadratic(1.2, 0.7)
    * ExpSineSquared(2.0, 3.0),
    "power of dot product": DotProduct(0.5) ** 2 + DotProduct(0.0, "fixed") + RBF(2.0),
}
SPEC = Task(4, None, 1, False)


def process(kernel, alpha=0.05, **params):
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None, **params)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_student(kernel):
    check_student(student_for(process(kernel), SPEC))


@pytest.mark.slow
@pytest.mark.parametrize("outer_loss", ["auto", "log_density"])
def test_several_normalized_outputs(outer_loss):
    estimator = process(KERNELS["constant * RBF + white"], normalize_y=True)
    check_student(student_for(estimator, Task(4, None, 2, True), outer_loss))


@pytest.mark.slow
def test_default_kernel_held():
    student = student_for(GaussianProcessRegressor(alpha=0.1, optimizer=None), SPEC)
    assert list(student.hyperparameters) == ["alpha"]
    check_student(student)


@pytest.fixture(scope="module")
def table():
    X, _ = make_table(2, n=160, p=4, seed=3)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(X))
    return X, np.sin(X[:, 0]) * X[:, 1] + X[:, 2] + noise


def negative_log_density(model, X, y):
    mean, std = model.predict(X, return_std=True)
    # Outputs are independent: the logarithms of their densities add up.
    return -norm.logpdf(y, mean, std).reshape(len(X), -1).sum(axis=1).mean()


def squared_error(model, X, y):
    return np.mean((model.predict(X) - y) ** 2)


@pytest.fixture(
    params=[("auto", squared_error), ("log_density", negative_log_density)],
    ids=["squared_error", "log_density"],
    scope="module",
)
def problem(request, table):
    outer_loss, refit_loss = request.param
    X, y = table
    rng = np.random.default_rng(0)
    y = np.column_stack([y, X[:, 0] + X[:, 3] ** 2])
    kernel = 2.0 * Matern(1.5, nu=2.5) + WhiteKernel(0.2)
    estimator = process(kernel, normalize_y=True)
    student = student_for(estimator, Task(4, None, 2, True), outer_loss)
    synthetic = SyntheticSet(
        X[:20] + 0.1 * rng.standard_normal((20, 4)),
        y[:20],
        np.ones(20),
        student.hyperparameters,
    )
    objective = loss_over(X, y, np.ones(len(X)), student)
    loss, hypergrad = BilevelLoss(student, objective).value_and_grad(synthetic)

    def loss_at(synthetic):
        model = clone(estimator).set_params(**synthetic.hyperparameters)
        return refit_loss(model.fit(synthetic.X, synthetic.y), X, y)

    return synthetic, loss, hypergrad, loss_at


@pytest.mark.slow
def test_hypergradient_matches_refits(problem, rng):
    synthetic, loss, hypergrad, loss_at = problem
    assert_allclose(loss, loss_at(synthetic), rtol=1e-10)
    for field in ("X", "y"):
        value = getattr(synthetic, field)
        direction = rng.standard_normal(value.shape)
        plus, minus = (
            loss_at(synthetic._replace(**{field: value + step * direction}))
            for step in (1e-5, -1e-5)
        )
        slope = np.vdot(getattr(hypergrad, field), direction)
        assert_allclose(slope, (plus - minus) / 2e-5, rtol=1e-6)


def test_hypergradient_of_kernel_parameters_matches_refits(problem):
    """Parameters have the names that ``set_params`` takes."""
    synthetic, _, hypergrad, loss_at = problem
    assert list(synthetic.hyperparameters) == [
        "alpha",
        "kernel__k1__k1__constant_value",
        "kernel__k1__k2__length_scale",
        "kernel__k2__noise_level",
    ]
    for name, value in synthetic.hyperparameters.items():
        plus, minus = (
            loss_at(
                synthetic._replace(
                    hyperparameters={**synthetic.hyperparameters, name: value + step}
                )
            )
            for step in (1e-5, -1e-5)
        )
        slope = hypergrad.hyperparameters[name]
        assert_allclose(slope, (plus - minus) / 2e-5, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("nu", [0.5, 1.5])
def test_equal_rows_have_finite_derivatives(nu, table):
    """One center lies on a real row, and one on another center."""
    X, y = table
    student = student_for(process(Matern(nu=nu)), SPEC)
    objective = loss_over(X, y, np.ones(len(X)), student)
    synthetic = SyntheticSet(
        np.repeat(X[:6], 2, axis=0), y[:12], np.ones(12), student.hyperparameters
    )
    loss, hypergrad = BilevelLoss(student, objective).value_and_grad(synthetic)
    model = process(Matern(nu=nu)).fit(synthetic.X, synthetic.y)
    assert_allclose(loss, squared_error(model, X, y), rtol=1e-6)
    assert np.isfinite(hypergrad.X).all()


def test_rows_far_apart(rng):
    """Rounding of their squared distances does not change the variance of a row."""
    rows, y = 1e4 * rng.standard_normal((6, 4)), rng.standard_normal(12)
    rows = np.vstack([rows, rows + 0.5])
    estimator = process(Matern(nu=0.5), alpha=1e-10)
    student = student_for(estimator, SPEC)
    params = student.solve(SyntheticSet(rows, y, np.ones(12), student.hyperparameters))
    assert_allclose(params.dual_coef[:12, 0], estimator.fit(rows, y).alpha_, rtol=1e-6)


def test_no_noise_on_float32_rows(table):
    """With ``alpha=1e-10``, single precision would make the predictions useless."""
    X, y = table
    X = X[:, :1].astype(np.float32)
    estimator = process(RBF(1.0), alpha=1e-10)
    student = student_for(estimator, Task(1, None, 1, False))
    rows = np.linspace(-2, 2, 12)[:, None]
    synthetic = SyntheticSet(
        rows, np.sin(rows[:, 0]), np.ones(12), student.hyperparameters
    )
    params = student.solve(synthetic)
    loss, _ = loss_over(X, y, np.ones(len(X)), student).value_and_grad(params)
    model = estimator.fit(rows, synthetic.y)
    assert_allclose(loss, squared_error(model, X.astype(float), y), rtol=1e-6)


def kmeans_fit(estimator, X, y, n_rows):
    centers = KMeans(n_rows, n_init=3, random_state=0).fit(np.column_stack([X, y]))
    rows = centers.cluster_centers_
    return clone(estimator).fit(rows[:, :-1], rows[:, -1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held back")
@pytest.mark.parametrize("outer_loss", ["auto", "log_density"])
def test_refit_beats_kmeans(outer_loss, table):
    X, y = table
    kernel = 1.0 * RBF(2.0) + WhiteKernel(0.05)
    estimator = process(kernel, alpha=1e-6, normalize_y=True)
    distiller = DatasetDistiller(
        estimator,
        n_synthetic=10,
        outer_loss=outer_loss,
        learn_params=("noise_level",),
        max_iter=40,
        tol=1e-3,
        random_state=0,
    ).fit(X, y)
    baseline = kmeans_fit(estimator, X, y, 10)
    assert distiller.score(X, y) > baseline.score(X, y) + 0.05
    assert estimator.kernel.k2.noise_level == 0.05
    assert distiller.estimator_.kernel_.k2.noise_level != 0.05
    loss = squared_error if outer_loss == "auto" else negative_log_density
    assert_allclose(distiller.loss_, loss(distiller.estimator_, X, y), rtol=1e-8)
    assert distiller.loss_ < loss(baseline, X, y)


def test_names_of_kernel_parameters(table):
    """The last part of a name suffices if only one parameter has it."""
    student = student_for(process(RBF(2.0) + WhiteKernel(0.1)), SPEC)
    assert student.parameter_name("noise_level") == "kernel__k2__noise_level"
    assert student.parameter_name("alpha") == "alpha"
    twice = process(RBF(2.0) + RBF(1.0))
    with pytest.raises(ValueError, match="'length_scale'.*kernel__k1__length_scale"):
        DatasetDistiller(twice, learn_params=("length_scale",)).fit(*table)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["duplicates", "constant", "one feature", "wide"])
def test_degenerate_data(case, table):
    X, y = table
    X, y = {
        "duplicates": (np.repeat(X[:6], 10, axis=0), np.repeat(y[:6], 10)),
        "constant": (np.column_stack([X[:60], np.full(60, 7.0)]), np.ones(60)),
        "one feature": (X[:60, :1], y[:60]),
        "wide": (np.tile(X[:5], (1, 10)), y[:5]),
    }[case]
    estimator = process(Matern(3.0, nu=0.5), alpha=0.1, normalize_y=True)
    distiller = DatasetDistiller(estimator, n_synthetic=4, max_iter=15).fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    baseline = kmeans_fit(estimator, X, y, 4)
    # The penalty of the estimator takes part, at the cost of a little error.
    assert distiller.loss_ <= 1.02 * squared_error(baseline, X, y) + 1e-12


@pytest.mark.slow
def test_nothing_is_compiled_twice(table, count_compilations):
    X, y = table
    settings = {"n_synthetic": 8, "max_iter": 3, "tol": 1e9}
    DatasetDistiller(process(RBF(1.0)), **settings).fit(X, y)
    with count_compilations() as compiled:
        DatasetDistiller(process(RBF(2.0), 0.1), **settings).fit(X[:150], y[:150])
    assert compiled.count == 0


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (process(RBF(), alpha=np.array([1.0, 2.0])), "alpha as an array"),
        (process(Matern(nu=0.7)), "nu=0.7"),
        (process(PairwiseKernel()), "PairwiseKernel"),
        (process(CompoundKernel([RBF(), RBF()])), "CompoundKernel"),
        (process(RBF([1.0, 2.0])), "Anisotropic kernel"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(estimator, named):
    with pytest.raises(ValueError, match=named):
        student_for(estimator, SPEC)


def test_fixed_kernel_needs_no_optimizer():
    """If no parameter is free, scikit-learn's default optimizer does nothing."""
    kernel = RBF(1.0, length_scale_bounds="fixed")
    student = student_for(GaussianProcessRegressor(kernel), SPEC)
    assert student.hyperparameters["kernel__length_scale"] == 1.0
