"""The order of the solvers, from the starting rows to the distilled set.

First comes the search for an exact set, for linear students and for students made of
moments. If it finds none, the bilevel iteration goes on from the nearest set; other
students begin with the iteration. It uses L-BFGS-B, first on a sample and then on all
rows, or Adam on mini-batches. Held-back rows judge it if it may overfit.
"""

from typing import NamedTuple

import numpy as np

from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._iterate import bilevel_iteration, calibrate
from skdistill.solvers._rounding import round_set
from skdistill.solvers._validation import course_by_folds
from skdistill.solvers.exact import reach_model
from skdistill.synthetic._set import SyntheticSet

#: Share of the iterations that is reserved for the time after rounding.
ROUNDED_SHARE = 0.25


class Distilled(NamedTuple):
    """A distilled set and how it was found.

    Attributes
    ----------
    synthetic : SyntheticSet
        The set.
    outcome : Outcome
        How the solver ended.
    solver : str
        Name of the solver that found it.
    """

    synthetic: SyntheticSet
    outcome: Outcome
    solver: str


def distill(problem, columns, report):
    """Distill the real rows into a few synthetic rows.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    columns : Columns
        The columns, which say which values are possible.
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
    """Hold real rows back if the iteration may overfit.

    Returns
    -------
    problem : Problem
        The problem on the remaining rows.
    start : Start
        Its start.
    max_iter : int
        Maximum number of iterations. ``kept`` iterations are reserved for later.
    """
    is_cheap = not columns.rounds and problem.solver == "lbfgs"
    parts = problem.parts(in_folds=is_cheap)
    max_iter = max(report.remaining - kept, 0)
    if len(parts) == 1:
        problem, judge = problem.on(parts[0])
        # Adam has to complete its schedule: its steps are short only at the end.
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
    """Iterate from a start. The problem's own starting rows may be returned, too."""
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
