"""Search without gradients: random moves that are kept if they lower the loss.

Each step tries a few moves in parallel, all from the best candidate so far, which is
called the incumbent. The best move is kept if it lowers the loss. If several moves do,
their union is tried next. Moves that have lowered the loss more are tried more often.
The number of moves in a step does not depend on the number of processors.

A ``Contest`` knows what a candidate is, and how its loss is measured. It may use few
rows at first and is asked to use more when the loss no longer falls. It has a second
measure, the value, which does not decide on moves. The value decides whether an
iteration was a success, because moves may be accepted by chance.
"""

from abc import ABC, abstractmethod

import numpy as np

from skdistill.optimizers._outcome import Outcome, OuterResult

#: Number of candidates in an iteration, and number of them in a step.
TRIES = 20
BATCH = 4
#: Share of the tries that is distributed evenly over all moves.
EXPLORATION = 0.25
#: Number of tries below which the gain of a move is taken to be near the average.
SHRINKAGE = 8
#: Factor by which the earlier gains of a move are multiplied at each of its tries.
MEMORY = 0.97
#: Number of iterations without a lower value after which the contest uses more rows and
#: the search returns to its best candidate.
PATIENCE_TO_WIDEN = 4


class Contest(ABC):
    """Compares candidates with the incumbent, the best candidate so far."""

    @abstractmethod
    def reset(self, candidate):
        """Make a candidate the incumbent, and compute its loss anew."""

    @abstractmethod
    def differences(self, candidates):
        """Return the losses (n,) of candidates minus the loss of the incumbent."""

    @abstractmethod
    def settle(self, index):
        """Make a candidate of the last comparison the incumbent."""

    @abstractmethod
    def value(self, candidate):
        """Return the value that decides which candidate is returned."""

    @abstractmethod
    def widen(self):
        """Use more rows from the next reset on; return whether there are more."""


class Moves:
    """Learns how often to try each move, from its earlier gains.

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
        """Take note of the gain of a try of a move, which is zero for a failure."""
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
        Candidate to start from.
    moves : sequence of callable
        ``move(candidate, random_state)`` returns a changed copy of a candidate.
    contest : Contest
        Compares candidates.
    merge : callable
        ``merge(candidate, others)`` returns a candidate with the changes of all others.
    max_iter : int
        Maximum number of iterations, each with ``TRIES`` candidates.
    callback : callable
        ``callback(candidate, value) -> bool`` is called after each iteration with the
        latest candidate whose value was computed. A true result is a request to stop.
    random_state : RandomState
        Draws the moves.
    expired : callable, default=never
        Returns whether the time is over. It is called before each step.
    start_value : float, default=None
        Value of the start, if it is known.
    patience : int, default=10
        Maximum number of iterations without a lower value, once the contest uses all
        rows.

    Returns
    -------
    OuterResult
        ``x`` is the candidate with the lowest value, which may be the start.
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
            # The value shows that what was accepted since then was chance.
            incumbent, valued, value = best, best, best_value
            contest.reset(best)
    return OuterResult(best, best_value, n_iter, Outcome.CONVERGED)


def _iterate(incumbent, moves, learned, contest, merge, random_state, expired):
    """Try ``TRIES`` candidates; return the incumbent and whether it has changed."""
    gained, tries, is_better = [], 0, False
    while tries < TRIES and not expired():
        drawn = random_state.choice(len(moves), size=BATCH, p=learned.probabilities)
        candidates = [moves[move](incumbent, random_state) for move in drawn]
        if len(gained) > 1:  # try all of these changes together
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
            # Changes are relative to the candidate from which the moves were made.
            gained = [incumbent, *(candidates[i] for i in better)]
            gained = gained if len(better) > 1 else []
            incumbent, is_better = candidates[better[0]], True
        tries += BATCH
    return incumbent, is_better
