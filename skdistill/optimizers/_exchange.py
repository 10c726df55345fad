"""Gradient-free search: moves from the best candidate so far, kept where they pay.

In each step a few moves are tried side by side, all from the same candidate; the best
one is kept if it lowers the loss. Where several do, their union is tried next. How
often a move is tried depends on what it has gained in the past. The number of moves
tried side by side does not depend on how many processors try them.

What a candidate is, and how the loss is measured, is the business of a ``Contest``. It
may look at few rows at first; it is asked to widen its view when nothing is gained any
more. Whether an iteration has gained anything is told by another measure, which takes
no part in accepting moves: chance that was accepted does not count there.
"""

from abc import ABC, abstractmethod

import numpy as np

from skdistill.optimizers._outcome import Outcome, OuterResult

#: Candidates that are tried in an iteration, and how many of them side by side.
TRIES = 20
BATCH = 4
#: Share of the tries that goes to all moves alike.
EXPLORATION = 0.25
#: A move that was tried less often than this is taken to gain what all of them do.
SHRINKAGE = 8
#: By how much what a move has gained fades with each of its tries.
MEMORY = 0.97
#: Iterations without a lower value before the contest widens and the search goes back
#: to its best candidate.
PATIENCE_TO_WIDEN = 4


class Contest(ABC):
    """Compares candidates with the one that holds the field, the incumbent."""

    @abstractmethod
    def reset(self, candidate):
        """Make a candidate the incumbent, as it is judged from now on."""

    @abstractmethod
    def differences(self, candidates):
        """Return the loss (n,) of candidates minus that of the incumbent."""

    @abstractmethod
    def settle(self, index):
        """Make one of the candidates that were compared last the incumbent."""

    @abstractmethod
    def value(self, candidate):
        """Return the value that decides which candidate is returned."""

    @abstractmethod
    def widen(self):
        """Take a wider view from the next reset on; return whether there is one."""


class Moves:
    """How often each move is tried, by what it has gained.

    Parameters
    ----------
    n_moves : int
        Number of moves.
    """

    def __init__(self, n_moves):
        self.gains = np.zeros(n_moves)
        self.tries = np.zeros(n_moves)

    @property
    def probabilities(self):
        """Probability (n_moves,) of each move."""
        if not self.gains.any():
            return np.full(len(self.gains), 1 / len(self.gains))
        common = self.gains.sum() / self.tries.sum()
        rates = (self.gains + SHRINKAGE * common) / (self.tries + SHRINKAGE)
        shares = EXPLORATION / len(rates) + (1 - EXPLORATION) * rates / rates.sum()
        return shares / shares.sum()

    def learn(self, move, gain):
        """Take note of what a try of a move has gained, zero for nothing."""
        self.gains[move] = MEMORY * self.gains[move] + gain
        self.tries[move] = MEMORY * self.tries[move] + 1


def minimize(
    start,
    moves,
    contest,
    *,
    merge,
    max_iter,
    callback,
    random_state,
    expired=lambda: False,
    start_value=None,
    patience=10,
):
    """Search for a candidate with a low value.

    Parameters
    ----------
    start : candidate
        Where to start.
    moves : sequence of callable
        ``move(candidate, random_state) -> candidate``, a new one.
    contest : Contest
        Compares candidates.
    merge : callable
        ``merge(candidate, others) -> candidate``, with the changes of all the others.
    max_iter : int
        Maximum number of iterations, of ``TRIES`` candidates each.
    callback : callable
        ``callback(candidate, value) -> bool``, called after each iteration with the
        candidate that it gained, or with the last one that was gained; a true result
        is a request to stop.
    random_state : RandomState
        Draws the moves.
    expired : callable, default=never
        Whether the time is over; asked before candidates are tried.
    start_value : float, default=None
        Value of the start, if it is known.
    patience : int, default=10
        Iterations without a lower value that end the search once the view is widest.

    Returns
    -------
    OuterResult
        ``x`` is the candidate with the lowest value, the start included.
    """
    learned = Moves(len(moves))
    contest.reset(start)
    incumbent = valued = best = start
    best_value = contest.value(start) if start_value is None else start_value
    if not np.isfinite(best_value):
        return OuterResult(best, best_value, 0, Outcome.NOT_FINITE)
    value, idle, n_iter, widest = best_value, 0, 0, False
    while n_iter < max_iter and not expired():
        n_iter += 1
        incumbent, is_better = _iterate(
            incumbent, moves, learned, contest, merge, random_state, expired
        )
        if is_better:
            valued, value = incumbent, contest.value(incumbent)
        if value < best_value:
            best, best_value, idle = valued, value, 0
        else:
            idle += 1
        if callback(valued, value):
            return OuterResult(best, best_value, n_iter, Outcome.STOPPED)
        if widest and idle >= patience:
            break
        if idle and idle % PATIENCE_TO_WIDEN == 0:
            if not widest:
                widest, idle = not contest.widen(), 0
            # What was gained since then was chance, as the value tells.
            incumbent, valued, value = best, best, best_value
            contest.reset(best)
    return OuterResult(best, best_value, n_iter, Outcome.CONVERGED)


def _iterate(incumbent, moves, learned, contest, merge, random_state, expired):
    """Try ``TRIES`` candidates; return the incumbent, and whether it is better."""
    gained, tries, is_better = [], 0, False
    while tries < TRIES and not expired():
        drawn = random_state.choice(len(moves), size=BATCH, p=learned.probabilities)
        candidates = [moves[move](incumbent, random_state) for move in drawn]
        if len(gained) > 1:  # the best one of these is the incumbent
            candidates[0] = merge(gained[0], gained[1:])
        differences = contest.differences(candidates)
        for i, (move, difference) in enumerate(zip(drawn, differences, strict=True)):
            if i or len(gained) < 2:
                learned.learn(move, max(0.0, -difference))
        order = np.argsort(differences, kind="stable")
        better = [i for i in order if differences[i] < 0]
        gained = []
        if better:
            contest.settle(better[0])
            # Their changes count from the candidate that they were made of.
            gained = [incumbent, *(candidates[i] for i in better)]
            gained = gained if len(better) > 1 else []
            incumbent, is_better = candidates[better[0]], True
        tries += BATCH
    return incumbent, is_better
