"""Rows of two containers, one below the other."""

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse, vstack

from skdistill.tables._reading import is_frame, is_series, read


def stacked(first, second):
    """Return the rows of two containers of one kind, in a container of that kind.

    Parameters
    ----------
    first, second : array, sparse matrix, list, Series or DataFrame
        Rows; those of DataFrames have the same columns.
    """
    if is_series(first):
        name = read(first).name
        frames = [read(each).alias("y").to_frame() for each in (first, second)]
        return nw.concat(frames)["y"].alias(name).to_native()
    if is_frame(first):
        return nw.concat(_of_one_schema(read(first), read(second))).to_native()
    if issparse(first):
        return vstack([first, second], format=first.format)
    if isinstance(first, list):
        return first + second
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
