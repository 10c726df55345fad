"""The start of a linear student whose model no rows reproduce."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skdistill import DatasetDistiller
from skdistill.solvers import _distill
from skdistill.solvers.exact import _linear

# The fits are cut short: what is tested holds for any of them.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture
def starts(monkeypatch):
    """Return the losses of the starting rows, and of the rows before the iterations."""
    losses = []
    reach_model = _distill.reach_model

    def look(problem, report):
        start = reach_model(problem, report)
        losses.append(
            [
                float(problem.loss.value_and_grad(problem.student.solve(each))[0])
                for each in (problem.start, start.synthetic)
            ]
        )
        return start

    monkeypatch.setattr(_distill, "reach_model", look)
    return losses


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(C=0.01), RidgeClassifier(alpha=10.0), LinearSVC(C=0.01)],
    ids=["logistic", "ridge", "svc"],
)
def test_improving_in_the_span_is_most_of_the_way(estimator, wine, starts, monkeypatch):
    """A few numbers of each row are improved before all of its features."""
    X, y = wine
    distiller = DatasetDistiller(estimator, n_synthetic=6, random_state=0, max_iter=30)
    first_losses, n_iter = [], []
    for max_iter in (_linear.SPAN_OPTIONS["max_iter"], 0):
        options = {**_linear.SPAN_OPTIONS, "max_iter": max_iter}
        monkeypatch.setattr(_linear, "SPAN_OPTIONS", options)
        distiller.fit(X, y)
        first_losses.append(starts[-1][1])
        n_iter.append(distiller.n_iter_)
    least = distiller.loss_curve_.min()
    with_it, without = np.array(first_losses) - least
    assert with_it < 0.2 * without
    assert n_iter[0] < n_iter[1]


def test_the_start_is_never_worse_than_the_rows_it_comes_from(wine, starts):
    X, y = wine
    for C in (1e-3, 0.1):
        for params in ({}, {"feature_range": (-0.5, 0.5)}, {"learn_params": ("C",)}):
            DatasetDistiller(
                LogisticRegression(C=C), n_synthetic=3, max_iter=1, **params
            ).fit(X, y)
    for rows, start in starts:
        assert start <= rows
