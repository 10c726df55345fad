"""From starting rows to the distilled set: which solver, in which order.

Students with a linear model of all the data start from there, and students made of its
moments from rows that have these; the others start from the rows. From the best start,
the bilevel iteration goes on: by L-BFGS-B, first on a sample and then on all rows, or
by Adam on mini-batches. Where it may overfit, it is judged by rows that are held back.
"""

from typing import NamedTuple

import numpy as np

from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._iterate import bilevel_iteration, calibrate
from skdistill.solvers._rounding import round_set
from skdistill.solvers._validation import course_by_folds
from skdistill.solvers.exact import reach_model
from skdistill.synthetic._set import SyntheticSet

#: Share of the iterations that is kept for a set after it is rounded.
ROUNDED_SHARE = 0.25


class Distilled(NamedTuple):
    """A distilled set and how it was found.

    Attributes
    ----------
    synthetic : SyntheticSet
        The set.
    outcome : Outcome
        How the search for it ended.
    solver : str
        What found it.
    """

    synthetic: SyntheticSet
    outcome: Outcome
    solver: str


def distill(problem, columns, report):
    """Distill the real rows into a few.

    Parameters
    ----------
    problem : Problem
        What is to be solved.
    columns : Columns
        Which values the rows can have.
    report : Report
        Takes note of every iteration.

    Returns
    -------
    Distilled
        The set.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the full-data model.
    """
    start = reach_model(problem, report)
    if start.is_exact and problem.options.solver != "lbfgs":
        synthetic, outcome = calibrate(problem, start.synthetic), start.outcome
        solver = "exact"
    else:
        solver = problem.solver
        kept = int(ROUNDED_SHARE * report.max_iter) if columns.rounds else 0
        problem, start, max_iter = _judged(problem, start, columns, report, kept)
        synthetic, outcome = _iterate_from(problem, start, report, max_iter)
    if columns.rounds:
        report.phase("rounding integers and categories")
        synthetic, fixed_options = round_set(
            problem, synthetic, start.units_at, columns, report
        )
        synthetic, after = bilevel_iteration(
            problem, synthetic, start.units_at, fixed_options, report, report.remaining
        )
        outcome = after if outcome is Outcome.CONVERGED else outcome
    if not report.losses:
        report.iteration(synthetic, problem.training_loss(synthetic))
    return Distilled(synthetic, outcome, solver)


def _judged(problem, start, columns, report, kept):
    """Hold real rows back where the iteration may overfit.

    Returns
    -------
    problem : Problem
        The problem on the rows that are left.
    start : Start
        Its start.
    max_iter : int
        Maximum number of iterations, of which ``kept`` are left for later.
    """
    is_cheap = not columns.rounds and problem.solver == "lbfgs"
    parts = problem.parts(in_folds=is_cheap)
    max_iter = max(report.remaining - kept, 0)
    if len(parts) == 1:
        problem, judge = problem.on(parts[0])
        # Steps of Adam are long at first, and short only at the end of its schedule.
        by_batches = problem.solver == "adam"
        report.judge_by(
            judge, np.inf if by_batches else problem.options.n_iter_no_change
        )
        start = reach_model(problem, report)
    elif parts:
        course = course_by_folds(problem, parts, report, max_iter)
        max_iter = course.n_iter
        if course.stays:
            start, max_iter = start._replace(synthetic=problem.start), 0
    return problem, start, max_iter


def _iterate_from(problem, start, report, max_iter):
    """Iterate; the starting rows of the problem stay a candidate."""
    synthetic = calibrate(problem, start.synthetic)
    if report.judges and start.synthetic is not problem.start:
        first = calibrate(problem, problem.start)
        report.consider(first, problem.training_loss(first))
    synthetic, outcome = bilevel_iteration(
        problem,
        synthetic,
        start.units_at,
        problem.options,
        report,
        max_iter,
        on_sample=not start.is_of_all_rows,
    )
    if outcome is Outcome.MAX_ITER and report.ends_by_folds:
        outcome = Outcome.CONVERGED
    return synthetic, outcome
