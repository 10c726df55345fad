"""The model of all the data as the start of a linear student.

Its norm tells whether rows can reproduce it, and rows that nearly do are a better start
than any rows of the data.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skdistill.solvers._bilevel import improve
from skdistill.solvers.exact._errors import raise_out_of_reach, raise_too_few_rows
from skdistill.solvers.exact._given_targets import reproducing_rows
from skdistill.solvers.exact._learned_targets import reproducing_sets
from skdistill.solvers.exact._model_of_all_rows import fit_data_model
from skdistill.solvers.exact._span import ModelSpan, is_reproduced, norm_limit
from skdistill.solvers.exact._span_loss import LinearObjective
from skdistill.students.linear._base import LinearStudent
from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import OuterVariables

#: Iterations on a few numbers of a sample of the rows, and their tolerance.
SPAN_OPTIONS = {"max_iter": 60, "tol": 3e-4}


class LinearStart(NamedTuple):
    """Where the iteration of a linear student starts.

    Attributes
    ----------
    synthetic : SyntheticSet
        Rows with the lowest loss so far.
    is_exact : bool
        Whether they reproduce the model of all the data.
    scale_at : callable
        ``scale_at(synthetic) -> (p,)``, units of the features in which the outer loss
        is round near a set.
    n_iter : int
        Iterations on all the data.
    converged : bool
        False if ``max_iter`` ended them.
    """

    synthetic: SyntheticSet
    is_exact: bool
    scale_at: Callable
    n_iter: int
    converged: bool


def has_linear_approach(student, options):
    """Whether a student is linear and judged by its training loss."""
    return isinstance(student, LinearStudent) and options.solver != "adam"


def approach_linear(student, objective, sample, synthetic, options, callback):
    """Find rows that reproduce the model of all the data, or come near.

    Parameters
    ----------
    student : LinearStudent
        Inner problem.
    objective, sample, synthetic, options, callback
        As for ``skdistill.solvers._distill.distill``.

    Returns
    -------
    LinearStart
        The rows.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    C = student.loss_strength(synthetic.hyperparameters)
    limit = np.inf
    if options.target_scale is None and np.isfinite(C):
        limit = norm_limit(student, synthetic)
    # The penalty of the estimator on all rows.
    ridge = 1 / (C * objective.total_weight)
    largest_C = _largest_strength(student, options, C)
    model = fit_data_model(
        student,
        objective,
        sample,
        ridge,
        np.sqrt(largest_C * limit),
        callback=lambda params, loss: callback(
            lambda: _set_near(student, params, synthetic, options), loss
        ),
        max_iter=options.max_iter,
        tol=options.tol,
    )
    squared_norm = float(np.vdot(model.params.coef, model.params.coef))
    if C < 2 * squared_norm / limit and C < largest_C:
        # A learned C starts at twice what is needed: rows with room look like the data.
        C = min(2 * squared_norm / limit, largest_C)
        synthetic = synthetic._replace(hyperparameters=student.hyperparameters_for(C))
    span = ModelSpan(model.params, model.whitening.mean * student.is_centered)
    best, is_exact = _best_start(student, model, span, sample, synthetic, options)
    if options.solver == "exact" and not is_exact:
        if options.target_scale is not None:
            raise_too_few_rows(student, span, synthetic)
        raise_out_of_reach(student, objective, sample, ridge, model, synthetic, limit)
    has_pulls = np.isfinite(C)
    if not is_exact and has_pulls:
        best = _improve_in_span(student, span, sample, best, options.bounds)

    def scale_at(near):
        if not has_pulls:
            return options.scale
        return 1 / (model.whitening.scale * _rms_pull(student, near))

    return LinearStart(best, is_exact, scale_at, model.n_iter, model.converged)


def _largest_strength(student, options, C):
    """Return the largest ``C`` that a learned hyperparameter stands for."""
    strengths = [C]
    for name, ends in options.hyperparameter_limits(student).items():
        strengths += [student.loss_strength({name: value}) for value in ends]
    return max(strengths)


def _candidates(student, span, params, synthetic, options):
    """Yield sets within the bounds that train to the model or near it."""
    if options.target_scale is not None:
        yield from reproducing_sets(
            student,
            params,
            synthetic,
            options.bounds,
            options.scale,
            options.target_scale,
        )
        return
    for X in reproducing_rows(student, span, synthetic, options.bounds):
        if np.isfinite(X).all():
            yield synthetic._replace(X=X)


def _set_near(student, params, synthetic, options):
    """Return a set that trains to the model or near it, for a look during its fit."""
    span = ModelSpan(params, np.zeros(synthetic.X.shape[1]))
    candidates = _candidates(student, span, params, synthetic, options)
    return next(candidates, synthetic)


def _best_start(student, model, span, sample, synthetic, options):
    """Return the set with the lowest loss on the sample, or the first exact one.

    The starting rows take part: what follows is never worse than they are.
    """
    best, best_loss = synthetic, _loss(student, sample, synthetic)[0]
    for candidate in _candidates(student, span, model.params, synthetic, options):
        loss, trained = _loss(student, sample, candidate)
        if not model.limited and is_reproduced(model.params, trained):
            return candidate, True
        if loss < best_loss:
            best, best_loss = candidate, loss
    return best, False


def _improve_in_span(student, span, sample, synthetic, bounds):
    """Improve what the data's model sees of the rows, in as many numbers as it sees.

    The real rows are projected once; the units and the number of the features do not
    matter here. The result is extended to rows, and kept if it is better.
    """
    if not span.V.size:
        return synthetic
    Z = span.project(sample.X.astype(np.float64))
    projected = LinearObjective(
        Z, student.encode(sample.y), sample.sample_weight, student
    )
    start = synthetic._replace(X=span.project(synthetic.X))
    spread = Z.std(axis=0)
    scale = 1 / (np.where(spread > 0, spread, 1.0) * _rms_pull(student, start))
    free = np.full(Z.shape[1], np.inf)
    variables = OuterVariables(start, scale, (-free, free), {})
    seen, _ = improve(
        student,
        projected,
        variables,
        callback=lambda synthetic, loss: False,
        **SPAN_OPTIONS,
    )
    pull = _pull(student, seen, student.solve(seen))
    X = np.clip(span.extend(seen.X, pull, synthetic.X), *bounds)
    improved = synthetic._replace(X=X)
    if _loss(student, sample, improved)[0] < _loss(student, sample, synthetic)[0]:
        return improved
    return synthetic


def _loss(student, objective, synthetic):
    """Return the outer loss of a set and the params that it trains to."""
    params = student.solve(synthetic)
    return float(objective.value_and_grad(params)[0]), params


def _pull(student, synthetic, params):
    """Return ``A`` (m, k), by which the rows pull at the coefficients."""
    return student.pull(synthetic.X @ params.coef.T + params.intercept, synthetic)


def _rms_pull(student, synthetic):
    """Root mean square pull of a row: by how much more a coefficient moves than it."""
    pull = _pull(student, synthetic, student.solve(synthetic))
    return max(np.linalg.norm(pull) / np.sqrt(len(pull)), 1e-6)
