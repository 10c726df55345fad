"""Operations on rows ``X`` in NumPy, for dense and for sparse rows.

Sparse rows are a ``csr_array`` without repeated entries. They are never made dense: an
origin is subtracted from products and sums instead of the rows. If that would lose
precision, as for squared deviations, zeros and stored entries are summed separately.
"""

from functools import singledispatch

import numpy as np
from scipy.sparse import csr_array, csr_matrix, hstack
from sklearn.utils import gen_batches

#: Maximum number of values that are copied at a time.
MAX_COPIED = 2**22


@singledispatch
def dense(X):
    """Return a few rows as an ndarray in double precision."""
    return X.astype(np.float64)


@dense.register(csr_array)
@dense.register(csr_matrix)
def _(X):
    return X.toarray().astype(np.float64, copy=False)


@singledispatch
def column(X, feature):
    """Return one feature (n,)."""
    return X[:, feature]


@column.register(csr_array)
def _(X, feature):
    return X[:, [feature]].toarray().ravel()


@singledispatch
def in_units(X, scale):
    """Return the rows, each feature divided by its unit."""
    return X / scale


@in_units.register(csr_array)
def _(X, scale):
    data = X.data / scale[X.indices]
    return csr_array((data, X.indices, X.indptr), shape=X.shape)


@singledispatch
def joined(X, Y):
    """Return the rows (n, p + k) of ``X`` and ``Y`` side by side."""
    return np.hstack([X, Y])


@joined.register(csr_array)
def _(X, Y):
    return hstack([X, csr_array(Y)], format="csr")


def group_sums(X, groups, weight):
    """Return the weighted sum (g, p) of the rows of each group."""
    n = len(weight)
    shape = (groups.max() + 1, n)
    in_group = csr_array((weight, (groups, np.arange(n))), shape=shape)
    sums = in_group @ X
    return sums if isinstance(sums, np.ndarray) else sums.toarray()


@singledispatch
def products_from(X, origin, B):
    """Return the products ``(X - origin) @ B`` of shape (n, k)."""
    return (X - origin) @ B


@products_from.register(csr_array)
def _(X, origin, B):
    return X @ B - origin @ B


@singledispatch
def sums_from(X, origin, weight):
    """Return weighted sums (g, p) of ``X - origin``, for weights (n, g) or (n,)."""
    return weight.T @ (X - origin)


@sums_from.register(csr_array)
def _(X, origin, weight):
    return weight.T @ X - np.multiply.outer(weight.sum(axis=0), origin)


@singledispatch
def squares_about(X, centers, groups, weight):
    """Return sums (g, p) of the squared deviations from the center of each group.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        Rows in double precision.
    centers : ndarray of shape (g, p)
        Centers of the groups.
    groups : ndarray of int of shape (n,)
        Group of each row.
    weight : ndarray of shape (n,)
        Weights of the rows.
    """
    if len(centers) == 1:
        return (weight @ (X - centers[0]) ** 2)[None]
    in_group = np.eye(len(centers))[groups] * weight[:, None]
    return in_group.T @ (X - centers[groups]) ** 2


@squares_about.register(csr_array)
def _(X, centers, groups, weight):
    g, p = centers.shape
    counts = np.diff(X.indptr)
    place = np.repeat(groups.astype(np.int64) * p, counts) + X.indices
    weights = np.repeat(weight, counts)
    deviations = X.data - centers.ravel()[place]
    of_entries = np.bincount(place, weights * deviations**2, g * p)
    # Add the zeros of each feature by their total weight, which rounding may make
    # negative.
    total = np.bincount(groups, weight, g)[:, None]
    of_zeros = total - np.bincount(place, weights, g * p).reshape(g, p)
    return of_entries.reshape(g, p) + np.maximum(of_zeros, 0.0) * centers**2


def mean_and_variance(X, share):
    """Return the mean and the variance (p,) of rows whose weights sum to one."""
    mean = share @ X
    groups = np.zeros(len(share), dtype=int)
    return mean, _variance(X, mean, share, groups)


@singledispatch
def _variance(X, mean, share, groups):
    # Deviations have the precision of the rows, to save memory.
    centered = X - mean.astype(X.dtype)
    return share @ centered.astype(np.float64) ** 2


@_variance.register(csr_array)
def _(X, mean, share, groups):
    return squares_about(X, mean[None], groups, share)[0]


@singledispatch
def deviations(X, share):
    """Return the standard deviations (p,) of rows whose weights sum to one."""
    # Take a few columns at a time, because deviations are copies in double precision.
    width = max(MAX_COPIED // len(X), 1)
    columns = gen_batches(X.shape[1], width)
    return np.concatenate([_deviations(X[:, part], share) for part in columns])


def _deviations(X, share):
    centered = X.astype(np.float64) - share @ X
    # Use the largest deviation as the unit: squares of small ones may underflow.
    largest = np.abs(centered).max(axis=0)
    unit = np.where(largest > 0, largest, 1.0)
    return unit * np.sqrt(share @ (centered / unit) ** 2)


@deviations.register(csr_array)
def _(X, share):
    return np.sqrt(mean_and_variance(X.astype(np.float64), share)[1])


@singledispatch
def second_moment(X, origin, weight):
    """Return the weighted sum (p, p) of ``x x'`` over rows ``x`` of ``X - origin``."""
    X = X - origin
    X *= np.sqrt(weight)[:, None].astype(X.dtype)
    return X.T @ X


@second_moment.register(csr_array)
def _(X, origin, weight):
    data = X.data * np.repeat(weight, np.diff(X.indptr))
    weighted = csr_array((data, X.indices, X.indptr), shape=X.shape)
    moment = (X.T @ weighted).toarray()
    sums = np.outer(weight @ X, origin)
    return moment - sums - sums.T + weight.sum() * np.outer(origin, origin)


@singledispatch
def correlations(X, mean, scale, share):
    """Return the second moment (p, p) of ``(X - mean) / scale``.

    It is computed in the precision of the rows.
    """
    centered = X - mean.astype(X.dtype)
    centered *= np.sqrt(share)[:, None].astype(X.dtype)
    centered /= scale.astype(X.dtype)
    return (centered.T @ centered).astype(np.float64)


@correlations.register(csr_array)
def _(X, mean, scale, share):
    return second_moment(X, mean, share) / scale / scale[:, None]


@singledispatch
def ranges(X):
    """Return the minimum and the maximum (p,) of each feature.

    Missing values are ignored.
    """
    return tuple(side.reduce(X).astype(np.float64) for side in (np.fmin, np.fmax))


@ranges.register(csr_array)
def _(X):
    n, p = X.shape
    has_zero = np.bincount(X.indices, minlength=p) < n
    sides = []
    for ufunc, end in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        side = np.where(has_zero, 0.0, end)
        ufunc.at(side, X.indices, X.data.astype(np.float64, copy=False))
        sides.append(side)
    return tuple(sides)
