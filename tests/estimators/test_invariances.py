"""What must not change the result: order, names, repetition, units."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill import DatasetDistiller
from skdistill.real import _devices
from tests.conftest import make_table, strict_logistic


@pytest.fixture(params=["exact", "bounded"])
def fit(request):
    """Fit by the exact solver or by iterations, so that both are tested."""
    params = {"n_synthetic": 12, "random_state": 0, "tol": 1e-7, "max_iter": 2000}
    if request.param == "bounded":
        params.update(feature_range="data", n_synthetic=6)

    def fit(X, y, C=1.0, **fit_params):
        # At 1e-12 the line search of scikit-learn's Newton solver may give up.
        estimator = strict_logistic(C=C, tol=1e-10)
        distiller = DatasetDistiller(estimator, weighting="match", **params)
        return distiller.fit(X, y, **fit_params)

    return fit


def assert_same_model(a, b, X):
    assert_allclose(a.loss_, b.loss_, rtol=1e-5)
    assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-3)


def test_row_order(fit, table):
    X, y = table
    order = np.random.default_rng(0).permutation(len(y))
    assert_same_model(fit(X[order], y[order]), fit(X, y), X)


@pytest.mark.parametrize("names", [[2, 1, 0], ["b", "c", "a"], [-1, 10, 3]])
def test_class_names_and_their_order(fit, multiclass_table, names):
    X, y = multiclass_table
    names = np.array(names)
    renamed, reference = fit(X, names[y]), fit(X, y)
    assert_array_equal(renamed.classes_, np.sort(names))
    assert_allclose(renamed.loss_, reference.loss_, rtol=1e-5)
    columns = np.searchsorted(renamed.classes_, names)
    probabilities = renamed.predict_proba(X)[:, columns]
    assert_allclose(probabilities, reference.predict_proba(X), atol=1e-3)


def test_repeated_rows_are_rows_of_weight_two(fit, table):
    X, y = table
    weight = np.where(np.arange(len(y)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = fit(X, y, sample_weight=weight)
    assert_same_model(fit(X[twice], y[twice]), weighted, X)


def test_rows_of_weight_zero_are_not_there(fit, table):
    X, y = table
    weight = np.where(np.arange(len(y)) % 3 == 0, 0.0, 1.0)
    far = np.where(weight[:, None] == 0, 1e6, X)
    kept = weight > 0
    weighted = fit(far, y, sample_weight=weight)
    reduced = fit(X[kept], y[kept], sample_weight=weight[kept])
    assert_array_equal(weighted.X_synthetic_, reduced.X_synthetic_)


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_unit_of_all_features_with_C_in_the_same(fit, table, unit):
    X, y = table
    scaled = fit(unit * X, y, C=1 / unit**2)
    reference = fit(X, y)
    assert_allclose(scaled.loss_, reference.loss_, rtol=1e-5)
    assert_allclose(
        scaled.predict_proba(unit * X), reference.predict_proba(X), atol=1e-3
    )


def test_units_of_single_features_do_not_slow_convergence():
    """Columns of 1e-3 beside 1e6 converge as well as scaled ones.

    With ``C`` this large the penalty does not matter on either scale, so that both
    problems have the same optimum. The loss is the student's: no solver of scikit-learn
    fits rows in such units.
    """
    X, y = make_table(2, n=200)
    unit = np.array([1e-3, 1e6, 1.0, 1e3, 1e-2, 10.0])
    distiller = DatasetDistiller(
        strict_logistic(C=1e10), n_synthetic=6, weighting="match", tol=1e-6
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = [
            distiller.fit(table, y).loss_curve_[-1] for table in (X, X * unit + unit)
        ]
    assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_chunk_size(fit, monkeypatch, table):
    X, y = table
    reference = fit(X, y)
    monkeypatch.setattr(_devices, "MAX_CHUNK_ROWS", 64)
    assert_same_model(fit(X, y), reference, X)


# Scikit-learn's Newton solver asks for more than rounding leaves, here and there.
@pytest.mark.filterwarnings("ignore:Line search of Newton solver")
def test_float32_gives_nearly_the_same(fit, table):
    X, y = table
    double, single = fit(X, y), fit(X.astype(np.float32), y)
    assert single.X_synthetic_.dtype == np.float64
    assert_allclose(single.loss_, double.loss_, rtol=1e-4)
