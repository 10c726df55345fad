"""How often all real rows are read, and what a sample of them may decide."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression

from skdistill import DatasetDistiller
from skdistill.solvers import _iterate
from tests.solvers.test_course import Counting, counted  # noqa: F401

# Refits of scikit-learn's may end early: what is tested is told by the student.
pytestmark = pytest.mark.filterwarnings("ignore")

#: More rows than the first sample holds, which overfits so many features.
N_ROWS, N_FEATURES, N_CLASSES = 6000, 100, 5


@pytest.fixture(scope="module")
def wide():
    """Return correlated features for which a few rows give a norm that is too small."""
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((N_FEATURES, N_FEATURES)) * np.geomspace(1, 0.03, 100)
    X = rng.standard_normal((N_ROWS, N_FEATURES)) @ mix
    coef = rng.standard_normal((N_FEATURES, N_CLASSES)) / 10
    noise = rng.gumbel(size=(N_ROWS, N_CLASSES))
    return X, np.argmax(X @ coef + noise, axis=1)


def fit(data, **params):
    Counting.passes = 0
    estimator = LogisticRegression(C=1.0, max_iter=1000)
    params = {"n_synthetic": N_CLASSES, "random_state": 0, **params}
    return DatasetDistiller(estimator, **params).fit(*data)


@pytest.mark.slow
@pytest.mark.usefixtures("counted")
def test_defaults_converge_in_few_passes(wide):
    few = fit(wide)
    passes = Counting.passes
    long = fit(wide, tol=1e-8, max_iter=400)
    assert few.n_iter_ < long.n_iter_
    assert passes <= 40
    # What is left is worth no more than the tolerance.
    assert few.loss_curve_[-1] - long.loss_curve_[-1] < 0.01 * np.log(N_CLASSES)


@pytest.mark.usefixtures("counted")
def test_an_exact_softmax_on_few_rows_takes_few_passes(wide):
    """Newton's method takes the whole Hessian, so there are no products with it."""
    X, y = wide
    fitted = fit((X[:500, :10], y[:500]), solver="exact", n_synthetic=50)
    assert len(fitted.loss_curve_) == 1
    assert Counting.passes <= 40


def test_iterations_without_decrease_end_it(wide):
    fitted = fit(wide, n_iter_no_change=3, tol=2e-4)
    least = 3 * 2e-4 * np.log(N_CLASSES)
    decreases = fitted.loss_curve_[:-3] - fitted.loss_curve_[3:]
    assert decreases[-1] < least
    assert (decreases[:-1] >= least).all()


@pytest.mark.slow
@pytest.mark.parametrize("agrees", [True, False])
def test_another_sample_has_to_agree(monkeypatch, agrees):
    """An improvement on the first sample is dropped if other samples contradict it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4200, 3))
    y = X[:, 0] + 0.1 * rng.standard_normal(len(X))
    starts = []
    minimize_outer_loss = _iterate.minimize_outer_loss

    def watch(student, objective, variables, **settings):
        starts.append(variables.start)
        if len(starts) == 2:
            settings["max_iter"] = 0
        return minimize_outer_loss(student, objective, variables, **settings)

    monkeypatch.setattr(_iterate, "minimize_outer_loss", watch)
    if not agrees:
        losses = iter(np.arange(100.0))
        monkeypatch.setattr(_iterate._Trials, "_loss", lambda *_: next(losses))
    DatasetDistiller(KernelRidge(kernel="rbf"), n_synthetic=5, solver="lbfgs").fit(X, y)
    first, second = starts
    assert np.array_equal(first.X, second.X) == (not agrees)
