"""The few rows of a table that suffice to find out what its columns hold.

They are the rows with the minimum and the maximum of each integer column, one row for
each category, and any row of the first block. The columns of a table that is read block
by block are determined from these rows.
"""

import narwhals.stable.v2 as nw
import numpy as np

from skdistill._sklearn_compat import _check_categorical_features, _safe_indexing
from skdistill.real.sources._base import Block
from skdistill.tables._reading import as_labels, is_frame, read, readable
from skdistill.tables._stacking import stacked


def telling_rows(block, categorical_features):
    """Return the Block of the telling rows of a block.

    Parameters
    ----------
    block : Block
        Some of the rows.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    """
    X, categorical = readable(block.X), None
    if categorical_features is not None:
        categorical = _check_categorical_features(X, categorical_features)
    if categorical is None:
        categorical = np.zeros(np.shape(X)[1], dtype=bool)
    rows = {0}
    if is_frame(X):
        for column, is_category in zip(
            read(X).iter_columns(), categorical, strict=True
        ):
            rows.update(_telling(column, is_category))
    else:
        for j in np.flatnonzero(categorical):
            rows.update(np.unique(X[:, j], return_index=True)[1].tolist())
    rows = sorted(rows)
    y = as_labels(block.y)
    return Block(block.first, _safe_indexing(X, rows), _safe_indexing(y, rows))


def telling_rows_of_both(first, second, categorical_features):
    """Return the telling rows of two blocks of telling rows."""
    both = Block(first.first, stacked(first.X, second.X), stacked(first.y, second.y))
    return telling_rows(both, categorical_features)


def _telling(column, is_category):
    if is_category or column.dtype == nw.Boolean:
        return column.is_first_distinct().arg_true().to_list()
    if column.dtype.is_integer():
        return [column.arg_min(), column.arg_max()]
    return []
