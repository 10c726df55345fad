"""JAX's settings, compilations and import do not affect the user's process."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from skdistill import DatasetDistiller, DistilledClassifier
from skdistill._jax_scope import double_precision
from skdistill.real import _dense


def settings():
    return dict(jax.config.values), jax.config.jax_enable_x64


def run_in_fresh_process(module, *args):
    """Run a module of these tests in a new process; it fails if it hangs."""
    subprocess.run(
        [sys.executable, "-m", f"tests.{module}", *args],
        cwd=Path(__file__).parents[1],
        check=True,
        timeout=600,
    )


@pytest.mark.slow
def test_import_is_light():
    """It imports neither JAX nor the check for a fork after JAX has started."""
    script = (
        "import sys, skdistill; "
        "assert not {'jax', 'jaxopt', 'matplotlib', 'optax', 'skdistill._jax_scope'} "
        "& set(sys.modules)"
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

    monkeypatch.setattr(_dense, "add_sums", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        DatasetDistiller(n_synthetic=6).fit(X, y)
    assert settings() == before


@pytest.mark.slow
def test_strict_settings_of_the_process():
    """Every estimator is fitted with all strict settings of JAX."""
    run_in_fresh_process("fits_in_strict_jax")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held back")
def test_settings_of_the_thread_change_nothing(table, count_compilations):
    """The same programs run; NumPy may round differently in other memory."""
    X, y = table
    distillers = [
        DatasetDistiller(
            estimator, n_synthetic=6, max_iter=3, solver=solver, tol=0, random_state=0
        )
        for estimator in (LogisticRegression(max_iter=1000), KNeighborsClassifier())
        for solver in ("lbfgs", "adam")
    ]
    expected = [clone(each).fit(X, y) for each in distillers]
    with (
        jax.numpy_rank_promotion("raise"),
        jax.numpy_dtype_promotion("strict"),
        jax.transfer_guard("disallow_explicit"),
        jax.default_matmul_precision("F32_F32_F32"),
        jax.debug_nans(True),
        jax.debug_infs(True),
    ):
        before = settings()
        with count_compilations() as counter:
            fitted = [clone(each).fit(X, y) for each in distillers]
        assert settings() == before
    assert counter.count == 0
    for mine, reference in zip(fitted, expected, strict=True):
        assert_allclose(mine.X_synthetic_, reference.X_synthetic_, rtol=1e-10)
        assert_allclose(mine.loss_curve_, reference.loss_curve_, rtol=1e-10)


def test_first_fits_in_threads():
    """A thread that lists libraries must not wait for one that loads a library."""
    run_in_fresh_process("fits_in_fresh_threads")


def test_a_step_to_nan_is_no_error():
    """If the rows diverge, the loss is NaN and the step is undone."""
    with jax.debug_nans(True), jax.debug_infs(True), double_precision():
        assert np.isnan(jax.numpy.log(-1.0))
        assert np.isinf(jax.numpy.log(0.0))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("used_by", ["a fit", "the user", "nobody", "the user alone"])
def test_fork_after_jax_has_started(used_by):
    """A fit in the child fails at once; otherwise it would hang."""
    run_in_fresh_process("fits_in_forked_process", used_by)


def blas_threads():
    return [
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]


@pytest.mark.slow
def test_blas_threads_are_given_back(table):
    """This also holds if fits in several threads overlap."""
    X, y = table
    distiller = DatasetDistiller(n_synthetic=6)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert set(before) == {2}
        clone(distiller).fit(X, y)
        assert blas_threads() == before
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(lambda _: clone(distiller).fit(X, y), range(8)))
        assert blas_threads() == before


def test_blas_threads_are_given_back_when_fits_fail(table, monkeypatch):
    X, y = table

    def fail(*args, **kwargs):
        raise RuntimeError("in the middle of a pass")

    monkeypatch.setattr(_dense, "add_sums", fail)

    def fit(_):
        with pytest.raises(RuntimeError, match="in the middle"):
            DatasetDistiller(n_synthetic=6).fit(X, y)

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(fit, range(8)))
        assert blas_threads() == before


@pytest.mark.slow
def test_blas_threads_are_given_back_by_a_search_in_threads(binary_table):
    """Fits run within fits, in joblib's threads."""
    X, y = binary_table
    model = DistilledClassifier(LogisticRegression(), DatasetDistiller(n_synthetic=6))
    search = GridSearchCV(model, {"estimator__C": [0.1, 1.0]}, cv=2)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with joblib.parallel_config("threading", n_jobs=2):
            search.fit(X, y)
        assert blas_threads() == before


def test_nothing_jax_is_left_in_the_attributes(table):
    X, y = table
    distiller = DatasetDistiller(n_synthetic=6).fit(X, y)
    for value in vars(distiller).values():
        assert not isinstance(value, jax.Array)
    assert type(distiller.loss_) is float
    assert type(distiller.n_iter_) is int


@pytest.mark.slow
def test_other_rows_compile_nothing(count_compilations):
    """Folds, other numbers of rows and other C use the programs of the first fit."""
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
