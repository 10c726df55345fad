"""Reading rows and targets in containers of any library that narwhals supports."""

from decimal import Decimal

import narwhals
import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import column_or_1d


class NotNumbersError(ValueError):
    """A table cannot be converted to numbers, though some estimators may take it."""


def is_frame(X):
    """Whether ``X`` is a DataFrame in memory."""
    return isinstance(X, narwhals.DataFrame) or nw.dependencies.is_into_dataframe(X)


def is_series(y):
    """Whether ``y`` is a Series in memory."""
    return isinstance(y, narwhals.Series) or nw.dependencies.is_into_series(y)


def read(container):
    """Return the narwhals form of a DataFrame or a Series."""
    return nw.from_native(container, eager_only=True, allow_series=True)


def readable(X, input_name="X"):
    """Return ``X`` such that scikit-learn can read its columns as numbers.

    Sparse columns of a DataFrame become dense, and decimals become floats, because
    learned numbers are neither mostly zero nor of a fixed number of digits. A frame of
    narwhals becomes a frame of its library.

    Raises
    ------
    ValueError
        If ``X`` is a lazy frame, or if two of its columns have the same name.
    """
    if not is_frame(X):
        if _is_lazy(X):
            raise ValueError(
                f"{input_name} is a lazy frame, {type(X).__module__}."
                f"{type(X).__name__}, but rows in memory are expected. Collect it "
                f"first: pass {input_name}.collect() for polars, or "
                f"{input_name}.compute() for Dask."
            )
        return X
    try:
        frame = read(X)
    except nw.exceptions.DuplicateError as error:
        raise ValueError(
            f"{input_name} has columns with the same name. Rename them. {error}"
        ) from error
    suspects = [
        frame[:, j]
        for j, dtype in enumerate(native_dtypes(X))
        if str(dtype).lower().startswith(("decimal", "object", "sparse"))
    ]
    changed = [dense for column in suspects for dense in _as_floats(column)]
    return (frame.with_columns(*changed) if changed else frame).to_native()


def _is_lazy(X):
    # Check for Dask first, because narwhals would warn.
    return nw.dependencies.is_dask_dataframe(X) or isinstance(
        nw.from_native(X, pass_through=True, allow_series=True), nw.LazyFrame
    )


def _as_floats(column):
    """Return a list with the column as floats if it is sparse or decimal, else none."""
    native = column.to_native()
    sparse = getattr(nw.get_native_namespace(column), "SparseDtype", ())
    if isinstance(getattr(native, "dtype", None), sparse):
        return [nw.from_native(native.astype(native.dtype.subtype), series_only=True)]
    if column.dtype == nw.Decimal or (
        column.dtype == nw.Object
        and len(column)
        and all(isinstance(value, Decimal) for value in column)
    ):
        return [column.cast(nw.Float64)]
    return []


def column_names(X):
    """Return the names of the columns of a DataFrame, or positions for an array."""
    return read(X).columns if is_frame(X) else range(np.shape(X)[1])


def native_dtypes(X):
    """Return a list of the dtypes of a DataFrame or a Series, in its own library."""
    container = read(X)
    native, is_pyarrow = container.to_native(), container.implementation.is_pyarrow()
    if is_series(X):
        return [native.type if is_pyarrow else native.dtype]
    return list(native.schema.types if is_pyarrow else native.dtypes)


def as_labels(y):
    """Return labels (n,) for a container with one column.

    A DataFrame becomes a Series. Other containers, and targets of several columns, are
    returned as they are.
    """
    if is_frame(y):
        columns = list(read(y).iter_columns())
        return columns[0].to_native() if len(columns) == 1 else y
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        return column_or_1d(y)
    return y
