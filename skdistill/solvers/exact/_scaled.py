"""Exact sets for a linear model behind a scaler.

The rows have to reproduce the model of the raw features, ``W`` (k, p). The scaler finds
scales ``s`` (p,) in the synthetic rows, so the linear student gets rows
``Z = (X - c) / s`` and has to train to ``W diag(s)``. If the norm of this model allows,
there are rows near ``Z`` that do (``_given_targets``). Moving the rows there changes
their scales, so this is repeated. The rows move less in each round. At the fixed point
the rows reproduce the model with their own scales.

The norm can be reduced by shrinking the rows toward their mean: ``||W diag(s)||`` falls
with ``s``, while its bound stays the same. Several factors are tried.

If values are missing, an imputer comes first, and the model is that of rows filled with
means. Rows that reproduce it are only a start for the iteration. The imputer takes
their own mean, so it is moved as near to the mean of the real rows as the model allows.

Learned numeric targets need no rounds. If the rows span the features, they do not move,
and targets are chosen such that the pulls are ``A = pinv(Z)' W'``.
"""

from dataclasses import replace
from itertools import chain

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skdistill.optimizers._outcome import Outcome
from skdistill.real._moments import mean_and_deviation
from skdistill.solvers._problem import Start
from skdistill.solvers.exact._given_targets import reproducing_rows
from skdistill.solvers.exact._model_of_all_rows import (
    fit_model_of_all_rows,
    ridge_on_all_rows,
)
from skdistill.solvers.exact._pull_system import PullSystem
from skdistill.solvers.exact._span import (
    EXACT_TOL,
    ModelSpan,
    is_reproduced,
    norm_limit,
    project_into_box,
)
from skdistill.solvers.exact._sparse import sparse_model_of_all_rows, sums_on_support
from skdistill.students._params import LinearParams
from skdistill.students.composed._pipeline import PipelineStudent
from skdistill.students.composed.transformers._scaling import (
    Robust,
    Scaling,
    Standard,
)
from skdistill.students.linear._base import PenalizedLinearStudent
from skdistill.students.linear._sparse_base import SparseLinearStudent

#: Rows are shrunk until the squared norm of the model is this share of its bound.
NORM_SHARE = 0.6
#: Attempts: a further factor by which the rows are shrunk at the start, and the share
#: of the bound above which they are shrunk again in each round.
ATTEMPTS = (
    (1.0, 1.0),
    (1.0, NORM_SHARE),
    (0.7, NORM_SHARE),
    (0.4, np.inf),
    (0.13, np.inf),
)
#: Maximum number of rounds towards the fixed point.
MAX_ROUNDS = 100
#: Number of rounds in which the error has to fall by half.
PATIENCE = 10


def is_scaled(problem):
    """Whether to search for exact rows behind a scaler.

    The student has to be a linear one with a free intercept. There is no search for
    ``solver="lbfgs"``, and none for ``solver="exact"`` if values are missing. There is
    also none on a part of the rows, which only judges the iteration, unless the rows
    will be rounded or values are missing.
    """
    student, options = problem.student, problem.options
    is_fold = problem.is_part and not (problem.rounds or problem.has_gaps)
    if is_fold or options.solver == "lbfgs":
        return False
    if options.solver == "exact" and problem.has_gaps:
        return False
    if not isinstance(student, PipelineStudent) or student.scaler is None:
        return False
    inner = student.student
    if isinstance(inner, SparseLinearStudent):
        return inner.is_centered and options.target_scale is not None
    return isinstance(inner, PenalizedLinearStudent) and inner.is_centered


