"""Nearest centroids, naive Bayes and linear discriminants in the distiller."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid

from skdistill import DatasetDistiller
from tests.conftest import make_table
from tests.students.test_neighbors import centers_of_classes

ESTIMATORS = {
    "centroid": NearestCentroid(),
    "centroid, priors": NearestCentroid(priors="empirical"),
    "naive Bayes": GaussianNB(),
    "svd": LinearDiscriminantAnalysis(),
    "lsqr": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5),
}
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss is .* on rows that were held back",
    "ignore::sklearn.exceptions.ConvergenceWarning",  # few iterations are enough here
    # These two are scikit-learn's, of constant features and of single rows.
    "ignore:self.within_class_std_dev_:UserWarning",
    "ignore:Only one sample available:UserWarning",
)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_iteration_beats_centers_of_classes(estimator):
    """They are compared by log-loss if there are probabilities, and by errors."""
    X, y = load_digits(return_X_y=True)
    X, y = X[y < 3, 10:22] + 0.0, y[y < 3]
    baseline = clone(estimator).fit(*centers_of_classes(X, y, 3))
    distiller = DatasetDistiller(
        estimator, n_synthetic=9, solver="lbfgs", max_iter=20, tol=1e-2
    ).fit(X, y)
    assert 1 - distiller.score(X, y) < 0.9 * (1 - baseline.score(X, y))
    if not isinstance(estimator, NearestCentroid):
        found, before = (
            log_loss(y, model.predict_proba(X)) for model in (distiller, baseline)
        )
        assert found < 0.5 * before
        assert found == pytest.approx(distiller.loss_, rel=1e-5)


DEGENERATE = {
    "repeated rows": lambda X: np.repeat(X[::4], 4, axis=0),
    "constant columns": lambda X: np.where(np.arange(X.shape[1]) < 2, 1024.0, X),
    "one feature": lambda X: X[:, :1],
    "wide": lambda X: np.hstack([X, X**2, X**3] * 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
@pytest.mark.parametrize("change", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_degenerate(estimator, change, solver):
    X, y = make_table(2, n=40)
    y[:10] = 0
    X = change(X)
    distiller = DatasetDistiller(estimator, n_synthetic=8, max_iter=2, solver=solver)
    distiller.fit(X, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert np.isfinite(distiller.loss_)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_class_with_one_row(estimator):
    X, y = make_table(2, n=40)
    y[0] = 2
    distiller = DatasetDistiller(estimator, max_iter=2).fit(X, y)
    assert (distiller.y_synthetic_ == 2).sum() == 1
    assert np.isfinite(distiller.loss_)
