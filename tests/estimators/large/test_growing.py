"""Rows from a reader, rows that arrive over time, and fits that break off."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller
from skdistill.solvers import _problem

#: A few iterations will do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss did not converge:sklearn.exceptions.ConvergenceWarning"
)


def distiller(estimator=None, **params):
    settings = {"n_synthetic": 9, "random_state": 0, "max_iter": 8} | params
    return DatasetDistiller(estimator or LogisticRegression(C=10), **settings)


def batches(X, y, size=170):
    def make_batches():
        for first in range(0, len(y), size):
            yield X[first : first + size], y[first : first + size]

    return make_batches


def test_batches_are_the_rows(numbers):
    expected = distiller().fit(*numbers)
    found = distiller().fit_batches(batches(*numbers), classes=["c", "b", "a"])
    assert_allclose(found.loss_, expected.loss_, rtol=1e-9)
    assert_allclose(found.X_synthetic_, expected.X_synthetic_, atol=1e-7)


def test_batches_may_be_frames_and_empty(frame):
    X, y = frame.drop(columns=["label", "kind"]), frame["label"]

    def make_batches():
        yield X[:0], y[:0], np.zeros(0)
        yield X[:400], y[:400], np.ones(400)
        yield X[400:], y[400:], np.ones(200)

    found = distiller(max_iter=2).fit_batches(make_batches)
    assert list(found.X_synthetic_) == list(X)
    assert found.X_synthetic_["count"].dtype == X["count"].dtype


def test_labels_outside_the_classes_are_refused(numbers):
    with pytest.raises(ValueError, match=r"labels \['c'\], which are not among"):
        distiller().fit_batches(batches(*numbers), classes=["a", "b"])
    with pytest.raises(ValueError, match="not among"):
        distiller().partial_fit(*numbers, classes=["a", "b"])


def test_a_reader_without_rows_is_refused():
    with pytest.raises(ValueError, match="0 sample"):
        distiller().fit_batches(lambda: [])


def test_the_set_so_far_stands_for_its_rows(numbers, monkeypatch):
    """The set so far has the weight of all rows that were seen before the new ones."""
    X, y = numbers
    grown = distiller().fit(X[:300], y[:300])
    first = grown.X_synthetic_, grown.y_synthetic_
    met = []
    fit = DatasetDistiller.fit

    def noted(self, X, y, sample_weight=None):
        met.append((X, y, sample_weight))
        return fit(self, X, y, sample_weight=sample_weight)

    monkeypatch.setattr(DatasetDistiller, "fit", noted)
    grown.partial_fit(X[300:], y[300:], sample_weight=np.full(300, 2.0))
    joint, labels, weight = met[-1]
    assert_array_equal(joint, np.concatenate([X[300:], first[0]]))
    assert_array_equal(labels, np.concatenate([y[300:], first[1]]))
    assert_array_equal(weight[:300], 2.0)
    for label in "abc":
        stands_for = weight[300:][first[1] == label].sum()
        assert_allclose(stands_for, (y[:300] == label).sum())
    # The next rows meet all of these.
    grown.partial_fit(X[:10], y[:10])
    assert_allclose(met[-1][2][10:].sum(), 300 + 600)


def test_rows_that_arrive_are_learned(numbers):
    X, y = numbers
    order = np.argsort(X[:, 0])  # of which the first ones say little of the others
    grown = distiller()
    for rows in np.array_split(order, 4):
        grown.partial_fit(X[rows], y[rows])
    at_once = distiller().fit(X, y)
    start = distiller().fit(X[order[:150]], y[order[:150]])
    assert grown.score(X, y) > start.score(X, y) + 0.05
    assert grown.score(X, y) > at_once.score(X, y) - 0.05


def test_a_set_keeps_its_size(numbers):
    """A fit continues from its rows, although "auto" would now give more rows."""
    X, y = numbers
    few = np.concatenate([np.flatnonzero(y == label)[:6] for label in "abc"])
    grown = distiller(n_synthetic="auto", max_iter=2)
    assert len(grown.partial_fit(X[few], y[few]).X_synthetic_) == 18
    assert len(grown.partial_fit(X, y).X_synthetic_) == 18


def test_new_classes_get_rows(numbers):
    X, y = numbers
    rows = y != "c"
    grown = distiller(n_synthetic="auto", max_iter=3).partial_fit(
        X[rows], y[rows], classes=["a", "b", "c"]
    )
    assert grown.classes_.tolist() == ["a", "b"]
    grown.partial_fit(X[~rows], y[~rows])
    assert grown.classes_.tolist() == ["a", "b", "c"]
    assert pd.Series(grown.y_synthetic_).value_counts().tolist() == [10, 10, 10]
    assert (grown.predict(X[~rows]) == "c").mean() > 0.5
    grown.partial_fit(X[:20], y[:20])  # without the class: its rows stay
    assert grown.classes_.tolist() == ["a", "b", "c"]


def test_parameters_are_those_of_the_user(numbers):
    X, y = numbers
    grown = distiller(max_iter=2)
    before = grown.get_params()
    grown.partial_fit(X[:300], y[:300]).partial_fit(X[300:], y[300:])
    assert grown.get_params() == before


def test_frames_and_numbers_arrive(frame):
    X = frame[["u", "v", "w"]]
    y = pd.Series(X["u"] + X["v"] ** 2, name="target")
    grown = distiller(Ridge(), n_synthetic=12)
    for rows in np.array_split(np.arange(len(X)), 3):
        grown.partial_fit(X.iloc[rows], y.iloc[rows])
    assert list(grown.X_synthetic_) == ["u", "v", "w"]
    assert grown.y_synthetic_.name == "target"
    full = Ridge().fit(X, y).score(X, y)
    assert grown.score(X, y) > full - 0.02


def test_what_rows_that_arrive_cannot_have_is_refused(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match="share of all rows"):
        distiller(n_synthetic=0.1).partial_fit(X, y)
    with pytest.raises(ValueError, match="learn_labels=True is not supported"):
        distiller(learn_labels=True).partial_fit(X, y)
    grown = distiller(max_iter=1).partial_fit(X, y)
    with pytest.raises(ValueError, match="features"):
        grown.partial_fit(X[:, :2], y)


class Failing:
    """A reader that fails permanently after a number of batches."""

    def __init__(self, X, y, last):
        self.make_batches, self.left = batches(X, y), last

    def __call__(self):
        for batch in self.make_batches():
            if self.left == 0:
                raise OSError("The line is dead.")
            self.left -= 1
            yield batch


def broken_off(estimator, numbers, n_passes, **settings):
    """Return a distiller whose reader failed after some passes."""
    broken = distiller(estimator, **settings)
    with pytest.raises(OSError, match="The line is dead") as caught:
        broken.fit_batches(Failing(*numbers, last=n_passes * 4))
    assert "fit again with warm_start=True" in "".join(caught.value.__notes__)
    return broken


def test_a_reader_that_breaks_off_leaves_the_best_set(numbers):
    """A warm start continues from that set."""
    settings = {"solver": "lbfgs", "early_stopping": False, "max_iter": 12}
    estimator = KNeighborsClassifier(1)
    whole = distiller(estimator, **settings).fit_batches(batches(*numbers))
    broken = broken_off(estimator, numbers, 12, **settings)
    assert 0 < broken.n_iter_ < 12
    assert_allclose(broken.loss_curve_, whole.loss_curve_[: broken.n_iter_], rtol=1e-9)
    assert_allclose(broken.loss_, broken.loss_curve_.min())
    broken.set_params(warm_start=True).fit_batches(batches(*numbers))
    assert broken.loss_curve_[0] < broken.loss_ + 0.1
    assert broken.loss_ <= whole.loss_ * 1.05


def test_a_reader_that_breaks_off_after_the_sample(numbers, monkeypatch):
    """The set learned from the sample is kept, although its loss is not yet known."""
    monkeypatch.setattr(_problem, "MAX_SAMPLE_ROWS", 200)
    settings = {"solver": "lbfgs", "early_stopping": False}
    broken = broken_off(KNeighborsClassifier(1), numbers, 4, **settings)
    assert np.isnan(broken.loss_)
    assert broken.n_iter_ == 0
    kept = broken.score(*numbers)
    broken.set_params(warm_start=True, max_iter=2).fit_batches(batches(*numbers))
    assert broken.score(*numbers) > kept - 0.02


def test_a_reader_that_fails_at_once_leaves_nothing(numbers):
    broken = distiller()
    with pytest.raises(OSError, match="The line is dead") as caught:
        broken.fit_batches(Failing(*numbers, last=1))
    assert "warm_start" not in "".join(caught.value.__notes__)
    assert not hasattr(broken, "X_synthetic_")
