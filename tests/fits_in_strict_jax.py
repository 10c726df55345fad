"""Fit for every estimator in a process whose JAX refuses what it can; no test module.

The settings hold for the process, and the tests share theirs.
"""

import warnings

import jax
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import (
    GaussianProcessClassifier,
    GaussianProcessRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from skdistill import DatasetDistiller

CLASSIFIERS = [
    GaussianNB(),
    GaussianProcessClassifier(),
    KNeighborsClassifier(3),
    LinearDiscriminantAnalysis(),
    LinearSVC(),
    LogisticRegression(),
    NearestCentroid(),
    RidgeClassifier(),
    SVC(),
]
REGRESSORS = [
    GaussianProcessRegressor(alpha=0.1, optimizer=None),
    KNeighborsRegressor(3),
    KernelRidge(kernel="rbf"),
    LinearRegression(),
    LinearSVR(loss="squared_epsilon_insensitive", max_iter=10_000),
    Ridge(),
    SVR(),
]
STRICT = {
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_transfer_guard": "disallow",
    "jax_default_matmul_precision": "F32_F32_F32",
    "jax_debug_nans": True,
    "jax_debug_infs": True,
}


def main():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(40)
    classes = np.digitize(y, [-1.0, 1.0])
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name, value in STRICT.items():
        jax.config.update(name, value)
    before = dict(jax.config.values)
    for estimator in CLASSIFIERS + REGRESSORS:
        targets = classes if estimator in CLASSIFIERS else y
        distiller = DatasetDistiller(estimator, n_synthetic=6, max_iter=2)
        distiller.set_params(solver="lbfgs").fit(X, targets)
        assert np.isfinite(distiller.loss_), estimator
    distiller.set_params(solver="adam").fit(X, targets)
    assert dict(jax.config.values) == before
    with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed"):
        jax.numpy.ones(1)  # the user's, outside of a fit


if __name__ == "__main__":
    main()
