"""The problem that the search gets: estimator, real rows, and what may change.

Sets are judged on a sample of the real rows. Their order is such that the first rows
are representative of all rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from skdistill.real._cells import Cells
from skdistill.solvers.search._contest import RefitContest
from skdistill.solvers.search._moves import Donors, SetMoves
from skdistill.solvers.search._refits import (
    JudgingRows,
    Refits,
    Training,
    fit_plainly,
)
from skdistill.solvers.search._sets import CellSet
from skdistill.solvers.search._typical import typicality

#: Maximum number of rows that candidates are judged on.
MAX_JUDGING_ROWS = 4096
#: Number of strata of numeric targets.
N_STRATA = 10
#: With fewer real rows per row of the set, half of them give cells and the other half
#: judge, because an estimator fitted on real rows predicts these too well.
FEW_REAL_ROWS = 50


@dataclass(frozen=True)
class SearchProblem:
    """The problem of a search: estimator, real rows, and what may change.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator with ``fit`` and one of ``predict_proba``,
        ``decision_function`` and ``predict``.
    cells : Cells
        The real rows.
    targets : ClassTargets or NumericTargets
        Describes ``y``.
    y : ndarray of shape (n,) or (n, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights of the outer loss, class weights included.
    counts : ndarray of int of shape (n_groups,)
        Number of rows of the set in each group of the targets.
    rows : ndarray of int
        Real rows to learn from. They give their cells, and candidates are compared on
        them.
    held_back : ndarray of int or None, default=None
        Real rows that decide which set is returned.
    weight_of : callable, default=None
        ``weight_of(y) -> (m,)`` returns the weights to fit a set with. None stands for
        ones.
    learn_labels : bool or "auto", default="auto"
        Whether numeric targets are learned, and whether rows may change their class.
    target_bounds : tuple of two ndarrays of shape (k,), default=None
        Bounds of learned numeric targets; by default the range of the data.
    learn_weights : bool, default=False
        Whether the weights are learned.
    fit : callable, default=fit_plainly
        ``fit(estimator, X, y, sample_weight)`` returns the fitted estimator. It must be
        possible to pickle it if ``n_jobs`` is set.
    patience : int, default=10
        Maximum number of iterations without a lower loss.
    n_jobs : int or None, default=None
        Number of parallel refits. The result does not depend on it.
    random_state : RandomState
        Draws starts and moves.
    given : CellSet or None, default=None
        A further set to start from, such as that of the last fit.
    target_dtype : dtype or None, default=None
        Data type of numeric targets for the estimator; None for double precision.
    """

    estimator: Any
    cells: Cells
    targets: Any
    y: np.ndarray
    sample_weight: np.ndarray
    counts: np.ndarray
    rows: np.ndarray
    random_state: Any
    held_back: np.ndarray | None = None
    weight_of: Callable | None = None
    learn_labels: Any = "auto"
    target_bounds: tuple | None = None
    learn_weights: bool = False
    fit: Callable = fit_plainly
    patience: int = 10
    n_jobs: int | None = None
    given: CellSet | None = None
    target_dtype: Any = None

    @cached_property
    def groups(self):
        """Group (n,) of each real row."""
        return np.asarray(self.targets.groups(self.y))

    @cached_property
    def parts(self):
        """Rows that give their cells, and rows that candidates are compared on."""
        rows = self.rows
        if len(rows) >= FEW_REAL_ROWS * self.counts.sum():
            return rows, rows
        rows = self._in_random_order(rows)
        giving = np.zeros(len(rows), dtype=bool)
        giving[: len(rows) // 2] = True
        for group, count in enumerate(self.counts):
            members = np.flatnonzero(self.groups[rows] == group)
            if len(members) // 2 < count:  # too few for both
                return self.rows, self.rows
        return rows[giving], rows[~giving]

    def starting_from(self, rows, sample_weight=None):
        """Return the problem with real rows as a further set to start from."""
        return replace(self, given=self.moves.of_rows(rows, sample_weight))

    @property
    def refits(self):
        """The object that fits clones of the estimator."""
        return Refits(self.estimator, self.targets.classes, self.fit)

    @cached_property
    def typicality(self):
        """How typical (n,) the real rows are."""
        rows, _ = self._in_order(self.rows)

        def training(rows):
            return Training(self.cells.take(rows), self._labels(self.y[rows]), None)

        def judging(rows):
            return self.judging_rows(rows, np.ones(len(rows)))

        is_class = self.targets.classes is not None
        return typicality(
            self.refits, training, judging, rows, self.cells.n_rows, is_class
        )

    @cached_property
    def moves(self):
        """The moves of the search."""
        learn = self.targets.learns(self.learn_labels)
        is_class = self.targets.classes is not None
        learns_numbers = learn and not is_class
        bounds = self.target_bounds
        if bounds is None and not is_class:
            bounds = self.targets.low, self.targets.high
        donors = Donors(
            self.cells,
            np.clip(self.y, *bounds) if learns_numbers else self.y,
            self.groups,
            self.parts[0],
            self.sample_weight * self.typicality,
        )
        return SetMoves(
            donors,
            self.targets.groups,
            target_unit=self.targets.unit if learns_numbers else None,
            target_bounds=bounds,
            moves_labels=learn and is_class,
            learns_weights=self.learn_weights,
        )

    @property
    def allotments(self):
        """List of numbers (n_groups,) of rows in each group to start with.

        If rows may change their class, it includes numbers in proportion to the data.
        """
        allotments = [self.counts]
        if self.moves.moves_labels:
            weight = np.bincount(self.groups, weights=self.sample_weight)
            total, ones = self.counts.sum(), np.ones(len(weight), dtype=int)
            allotments.append(ones + shares_of_total(weight, total - len(weight)))
        return allotments

    def training(self, candidate):
        """Return a set in the form that the estimator takes."""
        weight = candidate.sample_weight
        if self.weight_of is not None:
            weight = weight * self.weight_of(candidate.y)
        return Training(
            self.cells.table(candidate.donors, candidate.numbers),
            self._labels(candidate.y),
            None if (weight == 1).all() else weight,
        )

    def judging_rows(self, rows, sample_weight):
        """Return real rows to judge on."""
        share = sample_weight / sample_weight.sum()
        return JudgingRows(self.cells.take(rows), self.y[rows], share)

    def contest(self):
        """Return the contest that compares sets."""
        rows, weight = self._in_order(self.parts[1])
        held_back = None
        if self.held_back is not None and len(self.held_back):
            held_back = self.judging_rows(*self._in_order(self.held_back))

        def some(start, stop):
            return self.judging_rows(rows[start:stop], weight[start:stop])

        return RefitContest(
            self.refits, self.training, some, len(rows), held_back, self.n_jobs
        )

    def _labels(self, y):
        if self.targets.classes is not None:
            return self.targets.classes[y]
        return y if self.target_dtype is None else y.astype(self.target_dtype)

    def _in_order(self, rows):
        """Return rows in an order with representative first rows, and their weights.

        If there are many rows, a sample is drawn by weight, with equal weights.
        """
        rows = self._in_random_order(rows)
        weight = self.sample_weight[rows]
        if len(rows) <= MAX_JUDGING_ROWS:
            return rows, weight
        cumulated = np.cumsum(weight)
        steps = (np.arange(MAX_JUDGING_ROWS) + 0.5) / MAX_JUDGING_ROWS
        drawn = np.searchsorted(cumulated, steps * cumulated[-1], side="right")
        # The rows were in random order, so the drawn ones are, too.
        return rows[np.minimum(drawn, len(rows) - 1)], np.ones(MAX_JUDGING_ROWS)

    def _in_random_order(self, rows):
        """Return rows in a random order such that the first ones are representative."""
        random_state = np.random.RandomState(0)
        rows = rows[random_state.permutation(len(rows))]
        strata = self._strata(rows)
        position = np.empty(len(rows))
        for stratum in np.unique(strata):
            members = np.flatnonzero(strata == stratum)
            steps = np.arange(len(members)) + random_state.uniform()
            position[members] = steps / len(members)
        return rows[np.argsort(position, kind="stable")]

    def _strata(self, rows):
        """Return the strata of rows: classes, or deciles of the first target."""
        if self.targets.classes is not None:
            return self.groups[rows]
        first = self.y[rows].reshape(len(rows), -1)[:, 0]
        order = np.argsort(np.argsort(first, kind="stable"), kind="stable")
        return order * N_STRATA // len(rows)


def shares_of_total(weight, total):
    """Distribute ``total`` rows in proportion to weights, by largest remainders."""
    exact = total * weight / weight.sum()
    shares = np.floor(exact).astype(int)
    largest = np.argsort(shares - exact, kind="stable")
    shares[largest[: total - shares.sum()]] += 1
    return shares
