"""A random sample of rows that are read block by block, in their own container."""

from functools import partial
from typing import NamedTuple

import numpy as np

from skdistill._sklearn_compat import _check_sample_weight
from skdistill.real._reserve import Reserve, Reservoir, merged
from skdistill.tables._reading import as_labels, readable

#: Maximum number of rows in the sample.
SAMPLE_ROWS = 2**15


class _Seen(NamedTuple):
    labels: np.ndarray
    weight: np.ndarray
    reserve: Reservoir


def sample_as_it_came(source, *, of_classes):
    """Return a random sample of the rows of a source, in memory.

    Parameters
    ----------
    source : Source
        Source of the blocks.
    of_classes : bool
        Whether targets are classes. Then the sample has some rows of each class, with
        the total weight of the class.

    Returns
    -------
    X, y : container of length n
        Rows as they came, and their targets.
    sample_weight : ndarray of shape (n,)
        Their weights.

    Raises
    ------
    ValueError
        If there are no rows with weight.
    """
    seen = source.reduce(
        partial(_seen_in_block, of_classes=of_classes),
        partial(_combined, of_classes=of_classes),
    )
    if seen is None:
        raise ValueError(
            "Every row has sample_weight zero, so there are no real rows. Pass "
            "positive weights."
        )
    _, X, y, weight = seen.reserve.joined(SAMPLE_ROWS, of_classes=of_classes)
    labels = _labels(y, of_classes)
    group = np.searchsorted(seen.labels, labels)
    drawn = np.bincount(group, weight, len(seen.labels))
    return X, y, weight * (seen.weight / drawn)[group]


def _labels(y, of_classes):
    return np.asarray(y) if of_classes else np.zeros(len(y), dtype=int)


def _seen_in_block(block, of_classes):
    y = as_labels(readable(block.y, "y"))
    weight = _check_sample_weight(
        block.sample_weight,
        np.empty((block.n_rows, 1)),
        dtype=np.float64,
        ensure_non_negative=True,
        allow_all_zero_weights=True,
    )
    rows = Reserve(block.first + np.arange(len(weight)), readable(block.X), y, weight)
    rows = rows.take(np.flatnonzero(weight))
    if not len(rows.position):
        return None
    labels, group = np.unique(_labels(rows.y, of_classes), return_inverse=True)
    return _Seen(
        labels,
        np.bincount(group, rows.sample_weight),
        Reservoir((rows,)).pruned(SAMPLE_ROWS, of_classes=of_classes),
    )


def _combined(first, second, of_classes):
    labels, group = np.unique(
        np.concatenate([first.labels, second.labels]), return_inverse=True
    )
    return _Seen(
        labels,
        np.bincount(group, np.concatenate([first.weight, second.weight])),
        merged(first.reserve, second.reserve, size=SAMPLE_ROWS, of_classes=of_classes),
    )
