"""From starting rows to the distilled set: which solver, in which order.

Students with a linear model of all the data start from there, and students made of its
moments from rows that have these; the others start from the rows. From the best start,
the bilevel iteration goes on: by L-BFGS-B, first on a sample and then on all rows, or
by Adam on mini-batches.
"""

from typing import NamedTuple

import numpy as np

from skdistill.optimizers import _adam
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._bilevel import improve
from skdistill.solvers._problem import SURROGATE_FACTOR
from skdistill.solvers._rounding import round_set
from skdistill.solvers.exact import approach
from skdistill.synthetic._set import SyntheticSet

#: How finely a surrogate is searched for, before it is learned.
SURROGATE_STEPS = 25
#: By how much the loss may exceed the lowest then, for a smaller value.
SURROGATE_SLACK = 0.05
#: Iterations on a sample of the rows, and their tolerance.
SAMPLE_MAX_ITER = 60
SAMPLE_TOL = 3e-4
#: Nonlinear students look at mini-batches if there are more rows than this.
MAX_FULL_ROWS = 10_000
#: Rows of a mini-batch.
BATCH_ROWS = 2048
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
    """

    synthetic: SyntheticSet
    outcome: Outcome


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
    options = problem.options
    start = approach(problem, report)
    synthetic = start.synthetic
    if problem.student.surrogates:
        synthetic = _calibrate(problem, synthetic)
    if start.is_exact and options.solver != "lbfgs":
        outcome = start.outcome
    else:
        kept = int(ROUNDED_SHARE * options.max_iter) if columns.rounds else 0
        synthetic, outcome = iterate(
            problem, synthetic, start.scale_at, options, report, kept
        )
    if columns.rounds:
        report.phase("rounding integers and categories")
        synthetic, fixed_options = round_set(
            problem, synthetic, start.scale_at, columns, report
        )
        synthetic, after = iterate(
            problem, synthetic, start.scale_at, fixed_options, report
        )
        outcome = after if outcome is Outcome.CONVERGED else outcome
    if not report.losses:
        report.iteration(synthetic, _value(problem.student, problem.loss, synthetic))
    return Distilled(synthetic, outcome)


def iterate(problem, synthetic, scale_at, options, report, kept=0):
    """Improve a set by the bilevel iteration.

    Parameters
    ----------
    problem : Problem
        What is to be solved.
    synthetic : SyntheticSet
        The set to start from.
    scale_at : callable
        ``scale_at(synthetic) -> (p,)``, units of the features near a set.
    options : Options
        What is learned; the problem's, or with other bounds.
    report : Report
        Takes note of every iteration.
    kept : int
        Iterations to leave for later.

    Returns
    -------
    synthetic : SyntheticSet
        The best set.
    outcome : Outcome
        How the optimizer ended.
    """
    if report.stopped:
        return synthetic, Outcome.STOPPED
    student = problem.student
    objective = problem.with_penalty(problem.loss)
    variables = options.variables(student, synthetic, scale_at(synthetic))

    def note(synthetic, value):
        loss = value
        if student.penalty is not None:
            loss = value - objective.penalty(student.solve(synthetic))
        return report.iteration(synthetic, loss, value)

    settings = {
        "unit": options.loss_unit,
        "max_iter": max(report.remaining - kept, 0),
        "callback": note,
    }
    if _takes_batches(problem, options):
        synthetic, result = _improve_on_batches(
            problem, objective, variables, options, settings
        )
        return synthetic, result.outcome
    if problem.is_sampled:
        synthetic, _ = improve(
            student,
            problem.with_penalty(problem.sample_loss),
            variables,
            unit=options.loss_unit,
            max_iter=SAMPLE_MAX_ITER,
            tol=SAMPLE_TOL,
            callback=report.quiet,
        )
        variables = options.variables(student, synthetic, scale_at(synthetic))
    synthetic, result = improve(
        student, objective, variables, tol=options.tol, **settings
    )
    return synthetic, result.outcome


def _takes_batches(problem, options):
    if options.solver == "auto":
        return problem.student.takes_batches and problem.real.n_rows > MAX_FULL_ROWS
    return options.solver == "adam"


def _improve_on_batches(problem, objective, variables, options, settings):
    sample_loss = problem.with_penalty(problem.sample_loss)

    def validate(x):
        synthetic = variables.to_synthetic(x)
        return _value(problem.student, sample_loss, synthetic) / options.loss_unit

    auto = options.batch_size == "auto"
    return improve(
        problem.student,
        objective,
        variables,
        minimize=_adam.minimize,
        n_rows=problem.real.n_rows,
        batch_size=BATCH_ROWS if auto else options.batch_size,
        validate=validate,
        random_state=options.random_state,
        **settings,
    )


def _value(student, objective, synthetic):
    return float(objective.value_and_grad(student.solve(synthetic))[0])


def _calibrate(problem, synthetic):
    """Give the surrogates the values that suit the starting rows."""
    hyperparameters = dict(synthetic.hyperparameters)
    factors = np.geomspace(1 / SURROGATE_FACTOR, SURROGATE_FACTOR, SURROGATE_STEPS)
    for name, value in problem.student.surrogates.items():
        if hyperparameters[name] != value:
            continue  # learned in the last fit
        losses = []
        for factor in factors:
            hyperparameters[name] = float(value * factor)
            candidate = synthetic._replace(hyperparameters=dict(hyperparameters))
            losses.append(_value(problem.student, problem.sample_loss, candidate))
        # The softest that is nearly the best: votes too sharp have no derivative.
        nearly = losses <= (1 + SURROGATE_SLACK) * np.nanmin(losses)
        hyperparameters[name] = float(value * factors[np.argmax(nearly)])
    return synthetic._replace(hyperparameters=hyperparameters)
