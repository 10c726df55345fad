"""DataFrame in, DataFrame out, without importing the library of either."""

import sys

import numpy as np


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
    missing = values.is_null().to_numpy()
    return missing | values.is_nan().to_numpy() if values.dtype.is_float() else missing


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


def whole_like(y, targets):
    """Round numeric targets where the column of ``y`` holds integers."""
    if _library(y) is None:
        return targets
    dtypes = column_dtypes(y) if is_frame(y) else [y.dtype]
    whole = np.array([dtype_kind(dtype) in "biu" for dtype in dtypes])
    return np.where(whole if targets.ndim == 2 else whole[0], np.rint(targets), targets)


def labels_like(y, labels, *, learned=False):
    """Return labels (m,) or targets (m, k) in the container of ``y``, named as it is.

    They keep its dtype, but for learned targets of integers, which are floats.
    """
    library = _library(y)
    if library is None or not isinstance(y, (library.Series, library.DataFrame)):
        return labels
    if is_frame(y) and labels.ndim == 1:
        y = _series(y, 0)
    if is_frame(y):
        columns = [
            labels_like(_series(y, j), values, learned=learned)
            for j, values in enumerate(labels.T)
        ]
        if library.__name__ == "polars":
            return library.DataFrame(columns)
        frame = library.concat(columns, axis=1)
        frame.columns = y.columns
        return frame
    dtype = None if learned and dtype_kind(y.dtype) != "f" else y.dtype
    if library.__name__ == "pandas":
        return library.Series(labels, name=y.name, dtype=dtype)
    if labels.dtype.kind == "f" and dtype is not None and dtype_kind(dtype) == "i":
        labels = labels.astype(np.int64)
    return library.Series(y.name, labels.tolist(), dtype=dtype)
