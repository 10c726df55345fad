"""JAX stays inside: its settings, its compilations, its import."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_info, threadpool_limits

from skdistill import DatasetDistiller
from skdistill.real import _dense


def settings():
    return dict(jax.config.values), jax.config.jax_enable_x64


def test_import_is_light():
    script = (
        "import sys, skdistill; "
        "assert not {'jax', 'jaxopt', 'matplotlib', 'optax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_settings_are_left_alone(table):
    X, y = table
    before = settings()
    state = np.random.get_state()  # noqa: NPY002 - the global state is the point
    DatasetDistiller(n_synthetic=6).fit(X, y)
    assert settings() == before
    assert jax.numpy.ones(1).dtype == np.float32
    after = np.random.get_state()  # noqa: NPY002
    for mine, theirs in zip(after, state, strict=True):
        assert_array_equal(mine, theirs)


def test_settings_are_left_alone_when_fit_fails(table, monkeypatch):
    X, y = table
    before = settings()

    def fail(*args, **kwargs):
        raise RuntimeError("in the middle of a pass")

    monkeypatch.setattr(_dense, "_add", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        DatasetDistiller(n_synthetic=6).fit(X, y)
    assert settings() == before


def test_blas_threads_are_given_back(table):
    """Also when fits in several threads overlap."""
    X, y = table
    distiller = DatasetDistiller(n_synthetic=6)

    def blas_threads():
        return [
            library["num_threads"]
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ]

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert set(before) == {2}
        clone(distiller).fit(X, y)
        assert blas_threads() == before
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(lambda _: clone(distiller).fit(X, y), range(8)))
        assert blas_threads() == before


def test_nothing_jax_is_left_in_the_attributes(table):
    X, y = table
    distiller = DatasetDistiller(n_synthetic=6).fit(X, y)
    for value in vars(distiller).values():
        assert not isinstance(value, jax.Array)
    assert type(distiller.loss_) is float
    assert type(distiller.n_iter_) is int


def test_other_rows_compile_nothing(count_compilations):
    """Folds, other row counts and other C share the programs of the first fit."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 11))
    y = (X[:, 0] + rng.standard_normal(5000) > 0).astype(int) + (X[:, 1] > 1)
    distiller = DatasetDistiller(
        LogisticRegression(tol=1e-8, max_iter=10_000), n_synthetic=6, weighting="match"
    )
    folds = KFold(3, shuffle=True, random_state=0)
    trains = [train for train, _ in folds.split(X)]
    with count_compilations() as first:
        distiller.fit(X[trains[0]], y[trains[0]])
    assert first.count > 0
    with count_compilations() as later:
        distiller.fit(X[trains[1]], y[trains[1]])
        distiller.fit(X[trains[2]][:517], y[trains[2]][:517])
        distiller.set_params(tol=1e-3, n_synthetic=9).fit(X, y)
        distiller.set_params(
            estimator=LogisticRegression(C=3.0, tol=1e-8, max_iter=10_000)
        ).fit(X, y)
    assert later.count == 0
