"""Every operation on rows has the same result for dense and for sparse ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array, csr_matrix, issparse

from skdistill import _forms

N_ROWS, N_FEATURES, N_GROUPS = 40, 7, 3


@pytest.fixture(params=[0, 1], ids=["sparse", "with a full column far from zero"])
def X(request, rng):
    """Return rows with a column of zeros, an empty row, and explicit zeros."""
    X = rng.standard_normal((N_ROWS, N_FEATURES)) * (
        rng.random((N_ROWS, N_FEATURES)) < 0.4
    )
    X[3], X[:, 4] = 0, 0
    if request.param:
        X[:, 5] = 1e6 + rng.standard_normal(N_ROWS)
    return X


@pytest.fixture
def sparse(X):
    entries = csr_array(X + (X == 0)[:, :] * np.arange(N_FEATURES)[::-1])
    entries.data[:] = X[
        np.repeat(np.arange(N_ROWS), np.diff(entries.indptr)), entries.indices
    ]
    assert (entries.data == 0).any()
    return entries


@pytest.fixture
def groups(rng):
    return rng.integers(0, N_GROUPS, N_ROWS)


@pytest.fixture
def share(rng):
    weight = rng.uniform(0, 2, N_ROWS)
    weight[7] = 0
    return weight / weight.sum()


def test_dense_rows(X, sparse):
    assert_allclose(_forms.dense(sparse.astype(np.float32)), X.astype(np.float32))
    assert_allclose(_forms.dense(csr_matrix(sparse)), X)
    assert _forms.dense(X.astype(np.float32)).dtype == np.float64


def test_columns_and_units(X, sparse, rng):
    scale = rng.uniform(1, 2, N_FEATURES)
    assert_allclose(_forms.column(sparse, 5), X[:, 5])
    assert_allclose(_forms.in_units(sparse, scale).toarray(), X / scale)
    Y = rng.standard_normal((N_ROWS, 2))
    joined = _forms.joined(sparse, Y)
    assert issparse(joined)
    assert_allclose(joined.toarray(), _forms.joined(X, Y))


def test_sums(X, sparse, groups, share, rng):
    origin, B = X[0], rng.standard_normal((N_FEATURES, 3))
    tolerance = {"rtol": 1e-8, "atol": 1e-9 * np.abs(X).max()}
    for function, *arguments in (
        (_forms.products_from, origin, B),
        (_forms.sums_from, origin, share),
        (_forms.sums_from, origin, np.eye(N_GROUPS)[groups] * share[:, None]),
        (_forms.group_sums, groups, share),
    ):
        expected = function(X, *arguments)
        assert_allclose(function(sparse, *arguments), expected, **tolerance)
    expected = np.array([share[groups == g] @ X[groups == g] for g in range(N_GROUPS)])
    assert_allclose(_forms.group_sums(X, groups, share), expected)


def test_squares_do_not_cancel(X, sparse, groups, share):
    """The variance of a column with values near a million is exact."""
    means = np.array(
        [
            np.average(X[groups == g], axis=0, weights=share[groups == g])
            for g in range(N_GROUPS)
        ]
    )
    expected = np.array(
        [share[groups == g] @ (X[groups == g] - means[g]) ** 2 for g in range(N_GROUPS)]
    )
    for rows in (X, sparse):
        squares = _forms.squares_about(rows, means, groups, share)
        assert_allclose(squares, expected, rtol=1e-8, atol=1e-14)
        mean, variance = _forms.mean_and_variance(rows, share)
        assert_allclose(mean, share @ X)
        assert_allclose(variance, share @ (X - mean) ** 2, rtol=1e-8, atol=1e-14)
        assert_allclose(_forms.deviations(rows, share), np.sqrt(variance), atol=1e-9)


def test_second_moments(X, sparse, share):
    X, sparse = X[:, :5], sparse[:, :5]
    origin = X[0]
    expected = (X - origin).T @ ((X - origin) * share[:, None])
    mean, variance = _forms.mean_and_variance(X, share)
    scale = np.sqrt(variance + 0.1)
    centered = (X - mean) / scale
    for rows in (X, sparse):
        assert_allclose(_forms.second_moment(rows, origin, share), expected, atol=1e-14)
        correlations = _forms.correlations(rows, mean, scale, share)
        expected_ = centered.T @ (centered * share[:, None])
        assert_allclose(correlations, expected_, atol=1e-14)


def test_ranges(X, sparse):
    X[:, 0], expected = np.abs(X[:, 0]) + 1, (X.min(axis=0), X.max(axis=0))
    sparse = csr_array(X)
    expected = X.min(axis=0), X.max(axis=0)
    assert expected[0][0] > 0
    for rows in (X, sparse, -sparse):
        low, high = _forms.ranges(rows)
        if rows is sparse or rows is X:
            assert_allclose((low, high), expected)
        else:
            assert_allclose((-high, -low), expected)
