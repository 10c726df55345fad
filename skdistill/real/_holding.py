"""Choice of the real rows that are held back to judge a set by unseen rows.

If there are many rows, a part of each class is held back. If there are few, a part
would be too small to judge by, so all rows are held back in turn, in folds.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

#: With fewer rows than this, rows are held back in turn.
MIN_ROWS_FOR_A_PART = 2000
#: Number of folds.
N_FOLDS = 5
#: Maximum number of rows that are held back.
MAX_HELD_ROWS = 10_000
#: Maximum share of the rows at hand, if these are a sample of very many rows.
MAX_SHARE_AT_HAND = 0.2


class Part(NamedTuple):
    """Kept and held-back rows, as sorted indices.

    Attributes
    ----------
    kept : ndarray of int
        Rows of the outer loss.
    held : ndarray of int
        Held-back rows, which judge the sets.
    """

    kept: np.ndarray
    held: np.ndarray


def parts_of(real, validation_fraction, random_state, *, in_folds):
    """Hold real rows back, once or in turn.

    Every group keeps at least one of its rows.

    Parameters
    ----------
    real : RealRows
        The rows.
    validation_fraction : float, splitter or iterable of (train, test)
        See ``DatasetDistiller``.
    random_state : int, RandomState instance or None
        Draws the part.
    in_folds : bool
        Whether several folds are possible. Otherwise only the first fold is returned.

    Returns
    -------
    list of Part
        One part, or several folds. It is empty if no row can be held back.

    Raises
    ------
    ValueError
        If given parts are empty, overlap or leave a group out.
    """
    groups = real.targets.groups(real.labels())
    if isinstance(validation_fraction, Real):
        drawn = _drawn_parts(real, float(validation_fraction), random_state)
        parts = [_with_a_row_of_each_group(groups, part) for part in drawn]
        parts = [part for part in parts if len(part.held)]
    else:
        parts = list(_given_parts(real, validation_fraction))
        for part in parts:
            _check_given(real.targets, groups, part)
    return parts if in_folds else parts[:1]


def _drawn_parts(real, fraction, random_state):
    """Yield random parts, of the rows at hand."""
    places = real.places(check_random_state(random_state))
    if real.n_rows < MIN_ROWS_FOR_A_PART:
        edges = np.linspace(0, 1, N_FOLDS + 1)
    else:
        n_held = min(fraction * real.n_rows, MAX_HELD_ROWS)
        share = min(n_held / real.n_at_hand, max(fraction, MAX_SHARE_AT_HAND))
        edges = np.array([0.0, share])
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        is_held = (low <= places) & (places < high)
        yield Part(np.flatnonzero(~is_held), np.flatnonzero(is_held))


def _given_parts(real, validation_fraction):
    """Yield the parts of a splitter or given parts, as indices of the rows at hand."""
    if real.n_at_hand < real.n_rows:
        raise ValueError(
            f"Only {real.n_at_hand} of {real.n_rows} rows are kept in memory, so given "
            "parts and splitters do not fit. Pass validation_fraction as a float."
        )
    if hasattr(validation_fraction, "split"):
        # Splitters only need the number of rows and the targets.
        rows = np.zeros((real.n_at_hand, 1))
        y = real.targets.stratified(real.labels())
        for part in validation_fraction.split(rows, y):
            yield Part(*map(np.sort, part))
        return
    index = np.full(real.n_passed, -1)
    index[real.passed] = np.arange(real.n_at_hand)
    for part in validation_fraction:
        kept, held = (np.sort(index[_as_index(rows)]) for rows in part)
        # The indices of rows of weight zero are -1.
        yield Part(kept[kept >= 0], held[held >= 0])


def _as_index(rows):
    """Return a mask or indices as an array; an empty list has no dtype."""
    rows = np.asarray(rows)
    return rows if rows.size else rows.astype(int)


def _with_a_row_of_each_group(groups, part):
    """Keep one row of each group that would be completely held back."""
    kept, held = part
    missing = np.setdiff1d(groups[held], groups[kept])
    back = np.array([held[groups[held] == group][0] for group in missing], dtype=int)
    return Part(np.union1d(kept, back), np.setdiff1d(held, back))


def _check_given(targets, groups, part):
    """Raise a ValueError if a given part is not valid."""
    kept, held = part
    if not len(kept) or not len(held):
        raise ValueError(
            f"validation_fraction gives {len(kept)} rows to learn from and {len(held)} "
            "to judge by, but both need rows. Pass parts that are not empty."
        )
    if len(np.intersect1d(kept, held)):
        raise ValueError(
            "validation_fraction has rows in both parts, but held-back rows must not "
            "take part in learning. Pass disjoint parts."
        )
    missing = np.setdiff1d(np.arange(targets.n_groups), groups[kept])
    if len(missing):
        raise ValueError(
            "validation_fraction holds back all rows of the classes "
            f"{targets.stratified(missing).tolist()}. Keep at least one row of each "
            "class."
        )
