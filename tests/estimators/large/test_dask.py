"""Rows on a Dask cluster of two worker processes: the same set as in memory."""

import os
import signal

import dask
import dask.array as da
import dask.dataframe as dd
import distributed
import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import DatasetDistiller
from skdistill.real.sources._dask import DaskSource

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:The outer loss did not converge:sklearn.exceptions.ConvergenceWarning"
    ),
    # Of what Dask itself uses.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # Of sockets to workers that are told to die, also where they are collected.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def distiller(estimator, **params):
    settings = {"n_synthetic": 9, "random_state": 0, "max_iter": 5} | params
    return DatasetDistiller(estimator, **settings)


def in_partitions(numbers, sizes):
    """Return rows in partitions of these sizes."""
    X, y = numbers
    chunks = (tuple(sizes),)
    return da.from_array(X, chunks=(*chunks, 4)), da.from_array(y, chunks=chunks)


@pytest.fixture(scope="module")
def client():
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.parametrize("sizes", [[170, 170, 170, 90], [1, 599], [0, 300, 0, 300, 0]])
def test_partitions_of_any_size(numbers, sizes):
    """Without a cluster, Dask computes in threads."""
    expected = distiller(LogisticRegression(C=10)).fit(*numbers)
    found = distiller(LogisticRegression(C=10)).fit(*in_partitions(numbers, sizes))
    assert_allclose(found.loss_, expected.loss_, rtol=1e-9)
    assert_allclose(found.X_synthetic_, expected.X_synthetic_, atol=1e-6)


def test_a_class_in_one_partition_only(numbers):
    X, y = numbers
    order = np.argsort(y)
    expected = distiller(GaussianNB()).fit(X[order], y[order])
    parts = in_partitions((X[order], y[order]), [300, 250, 50])
    found = distiller(GaussianNB()).fit(*parts)
    assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y.rechunk(100)), "y is partitioned differently from X"),
        (lambda X, y: (X, y.compute()), "X is a Dask collection, but y is ndarray"),
        (lambda X, y: (X, y[:-1]), "y is partitioned differently from X"),
        (
            lambda X, y: (dd.from_dask_array(X), dd.from_dask_array(y[y != "c"])),
            "A partition of X has 200 rows, but those of y",
        ),
    ],
)
def test_other_partitions_of_the_targets(numbers, change, message):
    parts = change(*in_partitions(numbers, [200, 200, 200]))
    with pytest.raises(ValueError, match=message):
        distiller(LogisticRegression()).fit(*parts)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [LogisticRegression(C=10), GaussianNB()])
def test_workers_find_the_set_in_memory(client, numbers, estimator):
    expected = distiller(estimator).fit(*numbers)
    X, y = in_partitions(numbers, [250, 250, 100])
    found = distiller(estimator).fit(X, y)
    assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-6)
    predicted = found.predict(X)
    assert isinstance(predicted, da.Array)
    assert predicted.chunks == y.chunks
    assert_array_equal(predicted.compute(), expected.predict(numbers[0]))
    assert_allclose(found.score(X, y), expected.score(*numbers))


@pytest.mark.slow
def test_frames_of_unknown_length(client, frame):
    table = dd.from_pandas(frame, npartitions=3)
    rows = table[table["u"] > 0]  # how many is not known
    memory = frame[frame["u"] > 0]
    params = {"categorical_features": "from_dtype", "max_iter": 2}
    expected = distiller(LogisticRegression(), **params).fit(
        memory.drop(columns="label"), memory["label"]
    )
    found = distiller(LogisticRegression(), **params).fit(rows, "label")
    assert_allclose(found.loss_, expected.loss_, rtol=1e-6)
    assert found.X_synthetic_.dtypes.equals(expected.X_synthetic_.dtypes)
    assert found.feature_names_in_.tolist() == list(expected.feature_names_in_)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(client, numbers):
    """The fit finishes with the same result, since Dask computes again what is lost."""
    expected = distiller(GaussianNB()).fit(*numbers)
    X, y = in_partitions(numbers, [200, 200, 200])
    X, y = client.persist([X, y])
    killed = []

    def kill():
        pid = next(iter(client.run(os.getpid).values()))
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    found = distiller(GaussianNB())
    found.set_callbacks(OnIteration(2, kill))
    found.fit(X, y)
    assert killed
    assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)


class OnIteration:
    """A callback that does something once, after some iterations."""

    def __init__(self, number, action):
        self.number, self.action, self.seen = number, action, 0

    def setup(self, *args, **kwargs):
        pass

    def teardown(self, *args, **kwargs):
        pass

    def on_fit_task_begin(self, *args, **kwargs):
        pass

    def on_fit_task_end(self, *args, **kwargs):
        self.seen += 1
        if self.seen == self.number:
            self.action()


@pytest.mark.slow
def test_search_tries_on_a_sample(client, numbers):
    X, y = in_partitions(numbers, [400, 200])
    tree = DecisionTreeClassifier(random_state=0)
    expected = distiller(tree, max_iter=2).fit(*numbers)
    found = distiller(tree, max_iter=2).fit(X, y)
    assert_array_equal(found.X_synthetic_, expected.X_synthetic_)


@pytest.mark.slow
def test_search_tries_candidates_on_the_workers(client, numbers):
    X, y = in_partitions(numbers, [400, 200])
    tree = DecisionTreeClassifier(random_state=0)
    expected = distiller(tree, max_iter=2).fit(*numbers)
    with joblib.parallel_config("dask"):
        found = distiller(tree, max_iter=2, n_jobs=2).fit(X, y)
    assert_array_equal(found.X_synthetic_, expected.X_synthetic_)


@pytest.mark.slow
def test_parameters_go_out_and_sums_come_back(client, numbers):
    """A large table sends no more data than a small one, except for the sample."""
    sizes = {}
    for n_parts in (2, 8):
        X = da.random.RandomState(0).standard_normal((4000 * n_parts, 30), (4000, 30))
        source = DaskSource(X.persist(), (X[:, 0] > 0).astype(int).persist())
        result = source.reduce(_Sum(), _add, np.zeros(30))
        sizes[n_parts] = result.nbytes
        counted = _Weigh(source)
    assert sizes[2] == sizes[8] == 30 * 8
    assert counted.largest_result() < 10_000


class _Sum:
    def __call__(self, block, given):
        return np.asarray(block.X).sum(axis=0) + given


def _add(first, second):
    return first + second


class _Weigh:
    """Records the size in bytes of what the tasks of a pass return."""

    def __init__(self, source):
        self.source = source

    def largest_result(self):
        results = dask.compute(*self.source._tasks(_Sum(), np.zeros(30)))
        return max(result.nbytes for result in results)
