"""Values that belong to columns, in the order of the columns."""

import narwhals.stable.v2 as nw
import numpy as np

from skdistill.tables._reading import column_names, is_frame, is_series, read


def in_order(values, names, *, input_name):
    """Return values, of which there is one for each column, in the order of columns.

    Parameters
    ----------
    values : DataFrame, Series, dict or array-like
        Columns of a DataFrame, entries of a pandas Series by its index, and values of a
        dict are found by name. Other values are returned as they are, and so are those
        with labels that name no features: scikit-learn has names that are strings.
    names : sequence of length n_features
        Names of the columns; the positions of those of an array.
    input_name : str
        What the values are, for the message.

    Returns
    -------
    DataFrame or array
        A DataFrame with its columns in order, else an array (n_features,).

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
    """Return numbers for columns as a dict if they are named, else as they are.

    They are in a dict, in a pandas Series with names as its index, and in a DataFrame
    of one row, such as the ``X.min()`` of polars.
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
    """Whether labels are meant as names of features, known or not."""
    strings = all(isinstance(label, str) for label in (*labels, *names))
    return strings or set(labels) == set(names)


def _labels(values):
    """Return the names that come with values, None if there are none."""
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
