"""Moves, which change a set a little by cells of real rows.

Each move changes a few rows. Usually it takes cells of random real rows of their class,
or of any real rows in regression; the weights of real rows are their probabilities. The
best kinds and sizes of moves depend on the estimator and change in the course of a
search. So there are several sizes of each kind, and the search learns which to try.
"""

import numpy as np

from skdistill.solvers.search._sets import CellSet

#: Shares of the rows that a move changes (at least one row), and share of the cells
#: that it takes.
SHARES_OF_ROWS = (0.0, 0.1, 0.3)
SHARE_OF_CELLS = 0.3
#: Standard deviations of the steps of targets, and of the logarithms of weights.
TARGET_STEPS = (0.05, 0.5)
WEIGHT_STEP = 0.7


class Donors:
    """Real rows that give their cells, drawn by weight in each group of the targets.

    Parameters
    ----------
    cells : Cells
        The real rows.
    y : ndarray of shape (n,) or (n, k)
        Their targets.
    groups : ndarray of int of shape (n,)
        Their groups.
    rows : ndarray of int
        Indices of the rows that may be used.
    sample_weight : ndarray of shape (n,)
        Their weights.
    """

    def __init__(self, cells, y, groups, rows, sample_weight):
        self.cells = cells
        self.y = y
        self._members, self._cumulated = [], []
        for group in range(groups.max() + 1):
            members = rows[groups[rows] == group]
            self._members.append(members)
            self._cumulated.append(np.cumsum(sample_weight[members]))

    @property
    def n_groups(self):
        """Number of groups."""
        return len(self._members)

    def of_group(self, group, size, random_state):
        """Draw rows (size,) of a group."""
        cumulated = self._cumulated[group]
        drawn = random_state.uniform(0, cumulated[-1], size)
        positions = np.searchsorted(cumulated, drawn, side="right")
        return self._members[group][np.minimum(positions, len(cumulated) - 1)]

    def distinct(self, group, size, random_state):
        """Draw distinct rows (size,) of a group; they repeat if it has fewer rows."""
        members = self._members[group]
        weight = np.diff(self._cumulated[group], prepend=0.0)
        if len(members) <= size:
            return np.resize(random_state.permutation(members), size)
        share = weight / weight.sum()
        return random_state.choice(members, size=size, replace=False, p=share)

    def of_any(self, size, random_state):
        """Draw rows (size,) of random groups, which are equally likely."""
        groups = random_state.randint(self.n_groups, size=size)
        return np.array(
            [self.of_group(group, 1, random_state)[0] for group in groups], dtype=int
        )

    def like(self, groups, random_state):
        """Draw one row for each of the given groups (m,)."""
        return np.array(
            [self.of_group(group, 1, random_state)[0] for group in groups], dtype=int
        )


