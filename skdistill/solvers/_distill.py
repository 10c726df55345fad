"""From starting rows to the distilled set: which solver, in which order.

Students with a linear model of all the data start from there, and students made of its
moments from rows that have these; the others start from the rows. From the best start,
the bilevel iteration goes on: by L-BFGS-B, first on a sample and then on all rows, or
by Adam on mini-batches.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skdistill.objectives._penalized import PenalizedObjective
from skdistill.optimizers import _adam
from skdistill.solvers._bilevel import improve
from skdistill.solvers.exact._linear import approach_linear, has_linear_approach
from skdistill.solvers.exact._moments import approach_moments, has_moment_approach
from skdistill.students.linear._base import LinearStudent
from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import OuterVariables

#: How far a learned hyperparameter may go, as a factor of the estimator's own.
HYPERPARAMETER_FACTOR = 100.0
#: How far a surrogate may go from its start, and how finely it is searched for first.
SURROGATE_FACTOR = 1e6
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


class Options(NamedTuple):
    """What is learned, and how.

    Attributes
    ----------
    solver : {"auto", "exact", "lbfgs", "adam"}
        See ``DatasetDistiller``.
    bounds : tuple of two ndarrays of shape (p,) or (m, p)
        Least and largest value of each feature, or of each entry.
    scale : ndarray of shape (p,)
        Unit of each feature.
    target_scale : float, ndarray of shape (k,) or None
        Unit of each numeric target; None if they are not learned.
    target_bounds : tuple of two ndarrays of shape () or (k,)
        Least and largest value of each numeric target.
    learn_probabilities : bool
        Whether labels are learned, as probabilities.
    weighting : {"unit", "match", "learn"}
        See ``DatasetDistiller``.
    learn_params : sequence of str
        Names of the hyperparameters to learn.
    max_iter, tol : int, float
        When to stop.
    loss_unit : float
        What ``tol`` is relative to: the variance of numeric targets.
    batch_size : int or "auto"
        Rows of a mini-batch.
    random_state : RandomState
        Shuffles the rows for mini-batches.
    """

    solver: str
    bounds: tuple
    scale: np.ndarray
    target_scale: object
    target_bounds: tuple
    learn_probabilities: bool
    weighting: str
    learn_params: tuple
    max_iter: int
    tol: float
    loss_unit: float
    batch_size: object
    random_state: object

    def variables(self, student, synthetic, scale):
        """Return the OuterVariables of a set, samples in units of ``scale``."""
        return OuterVariables(
            synthetic,
            scale,
            self.bounds,
            self.hyperparameter_limits(student),
            target_scale=self.target_scale,
            target_bounds=self.target_bounds,
            learn_probabilities=self.learn_probabilities,
            learn_weights=self.weighting == "learn",
        )

    def holds_targets(self, synthetic):
        """Return whether learned numeric targets are within their bounds."""
        low, high = self.target_bounds
        is_within = (low <= synthetic.y) & (synthetic.y <= high)
        return self.target_scale is None or bool(np.all(is_within))

    def hyperparameter_limits(self, student):
        """Return how far each learned hyperparameter and surrogate may go."""
        factors = {
            **dict.fromkeys(self.learn_params, HYPERPARAMETER_FACTOR),
            **dict.fromkeys(student.surrogates, SURROGATE_FACTOR),
        }
        values = {**student.hyperparameters, **student.surrogates}
        return {
            name: (values[name] / factor, values[name] * factor)
            for name, factor in factors.items()
        }


class Distilled(NamedTuple):
    """A distilled set and how it was found.

    Attributes
    ----------
    synthetic : SyntheticSet
        The set.
    n_iter : int
        Outer iterations on all the data.
    converged : bool
        False if ``max_iter`` ended them.
    scale_at : callable
        ``scale_at(synthetic) -> (p,)``, units of the features near a set.
    """

    synthetic: SyntheticSet
    n_iter: int
    converged: bool
    scale_at: Callable


def distill(student, objective, sample, synthetic, options, callback):
    """Distill the real data into the rows of a starting set.

    Parameters
    ----------
    student : Student
        Inner problem.
    objective, sample : DataObjective
        Outer problem on all real rows, and on a sample of them.
    synthetic : SyntheticSet
        Starting rows with their targets and weights.
    options : Options
        What is learned, and how.
    callback : callable
        ``callback(get_synthetic, loss)`` after each iteration on all rows, a true
        result stops.

    Returns
    -------
    Distilled
        The set.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the full-data model.
    """
    n_iter = 0

    def scale_at(synthetic):
        return options.scale

    if has_linear_approach(student, options):
        start = approach_linear(
            student, objective, sample, synthetic, options, callback
        )
        if (
            start.is_exact
            and options.solver != "lbfgs"
            and options.holds_targets(start.synthetic)
        ):
            return Distilled(
                start.synthetic, start.n_iter, start.converged, start.scale_at
            )
        synthetic, scale_at, n_iter = start.synthetic, start.scale_at, start.n_iter
    elif has_moment_approach(student, objective, options):
        synthetic, is_exact = approach_moments(
            student, objective, sample, synthetic, options
        )
        if is_exact and options.solver != "lbfgs":
            synthetic = _calibrate(student, sample, synthetic, options)
            return Distilled(synthetic, 0, True, scale_at)
    elif options.solver == "exact":
        raise ValueError(
            "solver='exact' is not supported for this estimator and these settings. "
            "Pass solver='auto'."
        )
    if student.surrogates:
        synthetic = _calibrate(student, sample, synthetic, options)
    synthetic, result = iterate(
        student, objective, sample, synthetic, scale_at, options, callback
    )
    return Distilled(synthetic, n_iter + result.n_iter, result.converged, scale_at)


def iterate(student, objective, sample, synthetic, scale_at, options, callback):
    """Improve a set by the bilevel iteration.

    Parameters
    ----------
    scale_at : callable
        ``scale_at(synthetic) -> (p,)``, units of the features near a set.
    student, objective, sample, synthetic, options, callback
        As for ``distill``.

    Returns
    -------
    synthetic : SyntheticSet
        The best set.
    result : OuterResult
        How the optimizer ended.
    """
    is_sampled = sample is not objective
    if student.penalty is not None:
        objective, sample = (
            PenalizedObjective(each, student.penalty, student.hyperparameters)
            for each in (objective, sample)
        )
    variables = options.variables(student, synthetic, scale_at(synthetic))

    def report(synthetic, loss):
        if student.penalty is not None:
            loss -= objective.penalty(student.solve(synthetic))
        return callback(lambda: synthetic, loss)

    if _takes_batches(student, objective, options):
        return _improve_on_batches(
            student, objective, sample, variables, options, report
        )
    if is_sampled:
        synthetic, _ = improve(
            student,
            sample,
            variables,
            callback=go_on,
            max_iter=SAMPLE_MAX_ITER,
            tol=SAMPLE_TOL * options.loss_unit,
        )
        variables = options.variables(student, synthetic, scale_at(synthetic))
    return improve(
        student,
        objective,
        variables,
        callback=report,
        max_iter=options.max_iter,
        tol=options.tol * options.loss_unit,
    )


def go_on(synthetic, loss):
    """Stop for nothing, and report to nobody."""
    return False


def _takes_batches(student, objective, options):
    if options.solver == "auto":
        is_linear = isinstance(student, LinearStudent)
        return not is_linear and objective.n_rows > MAX_FULL_ROWS
    return options.solver == "adam"


def _improve_on_batches(student, objective, sample, variables, options, report):
    def validate(x):
        params = student.solve(variables.to_synthetic(x))
        return float(sample.value_and_grad(params)[0])

    auto = options.batch_size == "auto"
    return improve(
        student,
        objective,
        variables,
        minimize=_adam.minimize,
        n_rows=objective.n_rows,
        batch_size=BATCH_ROWS if auto else options.batch_size,
        validate=validate,
        random_state=options.random_state,
        max_iter=options.max_iter,
        callback=report,
    )


def _calibrate(student, sample, synthetic, options):
    """Give the surrogates the values that suit the starting rows."""
    hyperparameters = dict(synthetic.hyperparameters)
    factors = np.geomspace(1 / SURROGATE_FACTOR, SURROGATE_FACTOR, SURROGATE_STEPS)
    for name, value in student.surrogates.items():
        losses = []
        for factor in factors:
            hyperparameters[name] = float(value * factor)
            candidate = synthetic._replace(hyperparameters=dict(hyperparameters))
            params = student.solve(candidate)
            losses.append(float(sample.value_and_grad(params)[0]))
        # The softest that is nearly the best: votes too sharp have no derivative.
        nearly = losses <= (1 + SURROGATE_SLACK) * np.nanmin(losses)
        hyperparameters[name] = float(value * factors[np.argmax(nearly)])
    return synthetic._replace(hyperparameters=hyperparameters)
