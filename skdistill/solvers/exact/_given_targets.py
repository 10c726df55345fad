"""Rows on which a linear student trains to a given model, such as the full-data one.

For coefficients ``W`` (k, p) and intercepts ``b``, stationarity on ``m`` synthetic rows
``S`` with weights ``w`` reads ``W = A' S`` and ``A' 1 = c b``, where the pull of a row
is ``A_i = -C w_i dl/dz(z_i, y_i)``, ``Z = S W' + b``, and ``c`` is the penalty of the
intercept, mostly zero. Targets that are learned come from ``_learned_targets``; here
they are given. With the singular value decomposition ``W = V U'`` (singular values in
``V``) and the part ``Q = S U`` of the rows that the model sees::

    A(Q)' Q = V,    A(Q)' 1 = c b,    Z = Q V' + b

is a small system for ``Q`` (m, r). Each of its solutions extends to rows

    S = Q U' + (I - A pinv(A)) S0 (I - U U'),

the closest to reference rows ``S0`` that train to ``(W, b)`` with this ``Q``: the first
term alone has ``S W' + b = Z`` and ``A' S = V U' = W``, and what is added is orthogonal
to ``U`` on one side and to ``A`` on the other. Bounds on the features are met by
alternating projections: the freedom is in what the model does not see.

The trace of the first equation limits the norm in reach, by what the loss limits::

    ||W||_F^2 + c ||b||^2 = sum_i <z_i, A_i> <= C sum_i w_i max_z -<z, dl/dz(z, y_i)>

The maximum is ``lambertw((k - 1) / e)`` for the log losses, ``|t| / 2`` for each output
of the squared hinge, and ``y^2 / (2 k)`` for each of a squared error that is averaged
over ``k`` outputs; with a free intercept ``y`` may be taken from its mean there. For
the squared error a closed form says exactly which models are in reach, see
``_squared_error``.
"""

import numpy as np
from scipy.optimize import brentq

from skdistill.solvers.exact._hinge import near_labels, solve_hinge
from skdistill.solvers.exact._pull_system import PullSystem
from skdistill.solvers.exact._span import project_into_box
from skdistill.solvers.exact._squared_error import squared_error_rows


def reproducing_rows(student, span, synthetic, bounds):
    """Yield rows that train to a model, or near it if it is out of reach.

    The system has many solutions, and the search for one may end beside them: each
    result comes from another start.

    Parameters
    ----------
    student : LinearStudent
        States the loss and whether there is an intercept.
    span : ModelSpan
        The model to reproduce.
    synthetic : SyntheticSet
        Reference rows, with the targets, weights and ``C`` that they train with.
    bounds : tuple of two ndarrays of shape (p,)
        Least and largest value of each feature.

    Yields
    ------
    ndarray of shape (m, p)
        Samples within the bounds.
    """
    if not span.V.size:
        return

    def extended(Q, A):
        return project_into_box(lambda X: span.extend(Q, A, X), synthetic.X, bounds)

    Q0 = span.project(synthetic.X)
    C = student.strength_on(synthetic)
    if np.isfinite(C):
        system = PullSystem(student, span, synthetic, Q0)
        if student.loss.is_hinge:
            for start in (Q0, near_labels(student, span, synthetic, Q0)):
                Q = solve_hinge(system, start)
                yield extended(Q, system.pull(Q))
        confident = _confident_start(student, span, synthetic, system, Q0)
        for start in (confident, system.nearest_felt(Q0)):
            Q = system.solve(start)
            yield extended(Q, system.pull(Q))
    if student.loss.is_quadratic:
        alpha = student.n_outputs / (2 * C)
        yield extended(*squared_error_rows(span, synthetic, alpha, student, Q0))


def _confident_start(student, span, synthetic, system, Q):
    """Where all rows are right by the same, by so much as to pull with the norm."""
    target = np.vdot(span.V, span.wanted) + np.vdot(system.balance, span.intercept)
    if student.soft_labels:
        raw = system.raw(Q)
        Z = _confident_scores(student.loss, raw, system.y, system.weight, target)
    else:
        origin = student.start_of(synthetic.y, synthetic.sample_weight)
        Z = _scores_on_rays(student.loss, origin, system.y, system.weight, target)
    return np.linalg.lstsq(span.V, (Z - span.intercept).T, rcond=None)[0].T


def _scores_on_rays(loss, origin, y, weight, target):
    """Scores on the ray to where a row at an origin is pulled, as far as asked."""
    start = np.tile(origin, (len(y), 1))
    rays = -loss.gradient(start, y)

    def pull(length):
        steps = length * rays
        return (
            -weight @ np.sum(steps * loss.gradient(start + steps, y), axis=1) - target
        )

    lengths = np.geomspace(1e-3, 1e3, 200)
    with np.errstate(over="ignore"):
        values = np.array([pull(length) for length in lengths])
    reached = np.flatnonzero(values > 0)
    if not len(reached) or reached[-1] == len(lengths) - 1:
        return start + lengths[np.argmax(values)] * rays
    return start + brentq(pull, *lengths[reached[-1] :][:2]) * rays


def _confident_scores(loss, Z, y, weight, target):
    """Scores with one and the same error ``u`` in every row, of the trace asked for.

    Each row keeps what it says of the other classes, and is right with probability
    ``1 - u``: none is too far out to be moved, none on the wrong side.
    """
    if y.ndim == 1:
        Y = np.column_stack([1 - y, y])
        Z = np.column_stack([np.zeros(len(Z)), Z[:, 0]])
    else:
        Y = y
    others = np.where(Y > 0, -np.inf, Z)
    others = np.exp(np.maximum(others - others.max(axis=1, keepdims=True), -4.0))
    others = np.where(Y > 0, 0.0, others)
    others /= others.sum(axis=1, keepdims=True)

    def probabilities(u):
        return np.where(Y > 0, 1 - u, u * others)

    def excess(log_u):
        p = probabilities(np.exp(log_u))
        return weight @ np.sum((Y - p) * np.log(p), axis=1) - target

    errors = np.linspace(np.log(1e-12), np.log(0.4), 50)
    values = np.array([excess(log_u) for log_u in errors])
    reached = np.flatnonzero(values > 0)
    if not len(reached):
        log_u = errors[np.argmax(values)]
    elif reached[0] == 0:
        log_u = errors[0]
    else:
        log_u = brentq(excess, errors[reached[0] - 1], errors[reached[0]])
    scores = np.log(probabilities(np.exp(log_u)))
    if y.ndim == 1:
        return scores[:, 1:] - scores[:, :1]
    return scores - scores.mean(axis=1, keepdims=True)
