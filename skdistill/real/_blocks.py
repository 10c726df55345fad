"""Real rows that are read block by block from any source.

Sums are computed where the blocks are stored. The rows at hand are used for everything
that needs single rows: starts, samples, mini-batches and held-back rows. They are all
rows if there are few, and otherwise a random sample.
"""

from functools import cached_property

import numpy as np

from skdistill.real._base import Chunk, RealRows
from skdistill.real._dense import DenseRows, add_sums, sum_over_chunks
from skdistill.real._devices import chunk_rows_for
from skdistill.real.sources._base import ReadingError


class BlockRows(RealRows):
    """Real rows that are read block by block.

    Indices of rows refer to the rows at hand.

    Parameters
    ----------
    source : Source
        Source of the blocks.
    reader : BlockReader
        Turns blocks into numbers.
    known : Survey
        Results of the first pass over all rows.
    targets : Targets
        Describes the targets.
    at_hand : DenseRows
        The rows at hand, which are those in the reserve of ``known``. Each group of
        them has the total weight of the group in all rows.
    factor : ndarray of shape (n_groups,)
        Factor of the weights of each group.
    chunk_rows : int, default=None
        Number of rows in a chunk.
    """

    is_reread = True

    def __init__(
        self, source, reader, known, targets, at_hand, factor, *, chunk_rows=None
    ):
        self.source, self.reader, self.known = source, reader, known
        self.targets, self.at_hand, self.factor = targets, at_hand, factor
        self.dtype, self.n_features = at_hand.dtype, at_hand.n_features
        self.n_passed = known.n_passed
        self.group_counts = known.counts - self._counts_left_out
        self.n_rows = int(self.group_counts.sum())
        self.chunk_rows = chunk_rows or chunk_rows_for(
            self.n_features, self.dtype, known.n_passed
        )
        self.group_weight = at_hand.group_weight
        self.total_weight = at_hand.total_weight

    @property
    def n_at_hand(self):
        """Number of rows that can be taken one by one."""
        return self.at_hand.n_rows

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows, see ``RealRows``."""
        if rows is not None:
            return self.at_hand.map_sum(function, *arguments, rows=rows)
        return self._reduce(
            _SumOfBlock(
                self.reader,
                self.targets,
                self.factor / self.total_weight,
                self._left_out,
                self.chunk_rows,
                function,
            ),
            add_sums,
            *arguments,
        )

    def take(self, rows):
        """Return some rows at hand by their indices."""
        return self.at_hand.take(rows)

    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows at hand from every group, see ``RealRows``."""
        return self.at_hand.draw(sizes, random_state, offset)

    def sample(self, size, number=0):
        """Return a sample of the rows at hand."""
        return self.at_hand.sample(size, number)

    def labels(self):
        """Return the targets of the rows at hand."""
        return self.at_hand.labels()

    def places(self, random_state):
        """Place every row at hand in [0, 1), see ``RealRows``."""
        return self.at_hand.places(random_state)

    def weighted_by(self, function):
        """Return the same rows with other weights."""
        groups = np.arange(self.targets.n_groups)
        weight = function(groups, self.group_weight, counts=self.group_counts)
        if weight is self.group_weight:
            return self
        factor, groups_of = weight / self.group_weight, self.targets.groups
        at_hand = self.at_hand.weighted_by(
            lambda y, weight: weight * factor[groups_of(y)]
        )
        return self._with(at_hand, self.factor * factor)

    def only(self, rows):
        """Leave out all rows at hand except ``rows``, see ``RealRows``.

        Rows that are not at hand stay.
        """
        at_hand = self.at_hand.only(rows)
        kept = self._own_weight(at_hand)
        return self._with(at_hand, self.group_weight / kept)

    @cached_property
    def passed(self):
        """Positions of the rows at hand among the rows that the user passed."""
        return self.known.reserve.position[self.at_hand.passed]

    @cached_property
    def low(self):
        """Minimum of each feature."""
        return self._extremes[0]

    @cached_property
    def high(self):
        """Maximum of each feature."""
        return self._extremes[1]

    @cached_property
    def _extremes(self):
        if not len(self._left_out):
            return self.known.low, self.known.high
        function = _ExtremesOfBlock(self.reader, self._left_out)
        return self._reduce(function, _outer_extremes)

    def _reduce(self, function, combine, *arguments):
        try:
            return self.source.reduce(function, combine, *arguments)
        except Exception as error:
            raise ReadingError from error

    @cached_property
    def _left_out(self):
        """Sorted positions of the rows in reserve that have been left out."""
        is_left_out = np.ones(len(self.known.reserve.position), dtype=bool)
        is_left_out[self.at_hand.passed] = False
        return self.known.reserve.position[is_left_out]

    @property
    def _counts_left_out(self):
        groups = self.targets.groups(self.at_hand.y)
        counts = np.bincount(groups, minlength=self.targets.n_groups)
        return counts - self.at_hand.group_counts

    def _own_weight(self, at_hand):
        """Return the weights of groups before factors, without rows left out."""
        groups = self.targets.groups(self.at_hand.y)
        is_left_out = np.ones(len(groups), dtype=bool)
        is_left_out[at_hand.passed] = False
        weight = self.known.reserve.sample_weight * is_left_out
        return self.known.weight - np.bincount(groups, weight, self.targets.n_groups)

    def _with(self, at_hand, factor):
        return BlockRows(
            self.source,
            self.reader,
            self.known,
            self.targets,
            at_hand,
            factor,
            chunk_rows=self.chunk_rows,
        )


class _SumOfBlock:
    """Sums a function over the chunks of a block. It can be pickled."""

    def __init__(self, reader, targets, factor, left_out, chunk_rows, function):
        self.reader, self.targets, self.factor = reader, targets, factor
        self.left_out, self.chunk_rows = left_out, chunk_rows
        self.function = function

    def __call__(self, block, *arguments):
        rows = _without(self.reader(block), self.left_out)
        if not len(rows.position):
            return None
        y = self.targets.read(rows.y)
        weight = rows.sample_weight * self.factor[self.targets.groups(y)]
        # Arrays of DataFrames are stored by column, but chunks need rows.
        chunk = Chunk(np.ascontiguousarray(rows.X), y, weight)
        return sum_over_chunks(chunk, self.chunk_rows, self.function, arguments)


class _ExtremesOfBlock:
    """Returns the minimum and maximum of features in a block. It can be pickled."""

    def __init__(self, reader, left_out):
        self.reader, self.left_out = reader, left_out

    def __call__(self, block):
        X = _without(self.reader(block), self.left_out).X
        if not len(X):
            return None
        return X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)


def _without(rows, positions):
    """Return the rows of a block except those at some positions."""
    return rows.take(~np.isin(rows.position, positions)) if len(positions) else rows


def _outer_extremes(first, second):
    return np.minimum(first[0], second[0]), np.maximum(first[1], second[1])


def block_rows(source, reader, known, targets, y):
    """Return the BlockRows of a source after its first pass.

    Parameters
    ----------
    source, reader, known, targets
        As for ``BlockRows``.
    y : ndarray of shape (n,) or (n, k)
        Targets of the rows in reserve, in the form of the outer loss.
    """
    reserve = known.reserve
    weight = reserve.sample_weight
    if not known.is_whole:
        # Each group of the sample gets the weight of the whole group.
        groups = targets.groups(y)
        drawn = np.bincount(groups, weight, targets.n_groups)
        weight = weight * (known.weight / drawn)[groups]
    at_hand = DenseRows(reserve.X, y, weight, targets)
    return BlockRows(source, reader, known, targets, at_hand, np.ones(targets.n_groups))
