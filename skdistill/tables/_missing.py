"""Errors for missing values, which name the columns."""

from contextlib import contextmanager

import numpy as np

from skdistill.tables._reading import (
    NotNumbersError,
    column_names,
    is_frame,
    read,
)


@contextmanager
def naming_missing_columns(X):
    """Name the columns in the error if validation fails because of missing values."""
    try:
        yield
    except ValueError as error:
        of_X = "NaN" in str(error) or "pandas.NA" in str(error)
        if of_X and "y contains NaN" not in str(error):
            refuse_missing(X if is_frame(X) else np.asarray(X))
        raise


def refuse_missing(X, has_gaps=None):
    """Raise a NotNumbersError that names the columns with missing values, if any.

    Columns of the mask ``has_gaps`` (q,) may have missing values.
    """
    missing = _missing_columns(X)
    if has_gaps is not None:
        missing = missing[~has_gaps[missing]]
    if len(missing):
        names = column_names(X)
        raise NotNumbersError(
            "X contains missing values (NaN) in the columns "
            f"{[names[j] for j in missing]}. Impute them first, such as by a "
            "SimpleImputer before this step in a pipeline, or drop the rows."
        )


def _missing_columns(X):
    """Return the positions of the columns with missing values, NaN included."""
    if is_frame(X):
        missing = [
            column.is_null().any()
            or (column.dtype.is_float() and column.is_nan().any())
            for column in read(X).iter_columns()
        ]
    elif np.ndim(X) == 2:
        # Compare column by column, to save memory.
        missing = [
            ((values != values) | (values == np.array(None))).any() for values in X.T
        ]
    else:
        missing = []
    return np.flatnonzero(missing)