class SetMoves:
    """The moves of a search.

    Parameters
    ----------
    donors : Donors
        Real rows that give their cells.
    groups_of : callable
        ``groups_of(y) -> (m,)`` returns the groups of the rows of a set.
    target_unit : float, ndarray of shape (k,) or None, default=None
        Unit of learned numeric targets; None if targets are not learned.
    target_bounds : tuple of two ndarrays of shape (k,), default=None
        Bounds of learned targets.
    moves_labels : bool, default=False
        Whether rows may change their class.
    learns_weights : bool, default=False
        Whether weights are learned.
    """

    def __init__(
        self,
        donors,
        groups_of,
        *,
        target_unit=None,
        target_bounds=None,
        moves_labels=False,
        learns_weights=False,
    ):
        self.donors = donors
        self.cells = donors.cells
        self.groups_of = groups_of
        self.target_unit = target_unit
        self.target_bounds = target_bounds
        self.moves_labels = moves_labels
        self.learns_weights = learns_weights

    def all(self):
        """Return a list of moves ``move(set, random_state) -> set``."""
        moves, cells = [], self.cells
        for share in SHARES_OF_ROWS:
            moves.append(_with(self._replace, share))
            if cells.n_columns > 1:
                moves.append(_with(self._take_cells, share, SHARE_OF_CELLS))
            if cells.n_numbers:
                moves.append(_with(self._interpolate, share, 1.0))
            if self.target_unit is not None:
                moves += [_with(self._shift, share, step) for step in TARGET_STEPS]
            if self.learns_weights:
                moves.append(_with(self._weigh, share))
        if cells.n_columns > 1:
            for share in (*SHARES_OF_ROWS, 1.0):
                moves.append(_with(self._take_cells, share, 0.0))
                moves.append(_with(self._take_any_cells, share, 0.0))
                if cells.n_numbers:
                    moves.append(_with(self._interpolate, share, 0.0))
        if self.donors.n_groups > 1:
            moves.append(self._exchange)
            if self.moves_labels:
                moves.append(self._relabel)
        return moves

    def of_rows(self, rows, sample_weight=None):
        """Return a set of whole real rows with the indices ``rows`` (m,)."""
        return CellSet(
            self.cells.donors(rows),
            self.cells.allowed(self.cells.numbers(rows)),
            self.donors.y[rows].copy(),
            np.ones(len(rows)) if sample_weight is None else sample_weight,
        )

    def _drawn_rows(self, current, share, random_state):
        size = max(1, round(share * len(current.y)))
        return random_state.choice(len(current.y), size=size, replace=False)

    def _like(self, current, rows, random_state):
        return self.donors.like(self.groups_of(current.y[rows]), random_state)

    def _replace(self, current, random_state, share):
        """Replace rows by real rows."""
        changed = current.copy()
        rows = self._drawn_rows(current, share, random_state)
        real = self._like(current, rows, random_state)
        changed.donors[rows] = real[:, None]
        changed.numbers[rows] = self.cells.allowed(self.cells.numbers(real))
        if self.target_unit is not None or self.donors.n_groups == 1:
            changed.y[rows] = self.donors.y[real]
        return changed

    def _take_cells(self, current, random_state, share, share_of_cells):
        """Take cells of real rows of the same group, in at least one column."""
        rows = self._drawn_rows(current, share, random_state)
        real = self._like(current, rows, random_state)
        return self._with_cells(current, rows, real, share_of_cells, random_state)

    def _take_any_cells(self, current, random_state, share, share_of_cells):
        """Take cells of real rows of any group."""
        rows = self._drawn_rows(current, share, random_state)
        real = self.donors.of_any(len(rows), random_state)
        return self._with_cells(current, rows, real, share_of_cells, random_state)

    def _with_cells(self, current, rows, real, share_of_cells, random_state):
        changed = current.copy()
        shape = len(rows), self.cells.n_columns
        taken = random_state.uniform(size=shape) < share_of_cells
        taken[:, random_state.randint(shape[1])] = True
        changed.donors[rows] = np.where(taken, real[:, None], current.donors[rows])
        changed.numbers[rows] = np.where(
            taken[:, self.cells.is_number],
            self.cells.allowed(self.cells.numbers(real)),
            current.numbers[rows],
        )
        return changed

    def _interpolate(self, current, random_state, share, share_of_cells):
        """Interpolate numbers towards those of real rows, in all columns or one."""
        changed = current.copy()
        rows = self._drawn_rows(current, share, random_state)
        real = self._like(current, rows, random_state)
        towards = self.cells.numbers(real)
        step = random_state.uniform(size=(len(rows), 1)) * np.ones_like(towards)
        if not share_of_cells:
            column = random_state.randint(self.cells.n_numbers)
            step[:, np.arange(self.cells.n_numbers) != column] = 0.0
        own = current.numbers[rows]
        between = own + step * (towards - own)
        # There is nothing between a number and a missing value: take either.
        either = np.where(step > 0.5, towards, own)
        between = np.where(np.isnan(between), either, between)
        changed.numbers[rows] = self.cells.allowed(between)
        if self.target_unit is not None and share_of_cells:
            y = current.y[rows]
            along = step[:, :1].reshape(-1, *[1] * (y.ndim - 1))
            changed.y[rows] = y + along * (self.donors.y[real] - y)
        return changed

    def _exchange(self, current, random_state):
        """Exchange the features of two rows of different groups."""
        changed, groups = current.copy(), self.groups_of(current.y)
        first = random_state.randint(len(groups))
        others = np.flatnonzero(groups != groups[first])
        if len(others):
            pair = np.array([first, random_state.choice(others)])
            changed.donors[pair] = current.donors[pair[::-1]]
            changed.numbers[pair] = current.numbers[pair[::-1]]
        return changed

    def _relabel(self, current, random_state):
        """Replace a row by a real row of any class, but leave no class empty."""
        changed, groups = current.copy(), self.groups_of(current.y)
        counts = np.bincount(groups, minlength=self.donors.n_groups)
        free = np.flatnonzero(counts[groups] > 1)
        if len(free):
            row = random_state.choice(free)
            real = self.donors.of_any(1, random_state)
            changed.donors[row] = real
            changed.numbers[row] = self.cells.allowed(self.cells.numbers(real))
            changed.y[row] = self.donors.y[real[0]]
        return changed

    def _shift(self, current, random_state, share, step):
        """Move learned numeric targets."""
        changed = current.copy()
        rows = self._drawn_rows(current, share, random_state)
        shape = (len(rows), *current.y.shape[1:])
        changed.y[rows] += step * self.target_unit * random_state.standard_normal(shape)
        changed.y[rows] = np.clip(changed.y[rows], *self.target_bounds)
        return changed

    def _weigh(self, current, random_state, share):
        """Multiply weights by random factors, and keep their mean."""
        changed = current.copy()
        rows = self._drawn_rows(current, share, random_state)
        steps = WEIGHT_STEP * random_state.standard_normal(len(rows))
        changed.sample_weight[rows] *= np.exp(steps)
        mean = current.sample_weight.mean() / changed.sample_weight.mean()
        return changed._replace(sample_weight=changed.sample_weight * mean)


def _with(move, *settings):
    def moved(current, random_state):
        return move(current, random_state, *settings)

    return moved
