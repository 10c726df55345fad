"""Rows that reproduce the model of all the data, for a linear model behind a scaler.

What is to be reproduced is the model of the raw features, ``W`` (k, p). A scaler that
finds the scales ``s`` (p,) in the synthetic rows has the linear student see rows
``Z = (X - c) / s`` and look for ``W diag(s)``, which rows near ``Z`` train to if its
norm allows (``_given_targets``). Moved there, the rows have other scales. Each round
moves them less, and the fixed point is a set whose own scales are those that it needs.

The norm allows if rows are drawn together: ``||W diag(s)||`` falls with ``s``, and its
bound stays. By how much is best is not known before it is tried.

Where values are missing, an imputer comes first, and the model is that of rows filled
with means. Rows that reproduce it are where the iteration starts: what is imputed is
their own mean, which is moved as near to that of the real rows as the model allows.

Numeric targets that are learned need no such rounds: where the rows span the features,
they stay, and pulls ``A = pinv(Z)' W'`` are made by targets.
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

#: Squared norm that rows are drawn together for at least, as a share of its bound.
NORM_SHARE = 0.6
#: By which factors they are drawn together further, one attempt after the other, and
#: from which share on they are drawn together in each round.
ATTEMPTS = (
    (1.0, 1.0),
    (1.0, NORM_SHARE),
    (0.7, NORM_SHARE),
    (0.4, np.inf),
    (0.13, np.inf),
)
#: Rounds in which the rows move towards their fixed point.
MAX_ROUNDS = 100
#: Rounds in which the error has to fall by half.
PATIENCE = 10


def is_scaled(problem):
    """Whether exact rows are sought behind a scaler.

    The student is a linear one with a free intercept. Where the loss alone counts, and
    on folds, which tell how long to iterate, the iteration begins at the starting rows:
    on all rows it is not needed then, but for rows that are rounded or have gaps.
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
        Its student is a linear one behind a scaler.
    report : Report
        Takes note of the iterations towards the model.

    Returns
    -------
    Start
        The rows; those that the problem starts from if none are found.

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
    # Rows that are rounded go on from there, and are judged on the way.
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
    # By scikit-learn: JAX would compile for the number of rows.
    steps = problem.student.estimator.steps[:-1]
    fitted = clone(Pipeline(steps)).fit(rows)
    return problem.student.chain.stats_of(fitted)[-1]


def _model_of_all_rows(problem, unit, report):
    """Return the model of all rows, for their raw features, and how its fit ended.

    The model is None where it would be expensive.
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
    """Return the model of scaled features that is ``params`` for raw ones."""
    coef, intercept = params
    return LinearParams(coef * scaling.scale, intercept + coef @ scaling.center)


def _unscaled(params, scaling):
    """Return the model of raw features that is ``params`` for scaled ones."""
    coef = params.coef / scaling.scale
    return LinearParams(coef, params.intercept - coef @ scaling.center)


class _Rows:
    """The search for rows.

    Parameters
    ----------
    problem : Problem
        What is to be solved.
    model : LinearParams
        The model of all rows, for raw features.
    unit : Scaling
        Scales of the real rows, the units of its errors.
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
        """Return the starting rows with targets that make them train to the model."""
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
        """Return rows that train to the model with the targets that they have."""
        if not self.model.coef.any():
            return None
        start = self._within_norm(self.problem.start)
        for factor, most in ATTEMPTS:
            found = self._fixed_point(self._drawn_together(start, factor), most)
            if found is not None:
                return found
        return None

    def _within_norm(self, synthetic, most=NORM_SHARE):
        """Draw rows together if their squared norm exceeds a share of its bound."""
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
        """Move all rows alike, across the model, towards the real means."""
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
        """Return scaled rows that train to a model, near those given, or None."""
        span = ModelSpan(wanted, behind.X.mean(axis=0))
        candidates = reproducing_rows(self.linear, span, behind, bounds)
        if not is_first:
            # Rows that nearly do it already need no start from elsewhere.
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
        """Return the set behind the scaler, the model that it looks for, and scales."""
        behind = self.student.behind(synthetic)
        scaling = Scaling(*self.student.fitted_stats(synthetic.X)[-1])
        return behind, _scaled(self.model, scaling), scaling
