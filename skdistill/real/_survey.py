"""The first pass over rows that are read block by block.

It validates the rows and computes everything that has to be known of all rows. Results
of two parts can be combined, so the pass may run on several machines.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from skdistill._sklearn_compat import _check_sample_weight
from skdistill.real._number_moments import (
    NumberMoments,
    combined_moments,
    moments_of,
)
from skdistill.real._reserve import Reserve, Reservoir, merged, size_of_reserve
from skdistill.real._targets import check_classes
from skdistill.real.sources._base import combined
from skdistill.tables._reading import as_labels


class BlockReader:
    """Turns blocks into numbers. It can be pickled.

    Parameters
    ----------
    columns : Table
        Columns of the rows.
    of_classes : bool
        Whether targets are labels.
    multi_output : bool
        Whether a row may have several targets.
    """

    def __init__(self, columns, *, of_classes, multi_output):
        self.columns = columns
        self.of_classes, self.multi_output = of_classes, multi_output

    def __call__(self, block, *, checks_values=False):
        """Return the rows of a block with nonzero weight, and their positions.

        Returns
        -------
        Reserve
            Positions, samples, targets and weights.
        """
        X, y = self.columns.numbers(
            block.X,
            as_labels(block.y),
            checks_values=checks_values,
            multi_output=self.multi_output,
            y_numeric=not self.of_classes,
        )
        weight = _check_sample_weight(
            block.sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=True,  # other blocks may have some
        )
        if not self.of_classes:
            y = y.astype(np.float64)
        rows = Reserve(block.first + np.arange(len(X)), X, y, weight)
        return rows if weight.all() else rows.take(weight > 0)


class Survey(NamedTuple):
    """Results of the first pass over the real rows.

    Attributes
    ----------
    n_passed : int
        Number of rows, including those of weight zero.
    heaviest : float
        Maximum weight.
    labels : ndarray of shape (k,) or None
        Sorted class labels; None for numeric targets.
    counts, weight : ndarray of shape (k,)
        Number and total weight of the rows with each label. Numeric targets have one
        entry for all rows.
    low, high : ndarray of shape (p,)
        Minimum and maximum of each feature.
    numbers : NumberMoments or None
        Moments of numeric targets.
    reserve : Reserve
        A random sample of the rows; a Reservoir while it is being drawn.
    """

    n_passed: int
    heaviest: float
    labels: np.ndarray | None
    counts: np.ndarray
    weight: np.ndarray
    low: np.ndarray
    high: np.ndarray
    numbers: NumberMoments | None
    reserve: Reserve | Reservoir

    @property
    def is_whole(self):
        """Whether all rows with nonzero weight are in the reserve."""
        return len(self.reserve.position) == self.counts.sum()


def survey(source, reader):
    """Run the first pass over all rows.

    Parameters
    ----------
    source : Source
        Source of the blocks.
    reader : BlockReader
        Turns blocks into numbers.

    Returns
    -------
    Survey or None
        The results; None if there are no rows with nonzero weight.

    Raises
    ------
    ValueError
        If a row is not valid, such as one with a value that is not finite.
    """
    n_passed, known = source.reduce(
        partial(_counted_survey, reader=reader),
        partial(_both_counted, of_classes=reader.of_classes),
    )
    if known is None:
        return None
    drawn = known.reserve
    reserve = drawn.joined(_size(drawn), of_classes=reader.of_classes)
    return known._replace(n_passed=n_passed, reserve=reserve)


def _counted_survey(block, reader):
    """Return the number of rows, and the Survey of those with weight, or None."""
    return block.n_rows, _survey_of_block(block, reader)


def _both_counted(first, second, of_classes):
    both = combined(partial(_combined, of_classes=of_classes), first[1], second[1])
    return first[0] + second[0], both


def _survey_of_block(block, reader):
    try:
        rows = reader(block, checks_values=True)
    except ValueError as error:
        error.add_note(f"In the rows {block.first} to {block.first + block.n_rows}.")
        raise
    if not len(rows.y):
        return None
    labels, numbers = None, None
    counts, weight = np.array([len(rows.y)]), np.array([rows.sample_weight.sum()])
    if reader.of_classes:
        check_classes(rows.y)
        labels, index = np.unique(rows.y, return_inverse=True)
        counts, weight = np.bincount(index), np.bincount(index, rows.sample_weight)
    else:
        numbers = moments_of(rows.y.reshape(len(rows.y), -1), rows.sample_weight)
    X, drawn = rows.X, Reservoir((rows,))
    return Survey(
        block.n_rows,
        rows.sample_weight.max(),
        labels,
        counts,
        weight,
        X.min(axis=0).astype(np.float64),
        X.max(axis=0).astype(np.float64),
        numbers,
        drawn.pruned(_size(drawn), of_classes=reader.of_classes),
    )


def _combined(first, second, of_classes):
    labels, numbers = None, None
    counts, weight = first.counts + 0, first.weight + 0
    if of_classes:
        labels, index = np.unique(
            np.concatenate([first.labels, second.labels]), return_inverse=True
        )
        counts, weight = (
            np.bincount(index, np.concatenate(pair), len(labels))
            for pair in ((first.counts, second.counts), (first.weight, second.weight))
        )
        counts = counts.astype(int)
    else:
        counts, weight = counts + second.counts, weight + second.weight
        numbers = combined_moments(first.numbers, second.numbers)
    return Survey(
        first.n_passed,  # set in the end, because blocks without weight count, too
        max(first.heaviest, second.heaviest),
        labels,
        counts,
        weight,
        np.minimum(first.low, second.low),
        np.maximum(first.high, second.high),
        numbers,
        merged(
            first.reserve,
            second.reserve,
            size=_size(first.reserve),
            of_classes=of_classes,
        ),
    )


def _size(reservoir):
    X = reservoir.pieces[0].X
    return size_of_reserve(X.shape[1], X.dtype)
