"""Returning learned values in the container that was passed.

Dtypes of a library have more detail than those of narwhals, such as nullable and Arrow
dtypes of pandas and categories. So new columns are cast to the dtypes of the library.
"""

import narwhals.stable.v2 as nw
import numpy as np

from skdistill._sklearn_compat import _safe_indexing
from skdistill.tables._reading import is_frame, is_series, native_dtypes, read

__all__ = [
    "frame_like",
    "in_form_of",
    "in_library",
    "is_frame",
    "is_series",
    "labels_like",
    "samples_like",
    "whole_like",
    "without_rows",
]


def frame_like(X, columns):
    """Return columns (m,) as a DataFrame with the names and dtypes of ``X``.

    The values must be valid for the dtypes of their columns.
    """
    return _cast(_frame(X, [plain(values) for values in columns]), X)


def without_rows(X):
    """Return an empty DataFrame or array with the same columns.

    It is a copy rather than a view, so that the rows are not kept in memory.
    """
    if is_frame(X):
        X = read(X).to_native()
        if read(X).implementation.is_pyarrow():
            return X.schema.empty_table()
    return _safe_indexing(X, np.empty(0, dtype=int))


def samples_like(X, samples):
    """Return samples (m, p) in the container of ``X``, with its column names."""
    if not is_frame(X):
        return samples
    like = read(X)
    names = [str(name) for name in like.columns]
    made = nw.from_numpy(samples, names, backend=like.implementation).to_native()
    return _with_labels_of(X, made)


def labels_like(y, labels, *, whole=False):
    """Return labels (m,) or targets (m, k) in the container of ``y``, with its names.

    They get the dtype of ``y``, except that floats stay floats if ``y`` does not hold
    floats. If ``whole`` is true, they become integers if ``y`` holds integers.
    """
    if is_series(y):
        return _labels(read(y), labels, whole)
    if not is_frame(y):
        return labels
    columns = list(read(y).iter_columns())
    if labels.ndim == 1:
        return _labels(columns[0], labels, whole)
    pairs = zip(columns, labels.T, strict=True)
    return _frame(y, [_labels(column, values, whole) for column, values in pairs])


def whole_like(y, targets):
    """Round numeric targets if their column in ``y`` holds integers."""
    if is_series(y):
        columns = [read(y)]
    elif is_frame(y):
        columns = read(y).iter_columns()
    else:
        return targets
    whole = np.array([_is_whole(column) for column in columns])
    return np.where(whole if targets.ndim == 2 else whole[0], np.rint(targets), targets)


def in_form_of(given, values):
    """Return values (m,) or (m, k) in the container and the precision of ``given``.

    Lists are returned for lists, and floats get the precision of ``given``. Numbers
    learned in the place of integers are not rounded.
    """
    if isinstance(given, list):
        return values.tolist()
    if is_frame(given):
        if not is_frame(values):
            values = samples_like(given, np.reshape(values, (len(values), -1)))
        pairs = zip(
            read(given).iter_columns(), read(values).iter_columns(), strict=True
        )
        return _frame(
            given,
            [
                _cast(new.to_native(), old.to_native())
                if _holds(old, new.dtype.is_float())
                else new.to_native()
                for old, new in pairs
            ],
        )
    if is_series(given):
        return values
    dtype = np.asarray(given).dtype
    is_float = np.issubdtype(dtype, np.floating)
    if is_float and np.issubdtype(values.dtype, np.floating):
        return values.astype(dtype, copy=False)
    return values


def in_library(frame, name):
    """Return a DataFrame of the library "pandas" or "polars", with NumPy dtypes."""
    if name not in ("pandas", "polars") or read(frame).implementation.value == name:
        return frame
    columns = {
        str(column.name): column.to_numpy() for column in read(frame).iter_columns()
    }
    return nw.from_dict(columns, backend=name).to_native()


def plain(values):
    """Return values (m,) as a list if they are objects, so polars finds a dtype."""
    is_objects = isinstance(values, np.ndarray) and values.dtype == object
    return values.tolist() if is_objects else values


def _frame(X, columns):
    """Return arrays or Series as a DataFrame with the names of ``X``."""
    like = read(X)
    named = dict(zip(like.columns, columns, strict=True))
    made = nw.from_dict(named, backend=like.implementation).to_native()
    return _with_labels_of(X, made)


def _with_labels_of(X, made):
    """Give a DataFrame of pandas the column labels of ``X``, which may be objects."""
    if read(X).implementation.is_pandas_like():
        made.columns = X.columns
    return made


def _cast(made, like):
    """Return a DataFrame or Series, cast to the dtypes of another one."""
    implementation, dtypes = read(like).implementation, native_dtypes(like)
    if is_series(like):
        cast = made.astype if implementation.is_pandas_like() else made.cast
        return cast(dtypes[0])
    if implementation.is_pyarrow():
        return made.cast(like.schema)
    # Only cast columns of other dtypes, because casting is slow in pandas.
    changed = {
        name: dtype
        for name, dtype, own in zip(
            like.columns, dtypes, native_dtypes(made), strict=True
        )
        if dtype != own
    }
    if not changed:
        return made
    return (made.astype if implementation.is_pandas_like() else made.cast)(changed)


def _labels(column, labels, whole):
    made = nw.new_series(column.name, plain(labels), backend=column.implementation)
    if _holds(column, labels.dtype.kind == "f") or (whole and _is_whole(column)):
        return _cast(made.to_native(), column.to_native())
    return made.to_native()


def _holds(column, floats):
    """Whether the dtype of a column holds values, which may be floats."""
    sparse = getattr(native_dtypes(column)[0], "subtype", None)
    return not floats or column.dtype.is_float() or getattr(sparse, "kind", "") == "f"


def _is_whole(column):
    return column.dtype.is_integer() or column.dtype == nw.Boolean
