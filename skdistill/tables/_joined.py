"""Features, targets and weights in one DataFrame."""

from collections import Counter

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse

from skdistill.tables._frames import plain
from skdistill.tables._reading import column_names, is_frame, is_series, read


def joined_frame(samples, feature_names, targets, sample_weight):
    """Return samples, targets and weights in one DataFrame.

    Parameters
    ----------
    samples : ndarray, sparse matrix or DataFrame of shape (m, p), or sequence
        Samples. The result is of the same library, or of pandas or else polars for an
        array. Texts and other rows without columns become one column, with the name of
        a Series or "sample".
    feature_names : sequence of str of length p or None
        Names of the columns of an array; None for rows without columns.
    targets : ndarray, Series or DataFrame of shape (m,) or (m, k)
        Targets. Without names they become columns "target", or "target0", "target1" and
        so on.
    sample_weight : ndarray of shape (m,) or None
        Weights, which become the last column "sample_weight".

    Raises
    ------
    ValueError
        If two columns would have the same name.
    ImportError
        If the samples are an array, and neither pandas nor polars is installed.
    """
    has_library = is_frame(samples) or is_series(samples)
    backend = read(samples).implementation if has_library else _installed_library()
    columns = [*named_features(samples, feature_names), *named_targets(targets)]
    if sample_weight is not None:
        columns.append(("sample_weight", sample_weight))
    counts = Counter(name for name, _ in columns)
    shared = sorted(str(name) for name, count in counts.items() if count > 1)
    if shared:
        raise ValueError(
            f"Several of the features, targets and weights have the names {shared}. "
            "Rename the columns of X or y before fit."
        )
    values = {name: _values_for(backend, column) for name, column in columns}
    return nw.from_dict(values, backend=backend).to_native()


def named_features(samples, feature_names):
    """Yield names and columns of samples, as for ``joined_frame``."""
    if is_frame(samples):
        yield from _named_columns(samples)
    elif is_series(samples):
        column = read(samples)
        yield column.name or "sample", column
    elif feature_names is None:
        yield "sample", np.asarray(samples)
    else:
        samples = samples.toarray() if issparse(samples) else samples
        yield from zip(feature_names, samples.T, strict=True)


def named_targets(targets):
    """Yield names and columns of targets, as for ``joined_frame``."""
    if is_frame(targets):
        yield from _named_columns(targets)
    elif is_series(targets):
        column = read(targets)
        yield "target" if column.name in (None, "") else column.name, column
    elif np.ndim(targets) == 2:
        yield from ((f"target{j}", part) for j, part in enumerate(targets.T))
    else:
        yield "target", targets


def _named_columns(frame):
    return zip(column_names(frame), read(frame).iter_columns(), strict=True)


def _values_for(backend, column):
    """Return the values of a column, with their dtype if it is of the same library."""
    if isinstance(column, np.ndarray):
        return plain(column)
    is_own = column.implementation is backend
    return column.to_native() if is_own else plain(column.to_numpy())


def _installed_library():
    for library in (nw.Implementation.PANDAS, nw.Implementation.POLARS):
        try:
            library.to_native_namespace()
        except ImportError:
            continue
        return library
    raise ImportError(
        "to_frame needs pandas or polars for rows that came as arrays, but neither is "
        "installed. Install one of them, such as by 'pip install pandas', or use the "
        "arrays X_synthetic_ and y_synthetic_ instead."
    )
