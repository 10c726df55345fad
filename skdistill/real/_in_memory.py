"""Real rows in memory, with dense or sparse samples.

Groups, parts and draws only need the targets, the weights and a product of ``X`` with a
direction. Subclasses for dense and sparse ``X`` add ranges and sums.
"""

from abc import abstractmethod
from functools import cached_property

import numpy as np
from scipy.sparse import issparse

from skdistill.real._base import Chunk, RealRows
from skdistill.real._sampling import fair_places, row_positions, systematic_sample


def rows_in_memory(X, y, sample_weight, targets):
    """Return the RealRows of arrays, dense or sparse as ``X`` is."""
    from skdistill.real._dense import DenseRows
    from skdistill.real._sparse import SparseRows

    form = SparseRows if issparse(X) else DenseRows
    return form(X, y, sample_weight, targets)


class RowsInMemory(RealRows):
    """Real rows in memory.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        Samples, float32 or float64.
    y : ndarray of shape (n,) or (n, k)
        Targets in the form of the outer loss: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, not all zero.
    targets : Targets
        Describes ``y``.
    present : ndarray of int, default=None
        Sorted positions of the rows that are not left out, by default all. The other
        rows have weight zero, so that ``X`` need not be copied.
    """

    def __init__(self, X, y, sample_weight, targets, present=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.targets = targets
        self.present = present
        self.n_passed, self.n_features = X.shape
        self.n_rows = self.n_passed if present is None else len(present)
        self.dtype = X.dtype
        self.total_weight = float(sample_weight.sum())

    @abstractmethod
    def _with(self, weight, present):
        """Return the same samples with other weights and present rows."""

    @abstractmethod
    def _ranges(self):
        """Return the minima and maxima (p,) of features over the present rows."""

    def take(self, rows):
        """Return the rows with some indices."""
        rows = self._positions_of(rows)
        return Chunk(self.X[rows], self.y[rows], self.sample_weight[rows])

    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, see ``RealRows``."""
        positions = self._on_line(random_state)
        weights = self._of_present(self.sample_weight)
        drawn = []
        for members, size in zip(self._members, sizes, strict=True):
            if size is not None:
                members = members[
                    systematic_sample(
                        positions[members], weights[members], size, offset
                    )
                ]
            drawn.append(members)
        return drawn

    def sample(self, size, number=0):
        """Return a sample of the rows, or all rows if there are at most ``size``."""
        is_whole = self.X.shape[0] == self.n_rows <= size
        return self if is_whole else super().sample(size, number)

    @cached_property
    def passed(self):
        """Positions among the rows that the user passed."""
        return self._positions_of(np.arange(self.n_rows))

    def labels(self):
        """Return all targets."""
        return self._of_present(self.y)

    def places(self, random_state):
        """Place every row in [0, 1), see ``RealRows``."""
        positions = self._on_line(random_state)
        weights = self._of_present(self.sample_weight)
        places = np.empty(self.n_rows)
        for members in self._members:
            places[members] = fair_places(positions[members], weights[members])
        return places

    def only(self, rows):
        """Return a part of the rows, see ``RealRows``; ``X`` is not copied."""
        groups, present = self._groups[rows], self._positions_of(rows)
        reached = np.bincount(
            groups, self.sample_weight[present], self.targets.n_groups
        )
        factor = self.group_weight / np.where(reached > 0, reached, 1.0)
        weight = np.zeros_like(self.sample_weight)
        weight[present] = self.sample_weight[present] * factor[groups]
        return self._with(weight, present)

    def weighted_by(self, function):
        """Return the same rows with other weights."""
        weight = function(self.y, self.sample_weight)
        if weight is self.sample_weight:
            return self
        return self._with(weight, self.present)

    @cached_property
    def group_counts(self):
        """Number of rows in each group."""
        return np.bincount(self._groups, minlength=self.targets.n_groups)

    @cached_property
    def group_weight(self):
        """Total weight of each group."""
        return np.bincount(
            self._groups,
            weights=self._of_present(self.sample_weight),
            minlength=self.targets.n_groups,
        )

    @property
    def low(self):
        """Minimum of each feature."""
        return self._low_and_high[0]

    @property
    def high(self):
        """Maximum of each feature."""
        return self._low_and_high[1]

    @cached_property
    def _low_and_high(self):
        return self._ranges()

    def _data(self, rows):
        """Return the rows of a mini-batch, or all, with weights that sum to one."""
        if rows is None:
            return Chunk(self.X, self.y, self._share)
        X, y, weight = self.take(rows)
        return Chunk(X, y, weight / weight.sum())

    @cached_property
    def _share(self):
        return self.sample_weight / self.total_weight

    @cached_property
    def _groups(self):
        return self.targets.groups(self.labels())

    @cached_property
    def _members(self):
        order = np.argsort(self._groups, kind="stable")
        return np.split(order, np.cumsum(self.group_counts)[:-1])

    def _positions_of(self, rows):
        """Return the positions of rows in ``X``."""
        return rows if self.present is None else self.present[rows]

    def _of_present(self, array):
        """Return the entries of an array for the present rows."""
        return array if self.present is None else array[self.present]

    def _on_line(self, random_state):
        spans = self.high - self.low
        units = np.where(spans > 0, spans, 1.0)
        positions = row_positions(self.filled.X, units, random_state)
        return self._of_present(self.targets.apart(positions, self.y))
