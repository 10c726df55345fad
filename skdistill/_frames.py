"""DataFrame in, DataFrame out, without importing the library of either."""

import sys


def _library(container):
    """Return pandas or polars if the container is theirs, else None."""
    root = type(container).__module__.partition(".")[0]
    return sys.modules.get(root) if root in ("pandas", "polars") else None


def is_frame(X):
    """Whether ``X`` is a DataFrame of pandas or polars."""
    library = _library(X)
    return library is not None and isinstance(X, library.DataFrame)


def is_series(y):
    """Whether ``y`` is a Series of pandas or polars."""
    library = _library(y)
    return library is not None and isinstance(y, library.Series)


def samples_like(X, samples):
    """Return samples (m, p) in the container of ``X``, with its columns."""
    if not is_frame(X):
        return samples
    library = _library(X)
    if library.__name__ == "pandas":
        return library.DataFrame(samples, columns=X.columns)
    return library.DataFrame(samples, schema=list(X.columns), orient="row")


def labels_like(y, labels):
    """Return labels (m,) or targets (m, k) in the container of ``y``, named as it is.

    Labels keep its dtype; numbers that were learned are no longer integers.
    """
    if is_frame(y) and labels.ndim == 2:
        return samples_like(y, labels)
    if not is_series(y):
        return labels
    library = _library(y)
    if labels.dtype.kind == "f":
        if library.__name__ == "pandas":
            return library.Series(labels, name=y.name)
        return library.Series(y.name, labels)
    if library.__name__ == "pandas":
        return library.Series(labels, name=y.name, dtype=y.dtype)
    return library.Series(y.name, labels.tolist(), dtype=y.dtype)
