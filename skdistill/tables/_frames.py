"""DataFrame in, DataFrame out, without importing the library of either."""

import sys
from importlib import import_module

import numpy as np

from skdistill._sklearn_compat import check_pandas_support


def _library(container):
    """Return pandas or polars if the container is theirs, else None."""
    root = type(container).__module__.partition(".")[0]
    return sys.modules.get(root) if root in ("pandas", "polars") else None


def is_frame(X):
    """Whether ``X`` is a DataFrame of pandas or polars."""
    library = _library(X)
    return library is not None and isinstance(X, library.DataFrame)


def column_dtypes(frame):
    """Return the dtypes of a DataFrame, those of its library."""
    return list(frame.dtypes)


def dtype_kind(dtype):
    """Return the kind of a column as NumPy has it: "b", "i", "u", "f", or another.

    The nullable and the Arrow dtypes of pandas have that of the numbers they hold.
    """
    if hasattr(dtype, "kind"):
        return dtype.kind
    if dtype.is_integer():
        return "i"
    if dtype.is_float():
        return "f"
    return "b" if str(dtype) == "Boolean" else "O"


def float_dtype(dtype):
    """Return the NumPy dtype of a column of floats."""
    if hasattr(dtype, "itemsize"):
        return np.dtype(f"f{dtype.itemsize}")
    return np.dtype(str(dtype).lower())


def is_object(dtype):
    """Whether a column holds Python objects, which may be numbers."""
    return str(dtype).lower() == "object"


def _series(frame, j):
    if _library(frame).__name__ == "pandas":
        return frame.iloc[:, j]
    return frame.to_series(j)


def column(frame, j):
    """Return column ``j`` as an array (n,)."""
    return _series(frame, j).to_numpy()


def is_missing(X, j):
    """Return where column ``j`` of a DataFrame or an array has no value, (n,)."""
    if not is_frame(X):
        values = np.asarray(X[:, j])
        return (values != values) | (values == np.array(None))
    values = _series(X, j)
    if _library(X).__name__ == "pandas":
        return values.isna().to_numpy()
    if values.dtype.is_float():
        values = values.fill_nan(None)
    return values.is_null().to_numpy()


def is_series(y):
    """Whether ``y`` is a Series of pandas or polars."""
    library = _library(y)
    return library is not None and isinstance(y, library.Series)


def samples_like(X, samples):
    """Return samples (m, p) in the container of ``X``, with its column names."""
    if not is_frame(X):
        return samples
    library = _library(X)
    if library.__name__ == "pandas":
        return library.DataFrame(samples, columns=X.columns)
    return library.DataFrame(samples, schema=list(X.columns), orient="row")


def frame_like(X, columns):
    """Return columns (m,) as a DataFrame with the names and dtypes of ``X``.

    The values must be such that the dtype of their column holds them.
    """
    library = _library(X)
    dtypes = column_dtypes(X)
    if library.__name__ == "pandas":
        frame = library.DataFrame(
            {
                j: library.Series(values, dtype=dtype)
                for j, (values, dtype) in enumerate(zip(columns, dtypes, strict=True))
            }
        )
        frame.columns = X.columns
        return frame
    return library.DataFrame(
        [
            library.Series(name, list(values), dtype=dtype)
            for name, values, dtype in zip(X.columns, columns, dtypes, strict=True)
        ]
    )


def in_library(frame, name):
    """Return a DataFrame as one of "pandas" or "polars", with dtypes of NumPy."""
    if name not in ("pandas", "polars") or _library(frame).__name__ == name:
        return frame
    columns = {key: column(frame, j) for j, key in enumerate(frame.columns)}
    return import_module(name).DataFrame(columns)


def whole_like(y, targets):
    """Round numeric targets where the column of ``y`` holds integers."""
    if _library(y) is None:
        return targets
    dtypes = column_dtypes(y) if is_frame(y) else [y.dtype]
    whole = np.array([dtype_kind(dtype) in "biu" for dtype in dtypes])
    return np.where(whole if targets.ndim == 2 else whole[0], np.rint(targets), targets)


def labels_like(y, labels, *, whole=False):
    """Return labels (m,) or targets (m, k) in the container of ``y``, named as it is.

    They keep its dtype, but floats stay floats where ``y`` holds integers, unless they
    are said to be whole numbers.
    """
    if not (is_series(y) or is_frame(y)):
        return labels
    library = _library(y)
    if is_frame(y) and labels.ndim == 1:
        y = _series(y, 0)
    if is_frame(y):
        columns = [
            labels_like(_series(y, j), values, whole=whole)
            for j, values in enumerate(labels.T)
        ]
        if library.__name__ == "polars":
            return library.DataFrame(columns)
        frame = library.concat(columns, axis=1)
        frame.columns = y.columns
        return frame
    dtype = y.dtype
    if labels.dtype.kind == "f" and dtype_kind(dtype) != "f":
        dtype = dtype if whole else None
        labels = labels.astype(np.int64) if whole else labels
    if library.__name__ == "pandas":
        return library.Series(labels, name=y.name, dtype=dtype)
    return library.Series(y.name, labels.tolist(), dtype=dtype)


def joined_frame(samples, feature_names, targets, sample_weight):
    """Return samples, targets and weights in one DataFrame.

    Parameters
    ----------
    samples : ndarray or DataFrame of shape (m, p)
        Samples; the result is of the library that theirs is, pandas for an array.
    feature_names : sequence of str of length p
        Names for the columns of an array.
    targets : ndarray, Series or DataFrame of shape (m,) or (m, k)
        Targets; without a name of their own they are "target", or "target0", ...
    sample_weight : ndarray of shape (m,) or None
        Weights, for a last column "sample_weight".

    Raises
    ------
    ValueError
        If two columns would have the same name.
    """
    library = _library(samples)
    if library is None:
        library = check_pandas_support("to_frame")
        samples = library.DataFrame(samples, columns=feature_names)
    columns = {name: samples[name] for name in samples.columns}
    if is_frame(targets):
        added = {name: targets[name] for name in targets.columns}
    elif np.ndim(targets) == 2:
        added = {f"target{j}": part for j, part in enumerate(np.transpose(targets))}
    else:
        named = is_series(targets) and targets.name not in (None, "")
        added = {targets.name if named else "target": targets}
    if sample_weight is not None:
        added["sample_weight"] = sample_weight
    shared = sorted(set(columns) & set(added), key=str)
    if shared:
        raise ValueError(
            f"Features and targets share the names {shared}. Rename the columns of X "
            "or y before fit."
        )
    return library.DataFrame({**columns, **added})
