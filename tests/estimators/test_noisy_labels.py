"""With labels that are wrong, learning must not lose what the starting rows had.

The test rows have the right labels, and took no part.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.kernel_ridge import KernelRidge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skdistill import DatasetDistiller
from skdistill.evaluation._baselines import reduced_set

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::sklearn.exceptions.ConvergenceWarning",
        "ignore:The outer loss is .* on rows that were held back",
    ),
]
N_TRAIN, N_SYNTHETIC = 600, 30
#: What chance may cost in the accuracy on 1,197 test rows.
SLACK = 0.015
ESTIMATORS = {
    "1-NN": KNeighborsClassifier(1),
    "5-NN": KNeighborsClassifier(5),
    "kernel ridge": KernelRidge(kernel="rbf", gamma=0.05, alpha=0.01),
    "SVC": SVC(C=10, gamma=0.05),
    "naive Bayes": GaussianNB(var_smoothing=1e-2),
}


class Noisy(NamedTuple):
    """Real rows, a fifth of them with a label drawn at random, and test rows."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X, rng = X / 16, np.random.default_rng(0)
    noisy = y[:N_TRAIN].copy()
    wrong = rng.permutation(N_TRAIN)[: N_TRAIN // 5]
    noisy[wrong] = rng.integers(0, 10, len(wrong))
    return Noisy(X[:N_TRAIN], noisy, X[N_TRAIN:], y[N_TRAIN:])


def targets_for(estimator, digits):
    """Return numeric targets for kernel ridge and the labels for other estimators."""
    one_hot = np.eye(10)[digits.y] - 0.1
    return one_hot if isinstance(estimator, KernelRidge) else digits.y


def accuracy(model, digits):
    predicted = model.predict(digits.X_test)
    if predicted.ndim == 2:
        predicted = predicted.argmax(axis=1)
    return np.mean(predicted == digits.y_test)


def distilled(estimator, digits, **params):
    """Accuracy of the estimator on distilled rows."""
    if isinstance(estimator, KernelRidge):
        params["outer_loss"] = "log_loss"
    distiller = DatasetDistiller(
        estimator, n_synthetic=N_SYNTHETIC, random_state=0, **params
    )
    distiller.fit(digits.X, targets_for(estimator, digits))
    return accuracy(distiller.estimator_, digits)


@pytest.fixture(scope="module")
def default(digits):
    """Return the accuracy with default settings; cached, as several tests use it."""
    return cache(lambda name: distilled(ESTIMATORS[name], digits))


@pytest.fixture(scope="module")
def overfitted(digits):
    """Return the accuracy of one neighbor among rows that also fit the wrong labels."""
    return distilled(ESTIMATORS["1-NN"], digits, early_stopping=False, max_iter=100)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_defaults_are_no_worse_than_kmeans(digits, default, name):
    estimator = ESTIMATORS[name]
    X, y, _ = reduced_set(
        "kmeans",
        digits.X,
        targets_for(estimator, digits),
        digits.y,
        N_SYNTHETIC,
        random_state=0,
    )
    kmeans = accuracy(clone(estimator).fit(X, y), digits)
    assert default(name) >= kmeans - SLACK


@pytest.mark.parametrize("name", ESTIMATORS)
def test_defaults_are_no_worse_than_the_starting_rows(digits, default, name):
    start = distilled(ESTIMATORS[name], digits, early_stopping=False, tol=1e9)
    assert default(name) >= start - SLACK


@pytest.mark.parametrize("name", ["1-NN", "kernel ridge"])
def test_defaults_are_better_than_fitting_the_wrong_labels(default, overfitted, name):
    assert default(name) > overfitted
