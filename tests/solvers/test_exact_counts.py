"""Exact rows for naive Bayes of counts: a fit on them is that on all the data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

from skdistill import DatasetDistiller
from skdistill.solvers.exact._counts import _with_sums

PRIORS = [0.5, 0.3, 0.2]
BERNOULLI = BernoulliNB(binarize=None)


@pytest.fixture(scope="module")
def counts():
    """Return counts of words; some words are missing in one class or everywhere."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 40, 20])
    rates = rng.gamma(0.5, 2.0, (3, 8))
    rates[0, 0] = rates[1, 1] = 0
    rates[:, 2] = 0
    X = rng.poisson(rates[y]).astype(float)
    X[:, 3] = 1
    return X, y, rng.uniform(0.5, 2, len(y))


def assert_same_model(distiller, X, y, sample_weight=None):
    full = clone(distiller.estimator).fit(X, y, sample_weight=sample_weight)
    expected = full.predict_joint_log_proba(X)
    found = distiller.estimator_.predict_joint_log_proba(X)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-8)


def rows_of(X, estimator):
    return np.minimum(X, 1) if isinstance(estimator, BernoulliNB) else X


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("n_synthetic", [3, 8])
@pytest.mark.parametrize(
    "estimator",
    [
        MultinomialNB(),
        ComplementNB(alpha=0.1),
        ComplementNB(norm=True),
        BERNOULLI,
        BernoulliNB(binarize=None, alpha=0.01, class_prior=PRIORS),
    ],
    ids=repr,
)
def test_one_row_for_each_class(estimator, n_synthetic, is_sparse, counts):
    """With the weights of the classes, the row of a class is its mean."""
    X, y, weight = counts
    X = rows_of(X, estimator)
    X = csr_array(X) if is_sparse else X
    distiller = DatasetDistiller(
        estimator, n_synthetic=n_synthetic, weighting="match", solver="exact"
    ).fit(X, y, sample_weight=weight)
    assert_same_model(distiller, X, y, weight)
    if n_synthetic == 3:
        means = [np.average(rows, axis=0, weights=w) for rows, w in _classes(*counts)]
        means = rows_of(np.array(means), ComplementNB())
        if not isinstance(estimator, BernoulliNB):
            found = distiller.X_synthetic_
            found = found.toarray() if is_sparse else found
            assert_allclose(found, means, rtol=1e-9, atol=1e-12)


def _classes(X, y, weight):
    return [(X[y == c], weight[y == c]) for c in range(3)]


@pytest.mark.parametrize(
    "estimator",
    [
        MultinomialNB(class_prior=PRIORS),
        MultinomialNB(fit_prior=False, alpha=3.0),
        ComplementNB(),
    ],
    ids=repr,
)
def test_rows_without_weights(estimator, counts):
    """They are much larger than real rows only if a class lacks a word."""
    X, y, _ = counts
    distiller = DatasetDistiller(estimator, n_synthetic=6, solver="exact")
    assert_same_model(distiller.fit(X, y), X, y)
    assert distiller.X_synthetic_.max() > 3 * X.max()
    assert distiller.X_synthetic_.min() == 0
    assert_same_model(distiller.fit(X + 0.5, y), X + 0.5, y)
    assert distiller.X_synthetic_.max() < 3 * X.max()


def test_probabilities_without_weights(counts):
    """Smoothing affects fewer rows more, and the rows compensate for it."""
    _, y, _ = counts
    X = np.random.default_rng(3).uniform(size=(len(y), 5))
    estimator = BernoulliNB(binarize=None, class_prior=PRIORS)
    distiller = DatasetDistiller(estimator, n_synthetic=15, solver="exact")
    assert_same_model(distiller.fit(X, y), X, y)
    assert distiller.X_synthetic_.min() >= 0
    assert distiller.X_synthetic_.max() <= 1


def test_within_a_range(counts):
    """The bounds determine the size of the rows."""
    X, y, _ = counts
    X = X + 0.5
    estimator = MultinomialNB(fit_prior=False, alpha=3.0)
    distiller = DatasetDistiller(estimator, n_synthetic=9, solver="exact").fit(X, y)
    largest = distiller.X_synthetic_.max()
    for low, high in ((0, 0.95 * largest), (0.6, 50.0)):
        distiller.set_params(feature_range=(low, high))
        assert_same_model(distiller.fit(X, y), X, y)
        assert distiller.X_synthetic_.min() >= low
        assert distiller.X_synthetic_.max() <= high


@pytest.mark.parametrize("high", [np.inf, 3.0])
def test_rows_with_given_sums(high, rng):
    """The sums hold within bounds if possible; rows that have them do not change."""
    bounds = np.array([0.0, 0.5, 0.0, 1.0]), np.array([high, high, high, 1.0])
    X = rng.uniform(*(np.minimum(side, 3.0) for side in bounds), (5, 4))
    X[:, 2] = 0.0
    weight = rng.uniform(0.5, 2, 5)
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        low, top = bounds[0], np.minimum(bounds[1], 3.0)
        sums = weight.sum() * (low + share * (top - low))
        found = _with_sums(X, weight, sums, bounds)
        assert_allclose(weight @ found, sums, rtol=1e-12)
        assert (found >= low).all()
        assert (found <= bounds[1] + 1e-12).all()
    assert_allclose(_with_sums(X, weight, weight @ X, bounds), X, rtol=1e-12)


def test_nearest_to_the_start(counts):
    """Rows that already have the counts do not change."""
    X, y, _ = counts
    distiller = DatasetDistiller(MultinomialNB(class_prior=PRIORS), solver="exact")
    rows = distiller.fit_transform(X, y)
    again = clone(distiller).set_params(init=rows).fit(X, y)
    assert_allclose(again.X_synthetic_, rows[0], rtol=1e-9, atol=1e-9)


OUT_OF_REACH = {
    "priors": (MultinomialNB(), {}, "weighting='match'"),
    "bounds": (ComplementNB(), {"feature_range": (0, 0.5)}, "feature_range"),
    "smoothing": (
        BernoulliNB(binarize=None, fit_prior=False),
        {},
        "alpha smooths fewer rows more",
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held")
@pytest.mark.parametrize(
    ("estimator", "params", "message"), OUT_OF_REACH.values(), ids=OUT_OF_REACH
)
def test_out_of_reach(estimator, params, message, counts):
    """Either an error says what would help, or the best possible rows are returned."""
    X, y, _ = counts
    X = rows_of(X, estimator)
    distiller = DatasetDistiller(estimator, n_synthetic=6, max_iter=3)
    distiller.set_params(**params)
    with pytest.raises(ValueError, match=message):
        clone(distiller).set_params(solver="exact").fit(X, y)
    distiller.fit(X, y)
    assert distiller.loss_curve_[-1] <= distiller.loss_curve_[0]
    if "feature_range" in params:
        assert distiller.X_synthetic_.max() <= 0.5


def test_texts():
    """A few rows represent a collection of texts; default settings find them."""
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 40)
    shares = rng.dirichlet(np.full(200, 0.1), 2)
    X = csr_array(np.array([rng.multinomial(30, shares[c]) for c in y], dtype=float))
    distiller = DatasetDistiller(MultinomialNB(), n_synthetic=2).fit(X, y)
    assert distiller.solver_ == "exact"
    assert_same_model(distiller, X, y)
