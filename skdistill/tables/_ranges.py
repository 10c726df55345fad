"""Reading bounds of columns, as users give them."""

import numpy as np

from skdistill.tables._names import entries, in_order


def read_range(given, names, low, high, *, parameter, without=()):
    """Return the minimum and maximum that each column may have.

    Parameters
    ----------
    given : None, "data", dict or pair
        None sets no bounds, and "data" stands for ``low`` and ``high``. A dict maps the
        names of some columns to pairs of numbers; the others have no bounds. A pair
        holds two numbers, arrays, Series or dicts; Series and dicts are matched by
        name.
    names : sequence of length q
        Names of the columns, or their positions in an array.
    low, high : ndarray of shape (q,)
        Range of the data.
    parameter : str
        Name of the parameter, for messages.
    without : sequence, default=()
        Names of the columns that have no bounds, such as categories. Entries of a
        Series for these are ignored.

    Returns
    -------
    low, high : ndarray of shape (q,)
        The bounds, which are infinite if there are none.

    Raises
    ------
    ValueError
        If a column is unknown, if bounds are not pairs of numbers, or if a low bound is
        above the high one.
    """
    if given is None:
        return np.full(len(names), -np.inf), np.full(len(names), np.inf)
    if isinstance(given, str):
        return low, high
    if isinstance(given, dict):
        given = _sides_of_dict(given, names, parameter, without)
    elif len(given) != 2:
        raise ValueError(
            f"{parameter} must be a pair (low, high), or a dict that maps names of "
            f"columns to such pairs; got {len(given)} values."
        )
    low, high = (_side(side, names, parameter, without) for side in given)
    wrong = ~(low <= high)
    if wrong.any():
        raise ValueError(
            f"{parameter} has a low bound above the high one, or one that is not a "
            f"number, for the columns {[names[j] for j in np.flatnonzero(wrong)]}. "
            "Correct these bounds."
        )
    return low, high


def _sides_of_dict(given, names, parameter, without):
    for wrong, reason in (
        ([name for name in given if name not in names], "that X does not have"),
        ([name for name in given if name in without], "that hold categories"),
    ):
        if wrong:
            expected = [name for name in names if name not in without]
            raise ValueError(
                f"{parameter} names columns {reason}: {wrong}. Pass names among "
                f"{expected}."
            )
    for name, pair in given.items():
        if np.shape(pair) != (2,):
            raise ValueError(
                f"{parameter}[{name!r}]={pair!r} must be a pair of numbers (low, high)."
            )
    return tuple(
        {name: given[name][end] if name in given else free for name in names}
        for end, free in enumerate((-np.inf, np.inf))
    )


def _side(side, names, parameter, without):
    """Return one bound for each column, which is zero for columns without bounds."""
    side = entries(side, names)
    if isinstance(side, dict):
        side = {**side, **dict.fromkeys(without, 0.0)}
    side = in_order(side, names, input_name=parameter)
    try:
        return np.broadcast_to(np.asarray(side, dtype=np.float64), (len(names),)).copy()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{parameter} must hold two numbers, or two arrays of shape "
            f"({len(names)},); got {side!r}."
        ) from error
