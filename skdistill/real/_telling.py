"""The few rows of a table that tell what its columns hold.

Of integers they are those with the least and the largest value, of categories one of
each, in the first block any. The columns of a table that lies in blocks are read from
them.
"""

import narwhals.stable.v2 as nw
import numpy as np

from skdistill._sklearn_compat import _check_categorical_features, _safe_indexing
from skdistill.real.sources._base import Block
from skdistill.tables._reading import as_labels, is_frame, is_series, read, readable


def telling_rows(block, categorical_features):
    """Return the Block of the telling rows of a block, None if it has no rows.

    Parameters
    ----------
    block : Block
        Some of the rows.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    """
    if not block.n_rows:
        return None
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
    """Return the telling rows of two blocks of such; None is no block."""
    if first is None or second is None:
        return second if first is None else first
    both = Block(first.first, _stacked(first.X, second.X), _stacked(first.y, second.y))
    return telling_rows(both, categorical_features)


def _telling(column, is_category):
    if is_category or column.dtype == nw.Boolean:
        return column.is_first_distinct().arg_true().to_list()
    if column.dtype.is_integer():
        return [column.arg_min(), column.arg_max()]
    return []


def _stacked(first, second):
    """Return rows one below the other, in their container."""
    if is_series(first):
        name = read(first).name
        frames = [read(each).alias("y").to_frame() for each in (first, second)]
        return nw.concat(frames)["y"].alias(name).to_native()
    if is_frame(first):
        return nw.concat(_of_one_schema(read(first), read(second))).to_native()
    return np.concatenate([np.asarray(first), np.asarray(second)])


def _of_one_schema(first, second):
    """Return two frames whose categorical columns have the same categories.

    Blocks of a file each know the categories that they have. pandas would make such
    columns objects.
    """
    if not first.implementation.is_pandas():
        return [first, second]
    frames = [first.to_native(), second.to_native()]
    for name, dtype in frames[0].dtypes.items():
        if str(dtype) != "category" or dtype == frames[1].dtypes[name]:
            continue
        categories = dtype.categories.union(
            frames[1].dtypes[name].categories, sort=False
        )
        frames = [
            each.assign(**{name: each[name].cat.set_categories(categories)})
            for each in frames
        ]
    return [read(each) for each in frames]
