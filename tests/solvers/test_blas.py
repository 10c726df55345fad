"""Small solves have one BLAS thread; the caller has as many as before."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.cluster
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from skdistill import DatasetDistiller
from skdistill.solvers import _blas
from skdistill.solvers._blas import blas_threads_for, single_blas_thread
from skdistill.students.linear._logistic import LogisticStudent
from skdistill.synthetic import _start


def blas_threads():
    """Return the number of threads of each loaded BLAS."""
    return {
        pool["filepath"]: pool["num_threads"]
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }


def set_blas_threads(limits):
    """Set them in a thread that ends, as only the last thread to set them can do so."""
    thread = threading.Thread(target=threadpool_limits, args=(limits,))
    thread.start()
    thread.join()


@pytest.fixture
def two_threads():
    """Give each BLAS two threads, regardless of the machine and its environment."""
    before = blas_threads()
    set_blas_threads(dict.fromkeys(before, 2))
    if set(blas_threads().values()) != {2}:
        pytest.skip("This BLAS has one thread.")
    yield
    set_blas_threads(before)


@pytest.fixture
def seen(monkeypatch):
    """Record the threads within the solves of a student and within k-means."""
    seen = SimpleNamespace(solves=[], kmeans=[])
    solve = LogisticStudent.solve

    def looking(self, synthetic, start=None):
        seen.solves.append(blas_threads())
        return solve(self, synthetic, start)

    class KMeans(sklearn.cluster.KMeans):
        def fit(self, X, y=None, sample_weight=None):
            seen.kmeans.append(blas_threads())
            return super().fit(X, y, sample_weight)

    monkeypatch.setattr(LogisticStudent, "solve", looking)
    monkeypatch.setattr(_start, "KMeans", KMeans)
    return seen


def fit(X, y):
    return DatasetDistiller(LogisticRegression(C=0.1), n_synthetic=6).fit(X, y)


def test_a_fit_of_a_few_rows_has_one(two_threads, seen, binary_table):
    fit(*binary_table)
    assert seen.solves
    assert seen.kmeans
    for threads in seen.solves + seen.kmeans:
        assert set(threads.values()) == {1}
    assert set(blas_threads().values()) == {2}


def test_large_solves_have_all(two_threads, seen, binary_table, monkeypatch):
    monkeypatch.setattr(_blas, "MAX_SMALL_SOLVE", 0)
    fit(*binary_table)
    assert all(set(threads.values()) == {2} for threads in seen.solves)


@pytest.mark.parametrize(
    ("m", "p", "k", "trains_in_jax", "expected"),
    [
        (20, 784, 10, False, 1),
        (500, 784, 10, False, 2),
        (5000, 20, 10, False, 1),
        (500, 784, 10, True, 1),
    ],
)
def test_what_is_small(m, p, k, trains_in_jax, expected, two_threads):
    """The unknowns are in the span of the rows. JAX has threads of its own."""
    student = SimpleNamespace(
        trains_in_jax=trains_in_jax, task=SimpleNamespace(n_outputs=k)
    )
    start = SimpleNamespace(X=np.empty((m, p)))
    with blas_threads_for(SimpleNamespace(start=start, student=student)):
        assert set(blas_threads().values()) == {expected}


def test_errors_give_the_threads_back(two_threads, binary_table, monkeypatch):
    def fail(self, synthetic, start=None):
        raise RuntimeError("no")

    monkeypatch.setattr(LogisticStudent, "solve", fail)
    with pytest.raises(RuntimeError, match="no"):
        fit(*binary_table)
    assert set(blas_threads().values()) == {2}


@pytest.mark.parametrize("first_leaves", ["first", "last"])
def test_fits_in_threads_give_the_threads_back(first_leaves, two_threads):
    """The fits overlap in different ways, and each of them completes."""
    entered, leave, left, end = (threading.Event() for _ in range(4))

    def another_fit():
        with single_blas_thread():
            entered.set()
            leave.wait(60)
        left.set()
        end.wait(60)

    thread = threading.Thread(target=another_fit)
    thread.start()
    assert entered.wait(60)
    assert set(blas_threads().values()) == {1}
    with single_blas_thread():
        if first_leaves == "first":
            leave.set()
            assert left.wait(60)
    leave.set()
    assert left.wait(60)
    assert set(blas_threads().values()) == {2}
    with single_blas_thread():
        assert set(blas_threads().values()) == {1}
    assert set(blas_threads().values()) == {2}
    end.set()
    thread.join()


def test_limits_nest(two_threads):
    with single_blas_thread():
        with single_blas_thread():
            assert set(blas_threads().values()) == {1}
        assert set(blas_threads().values()) == {1}
    assert set(blas_threads().values()) == {2}
