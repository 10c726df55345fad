"""Other estimators on one synthetic set."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DatasetDistiller, transfer_score
from tests.conftest import make_table

TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture(scope="module")
def data():
    X, y = make_table(3, n=240)
    keep = np.flatnonzero((y != 0) | (np.arange(240) % 3 == 0))  # unbalanced
    X, y = X[keep], y[keep]
    return X[::2], X[1::2], y[::2], y[1::2]


@pytest.fixture(scope="module")
def distiller(data):
    X_train, _, y_train, _ = data
    estimator = LogisticRegression(C=10, tol=1e-8, max_iter=1000)
    return DatasetDistiller(estimator, n_synthetic=7, weighting="match").fit(
        X_train, y_train
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_labels_of_one_column(data, distiller, library):
    X_train, X_test, y_train, y_test = data
    options = {"n_repeats": 2, "random_state": 0}
    expected = transfer_score(
        distiller, {"tree": TREE}, X_test, y_test, X=X_train, y=y_train, **options
    )
    train, test = library({"label": y_train}), library({"label": y_test})
    results = transfer_score(
        distiller, {"tree": TREE}, X_test, test, X=X_train, y=train, **options
    )
    assert results.scores == expected.scores


def test_scores_are_those_of_refits(data, distiller):
    X_train, X_test, y_train, y_test = data
    results = transfer_score(
        distiller, {"tree": TREE}, X_test, y_test, X=X_train, y=y_train
    )
    weight = distiller.sample_weight_synthetic_
    tree = clone(TREE).fit(*distiller.transform(X_train), sample_weight=weight)
    assert results.scores["distill"] == {"tree": tree.score(X_test, y_test)}
    full = clone(TREE).fit(X_train, y_train)
    assert results.scores["full"] == {"tree": full.score(X_test, y_test)}
    assert list(results.scores) == ["distill", "kmeans", "sample", "full"]
    assert results.n_synthetic == 7


def test_own_estimator_scores_what_the_distiller_does(data, distiller):
    _, X_test, _, y_test = data
    results = transfer_score(distiller, [distiller.estimator_], X_test, y_test)
    assert results.scores == {
        "distill": {"logisticregression": distiller.score(X_test, y_test)}
    }


def test_baselines_have_the_rows_and_the_weights_of_the_set(data, distiller):
    """A strongly penalized model has tiny coefficients and depends on weights alone."""
    X_train, X_test, y_train, y_test = data
    results = transfer_score(
        distiller,
        {"prior": LogisticRegression(C=1e-9), "neighbor": KNeighborsClassifier(1)},
        X_test,
        y_test,
        X=X_train,
        y=y_train,
        scoring="neg_log_loss",
        n_repeats=1,
    )
    prior = np.bincount(y_train) / len(y_train)
    expected = -log_loss(y_test, np.tile(prior, (len(y_test), 1)))
    for method in ("distill", "kmeans", "sample", "full"):
        assert_allclose(results.scores[method]["prior"], expected, rtol=1e-3)
    assert results.takes_weights == {"prior": True, "neighbor": False}


def test_repeats_and_random_state(data, distiller):
    X_train, X_test, y_train, y_test = data

    def score(seed):
        return transfer_score(
            distiller,
            {"tree": TREE},
            X_test,
            y_test,
            X=X_train,
            y=y_train,
            n_repeats=4,
            random_state=seed,
        )

    results, again, other = score(0), score(0), score(1)
    sample = results.all_scores["sample"]["tree"]
    assert sample.shape == results.all_scores["kmeans"]["tree"].shape == (4,)
    assert results.all_scores["distill"]["tree"].shape == (1,)
    assert np.ptp(sample) > 0
    assert results.scores["sample"]["tree"] == sample.mean()
    assert results.scores == again.scores
    assert results.scores != other.scores


def test_names_and_a_table(data, distiller):
    _, X_test, _, y_test = data
    estimators = [
        KNeighborsClassifier(1),
        KNeighborsClassifier(2),
        make_pipeline(StandardScaler(), TREE),
    ]
    results = transfer_score(distiller, estimators, X_test, y_test)
    table = pd.DataFrame(results.scores)
    assert list(table.columns) == ["distill"]
    names = ["kneighborsclassifier-1", "kneighborsclassifier-2", "pipeline"]
    assert list(table.index) == names
    assert list(results.takes_weights.values()) == [False, False, True]
    assert not hasattr(estimators[0], "classes_")


@pytest.mark.slow
def test_frames_and_string_labels(data):
    X_train, X_test, y_train, y_test = data
    labels = np.array(["cat", "dog", "eel"])
    frames = [pd.DataFrame(X, columns=list("abcdef")) for X in (X_train, X_test)]
    series = pd.Series(labels[y_train], index=np.arange(len(y_train)) + 1000)

    def score(X_train, X_test, y_train, y_test):
        distiller = DatasetDistiller(LogisticRegression(C=10), n_synthetic=6)
        return transfer_score(
            distiller.fit(X_train, y_train),
            {"centroid": NearestCentroid(), "tree": TREE},
            X_test,
            y_test,
            X=X_train,
            y=y_train,
            random_state=0,
        )

    framed = score(*frames, series, labels[y_test])
    assert framed.scores == score(*data).scores


@pytest.mark.slow
def test_regression():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    distiller = DatasetDistiller(Ridge(), n_synthetic=12).fit(X[:300], y[:300])
    estimators = {"ridge": distiller.estimator_, "tree": DecisionTreeRegressor()}
    results = transfer_score(
        distiller, estimators, X[300:], y[300:], X=X[:300], y=y[:300], random_state=0
    )
    assert results.scores["distill"]["ridge"] == distiller.score(X[300:], y[300:])
    assert_allclose(
        results.scores["full"]["ridge"],
        Ridge().fit(X[:300], y[:300]).score(X[300:], y[300:]),
    )
    assert results.scores["distill"]["ridge"] > results.scores["sample"]["ridge"]


def test_learned_labels_count_as_one_row(data):
    """The set has a copy of a row for each class; baselines have no such copies."""
    X_train, X_test, y_train, y_test = data
    distiller = DatasetDistiller(
        LogisticRegression(tol=1e-8),
        n_synthetic=6,
        learn_labels=True,
        solver="lbfgs",
        tol=1e-2,
    )
    distiller.fit(X_train, y_train)
    assert len(distiller.X_synthetic_) == 18
    sizes = []

    class Counting(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            sizes.append(len(X))
            return super().fit(X, y, sample_weight=sample_weight)

    results = transfer_score(
        distiller, [Counting()], X_test, y_test, X=X_train, y=y_train, n_repeats=1
    )
    assert sizes == [18, 6, 6, len(X_train)]
    assert results.n_synthetic == 6


def test_errors(data, distiller):
    X_train, X_test, y_train, y_test = data
    with pytest.raises(NotFittedError):
        transfer_score(DatasetDistiller(), [TREE], X_test, y_test)
    with pytest.raises(ValueError, match="got only X"):
        transfer_score(distiller, [TREE], X_test, y_test, X=X_train)
    for wrong in ([], {}, TREE):
        with pytest.raises(ValueError, match="a list of estimators or a dict"):
            transfer_score(distiller, wrong, X_test, y_test)
    with pytest.raises(ValueError, match="not an instance of an estimator"):
        transfer_score(distiller, [DecisionTreeClassifier], X_test, y_test)
    few = y_train > 0
    with pytest.raises(ValueError, match=r"classes \[1, 2\], but .* \[0, 1, 2\]"):
        transfer_score(
            distiller, [TREE], X_test, y_test, X=X_train[few], y=y_train[few]
        )
    with pytest.raises(ValueError, match="n_repeats=0"):
        transfer_score(
            distiller, [TREE], X_test, y_test, X=X_train, y=y_train, n_repeats=0
        )
