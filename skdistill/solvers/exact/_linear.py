"""Exact sets of linear students, and starts near the model of all the data.

The norm of the model of all the data tells whether rows can reproduce it. If they
cannot, rows that come near it are a better start than real rows.
"""

from itertools import chain

import numpy as np

from skdistill.solvers._bilevel import minimize_outer_loss
from skdistill.solvers._problem import Start
from skdistill.solvers.exact._errors import raise_out_of_reach, raise_too_few_rows
from skdistill.solvers.exact._given_targets import reproducing_rows
from skdistill.solvers.exact._learned_targets import reproducing_sets
from skdistill.solvers.exact._model_of_all_rows import (
    fit_model_of_all_rows,
    ridge_on_all_rows,
)
from skdistill.solvers.exact._round_units import LEAST_PULL, RoundUnits
from skdistill.solvers.exact._span import ModelSpan, is_reproduced, norm_limit
from skdistill.solvers.exact._span_loss import SpanLoss
from skdistill.synthetic._variables import FeatureUnits, OuterVariables

#: Options of the iteration on a sample, projected on the span of the model.
SPAN_OPTIONS = {"max_iter": 60, "tol": 3e-4}


def reach_model_linear(problem, report):
    """Find rows that reproduce the model of all the data, or come near.

    Parameters
    ----------
    problem : Problem
        Its student is a ``LinearStudent``.
    report : Report
        Takes note of the iterations towards the model.

    Returns
    -------
    Start
        The rows.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    student, options, synthetic = problem.student, problem.options, problem.start
    C, total = student.strength_on(synthetic), synthetic.sample_weight.sum()
    limit = np.inf
    if options.target_scale is None and np.isfinite(C):
        limit = norm_limit(student, synthetic)
    # The penalty of the estimator on all rows.
    ridge = ridge_on_all_rows(student, synthetic.hyperparameters, problem.real)
    largest_C = _largest_strength(student, options, C, total)
    model = fit_model_of_all_rows(
        problem,
        ridge,
        np.sqrt(largest_C * limit),
        callback=lambda params, loss: report.model_iteration(
            lambda: _set_near(problem, params, synthetic), loss
        ),
    )
    squared_norm = float(np.vdot(model.params.coef, model.params.coef))
    if squared_norm > 0.5 * C * limit and C < largest_C and limit > 0:
        # A learned C starts at twice the necessary value, so that the rows can stay
        # near the data.
        C = min(2 * squared_norm / limit, largest_C)
        synthetic = synthetic._replace(
            hyperparameters=student.hyperparameters_for(C, total)
        )
    span = ModelSpan(model.params, model.whitening.mean * student.is_centered)
    best, is_exact = _best_start(problem, model, span, synthetic)
    if options.solver == "exact" and not is_exact and not report.stopped:
        if options.target_scale is not None:
            raise_too_few_rows(student, span, synthetic)
        raise_out_of_reach(problem, ridge, model, synthetic, limit)
    has_pulls = np.isfinite(C)
    if not is_exact and has_pulls and not report.stopped:
        best = _improve_in_span(problem, span, best)

    def units_at(near):
        return _round_units(problem, model, near) if has_pulls else options.units

    return Start(best, units_at, is_exact, model.outcome)


def _largest_strength(student, options, C, total):
    """Return the largest ``C`` that a learned hyperparameter can lead to."""
    strengths = [C]
    for name, ends in options.hyperparameter_limits(student).items():
        strengths += [student.strength({name: value}, total) for value in ends]
    return max(strengths)


def _candidates(problem, span, params, synthetic):
    """Yield sets within the bounds that train to the model, or near it."""
    student, options = problem.student, problem.options
    if options.target_scale is not None:
        yield from reproducing_sets(
            student,
            params,
            synthetic,
            options.bounds,
            options.scale,
            options.target_scale,
            target_bounds=options.target_bounds,
            ranges=(problem.real.low, problem.real.high),
            target_ranges=(problem.real.targets.low, problem.real.targets.high),
        )
        return
    for X in reproducing_rows(student, span, synthetic, options.bounds):
        if np.isfinite(X).all():
            yield synthetic._replace(X=X)


def _set_near(problem, params, synthetic):
    """Return a set that trains to a model or near it, for callbacks during its fit."""
    span = ModelSpan(params, np.zeros(synthetic.X.shape[1]))
    return next(_candidates(problem, span, params, synthetic), synthetic)


def _best_start(problem, model, span, synthetic):
    """Return the set with the lowest loss on the sample, or the first exact one.

    The starting rows are among the candidates, also with their original ``C``, so the
    result is never worse than they are.
    """
    best, best_loss = problem.start, _loss(problem, problem.start)[0]
    candidates = _candidates(problem, span, model.params, synthetic)
    for candidate in chain([synthetic], candidates):
        loss, trained = _loss(problem, candidate)
        is_exact = not model.limited and is_reproduced(model.params, trained)
        is_exact &= problem.options.holds_targets(candidate)
        # The loss of other rows may be lower than that of exact rows.
        if is_exact and (loss < best_loss or problem.options.solver != "lbfgs"):
            return candidate, True
        if loss < best_loss:
            best, best_loss = candidate, loss
    return best, False


def _improve_in_span(problem, span, synthetic):
    """Improve the projection of the rows on the span of the model of all data.

    The real rows are projected, too, so an iteration is fast for any number of
    features. The result is extended to rows, and kept if it has a lower loss.
    """
    if not span.V.size:
        return synthetic
    student, sample = problem.student, problem.sample
    Z = span.project(sample.X.astype(np.float64))
    projected = SpanLoss(Z, student.encode(sample.y), sample.sample_weight, student)
    start = synthetic._replace(X=span.project(synthetic.X))
    spread = Z.std(axis=0)
    pull = _pull(student, start, student.solve(start))
    rms = np.linalg.norm(pull) / np.sqrt(len(pull))
    rms /= student.raw_unit(problem.options.loss_unit)
    scale = 1 / (np.where(spread > 0, spread, 1.0) * max(rms, LEAST_PULL))
    free = np.full(Z.shape[1], np.inf)
    seen, _ = minimize_outer_loss(
        student,
        projected,
        OuterVariables(start, FeatureUnits(scale), (-free, free), {}),
        unit=problem.options.loss_unit,
        callback=lambda synthetic, loss: False,
        **SPAN_OPTIONS,
    )
    pull = _pull(student, seen, student.solve(seen))
    X = np.clip(span.extend(seen.X, pull, synthetic.X), *problem.options.bounds)
    improved = synthetic._replace(X=X)
    if _loss(problem, improved)[0] < _loss(problem, synthetic)[0]:
        return improved
    return synthetic


def _loss(problem, synthetic):
    """Return the loss of a set on the sample, and the trained params."""
    params = problem.student.solve(synthetic)
    return problem.sample_loss.value(params), params


def _pull(student, synthetic, params):
    """Return the pulls ``A`` (m, k) of the rows."""
    return student.pull(synthetic.X @ params.coef.T + params.intercept, synthetic)


def _round_units(problem, model, synthetic):
    """Return coordinates of rows near a set in which the outer loss is round.

    Pulls are in units of raw predictions, the square of which is the unit of most
    losses.
    """
    student, sample = problem.student, problem.sample
    params = student.solve(synthetic)
    pull = _pull(student, synthetic, params) / student.raw_unit(
        problem.options.loss_unit
    )
    raw = sample.X @ params.coef.T + params.intercept
    hessians = student.loss.convex_hessian(raw, student.encode(sample.y))
    share = sample.sample_weight / sample.sample_weight.sum()
    curvature = [share @ hessians.columns(c) for c in range(student.n_outputs)]
    units = RoundUnits(model.whitening, pull, np.stack(curvature, axis=1))
    # If targets are learned, the pulls are not fixed.
    return units if problem.options.target_scale is None else units.of_features
