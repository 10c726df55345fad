"""Which real rows are held back, to judge a set by rows that it has not seen.

Many rows: a part of each class. Few rows: every part would be too small to judge by, so
all rows are held back in turn, in folds.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

#: With fewer rows than this they are held back in turn.
MIN_ROWS_FOR_A_PART = 2000
#: In how many folds.
N_FOLDS = 5
#: More rows than this say no more.
MAX_HELD_ROWS = 10_000
#: Of a random sample of very many rows, about this share is held back at the most.
MAX_SHARE_AT_HAND = 0.2


class Part(NamedTuple):
    """Real rows in two parts, as sorted indices.

    Attributes
    ----------
    kept : ndarray of int
        Rows of the outer loss.
    held : ndarray of int
        Rows that judge.
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
        Whether few rows may be held back in turn. Otherwise it is the first fold.

    Returns
    -------
    list of Part
        More than one if the rows are held back in turn; none if every row is needed.

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
    """Yield rows that stay and rows that are held back, as indices."""
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
    """Yield the parts of a splitter, or given ones, as indices of the rows."""
    if real.n_at_hand < real.n_rows:
        raise ValueError(
            f"Of {real.n_rows} rows, {real.n_at_hand} are kept in memory, which given "
            "parts and splitters do not know. Pass validation_fraction as a float."
        )
    if hasattr(validation_fraction, "split"):
        # Splitters look at the number of rows and at the targets.
        rows = np.zeros((real.n_at_hand, 1))
        y = real.targets.stratified(real.labels())
        for part in validation_fraction.split(rows, y):
            yield Part(*map(np.sort, part))
        return
    index = np.full(real.n_passed, -1)
    index[real.passed] = np.arange(real.n_at_hand)
    for part in validation_fraction:
        kept, held = (np.sort(index[_as_index(rows)]) for rows in part)
        # Those of rows of weight zero are -1.
        yield Part(kept[kept >= 0], held[held >= 0])


def _as_index(rows):
    """Return a mask as it is, and an empty list as indices."""
    rows = np.asarray(rows)
    return rows if rows.size else rows.astype(int)


def _with_a_row_of_each_group(groups, part):
    """Move one row of each group that would be held back as a whole."""
    kept, held = part
    missing = np.setdiff1d(groups[held], groups[kept])
    back = np.array([held[groups[held] == group][0] for group in missing], dtype=int)
    return Part(np.union1d(kept, back), np.setdiff1d(held, back))


def _check_given(targets, groups, part):
    """Raise a ValueError for a part that cannot be learned from or judged by."""
    kept, held = part
    if not len(kept) or not len(held):
        raise ValueError(
            f"validation_fraction gives {len(kept)} rows to learn from and {len(held)} "
            "to judge by. Both parts need rows."
        )
    if len(np.intersect1d(kept, held)):
        raise ValueError(
            "validation_fraction gives rows to both parts. Rows that judge a set must "
            "not take part in learning it."
        )
    missing = np.setdiff1d(np.arange(targets.n_groups), groups[kept])
    if len(missing):
        raise ValueError(
            "validation_fraction holds back all rows of the classes "
            f"{targets.stratified(missing).tolist()}. Keep a row of each class."
        )
