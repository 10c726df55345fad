"""Each part of rounding lowers the loss."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from skdistill import DatasetDistiller
from skdistill.solvers import _rounding
from skdistill.solvers._problem import Problem
from skdistill.solvers._rounding import round_set

# The fits are cut short: what is tested holds for any of them.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def additive(seed, n=300, k=5):
    """Return a table in which each category and number has an additive effect."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, (n, 4))
    frame = pd.DataFrame({f"c{j}": codes[:, j].astype(str) for j in range(4)})
    weights = 1.5 * rng.standard_normal((4, k))
    score = weights[np.arange(4), codes].sum(axis=1)
    frame["i"] = rng.integers(0, 50, n)
    frame["x"] = rng.standard_normal(n)
    score += 0.05 * (frame["i"] - 25) + frame["x"]
    return frame, (score + rng.logistic(size=n) > 0).astype(int)


def paired(seed, n=200, k=8):
    """Return a table in which only two categories together determine the class."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, k, (2, n))
    i = rng.integers(0, 6, n)
    frame = pd.DataFrame({"a": a.astype(str), "b": b.astype(str), "i": i})
    class_of = rng.integers(0, 2, (k, k))
    is_clear = rng.uniform(size=n) < 0.9
    return frame, np.where(is_clear, class_of[a, b], rng.integers(0, 2, n))


def fit(estimator, frame, y, n_synthetic, **params):
    categorical = [name for name in frame if name[0] in "abc"]
    params = {"max_iter": 20, "random_state": 0, "solver": "lbfgs", **params}
    params = {"early_stopping": False, **params}
    distiller = DatasetDistiller(
        estimator, n_synthetic=n_synthetic, categorical_features=categorical, **params
    )
    return distiller.fit(frame, y)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 4])
def test_exchanging_values_lowers_the_loss(seed, monkeypatch):
    """It gains more than the later refinement does."""
    frame, y = additive(seed)
    fitted = fit(LogisticRegression(), frame, y, 4)
    monkeypatch.setattr(_rounding, "MAX_TRIALS", 0)
    without = fit(LogisticRegression(), frame, y, 4)
    assert fitted.loss_ < 0.985 * without.loss_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "seed", "n_synthetic"),
    [(SVC(gamma=1.0), 1, 6), (LogisticRegression(C=10), 0, 6)],
    ids=["kernel", "logistic"],
)
def test_rows_near_real_ones_are_a_start_of_their_own(
    estimator, seed, n_synthetic, monkeypatch
):
    """Cluster centers of categories are far from any possible row."""
    frame, y = paired(seed)
    fitted = fit(estimator, frame, y, n_synthetic)
    monkeypatch.setattr(Problem, "near", property(lambda self: self.start))
    without = fit(estimator, frame, y, n_synthetic)
    assert fitted.loss_ < 0.98 * without.loss_


def test_near_rows_are_real_rows_of_the_same_class(monkeypatch):
    frame, y = paired(0)
    seen = []
    near = Problem.near

    def look(problem):
        seen.append((problem, near.fget(problem)))
        return seen[-1][1]

    monkeypatch.setattr(Problem, "near", property(look))
    fit(LogisticRegression(), frame, y, 6)
    ((problem, synthetic),) = seen
    encoder = OneHotEncoder(sparse_output=False)
    real = np.column_stack([encoder.fit_transform(frame[["a", "b"]]), frame["i"]])
    ranges = np.ptp(real, axis=0)
    for row, start, label in zip(synthetic.X, problem.start.X, problem.y0, strict=True):
        of_class = real[y == label]
        distances = np.sum(((of_class - start) / ranges) ** 2, axis=1)
        assert_allclose(np.sum(((row - start) / ranges) ** 2), distances.min())
        assert (np.abs(of_class - row).max(axis=1) < 1e-12).any()


def test_the_best_of_all_candidates_is_kept(monkeypatch):
    """The result is never worse than the learned rows after plain rounding."""
    frame, y = additive(0)
    looks = []
    look = _rounding._Rounding.evaluate
    monkeypatch.setattr(
        _rounding._Rounding,
        "evaluate",
        lambda self, *args: looks.append(look(self, *args)) or looks[-1],
    )
    monkeypatch.setattr(_rounding._Rounding, "run", lambda self, synthetic: synthetic)
    fit(LogisticRegression(), frame, y, 4)
    assert len(looks) == 4
    assert len({loss for loss, *_ in looks}) >= 3


@pytest.mark.slow
def test_refinement_after_rounding_lowers_the_loss():
    """The float columns compensate for the rounding of the others."""
    frame, y = additive(0)
    fitted = fit(LogisticRegression(), frame, y, 4, max_iter=20)
    curve = fitted.loss_curve_
    jump = np.argmax(np.diff(curve)) + 1
    assert curve[jump] > curve[jump - 1]
    assert jump < len(curve) - 1
    assert curve[-1] < curve[jump]
    assert_allclose(fitted.loss_, curve[-1], rtol=1e-3)


@pytest.mark.slow
def test_a_share_of_the_iterations_is_left_for_rounded_rows():
    frame, y = additive(0)
    curve = fit(LogisticRegression(), frame, y, 4, max_iter=20, tol=0.0).loss_curve_
    assert len(curve) == 20
    assert np.argmax(np.diff(curve)) + 1 == 15


@pytest.mark.slow
def test_exact_rows_are_rounded_and_refined():
    """Exact sets have fractional values, so integer columns must be rounded."""
    frame, y = additive(0)
    fitted = fit(LogisticRegression(), frame, y, 8, solver="auto", weighting="match")
    assert fitted.n_iter_ > 1
    assert_array_equal(
        fitted.X_synthetic_["i"], np.rint(fitted.X_synthetic_["i"].astype(float))
    )


def test_whole_numbers_need_no_rounding(monkeypatch):
    """Rows of whole numbers are kept without a search."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"i": rng.integers(0, 9, 100), "j": rng.integers(0, 9, 100)})
    y = (frame["i"] + rng.integers(0, 9, 100) > 8).astype(int)
    monkeypatch.setattr(
        _rounding._Rounding, "run", lambda *args: pytest.fail("Nothing to round.")
    )
    start = frame.iloc[[0, 1, 2, 3]], y[:4]
    distiller = DatasetDistiller(LogisticRegression(), init=start, tol=1e9)
    monkeypatch.setattr("skdistill.solvers._distill.reach_model", _from_the_start)
    fitted = distiller.set_params(solver="lbfgs").fit(frame, y)
    assert_array_equal(fitted.X_synthetic_, start[0])


def _from_the_start(problem, report):
    from skdistill.solvers._problem import Start

    return Start(problem.start, lambda _: problem.options.units)


@pytest.mark.slow
def test_held_back_rows_choose_what_is_rounded(monkeypatch):
    """If the held-back labels are swapped, the start beats what is learned."""
    frame, y = paired(1)
    y, is_held = y.copy(), np.arange(len(y)) % 4 == 0
    y[is_held] = 1 - y[is_held]
    seen = {}

    def look(problem, synthetic, units_at, columns, report):
        start = problem.start._replace(
            X=columns.round(problem.start.X), hyperparameters=synthetic.hyperparameters
        )
        whole, options = round_set(problem, synthetic, units_at, columns, report)
        seen["start"], seen["whole"] = report.judge(start), report.judge(whole)
        return whole, options

    monkeypatch.setattr("skdistill.solvers._distill.round_set", look)
    with pytest.warns(UserWarning, match="rows that were held back"):
        fit(
            KNeighborsClassifier(1),
            frame,
            y,
            8,
            early_stopping=True,
            validation_fraction=[(~is_held, is_held)],
        )
    assert seen["whole"] <= seen["start"]
