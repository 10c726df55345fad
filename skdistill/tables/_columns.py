"""Columns of a table, and the numbers that encode them while rows are learned.

There are three kinds of tables with the same methods: plain numbers, which are not
encoded; the columns of a DataFrame, which are returned with their names and dtypes; and
tables with categories, each of which becomes a block of one-hot numbers. ``decode``
returns the rows in their container: integers and booleans are rounded, each block
becomes a category, and floats get the precision of their column. ``round`` returns the
numbers of these rows, which scikit-learn gets. No table keeps the real rows.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from skdistill._sklearn_compat import (
    _check_categorical_features,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from skdistill.tables._kinds import not_numbers
from skdistill.tables._missing import refuse_missing
from skdistill.tables._mixed import MixedTable, SelfEncodedTable
from skdistill.tables._plain import Table, TypedTable
from skdistill.tables._reading import is_frame, readable


def read_table(X, categorical_features, sample_weight, roles=None):
    """Return the Table of real rows; rows of weight zero are ignored.

    Parameters
    ----------
    X : array-like of shape (n, q)
        Real rows as they came.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    sample_weight : array-like of shape (n,) or None
        Their weights.
    roles : Roles, default=None
        How an estimator reads the columns. By default it takes numbers without missing
        values.

    Returns
    -------
    Table
        An object of the subclass for the rows.

    Raises
    ------
    ValueError
        If ``X`` is a lazy frame, a column is neither categorical nor numeric, or a
        category is missing.
    """
    X = readable(X)
    if issparse(X):
        return _sparse_table(X, categorical_features)
    if roles is not None and roles.is_picky:
        return _table_for(roles, X, sample_weight)
    has_gaps = None if roles is None else roles.has_gaps
    is_categorical = named_categories(X, categorical_features)
    if is_categorical is None and not is_frame(X):
        return Table(has_gaps)
    rows = _rows_of_weight(X, sample_weight)
    if is_categorical is None:
        return TypedTable(X, rows, has_gaps)
    X = X if is_frame(X) else check_array(X, dtype=None, ensure_all_finite=False)
    refuse_missing(X, None if has_gaps is None else has_gaps & ~is_categorical)
    return MixedTable(_safe_indexing(X, rows), np.flatnonzero(is_categorical), has_gaps)


def _sparse_table(X, categorical_features):
    from skdistill.tables._sparse import SparseTable

    if categorical_features is not None:
        raise ValueError(
            "categorical_features needs a dense table, but X is a sparse matrix. Pass "
            "a DataFrame or an array, or X with one-hot columns."
        )
    return SparseTable(X)


def _table_for(roles, X, sample_weight):
    """Return the Table of rows if the estimator selects or encodes columns itself."""
    rows = _rows_of_weight(X, sample_weight)
    if not is_frame(X):
        X = check_array(X, dtype=None, ensure_all_finite=False)
    unread = np.intersect1d(np.flatnonzero(roles.is_unused), sorted(not_numbers(X)))
    if roles.is_category.any() or len(unread):
        return SelfEncodedTable(X, rows, roles, unread.astype(int))
    if is_frame(X):
        return TypedTable(X, rows, roles.has_gaps)
    return Table(roles.has_gaps)


def _rows_of_weight(X, sample_weight):
    """Return the rows of nonzero weight: their indices, or a slice of all rows."""
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, np.empty((_num_samples(X), 1)))
        # Validation refuses rows that all have weight zero.
        if not weight.all() and weight.any():
            return np.flatnonzero(weight > 0)
    return slice(None)


def named_categories(X, categorical_features):
    """Return the mask (q,) of columns that the user names as categorical, or None."""
    if categorical_features is None:
        return None
    if not is_frame(X):
        X = check_array(X, dtype=None, ensure_all_finite=False)
    return _check_categorical_features(X, categorical_features)
