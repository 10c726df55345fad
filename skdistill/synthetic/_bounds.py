"""Bounds on what is learned: the forms of ``feature_range`` and ``target_range``."""

import numpy as np


def bounds_of(given, low, high, name):
    """Resolve a range to bounds.

    Parameters
    ----------
    given : None, "data" or tuple of (low, high)
        See ``DatasetDistiller``.
    low, high : ndarray of shape (q,)
        Least and largest value in the real rows.
    name : str
        Name of the parameter, for messages.

    Returns
    -------
    low, high : ndarray of shape (q,)
        Bounds, infinite where there are none.

    Raises
    ------
    ValueError
        If the range is no pair of two bounds, or empty.
    """
    if given is None:
        return np.full(len(low), -np.inf), np.full(len(low), np.inf)
    if isinstance(given, str):
        return low, high
    if len(given) != 2:
        raise ValueError(f"{name} must be a pair (low, high); got {len(given)} values.")
    try:
        bounds = tuple(
            np.broadcast_to(np.asarray(side, dtype=np.float64), low.shape)
            for side in given
        )
    except ValueError as error:
        raise ValueError(
            f"{name}={given!r} must hold two numbers, or two arrays of shape "
            f"({len(low)},)."
        ) from error
    if not (bounds[0] <= bounds[1]).all():
        raise ValueError(
            f"{name}={given!r} has a low bound above the high one, or one that is not "
            "a number."
        )
    return bounds
