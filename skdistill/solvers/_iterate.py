"""The bilevel iteration.

It runs first on a sample of the real rows and then on all rows, or on mini-batches.
"""

import numpy as np

from skdistill.optimizers import _adam
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers._bilevel import minimize_outer_loss
from skdistill.solvers._problem import SMOOTHING_FACTOR

#: Number of values that are tried for the start of a smoothing parameter.
SMOOTHING_STEPS = 25
#: The smallest value is taken whose loss exceeds the lowest by at most this share.
SMOOTHING_SLACK = 0.05
#: Maximum number of iterations on a sample of the rows, and their tolerance.
SAMPLE_MAX_ITER = 60
SAMPLE_TOL = 3e-4
#: Maximum number of these iterations without a lower loss on a second sample.
SAMPLE_PATIENCE = 5
#: Number of rows in a mini-batch.
BATCH_ROWS = 2048


def bilevel_iteration(
    problem, synthetic, units_at, options, report, max_iter, *, on_sample=True
):
    """Improve a set by the bilevel iteration.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    synthetic : SyntheticSet
        The set to start from.
    units_at : callable
        ``units_at(synthetic)`` returns coordinates of the samples near a set.
    options : Options
        The options of the problem, possibly with other bounds.
    report : Report
        Takes note of every iteration. If it judges sets by held-back rows, the best set
        of the report is returned, which may be the start.
    max_iter : int
        Maximum number of iterations on all rows.
    on_sample : bool, default=True
        Whether to begin on a sample if there are many rows.

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
    if report.judges:
        report.consider(synthetic, problem.training_loss(synthetic))
    is_by_batches = problem.solver == "adam"
    if on_sample and problem.is_sampled and not is_by_batches:
        synthetic = _improve_on_sample(problem, synthetic, units_at, options, report)
    variables = options.variables(student, synthetic, units_at(synthetic))

    def note(synthetic, value):
        loss = value
        if student.penalty is not None:
            loss = value - objective.penalty(student.solve(synthetic))
        return report.iteration(synthetic, loss, value)

    settings = {"unit": options.loss_unit, "max_iter": max_iter, "callback": note}
    if is_by_batches:
        settings |= _batches(problem, variables, options)
    else:
        settings["tol"] = options.tol
        if problem.is_sampled:
            # Passes over many rows are expensive, so slow progress ends the iteration.
            cost = student.cost_without_features(options.loss_unit)
            settings["min_decrease"] = options.tol * cost / options.loss_unit
            settings["n_iter_no_change"] = options.n_iter_no_change
    synthetic, result = minimize_outer_loss(student, objective, variables, **settings)
    if not report.judges:
        return synthetic, result.outcome
    is_done = result.outcome is Outcome.STOPPED and not report.stopped
    return report.best, Outcome.CONVERGED if is_done else result.outcome


def calibrate(problem, synthetic):
    """Set the smoothing parameters to values that suit the starting rows."""
    hyperparameters = dict(synthetic.hyperparameters)
    factors = np.geomspace(1 / SMOOTHING_FACTOR, SMOOTHING_FACTOR, SMOOTHING_STEPS)
    if not problem.student.learns_smoothing_params:
        # With strong smoothing, the rows hardly matter and would not be moved.
        factors = factors[SMOOTHING_STEPS // 2 :]  # factors of at least one
    for name, value in problem.student.smoothing_params.items():
        if name in problem.known_smoothing_params:
            continue
        losses = []
        for factor in factors:
            hyperparameters[name] = float(value * factor)
            candidate = synthetic._replace(hyperparameters=dict(hyperparameters))
            losses.append(problem.sample_loss.value(problem.student.solve(candidate)))
        # Take the strongest smoothing that is nearly the best, since sharp votes have
        # no derivative.
        nearly = losses <= (1 + SMOOTHING_SLACK) * np.nanmin(losses)
        hyperparameters[name] = float(value * factors[np.argmax(nearly)])
    return synthetic._replace(hyperparameters=hyperparameters)


def _improve_on_sample(problem, synthetic, units_at, options, report):
    """Improve a set on a sample of the rows, which takes less time than on all rows.

    The iteration may overfit the sample. So the best set on held-back rows is kept, or
    on a second sample if no rows are held back.
    """
    trials = report if report.judges else _Trials(problem, synthetic, report)
    minimize_outer_loss(
        problem.student,
        problem.with_penalty(problem.sample_loss),
        options.variables(problem.student, synthetic, units_at(synthetic)),
        unit=options.loss_unit,
        max_iter=SAMPLE_MAX_ITER,
        tol=SAMPLE_TOL,
        callback=trials.trial,
    )
    report.renew_patience()
    return trials.best


class _Trials:
    """Judges the sets of an iteration on a sample by a second sample."""

    def __init__(self, problem, synthetic, report):
        self.student, self.report = problem.student, report
        self.judge = problem.with_penalty(problem.second_sample_loss)
        self.best, self.best_loss = synthetic, self._loss(synthetic)
        self.since_best = 0

    def trial(self, synthetic, loss):
        """Take note of a set; return whether to end."""
        value = self._loss(synthetic)
        self.since_best += 1
        if value < self.best_loss:
            self.best, self.best_loss, self.since_best = synthetic, value, 0
        return self.report.trial(synthetic, loss) or self.since_best >= SAMPLE_PATIENCE

    def _loss(self, synthetic):
        return self.judge.value(self.student.solve(synthetic))


def _batches(problem, variables, options):
    """Return the settings of Adam on mini-batches."""
    sample_loss = problem.with_penalty(problem.sample_loss)

    def validate(x):
        params = problem.student.solve(variables.to_synthetic(x))
        return sample_loss.value(params) / options.loss_unit

    auto = options.batch_size == "auto"
    return {
        "minimize": _adam.minimize,
        "n_rows": problem.real.n_at_hand,
        "batch_size": BATCH_ROWS if auto else options.batch_size,
        "n_batches": problem.student.batches_in_iteration,
        "learning_rate": problem.student.step_length,
        "validate": validate,
        "random_state": options.random_state,
        "redraw": lambda: problem.student.redrawn(options.random_state),
    }
