"""The search for a small set of rows on which any estimator is trained well."""

from typing import NamedTuple

import numpy as np

from skdistill.optimizers import _exchange
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._blas import single_blas_thread
from skdistill.solvers.search._sets import CellSet
from skdistill.solvers.search._starts import starting_sets

#: Number of sets of drawn rows whose value is computed, as it is for the other starts.
DRAWN_FINALISTS = 1


class Searched(NamedTuple):
    """A set that was found by search.

    Attributes
    ----------
    synthetic : CellSet
        The set.
    outcome : Outcome
        How the search ended.
    value : float
        Its loss on the held-back rows, or on the other rows if none are held back.
    n_refits : int
        Number of refits.
    """

    synthetic: CellSet
    outcome: Outcome
    value: float
    n_refits: int


def search(problem, report):
    """Search for a set on which the estimator is trained well.

    Of all starts and all iterates, the set with the lowest loss on the held-back rows
    is returned. So on these rows it is never worse than k-means centers or drawn rows.

    Parameters
    ----------
    problem : SearchProblem
        The problem to solve.
    report : Report
        Takes note of every iteration, and gives the number of remaining iterations.

    Returns
    -------
    Searched
        The set.

    Raises
    ------
    ValueError
        If the estimator can be fitted on none of the sets to start from.
    """
    # Threads do not pay for fits on a few rows.
    with single_blas_thread(user_api=None):
        contest = problem.contest()
        start, value = best_start(problem, contest)
        report.known(start, *losses_of(value))

        def note(synthetic, value):
            loss, validation_loss = losses_of(value)
            return report.iteration(synthetic, loss, validation_loss=validation_loss)

        result = _exchange.minimize(
            start,
            problem.moves.all(),
            contest,
            start_value=value,
            merge=CellSet.merged,
            max_iter=report.remaining,
            callback=note,
            random_state=problem.random_state,
            patience=problem.patience,
            expired=lambda: report.has_expired,
        )
        if not report.losses:  # there was no time for an iteration
            note(result.x, result.value)
    return Searched(result.x, result.outcome, result.value, contest.n_refits)


def losses_of(value):
    """Return the loss of a ``Value``, and its loss on held-back rows or None."""
    held_back = value.validation_loss
    return value.loss, None if np.isnan(held_back) else held_back


def best_start(problem, contest):
    """Return the best set to start from, and its value.

    The candidates are all clustered and given sets, and the best set of drawn rows.
    """
    clustered, drawn = starts_of(problem)
    starts = clustered + drawn
    ranked = contest.ranking(starts)
    finalists = [starts[i] for i in ranked if i < len(clustered)]
    best_drawn = [starts[i] for i in ranked if i >= len(clustered)]
    finalists += best_drawn[:DRAWN_FINALISTS]
    values = [contest.value(each) for each in finalists]
    best = int(np.argmin(values))
    return finalists[best], values[best]


def starts_of(problem):
    """Return lists of sets to start from: given and clustered ones, and drawn ones."""
    y, rows = problem.y, problem.rows
    if problem.targets.classes is None:
        y = y / problem.targets.unit
    clustered, drawn = [], []
    for counts in problem.allotments:
        sets = starting_sets(
            problem.moves,
            counts,
            rows,
            y[rows],
            problem.sample_weight[rows],
            problem.typicality[rows],
            problem.groups[rows],
            problem.random_state,
        )
        clustered += sets[0]
        drawn += sets[1]
    given = [] if problem.given is None else [problem.given]
    return given + clustered, drawn
