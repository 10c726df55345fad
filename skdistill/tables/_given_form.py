"""The synthetic set in the form in which the real data was given to a sampler."""

import numpy as np

from skdistill.tables._frames import _library, is_frame, is_series, samples_like


def densified(X):
    """Return a pandas DataFrame of sparse columns with dense ones, else ``X``."""
    if is_frame(X) and hasattr(X, "sparse"):  # an accessor, if all columns are sparse
        return X.sparse.to_dense()
    return X


def in_form_of(given, values):
    """Return values (m,) or (m, k) in the container and the precision of ``given``.

    What was a list becomes one, and floating-point numbers get the width that they had.
    Numbers learned in the place of integers are not rounded.
    """
    if isinstance(given, list):
        return values.tolist()
    if is_frame(given):
        if not is_frame(values):
            values = samples_like(given, np.reshape(values, (len(values), -1)))
        return _with_dtypes_of(given, values)
    if is_series(given):
        return values
    given_is_float = np.issubdtype(np.asarray(given).dtype, np.floating)
    if given_is_float and np.issubdtype(values.dtype, np.floating):
        return values.astype(np.asarray(given).dtype, copy=False)
    return values


def _with_dtypes_of(given, frame):
    library = _library(given)
    if library.__name__ == "polars":
        return frame.cast(
            {
                name: dtype
                for name, dtype in given.schema.items()
                if dtype.is_float() or not frame.schema[name].is_float()
            }
        )
    is_float = library.api.types.is_float_dtype
    return frame.astype(
        {
            name: dtype
            for name, dtype in given.dtypes.items()
            if is_float(dtype) or not is_float(frame.dtypes[name])
        }
    )
