"""Sets that would be too large are learned in the features that most rows have."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import SVC, SVR

from skdistill import DatasetDistiller
from skdistill.estimators import _by_student
from tests.conftest import strict_logistic

pytestmark = [
    pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Of features that are zero in the set.
    pytest.mark.filterwarnings("ignore:self.within_class_std_dev_"),
]
N_ROWS, N_FEATURES, N_SYNTHETIC, N_KEPT = 300, 40, 9, 25


@pytest.fixture
def data(rng, monkeypatch):
    """Return rows with 25 common features, and 15 that few rows have."""
    monkeypatch.setattr(_by_student, "MAX_SPARSE_ENTRIES", N_SYNTHETIC * N_KEPT + 3)
    common = np.sort(rng.permutation(N_FEATURES)[:N_KEPT])
    share = np.full(N_FEATURES, 0.05)
    share[common] = 0.3
    X = rng.standard_normal((N_ROWS, N_FEATURES)) ** 2
    X = sparse.csr_array(X * (rng.random(X.shape) < share))
    scores = X @ rng.standard_normal((N_FEATURES, 3))
    return X, scores.argmax(axis=1), scores[:, 0], common


def fit(X, y, estimator=None, sample_weight=None, **params):
    params = {"n_synthetic": N_SYNTHETIC, "max_iter": 4, "random_state": 0, **params}
    return DatasetDistiller(estimator, **params).fit(X, y, sample_weight)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        strict_logistic(C=10),
        Ridge(tol=1e-12),
        SVC(tol=1e-7),
        SVR(gamma="auto"),
        KernelRidge(kernel="rbf"),
        KernelRidge(kernel="cosine"),
        KNeighborsClassifier(1),
        KNeighborsClassifier(3, weights="distance"),
        NearestCentroid(),
        NearestCentroid(priors="empirical"),
    ],
    ids=str,
)
def test_the_loss_is_that_of_the_fit_on_all_features(estimator, data):
    """The student sees some of the features, yet predicts as scikit-learn does."""
    X, labels, numbers, common = data
    y = numbers if is_regressor(estimator) else labels
    distiller = fit(X, y, estimator)
    rows = distiller.X_synthetic_
    assert rows.shape == (N_SYNTHETIC, N_FEATURES)
    assert set(np.unique(rows.indices)) <= set(common)
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-5)


def test_without_the_rare_features_the_set_is_the_same(data):
    """A linear model does not use the rare features at all."""
    X, y, _, common = data
    estimator = strict_logistic(C=10)
    distiller = fit(X, y, estimator)
    alone = fit(sparse.csr_array(X[:, common]), y, estimator)
    assert_allclose(
        distiller.X_synthetic_[:, common].toarray(), alone.X_synthetic_.toarray()
    )
    assert_allclose(distiller.loss_curve_, alone.loss_curve_)


def test_weights_say_which_features_are_common(data):
    X, y, _, common = data
    rare = np.setdiff1d(np.arange(N_FEATURES), common)[0]
    weight = np.where(X[:, [rare]].toarray().ravel() > 0, 100.0, 1.0)
    kept = np.unique(fit(X, y, sample_weight=weight, init="mean").X_synthetic_.indices)
    assert rare in kept
    assert len(kept) == N_KEPT
    explicit = sparse.csr_array(X.toarray() + 1.0)
    explicit.data[:] = X.toarray().ravel()
    kept = np.unique(fit(explicit, y, init="mean").X_synthetic_.indices)
    assert_array_equal(kept, common)


def test_what_belongs_to_features_is_given_for_all_of_them(data):
    X, y, _, common = data
    high = np.linspace(0.1, 2, N_FEATURES)
    rows = fit(X, y, feature_range=(0, high)).X_synthetic_.toarray()
    assert (rows.max(axis=0) <= high).all()
    assert rows.min() >= 0
    bounds = {int(common[0]): (0, 0.01)}
    rows = fit(X, y, feature_range=bounds).X_synthetic_.toarray()
    assert 0 <= rows[:, common[0]].min() <= rows[:, common[0]].max() <= 0.01
    distiller = fit(X, y, warm_start=True)
    # That of the student: a refit to scikit-learn's own tolerance is off by 1e-5.
    loss = distiller.loss_curve_[-1]
    assert distiller.fit(X, y).loss_curve_[-1] <= loss
    given = fit(X, y, init=distiller.transform(X), n_synthetic="auto", max_iter=1)
    assert given.X_synthetic_.shape == (N_SYNTHETIC, N_FEATURES)
    with pytest.raises(ValueError, match="has 5 features"):
        fit(X, y, init=(X[:9, :5], y[:9]), n_synthetic="auto")


def test_what_needs_all_features_says_so(data):
    X, y, _, _ = data
    pipeline = make_pipeline(MaxAbsScaler(), strict_logistic())
    for estimator, params in ((None, {"solver": "exact"}), (pipeline, {})):
        with pytest.raises(ValueError, match="Pass a smaller n_synthetic, or fewer"):
            fit(X, y, estimator, **params)
    assert fit(X, y, pipeline, n_synthetic=5, max_iter=1).X_synthetic_.shape[0] == 5


def test_naive_bayes_of_all_features_is_found_by_search(data):
    """Its alpha also counts the features that no synthetic row has."""
    X, y, _, _ = data
    with pytest.warns(UserWarning, match="alpha counts all of them.* by search"):
        distiller = fit(abs(X), y, MultinomialNB(), max_iter=2)
    assert distiller.solver_ == "search"
    distiller = fit(abs(X), y, MultinomialNB(), n_synthetic=5, max_iter=1)
    assert distiller.solver_ != "search"


def test_dense_rows_keep_their_features(data):
    X, y, _, _ = data
    assert (fit(X.toarray(), y).X_synthetic_ != 0).all()
