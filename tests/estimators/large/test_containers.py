"""The synthetic set does not depend on the container of the rows."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import zarr
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DatasetDistiller,
    DistillationSampler,
    DistilledClassifier,
    DistilledRegressor,
    distillation_curve,
    transfer_score,
)
from skdistill.real import _reserve

ARRAYS = ["h5py", "zarr", "dask array"]
TABLES = ["parquet", "polars", "dask frame"]


#: A few iterations will do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss did not converge:sklearn.exceptions.ConvergenceWarning"
)


def distiller(estimator, **params):
    settings = {"n_synthetic": 9, "random_state": 0, "max_iter": 5} | params
    return DatasetDistiller(estimator, **settings)


def fitted(estimator, X, y, sample_weight=None, **params):
    return distiller(estimator, **params).fit(X, y, sample_weight=sample_weight)


@pytest.fixture(scope="module")
def in_memory(numbers):
    return fitted(LogisticRegression(C=10), *numbers)


@pytest.mark.parametrize("container", ARRAYS)
def test_arrays(stored, in_memory, container):
    X, y, memory, memory_y = stored(container)
    found = fitted(LogisticRegression(C=10), X, y)
    assert_allclose(found.loss_, in_memory.loss_, rtol=1e-9)
    assert_allclose(found.X_synthetic_, in_memory.X_synthetic_, atol=1e-7)
    assert found.n_features_in_ == 4
    assert found.transform(X)[0] is found.X_synthetic_
    predicted = found.predict(X)
    assert len(predicted) == len(memory)
    assert_array_equal(predicted, found.estimator_.predict(memory))
    assert_allclose(
        found.predict_proba(X), found.estimator_.predict_proba(memory), rtol=1e-12
    )
    assert_allclose(found.score(X, y), found.estimator_.score(memory, memory_y))


@pytest.mark.slow
@pytest.mark.parametrize("container", TABLES)
def test_tables_keep_names_dtypes_and_categories(stored, container):
    X, y, memory, memory_y = stored(container)
    params = {"categorical_features": "from_dtype", "max_iter": 2}
    expected = fitted(LogisticRegression(), memory, memory_y, **params)
    found = fitted(LogisticRegression(), X, y, **params)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-6)
    assert found.feature_names_in_.tolist() == list(memory.columns)
    made = (
        pd.DataFrame(found.X_synthetic_.to_dict(as_series=False))
        if (container == "polars")
        else found.X_synthetic_
    )
    assert set(made["kind"]) <= {"p", "q", "r"}
    assert_array_equal(made["count"], expected.X_synthetic_["count"])
    assert_allclose(made["u"], expected.X_synthetic_["u"], atol=1e-3)
    # The column of the labels is no feature, and does not disturb.
    predicted = np.asarray(found.predict(X))
    assert_array_equal(predicted, expected.predict(memory))
    assert_allclose(found.score(X, y), expected.score(memory, memory_y))
    assert len(found.transform(X)[0]) == 9


ESTIMATORS = [
    RidgeClassifier(class_weight="balanced"),
    GaussianNB(),
    KNeighborsClassifier(2),
    LogisticRegression(class_weight="balanced"),
]


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_students_and_weights(stored, estimator):
    X, y, memory, memory_y = stored("dask array")
    weight = np.random.RandomState(2).uniform(0, 2, len(memory))
    weight[::7] = 0
    weights = da.from_array(weight, chunks=170)
    expected = fitted(estimator, memory, memory_y, weight)
    found = fitted(estimator, X, y, weights)
    assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-6)
    assert found.solver_ == expected.solver_
    if expected.validation_loss_ is not None:
        assert_allclose(found.validation_loss_, expected.validation_loss_, rtol=1e-6)


def test_a_block_without_weight(numbers):
    """A block whose rows all have weight zero causes neither an error nor a warning."""
    X, y = numbers
    weight = np.where(np.arange(len(y)) < 200, 0.0, 1.0)
    expected = fitted(LogisticRegression(C=10), X[200:], y[200:])

    def make_batches():
        for rows in np.split(np.arange(len(y)), 6):
            yield X[rows], y[rows], weight[rows]

    found = distiller(LogisticRegression(C=10)).fit_batches(make_batches)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-7)


@pytest.mark.parametrize("estimator", [LogisticRegression(C=10), Ridge()])
def test_scores_of_weighted_blocks(stored, in_memory, estimator):
    """Some blocks have no weight, and some weigh more than others."""
    X, y, memory, memory_y = stored("dask array")
    found = in_memory
    if isinstance(estimator, Ridge):
        memory_y = memory[:, 0] + memory[:, 1] ** 2
        y = da.from_array(memory_y, chunks=170)
        found = fitted(estimator, memory, memory_y)
    weight = np.arange(len(memory_y)) % 4 * (np.arange(len(memory_y)) // 170 / 3)
    expected = found.score(memory, memory_y, sample_weight=weight)
    weights = da.from_array(weight, chunks=170)
    assert_allclose(found.score(X, y, sample_weight=weights), expected)


@pytest.mark.parametrize("container", ["zarr", "dask array"])
def test_numbers_as_targets(stored, container):
    X, _, memory, _ = stored(container)
    targets = memory[:, :2] @ [[1.0, 0.0], [2.0, -1.0]] + memory[:, 2:] ** 2
    y = targets
    if container == "dask array":
        y = da.from_array(targets, chunks=(170, 2))
    expected = fitted(Ridge(), memory, targets)
    found = fitted(Ridge(), X, y)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-9)
    assert_allclose(found.score(X, y), found.estimator_.score(memory, targets))


@pytest.mark.slow
def test_few_rows_at_hand(numbers, stored, monkeypatch):
    """The reported loss is that of all rows, although solvers also use a sample."""
    X, y, memory, memory_y = stored("h5py")
    whole = fitted(GaussianNB(), memory, memory_y, max_iter=20)
    monkeypatch.setattr(_reserve, "MAX_ROWS", 250)
    monkeypatch.setattr(_reserve, "MIN_GROUP_ROWS", 30)
    found = fitted(GaussianNB(), X, y, max_iter=20)
    proba = found.predict_proba(memory)
    label = np.searchsorted(found.classes_, memory_y)
    log_loss = -np.log(proba[np.arange(len(label)), label]).mean()
    assert_allclose(found.loss_, log_loss, rtol=1e-6)
    assert found.score(memory, memory_y) > whole.score(memory, memory_y) - 0.05


def test_tall_arrays_in_memory_are_read_in_blocks(numbers, in_memory, monkeypatch):
    monkeypatch.setattr("skdistill.real._reading.MAX_ROWS", 100)
    found = fitted(LogisticRegression(C=10), *numbers)
    assert_allclose(found.loss_, in_memory.loss_, rtol=1e-9)


def test_bounds_are_those_of_tall_arrays_with_weight(numbers, monkeypatch):
    monkeypatch.setattr("skdistill.real._reading.MAX_ROWS", 100)
    X, y = numbers
    weight = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    far = np.where(weight[:, None] == 0, 1e6, X)
    params = {"feature_range": "data", "max_iter": 2}
    found = fitted(LogisticRegression(C=10), far, y, weight, **params)
    assert (found.X_synthetic_ <= X[weight > 0].max(axis=0) + 1e-9).all()


def test_tall_arrays_may_be_needed_whole(numbers, monkeypatch):
    X, y = numbers
    params = {"validation_fraction": [(range(300), range(300, 600))], "max_iter": 2}
    expected = fitted(GaussianNB(), X, y, **params)
    monkeypatch.setattr("skdistill.real._reading.MAX_ROWS", 100)
    found = fitted(GaussianNB(), X, y, **params)
    assert_array_equal(found.X_synthetic_, expected.X_synthetic_)


@pytest.mark.slow
@pytest.mark.parametrize("container", ["h5py", "dask array"])
def test_search_looks_at_a_sample(stored, container):
    X, y, memory, memory_y = stored(container)
    tree = DecisionTreeClassifier(random_state=0)
    expected = fitted(tree, memory, memory_y, max_iter=2)
    found = fitted(tree, X, y, max_iter=2)
    assert found.solver_ == "search"
    # Of so few rows the sample has all.
    assert_array_equal(found.X_synthetic_, expected.X_synthetic_)


def test_the_other_classes_take_blocks(stored):
    X, y, memory, memory_y = stored("zarr")
    classifier = DistilledClassifier(
        LogisticRegression(C=10), distiller(LogisticRegression(C=10))
    ).fit(X, y)
    assert classifier.n_features_in_ == 4
    assert_array_equal(classifier.predict(X), classifier.predict(memory))
    assert_allclose(classifier.score(X, y), classifier.score(memory, memory_y))
    sampler = DistillationSampler(distiller(LogisticRegression(C=10)))
    rows, labels = sampler.fit_resample(X, y)
    assert rows.shape == (9, 4)
    assert set(labels) == {"a", "b", "c"}
    regressor = DistilledRegressor(Ridge()).fit(X, memory[:, 0] + memory[:, 1] ** 2)
    assert np.isfinite(regressor.score(X, memory[:, 0]))


def test_what_needs_rows_in_memory_says_so(stored, in_memory):
    X, y, memory, memory_y = stored("zarr")
    with pytest.raises(ValueError, match="X is zarr.*rows in memory are needed"):
        distillation_curve(LogisticRegression(), X, y, n_synthetic=[3])
    with pytest.raises(ValueError, match="X_test is zarr"):
        transfer_score(in_memory, [Ridge()], X, y)
    with pytest.raises(ValueError, match="rows in memory"):
        in_memory.partial_fit(X, y)


def test_targets_have_to_be_there(stored):
    X, _, _, _ = stored("zarr")
    with pytest.raises(ValueError, match="requires y to be passed"):
        distiller(LogisticRegression()).fit(X, None)
    with pytest.raises(ValueError, match="the target y is None"):
        distiller(DecisionTreeClassifier()).fit(X, None)


def test_bad_values_are_found_on_the_way(stored):
    X, y, memory, _ = stored("zarr")
    spoiled = memory.copy()
    spoiled[500, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        distiller(LogisticRegression()).fit(zarr.array(spoiled), y)
    with pytest.raises(ValueError, match="one class"):
        distiller(LogisticRegression()).fit(X, np.zeros(len(y), dtype=int))
    with pytest.raises(ValueError, match="0 sample"):
        distiller(LogisticRegression()).fit(zarr.array(memory[:0]), y[:0])
    with pytest.raises(ValueError, match="sample_weight zero"):
        distiller(LogisticRegression()).fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="Negative values"):
        distiller(LogisticRegression()).fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="inconsistent"):
        distiller(LogisticRegression()).fit(X, y[:-1])


def test_given_parts_need_all_rows_at_hand(stored, monkeypatch):
    X, y, _, _ = stored("zarr")
    monkeypatch.setattr(_reserve, "MAX_ROWS", 100)
    given = distiller(GaussianNB(), validation_fraction=[(range(300), range(300, 600))])
    with pytest.raises(ValueError, match="validation_fraction as a float"):
        given.fit(X, y)
