"""The model of all the data as the start of a linear student.

Its norm tells whether rows can reproduce it, and rows that nearly do are a better start
than any rows of the data.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skdistill._bilevel import improve
from skdistill._containers import SyntheticSet
from skdistill._data_model import fit_data_model
from skdistill._exact import ModelSpan, is_reproduced, pull_limit, reproducing_rows
from skdistill._outer_variables import OuterVariables
from skdistill.objectives._linear import LinearObjective
from skdistill.students._linear import LinearStudent

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
    return (
        isinstance(student, LinearStudent)
        and student.loss_name == "log_loss"
        and options.solver != "adam"
    )


def approach_linear(student, objective, sample, synthetic, options, callback):
    """Find rows that reproduce the model of all the data, or come near.

    Parameters
    ----------
    student : LinearStudent
        Inner problem.
    objective, sample, synthetic, options, callback
        As for ``skdistill._distillation.distill``.

    Returns
    -------
    LinearStart
        The rows.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    bounds = options.bounds
    n_classes = max(student.n_outputs, 2)
    limit = pull_limit(n_classes) * synthetic.sample_weight.sum()
    C = synthetic.hyperparameters["C"]
    # The penalty of the estimator on all rows.
    ridge = 1 / (C * objective.total_weight)
    _, largest_C = options.hyperparameter_limits(student).get("C", (C, C))
    model = fit_data_model(
        student,
        objective,
        sample,
        ridge,
        np.sqrt(largest_C * limit),
        callback=lambda params, loss: callback(
            lambda: _rows_near(student, params, synthetic, bounds), loss
        ),
        max_iter=options.max_iter,
        tol=options.tol,
    )
    squared_norm = float(np.vdot(model.params.coef, model.params.coef))
    # A learned C starts at twice what is needed: rows with room look like the data.
    C = min(max(C, 2 * squared_norm / limit), largest_C)
    synthetic = synthetic._replace(hyperparameters={"C": C})
    origin = model.whitening.mean * student.fit_intercept
    span = ModelSpan(model.params, origin)
    best, is_exact = _best_start(student, model, span, sample, synthetic, bounds)
    if options.solver == "exact" and not is_exact:
        _raise_out_of_reach(student, objective, sample, ridge, model, synthetic, limit)
    if not is_exact:
        best = _improve_in_span(student, span, sample, best, bounds)
    return LinearStart(
        best,
        is_exact,
        lambda near: 1 / (model.whitening.scale * _rms_pull(student, near)),
        model.n_iter,
        model.converged,
    )


def _rows_near(student, params, synthetic, bounds):
    """Rows that train to the model or near it, for a look during its fit."""
    span = ModelSpan(params, np.zeros(synthetic.X.shape[1]))
    for X in reproducing_rows(student, span, synthetic):
        return synthetic._replace(X=np.clip(X, *bounds))
    return synthetic


def _best_start(student, model, span, sample, synthetic, bounds):
    """Return the set with the lowest loss on the sample, or the first exact one.

    The starting rows take part: what follows is never worse than they are.
    """
    best, best_loss = synthetic, _loss(student, sample, synthetic)[0]
    for X in reproducing_rows(student, span, synthetic):
        if not np.isfinite(X).all():
            continue
        candidate = synthetic._replace(X=np.clip(X, *bounds))
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
    scale = 1 / (Z.std(axis=0) * _rms_pull(student, start))
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
    raw = synthetic.X @ params.coef.T + params.intercept
    weight = synthetic.hyperparameters["C"] * synthetic.sample_weight
    return -weight[:, None] * student.loss.gradient(raw, synthetic.y)


def _rms_pull(student, synthetic):
    """Root mean square pull of a row: by how much more a coefficient moves than it."""
    pull = _pull(student, synthetic, student.solve(synthetic))
    return max(np.linalg.norm(pull) / np.sqrt(len(pull)), 1e-6)


def _raise_out_of_reach(student, objective, sample, ridge, model, synthetic, limit):
    """Say what would bring the full-data model within reach."""
    if not model.limited:
        raise ValueError(
            "solver='exact' found no rows within the bounds that reproduce the "
            "full-data model. Pass more rows, another init, weighting='match', or "
            "solver='auto', which returns the best rows it finds."
        )
    full = fit_data_model(
        student,
        objective,
        sample,
        ridge,
        np.inf,
        max_iter=100,
        tol=1e-4,
        callback=None,
    )
    squared_norm = np.vdot(full.params.coef, full.params.coef)
    C, m = synthetic.hyperparameters["C"], len(synthetic.X)
    raise ValueError(
        "solver='exact' cannot reproduce the full-data model: its squared norm is "
        f"{squared_norm:.4g}, and {m} rows of total weight "
        f"{synthetic.sample_weight.sum():.4g} with C={C:.4g} induce at most "
        f"{C * limit:.4g}. It takes C >= {squared_norm / limit:.4g}, or about "
        f"{int(np.ceil(m * squared_norm / (C * limit)))} rows, or weighting='match'; "
        "solver='auto' returns the best rows within reach."
    )
