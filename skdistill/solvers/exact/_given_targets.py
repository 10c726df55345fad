"""Rows with given targets on which a linear student trains to a given model.

The model is usually that of all real rows. (``_learned_targets`` does the same with
learned targets.) For coefficients ``W`` (k, p) and intercepts ``b``, the stationarity
equations on ``m`` synthetic rows ``S`` with weights ``w`` are ``W = A' S`` and
``A' 1 = c b``. Here ``A_i = -C w_i dl/dz(z_i, y_i)`` is called the pull of row ``i``,
``Z = S W' + b`` are the raw predictions, and ``c`` is the penalty of the intercept,
which is usually zero. Let ``W = V U'`` be a singular value decomposition with the
singular values in ``V``, and ``Q = S U`` the projection of the rows on the span of the
model. Then the equations are a small system for ``Q`` (m, r)::

    A(Q)' Q = V,    A(Q)' 1 = c b,    Z = Q V' + b

Each solution extends to rows

    S = Q U' + (I - A pinv(A)) S0 (I - U U'),

which are the closest ones to reference rows ``S0`` that train to ``(W, b)`` with this
``Q``. Indeed the first term alone has ``S W' + b = Z`` and ``A' S = V U' = W``, and the
second term is orthogonal to ``U`` on one side and to ``A`` on the other. Bounds on the
features are met by alternating projections.

The trace of the first equation and the loss bound the norm of models in reach::

    ||W||_F^2 + c ||b||^2 = sum_i <z_i, A_i> <= C sum_i w_i max_z -<z, dl/dz(z, y_i)>

The maximum is ``lambertw((k - 1) / e)`` for the log losses, ``|t| / 2`` for each output
of the squared hinge, and ``y^2 / (2 k)`` for each output of a squared error averaged
over ``k`` outputs, where ``y`` is centered if there is a free intercept. For the
squared error, ``_squared_error`` has a closed form for all models in reach.
"""

import numpy as np
from scipy.optimize import brentq

from skdistill.solvers.exact._hinge import near_labels, solve_hinge
from skdistill.solvers.exact._pull_system import PullSystem
from skdistill.solvers.exact._span import project_into_box
from skdistill.solvers.exact._squared_error import squared_error_rows


def reproducing_rows(student, span, synthetic, bounds):
    """Yield rows that train to a model, or near it if it is out of reach.

    The search may fail to find a solution. So it is repeated from several starts, and
    each gives a result.

    Parameters
    ----------
    student : LinearStudent
        Gives the loss and says whether there is an intercept.
    span : ModelSpan
        The model to reproduce.
    synthetic : SyntheticSet
        Reference rows, with the targets, weights and ``C`` that they train with.
    bounds : tuple of two ndarrays of shape (p,)
        Minimum and maximum of each feature.

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
    """Return a start at which all rows are predicted equally well.

    Their errors are chosen such that the trace of the equations holds: the pulls sum to
    the squared norm of the model.
    """
    target = np.vdot(span.V, span.wanted) + np.vdot(system.balance, span.intercept)
    if student.soft_labels:
        raw = system.raw(Q)
        Z = _confident_scores(student.loss, raw, system.y, system.weight, target)
    else:
        origin = student.start_of(synthetic.y, synthetic.sample_weight)
        Z = _scores_on_rays(student.loss, origin, system.y, system.weight, target)
    return np.linalg.lstsq(span.V, (Z - span.intercept).T, rcond=None)[0].T


def _scores_on_rays(loss, origin, y, weight, target):
    """Return scores on rays from an origin in the directions of the pulls.

    The length of the rays is the largest at which ``sum_i <z_i - origin, A_i>`` is the
    target.
    """
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
    """Return scores with the same error ``u`` in every row.

    The class of each row has probability ``1 - u``; the ratios of the other classes
    stay. So no row is on the wrong side, or so far out that it has no gradient. ``u``
    is chosen such that the trace of the equations is the target.
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