def reach_model_scaled(problem, report):
    """Find rows that reproduce the model of all the data.

    Parameters
    ----------
    problem : Problem
        The problem, whose student is a linear one behind a scaler.
    report : Report
        Takes note of the iterations towards the model.

    Returns
    -------
    Start
        The rows, or the starting rows of the problem if none are found.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    options, start = problem.options, problem.start
    unit = _scaling_of_all_rows(problem)
    model, outcome = _model_of_all_rows(problem, unit, report)
    found = None
    if model is not None:
        rows = _Rows(problem, model, unit)
        learns_targets = options.target_scale is not None
        found = rows.with_targets() if learns_targets else rows.moved()
    if report.stopped:
        found = None
    if found is None and options.solver == "exact" and not report.stopped:
        raise ValueError(
            f"solver='exact' found no {len(start.X)} rows within the bounds that "
            "reproduce the full-data model of the pipeline. Pass more rows, a larger C "
            "or a smaller alpha, a wider feature_range, or solver='auto', which "
            "returns the best rows it finds."
        )
    if found is not None and problem.has_gaps:
        found = rows.near_means(found)
    best = start if found is None else found
    # Otherwise the rows are only a start for the iteration.
    is_exact = found is not None and not (problem.rounds or problem.has_gaps)
    return Start(best, lambda _: options.units, is_exact, outcome)


def _scaling_of_all_rows(problem):
    """Return the Scaling that the scaler finds in all real rows."""
    scaler, real = problem.student.scaler, problem.real.filled
    if isinstance(scaler, Standard):
        mean, deviation = mean_and_deviation(real)
        rows = np.stack([mean - deviation, mean + deviation])
    elif isinstance(scaler, Robust):
        rows = problem.sample.filled.X.astype(np.float64)
    else:
        rows = np.stack([real.low, real.high])
    # Use scikit-learn, because JAX would compile for this number of rows.
    steps = problem.student.estimator.steps[:-1]
    fitted = clone(Pipeline(steps)).fit(rows)
    return problem.student.chain.stats_of(fitted)[-1]


def _model_of_all_rows(problem, unit, report):
    """Return the model of all rows for the raw features, and how its fit ended.

    The model is None if it would be expensive.
    """
    student = problem.student.student
    scaled = problem.real.filled.rescaled(*unit)
    sample = problem.sample.filled.rescaled(*unit)
    sample = sample.extract(np.arange(sample.n_rows))
    behind = problem.student.behind(problem.start)
    inner = replace(problem, student=student, real=scaled, sample=sample, start=behind)
    if isinstance(student, SparseLinearStudent):
        model = sparse_model_of_all_rows(inner)
        return None if model is None else _unscaled(model, unit), Outcome.CONVERGED
    model = fit_model_of_all_rows(
        inner,
        ridge_on_all_rows(student, behind.hyperparameters, problem.real),
        np.inf,
        callback=lambda params, loss: report.model_iteration(
            lambda: problem.start, loss
        ),
    )
    return _unscaled(model.params, unit), model.outcome


def _scaled(params, scaling):
    """Return the model of scaled features that equals ``params`` of raw features."""
    coef, intercept = params
    return LinearParams(coef * scaling.scale, intercept + coef @ scaling.center)


def _unscaled(params, scaling):
    """Return the model of raw features that equals ``params`` of scaled features."""
    coef = params.coef / scaling.scale
    return LinearParams(coef, params.intercept - coef @ scaling.center)


class _Rows:
    """The search for rows that reproduce a model.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    model : LinearParams
        The model of all rows, for raw features.
    unit : Scaling
        Scales of the real rows, which are the units of errors.
    """

    def __init__(self, problem, model, unit):
        self.problem, self.model, self.unit = problem, model, unit
        self.student = problem.student
        self.linear = problem.student.student

    def error(self, synthetic):
        """Return the largest error of a coefficient, relative to the largest."""
        trained = self.student.solve(synthetic)
        trained = _scaled(_unscaled(trained.params, trained.stats[-1]), self.unit)
        expected = _scaled(self.model, self.unit)
        size = np.abs(expected.coef).max()
        errors = [np.abs(trained.coef - expected.coef).max()]
        errors += [np.abs(trained.intercept - expected.intercept).max()]
        return max(errors) / size if size else np.inf

    def with_targets(self):
        """Return the starting rows with targets that reproduce the model, or None."""
        synthetic = self.problem.start
        behind, wanted, _ = self._seen(synthetic)
        Z = behind.X - behind.X.mean(axis=0)
        sums = wanted.coef
        if isinstance(self.linear, SparseLinearStudent):
            sums = sums_on_support(self.linear, behind, wanted)
        pull = np.linalg.pinv(Z.T) @ sums.T
        raw = behind.X @ wanted.coef.T + wanted.intercept
        targets = self.linear.targets_for(raw, pull, behind)
        found = synthetic._replace(y=targets)
        if np.isfinite(targets).all() and self.problem.options.holds_targets(found):
            return found if self.error(found) <= EXACT_TOL else None
        return None

    def moved(self):
        """Return rows that reproduce the model with their own targets, or None."""
        if not self.model.coef.any():
            return None
        start = self._within_norm(self.problem.start)
        for factor, most in ATTEMPTS:
            found = self._fixed_point(self._drawn_together(start, factor), most)
            if found is not None:
                return found
        return None

    def _within_norm(self, synthetic, most=NORM_SHARE):
        """Shrink rows if the squared norm of the model exceeds a share of its bound."""
        behind, wanted, _ = self._seen(synthetic)
        limit = self.linear.strength_on(behind) * norm_limit(self.linear, behind)
        share = np.vdot(wanted.coef, wanted.coef) / limit
        if share <= most:
            return synthetic
        return self._drawn_together(synthetic, np.sqrt(NORM_SHARE / share))

    def _drawn_together(self, synthetic, factor):
        center = synthetic.X.mean(axis=0)
        X = center + factor * (synthetic.X - center)
        return synthetic._replace(X=np.clip(X, *self._bounds))

    def near_means(self, synthetic):
        """Shift all rows towards the real means, without changing the model."""
        scale = self.unit.scale
        mean = mean_and_deviation(self.problem.real.filled)[0]
        gap = (mean - synthetic.X.mean(axis=0)) / scale
        coef = self.model.coef * scale
        gap -= np.linalg.pinv(coef) @ (coef @ gap)
        moved = synthetic._replace(X=np.clip(synthetic.X + gap * scale, *self._bounds))
        return moved if self.error(moved) <= EXACT_TOL else synthetic

    def _fixed_point(self, synthetic, most):
        errors = []
        for i in range(MAX_ROUNDS):
            synthetic = self._within_norm(synthetic, most)
            behind, wanted, scaling = self._seen(synthetic)
            bounds = tuple((b - scaling.center) / scaling.scale for b in self._bounds)
            Z = self._nearest(behind, wanted, bounds, is_first=i == 0)
            if Z is None:
                return None
            X = np.clip(scaling.center + scaling.scale * Z, *self._bounds)
            synthetic = synthetic._replace(X=X)
            errors.append(self.error(synthetic))
            if errors[-1] <= EXACT_TOL:
                return synthetic
            is_stuck = i >= PATIENCE and errors[-1] > errors[-1 - PATIENCE] / 2
            if is_stuck or not np.isfinite(errors[-1]):
                return None
        return None

    def _nearest(self, behind, wanted, bounds, is_first):
        """Return scaled rows near given ones that train to a model, or None."""
        span = ModelSpan(wanted, behind.X.mean(axis=0))
        candidates = reproducing_rows(self.linear, span, behind, bounds)
        if not is_first:
            # First try the given rows as the start: they nearly solve the equations.
            Q = span.project(behind.X)
            system = PullSystem(self.linear, span, behind, Q)
            Q = system.solve(Q)
            A = system.pull(Q)
            near = project_into_box(lambda X: span.extend(Q, A, X), behind.X, bounds)
            candidates = chain([near], candidates)
        for Z in candidates:
            if np.isfinite(Z).all() and is_reproduced(
                wanted, self.linear.solve(behind._replace(X=Z))
            ):
                return Z
        return None

    @property
    def _bounds(self):
        return self.problem.options.bounds

    def _seen(self, synthetic):
        """Return the set behind the scaler, the model to train to, and the scales."""
        behind = self.student.behind(synthetic)
        scaling = Scaling(*self.student.fitted_stats(synthetic.X)[-1])
        return behind, _scaled(self.model, scaling), scaling
