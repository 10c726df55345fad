"""Exact rows for moment estimators: a fit on them is that on all the data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid

from skdistill import DatasetDistiller
from tests.conftest import make_table

PRIORS = [0.5, 0.3, 0.2]
ESTIMATORS = {
    "centroid": NearestCentroid(),
    "centroid, priors": NearestCentroid(priors=PRIORS),
    "naive Bayes": GaussianNB(priors=PRIORS),
    "svd": LinearDiscriminantAnalysis(),
    "svd, priors": LinearDiscriminantAnalysis(priors=PRIORS),
    "lsqr": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2),
    "eigen": LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.9, priors=PRIORS),
}


@pytest.fixture(scope="module")
def unbalanced_table():
    """Return a table of three classes of about 64, 40 and 16 rows, in several units."""
    X, y = make_table(3, n=180)
    kept = np.flatnonzero((y == 0) | (np.arange(180) % 5 < 4 - y))
    return X[kept] * [1, 30, 1, 0.03, 1, 1] + [0, 0, 1e3, 0, 1, 0], y[kept]


def assert_same_model(distiller, X, y, sample_weight=None):
    kwargs = {} if sample_weight is None else {"sample_weight": sample_weight}
    full = clone(distiller.estimator).fit(X, y, **kwargs)
    proba = full.predict_proba(X)
    assert_allclose(distiller.predict_proba(X), proba, atol=1e-6)
    ordered = np.sort(proba, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > 1e-6
    assert (distiller.predict(X) == full.predict(X))[is_clear].all()


@pytest.mark.slow
@pytest.mark.parametrize("init", ["kmeans", "sample"])
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_same_model(estimator, init, unbalanced_table):
    """This includes rows that are shared evenly over unbalanced classes."""
    X, y = unbalanced_table
    distiller = DatasetDistiller(
        estimator, n_synthetic=15, init=init, solver="exact", random_state=0
    ).fit(X, y)
    assert len(distiller.X_synthetic_) == 15
    assert_same_model(distiller, X, y)


@pytest.mark.parametrize("rows", [{0: 6, 1: 4, 2: 2}, {0: 2, 1: 8, 2: 3}], ids=str)
def test_empirical_priors_of_centroids(rows, unbalanced_table):
    """The rows move until the decision boundaries are the same."""
    X, y = unbalanced_table
    estimator = NearestCentroid(priors="empirical")
    distiller = DatasetDistiller(estimator, n_synthetic=rows, solver="exact")
    assert_same_model(distiller.fit(X, y), X, y)
    with pytest.raises(ValueError, match="uses another distance"):
        clone(distiller).set_params(n_synthetic=12).fit(X, y)


def test_weights(unbalanced_table, rng):
    """Weights of the data affect the moments; those of the rows affect the priors."""
    X, y = unbalanced_table
    weight = rng.uniform(0.5, 2, len(y))
    distiller = DatasetDistiller(
        GaussianNB(), n_synthetic=9, weighting="match", solver="exact"
    ).fit(X, y, sample_weight=weight)
    assert_same_model(distiller, X, y, weight)
    assert_allclose(distiller.sample_weight_synthetic_.sum(), weight.sum())
    assert set(np.bincount(distiller.y_synthetic_)) == {3}


@pytest.mark.parametrize("var_smoothing", [1e-9, 0.5])
def test_smoothing(var_smoothing):
    """The rows account for the smoothing by the variance of all rows."""
    X, y = load_iris(return_X_y=True)
    rows = {0: 3, 1: 4, 2: 3}
    estimator = GaussianNB(var_smoothing=var_smoothing, priors=PRIORS)
    distiller = DatasetDistiller(estimator, n_synthetic=rows, solver="exact").fit(X, y)
    assert_same_model(distiller, X, y)


@pytest.mark.parametrize(
    "params",
    [{}, {"reg_param": 0.3}, {"solver": "eigen", "shrinkage": 0.2}],
    ids=str,
)
def test_covariances_of_classes(params, unbalanced_table):
    """Each class needs rank + 1 rows, and the priors must be given or preserved."""
    X, y = unbalanced_table
    estimator = QuadraticDiscriminantAnalysis(priors=PRIORS, tol=1e-8, **params)
    distiller = DatasetDistiller(estimator, n_synthetic=21, solver="exact").fit(X, y)
    assert_same_model(distiller, X, y)
    if params:
        with pytest.raises(ValueError, match="has rank 6, which needs 7"):
            distiller.set_params(n_synthetic=20).fit(X, y)
    else:
        with pytest.raises(ValueError, match="at least 7 rows of each class"):
            distiller.set_params(n_synthetic=20).fit(X, y)
    distiller.set_params(n_synthetic=21, estimator__priors=None)
    with pytest.raises(ValueError, match="class priors depend on"):
        distiller.fit(X, y)


@pytest.mark.slow
def test_rank_of_the_covariance():
    """In digits, constant features need no rows, and the bound on rows is sharp."""
    X, y = load_digits(return_X_y=True)
    rank = np.sum(np.ptp(X, axis=0) > 0)
    distiller = DatasetDistiller(LinearDiscriminantAnalysis(), solver="exact")
    assert_same_model(distiller.set_params(n_synthetic=int(rank) + 10).fit(X, y), X, y)
    with pytest.raises(ValueError, match=f"has rank {rank}, which needs {rank + 10}"):
        distiller.set_params(n_synthetic=int(rank) + 9).fit(X, y)


def test_one_row_for_each_class(unbalanced_table):
    """Only centroids matter, as scikit-learn cannot divide by deviations."""
    X, y = unbalanced_table
    with np.errstate(invalid="ignore"):
        distiller = DatasetDistiller(
            NearestCentroid(), n_synthetic=3, solver="exact"
        ).fit(X, y)
    full = NearestCentroid().fit(X, y)
    assert_allclose(distiller.X_synthetic_, full.centroids_, rtol=1e-12)
    assert (distiller.predict(X) == full.predict(X)).all()


@pytest.mark.parametrize(
    "estimator", [NearestCentroid(), LinearDiscriminantAnalysis(priors=PRIORS)]
)
def test_nearest_to_the_start(estimator, unbalanced_table):
    """Rows that already have the moments do not change."""
    X, y = unbalanced_table
    distiller = DatasetDistiller(estimator, n_synthetic=15, solver="exact").fit(X, y)
    rows = distiller.transform(X)
    again = clone(distiller).set_params(init=rows).fit(X, y)
    moved = (again.X_synthetic_ - rows[0]) / X.std(axis=0)
    assert_allclose(moved, 0, atol=1e-7)


OUT_OF_REACH = {
    "priors": (GaussianNB(), {}, "weighting='match'"),
    "one row": (GaussianNB(priors=PRIORS), {"n_synthetic": 3}, "at least two rows"),
    "bounds": (NearestCentroid(), {"feature_range": (0.0, 0.1)}, "feature_range"),
    "rank": (LinearDiscriminantAnalysis(), {"n_synthetic": 8}, "needs 9 rows"),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# Rows at the bounds may all be alike in a feature.
@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_:UserWarning")
@pytest.mark.parametrize(
    ("estimator", "params", "message"), OUT_OF_REACH.values(), ids=OUT_OF_REACH
)
def test_out_of_reach(estimator, params, message, unbalanced_table):
    """Either an error says what would help, or the best possible rows are returned."""
    X, y = unbalanced_table
    distiller = DatasetDistiller(estimator, max_iter=3).set_params(**params)
    with pytest.raises(ValueError, match=message):
        clone(distiller).set_params(solver="exact").fit(X, y)
    distiller.fit(X, y)
    assert distiller.loss_curve_[-1] <= distiller.loss_curve_[0]
    if "feature_range" in params:
        assert distiller.X_synthetic_.min() >= 0
        assert distiller.X_synthetic_.max() <= 0.1
