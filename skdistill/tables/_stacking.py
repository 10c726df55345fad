"""Stacking the rows of several containers."""

from itertools import chain

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse, vstack

from skdistill.tables._reading import is_frame, is_series, read


def stacked(*parts):
    """Return the rows of several containers of one kind in a container of that kind.

    Parameters
    ----------
    *parts : array, sparse matrix, list, Series or DataFrame
        Containers of rows. DataFrames must have the same columns.
    """
    first = parts[0]
    if is_series(first):
        name = read(first).name
        frames = [read(each).alias("y").to_frame() for each in parts]
        return nw.concat(frames)["y"].alias(name).to_native()
    if is_frame(first):
        return nw.concat(_of_one_schema([read(each) for each in parts])).to_native()
    if issparse(first):
        return vstack(parts, format=first.format)
    if isinstance(first, list):
        return list(chain(*parts))
    return np.concatenate([np.asarray(each) for each in parts])


def _of_one_schema(frames):
    """Return frames whose categorical columns have the same categories.

    Blocks of a file may have different categories. Without this, pandas would convert
    such columns to objects.
    """
    if not frames[0].implementation.is_pandas():
        return frames
    frames = [each.to_native() for each in frames]
    for name, dtype in frames[0].dtypes.items():
        others = [each[name].dtype for each in frames[1:]]
        if str(dtype) != "category" or all(dtype == other for other in others):
            continue
        categories = dtype.categories
        for other in others:
            categories = categories.union(other.categories, sort=False)
        frames = [
            each.assign(**{name: each[name].cat.set_categories(categories)})
            for each in frames
        ]
    return [read(each) for each in frames]
