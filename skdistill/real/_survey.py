"""The first pass over rows that are read block by block: what is to be known of them.

Rows are validated on the way. What two parts of the rows say is combined to what both
say, so that the pass may run anywhere.
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
    """Turns blocks as they came into numbers; it can be pickled.

    Parameters
    ----------
    columns : Table
        The columns that the rows come in.
    of_classes : bool
        Whether targets are labels.
    multi_output : bool
        Whether there may be several of them.
    """

    def __init__(self, columns, *, of_classes, multi_output):
        self.columns = columns
        self.of_classes, self.multi_output = of_classes, multi_output

    def __call__(self, block, *, checks_values=False):
        """Return the samples, targets and weights of a block, and where they lie.

        Rows without weight are left out.

        Returns
        -------
        Reserve
            All rows of the block that have weight.
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
    """What is known of real rows after one pass.

    Attributes
    ----------
    n_passed : int
        Rows, with those that have no weight.
    heaviest : float
        Largest weight.
    labels : ndarray of shape (k,) or None
        Sorted class labels, None for numbers.
    counts, weight : ndarray of shape (k,)
        Rows with each label and what they weigh; of all rows for numbers.
    low, high : ndarray of shape (p,)
        Least and largest value of each feature.
    numbers : NumberMoments or None
        Of numeric targets.
    reserve : Reserve
        A random sample of the rows; a Reservoir while it is drawn.
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
        """Whether all rows with weight are in the reserve."""
        return len(self.reserve.position) == self.counts.sum()


def survey(source, reader):
    """Look at all rows once.

    Parameters
    ----------
    source : Source
        Where they lie.
    reader : BlockReader
        Turns blocks into numbers.

    Returns
    -------
    Survey
        What is known of them. None if there are no rows with weight.

    Raises
    ------
    ValueError
        If a row cannot be read, or holds a value that is not finite.
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
    """Return the number of rows and the Survey of those with weight, None of none."""
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
        first.n_passed,  # known in the end, with blocks that have no weight
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
