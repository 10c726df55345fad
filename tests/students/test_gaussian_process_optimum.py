"""Kernels that Gaussian processes choose when they are fitted, against refits."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize, root
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from skdistill import DatasetDistiller
from skdistill._programs import Program
from skdistill.evaluation._baselines import reduced_set
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import Task, check_student, student_for
from skdistill.students.kernel._gp_optimum import MAX_MOVE, polish
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SPEC = Task(4, None, 1, False)
WHITE = ConstantKernel() * RBF(2.0) + WhiteKernel()
KERNELS = {
    "default": None,
    "constant * RBF + white": WHITE,
    "at a bound": 1.0 * Matern(nu=1.5) + WhiteKernel(0.4, (0.3, 2.0)),
    "a part fixed": RBF(2.0) + WhiteKernel(0.1, "fixed"),
}


def strictly(loss, theta, bounds):
    """Go on where scikit-learn's own optimizer stops, to a slope of zero."""
    theta = minimize(loss, theta, method="L-BFGS-B", jac=True, bounds=bounds).x
    free = (theta > bounds[:, 0]) & (theta < bounds[:, 1])

    def slope(part):
        theta[free] = part
        return loss(theta)[1][free]

    theta[free] = root(slope, theta[free], tol=1e-14).x
    return theta, loss(theta)[0]


def student_of(kernel, loss="auto", **params):
    estimator = GaussianProcessRegressor(kernel, **{"alpha": 1e-3, **params})
    return student_for(estimator, SPEC, loss)


@pytest.fixture(scope="module")
def table():
    X, _ = make_table(2, n=160, p=4, seed=3)
    noise = 0.3 * np.random.default_rng(0).standard_normal(len(X))
    return X, np.sin(X[:, 0]) * X[:, 1] + X[:, 2] + noise


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["auto", "log_density"])
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_student(kernel, loss):
    student = student_of(kernel, loss, normalize_y=True)
    student.estimator = clone(student.estimator).set_params(optimizer=strictly)
    check_student(student)


@pytest.mark.parametrize("kernel", [WHITE, KERNELS["at a bound"]])
def test_hypergradient_matches_refits(kernel, table, rng):
    X, y = table
    student = student_of(kernel)
    synthetic = SyntheticSet(X[:24], y[:24], np.ones(24), student.hyperparameters)
    objective = outer_loss(X, y, np.ones(len(X)), student)
    loss, hypergrad = BilevelLoss(student, objective).value_and_grad(synthetic)
    strict = clone(student.estimator).set_params(optimizer=strictly)
    noise = strict.fit(*synthetic[:2]).kernel_.k2.noise_level
    is_at_bound = np.isclose(noise, kernel.k2.noise_level_bounds[0])
    assert is_at_bound == (kernel is not WHITE)

    def loss_at(synthetic):
        model = clone(strict).set_params(**synthetic.hyperparameters)
        return np.mean((model.fit(synthetic.X, synthetic.y).predict(X) - y) ** 2)

    assert_allclose(loss, loss_at(synthetic), rtol=1e-8)
    for field in ("X", "y"):
        value = getattr(synthetic, field)
        direction = rng.standard_normal(value.shape)

        def along(step, field=field, value=value, direction=direction):
            return loss_at(synthetic._replace(**{field: value + step * direction}))

        # Refits are good to ten digits: long steps, extrapolated to none.
        far, near = ((along(step) - along(-step)) / (2 * step) for step in (1e-3, 5e-4))
        slope = np.vdot(getattr(hypergrad, field), direction)
        assert_allclose(slope, near + (near - far) / 3, rtol=1e-5)
    assert list(hypergrad.hyperparameters) == ["alpha"]


def test_predictions_are_those_of_the_refit(table):
    """Where scikit-learn stops at its own tolerance."""
    X, y = table
    student = student_of(WHITE)
    synthetic = SyntheticSet(X[:24], y[:24], np.ones(24), student.hyperparameters)
    objective = outer_loss(X, y, np.ones(len(X)), student)
    model = student.estimator.fit(X[:24], y[:24])
    assert_allclose(
        objective.value(student.solve(synthetic)),
        np.mean((model.predict(X) - y) ** 2),
        rtol=1e-3,
    )


@dataclass(frozen=True)
class Valley(Program):
    """A wide one, whose slope is small far from the minimum."""

    def __call__(self, theta, data):
        return jnp.sum(jnp.cosh(0.1 * (theta - data)))


@dataclass(frozen=True)
class Bowl(Program):
    def __call__(self, theta, data):
        return jnp.sum(jnp.cosh(theta - data))


class TestPolish:
    bounds = np.array([[-5.0, 5.0]])

    def test_goes_on_to_the_minimum(self):
        found = polish(Bowl(), np.array([0.98]), self.bounds, np.array([1.0]))
        assert_allclose(found.theta, 1.0, atol=1e-12)
        assert_allclose(found.inverse, 1.0)

    def test_stays_at_a_bound(self):
        start = np.array([5 - 1e-12])
        found = polish(Bowl(), start, self.bounds, np.array([6.0]))
        assert_array_equal(found.theta, 5.0)
        assert_array_equal(found.inverse, 0.0)

    def test_stays_where_the_refit_stops(self):
        start = np.array([1.0])
        far = start + 2 * MAX_MOVE
        found = polish(Valley(), start, self.bounds, far)
        assert_array_equal(found.theta, start)

    def test_a_likelihood_without_value(self):
        found = polish(Bowl(), np.array([np.nan]), self.bounds, np.array([1.0]))
        assert np.isnan(found.theta).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held back")
def test_refit_beats_kmeans(table):
    X, y = table
    estimator = GaussianProcessRegressor(WHITE)
    distiller = DatasetDistiller(estimator, n_synthetic=10, max_iter=40, random_state=0)
    distiller.fit(X[:110], y[:110])
    assert distiller.solver_ == "adam"
    rows = reduced_set("kmeans", X[:110], y[:110], None, 10, random_state=0)
    baseline = clone(estimator).fit(*rows[:2])
    assert distiller.score(X[110:], y[110:]) > baseline.score(X[110:], y[110:]) + 0.05
    assert_allclose(
        distiller.loss_, np.mean((distiller.predict(X[:110]) - y[:110]) ** 2), rtol=1e-6
    )


@pytest.mark.slow
def test_nothing_is_compiled_twice(table, count_compilations):
    """By L-BFGS-B: a step of Adam is compiled for the number of variables."""
    X, y = table
    settings = {"solver": "lbfgs", "max_iter": 2, "random_state": 0}
    estimator = GaussianProcessRegressor(1.0 * RBF([1.0] * 4) + WhiteKernel(0.1))
    DatasetDistiller(estimator, n_synthetic=10, **settings).fit(X, y)
    kernel = 2.0 * RBF([2.0] * 4) + WhiteKernel(0.2, (0.1, 1.0))
    estimator.set_params(kernel=kernel, alpha=0.2)
    with count_compilations() as compiled:
        DatasetDistiller(estimator, n_synthetic=15, **settings).fit(X[:111], y[:111])
    assert compiled.count == 0


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"n_restarts_optimizer": 2}, "n_restarts_optimizer=2"),
        ({"optimizer": strictly}, "an optimizer of your own"),
    ],
)
def test_other_ways_to_choose_are_refused_by_name(params, named):
    with pytest.raises(ValueError, match=named):
        student_of(WHITE, **params)
    student_of(RBF(1.0, "fixed"), **params)
