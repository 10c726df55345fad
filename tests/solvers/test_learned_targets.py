"""Sets with learned targets: exact, and within the ranges of the data if possible."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.svm import LinearSVR

from skdistill import DatasetDistiller
from skdistill.solvers.exact._learned_targets import reproducing_sets
from skdistill.solvers.exact._span import is_reproduced
from skdistill.students import Task, student_for
from skdistill.synthetic._set import SyntheticSet

FREE = (-np.inf, np.inf)
STRICT = {"tol": 1e-12, "max_iter": 100_000, "dual": False}
ESTIMATORS = {
    "ridge": Ridge(alpha=3.0),
    "ridge, no intercept": Ridge(alpha=3.0, fit_intercept=False),
    "ridge, two outputs": Ridge(alpha=3.0),
    "svr": LinearSVR(loss="squared_epsilon_insensitive", epsilon=0.2, C=0.2, **STRICT),
    "least squares": LinearRegression(),
}


class Problem:
    """A table, the model of all of it, and real rows as the reference."""

    def __init__(self, name, m, rng):
        estimator, k = ESTIMATORS[name], 1 + (name == "ridge, two outputs")
        self.X = X = rng.uniform(-1, 1, (200, 4))
        Y = X @ rng.standard_normal((4, k)) + 0.3 * rng.standard_normal((200, k))
        self.y = y = Y if k > 1 else Y[:, 0]
        self.student = student_for(estimator, Task(4, None, k, k > 1))
        self.params = self.student.params_of(clone(estimator).fit(X, y), None)
        self.reference = SyntheticSet(
            X[:m], y[:m], np.ones(m), self.student.hyperparameters
        )
        self.ranges = {
            "ranges": (X.min(axis=0), X.max(axis=0)),
            "target_ranges": (y.min(axis=0), y.max(axis=0)),
        }

    def best(self, bounds=FREE, **options):
        sets = reproducing_sets(
            self.student,
            self.params,
            self.reference,
            tuple(np.broadcast_to(end, 4) for end in bounds),
            self.X.std(axis=0),
            self.y.std(axis=0),
            **options,
        )
        return next(sets)

    def is_exact(self, synthetic):
        return is_reproduced(self.params, self.student.solve(synthetic))


def is_within(values, ends):
    return (values >= ends[0]).all() and (values <= ends[1]).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_within_the_ranges_of_the_data(name, rng):
    problem = Problem(name, 40, rng)
    found = problem.best(**problem.ranges)
    assert problem.is_exact(found)
    assert is_within(found.X, problem.ranges["ranges"])
    assert is_within(found.y, problem.ranges["target_ranges"])


@pytest.mark.parametrize("name", ["ridge", "ridge, two outputs", "svr"])
def test_the_ranges_decide(name, rng):
    """They select a set that closeness to the reference alone would not select."""
    problem = Problem(name, 20, rng)
    unguided = problem.best()
    low, high = np.min(unguided.y, axis=0), np.max(unguided.y, axis=0)
    inner = low + 0.15 * (high - low), high - 0.15 * (high - low)
    found = problem.best(target_ranges=inner, ranges=problem.ranges["ranges"])
    assert problem.is_exact(unguided)
    assert problem.is_exact(found)
    assert is_within(found.y, inner)
    assert is_within(found.X, problem.ranges["ranges"])


@pytest.mark.parametrize("name", ["ridge", "svr", "least squares"])
def test_exact_rather_than_within_the_ranges(name, rng):
    """No set can have targets of one value, so a set outside the range is preferred."""
    problem = Problem(name, 12, rng)
    found = problem.best(target_ranges=(0.0, 0.0))
    assert problem.is_exact(found)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bounds_rather_than_exact(name, rng):
    problem = Problem(name, 12, rng)
    found = problem.best(bounds=(-0.2, 0.1), target_bounds=(-0.1, 0.05))
    assert is_within(found.X, (-0.2, 0.1))
    assert is_within(found.y, (-0.1, 0.05))
    assert not problem.is_exact(found)


def test_bounds_and_ranges_together(rng):
    """Ranges are kept within the bounds, even if the two do not overlap."""
    problem = Problem("ridge", 40, rng)
    bounds, target_bounds = (-0.9, 0.8), (-3.0, 3.0)
    found = problem.best(bounds, target_bounds=target_bounds, **problem.ranges)
    assert problem.is_exact(found)
    assert is_within(found.X, bounds)
    assert is_within(found.y, target_bounds)
    apart = problem.best(bounds, ranges=(2.0, 3.0))
    assert is_within(apart.X, bounds)


def test_scales_of_targets_do_not_matter(rng):
    problem = Problem("ridge", 20, rng)
    found = problem.best(**problem.ranges)
    unit = 1e6
    problem.y = unit * problem.y
    problem.params = problem.params._replace(
        coef=unit * problem.params.coef, intercept=unit * problem.params.intercept
    )
    problem.reference = problem.reference._replace(y=unit * problem.reference.y)
    problem.ranges["target_ranges"] = problem.y.min(), problem.y.max()
    again = problem.best(**problem.ranges)
    assert_allclose(again.X, found.X, atol=1e-9)
    assert_allclose(again.y, unit * found.y, rtol=1e-9)


@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_learned_targets_look_like_those_of_the_data(weighting):
    X, y = load_diabetes(return_X_y=True)
    distiller = DatasetDistiller(
        Ridge(alpha=0.1), n_synthetic=40, weighting=weighting, solver="exact"
    ).fit(X, y)
    full = Ridge(alpha=0.1).fit(X, y)
    assert_allclose(distiller.estimator_.coef_, full.coef_, rtol=1e-8)
    assert is_within(distiller.y_synthetic_, (y.min(), y.max()))
    assert is_within(distiller.X_synthetic_, (X.min(axis=0), X.max(axis=0)))
