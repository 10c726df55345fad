"""Matching of values to columns by name."""

import narwhals.stable.v2 as nw
import numpy as np

from skdistill.tables._reading import column_names, is_frame, is_series, read


def in_order(values, names, *, input_name):
    """Return values for the columns in the order of the columns.

    Parameters
    ----------
    values : DataFrame, Series, dict or array-like
        Columns of a DataFrame, values of a dict, and entries of a pandas Series, by its
        index, are matched by name. Other values are returned as they are. So are values
        whose labels are not names of features, because scikit-learn only has names that
        are strings.
    names : sequence of length n_features
        Names of the columns, or their positions in an array.
    input_name : str
        Name of the values, for the message.

    Returns
    -------
    DataFrame or array
        A DataFrame with columns in this order, or an array (n_features,).

    Raises
    ------
    ValueError
        If names are unknown or missing, with the message of scikit-learn.
    """
    own = _labels(values)
    if own is None or not (isinstance(values, dict) or _are_names(own, names)):
        return np.asarray(values) if is_series(values) else values
    if len(own) != len(names) or set(own) != set(names):
        _raise_as_scikit_learn(own, names, input_name)
    position = {name: j for j, name in enumerate(own)}
    order = [position[name] for name in names]
    if is_frame(values):
        return read(values)[:, order].to_native()
    values = list(values.values()) if isinstance(values, dict) else values
    return np.asarray(values)[order]


def entries(values, names):
    """Return numbers for columns as a dict if they have names, else as they are.

    They have names in a dict, in a pandas Series with names as its index, and in a
    DataFrame of one row, such as ``X.min()`` of polars.
    """
    labels = _labels(values)
    if labels is None or isinstance(values, dict):
        return values
    if is_frame(values):
        if len(values) != 1:
            return values
        values = read(values).row(0)
    return (
        dict(zip(labels, values, strict=True)) if _are_names(labels, names) else values
    )


def _are_names(labels, names):
    """Whether labels are names of features, which may be unknown."""
    strings = all(isinstance(label, str) for label in (*labels, *names))
    return strings or set(labels) == set(names)


def _labels(values):
    """Return the labels of values, or None if they have none."""
    if isinstance(values, dict):
        return list(values)
    if is_frame(values):
        return column_names(values)
    if is_series(values):
        index = nw.maybe_get_index(read(values))
        return None if index is None else list(index)
    return None


def _raise_as_scikit_learn(own, names, input_name):
    message = (
        f"{input_name}: The feature names should match those that were passed during "
        "fit.\n"
    )
    for heading, differing in (
        ("unseen at fit time", set(own) - set(names)),
        ("seen at fit time, yet now missing", set(names) - set(own)),
    ):
        if differing:
            listed = "".join(f"- {name}\n" for name in sorted(differing, key=str))
            message += f"Feature names {heading}:\n{listed}"
    raise ValueError(message)
