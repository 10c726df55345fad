"""Rows on which a linear student trains to a given model, such as the full-data one.

For coefficients ``W`` (k, p) and intercepts ``b``, stationarity on ``m`` synthetic rows
``S`` with weights ``w`` reads ``W = A' S`` and ``A' 1 = c b``, where the pull of a row
is ``A_i = -C w_i dl/dz(z_i, y_i)``, ``Z = S W' + b``, and ``c`` is the penalty of the
intercept, mostly zero. Targets that are learned come from ``_exact_targets``; here they
are given. With the singular value decomposition ``W = V U'`` (singular values in
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
``_squared_error_rows``.
"""

from types import SimpleNamespace

import numpy as np
from scipy.linalg import solve
from scipy.optimize import brentq
from scipy.special import expit

from skdistill.objectives._hessians import DiagonalHessians

#: Steps in the search for rows.
MAX_STEPS = 100
#: Within so many of them the error has to halve.
PATIENCE = 40
#: Error of a reproduced coefficient, relative to the largest, that counts as rounding.
EXACT_TOL = 1e-8
#: How smooth hinges are, in units of the margin.
WIDTHS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)
#: Error of a step's prediction, relative to the residual, up to which it is taken.
MAX_SURPRISE = 0.3
#: Projections between the rows that train to a model and the bounds.
MAX_PROJECTIONS = 200


def norm_limit(student, synthetic):
    """Bound on ``||W||_F^2`` for ``C = 1``, for targets that are given."""
    y, weight = synthetic.y, synthetic.sample_weight
    if student.loss_name == "squared_error" and student.is_centered:
        y = y - np.average(y, axis=0, weights=weight)
    return float(weight @ student.loss.pull_limit(y))


def is_reproduced(params, trained):
    """Whether training led to the model, up to rounding."""
    error = np.abs(trained.coef - params.coef).max()
    unit = np.abs(params.coef).max() + 1e-6 * np.abs(params.intercept).max()
    return error <= EXACT_TOL * unit


def within(project, X, bounds):
    """Project rows on a plane and into a box, in turns.

    Parameters
    ----------
    project : callable
        ``project(X) -> (m, p)``, the closest rows on the plane.
    X : ndarray of shape (m, p)
        Reference rows.
    bounds : tuple of two ndarrays of shape (p,)
        The box.

    Returns
    -------
    ndarray of shape (m, p)
        Rows in the box, on the plane if the planes and the inner box meet soon.
    """
    low, high = bounds
    X = project(X)
    if not (np.isfinite(low).any() or np.isfinite(high).any()):
        return X
    width = np.where(np.isfinite(high - low), high - low, 1.0)
    # Towards an inner box the planes are reached in finitely many steps.
    margin = 1e-3 * width
    for _ in range(MAX_PROJECTIONS):
        outside = np.maximum(low - X, X - high)
        if (outside <= 1e-13 * width).all():
            break
        X = project(np.clip(X, low + margin, high - margin))
    return np.clip(X, low, high)


class ModelSpan:
    """The span of a model's coefficients: what the model sees of a row.

    Parameters
    ----------
    params : LinearParams
        The model.
    origin : ndarray of shape (p,)
        Where rows are measured from; zero without an intercept.

    Attributes
    ----------
    U : ndarray of shape (p, r)
        Orthonormal basis.
    V : ndarray of shape (k, r)
        Coefficients in the basis.
    intercept : ndarray of shape (k,)
        Intercept at the origin.
    """

    def __init__(self, params, origin):
        V, singular, U = np.linalg.svd(params.coef, full_matrices=False)
        seen = singular > singular[0] * 1e-12
        self.U, self.V = U[seen].T, V[:, seen] * singular[seen]
        self.origin = origin
        self.intercept = params.intercept + params.coef @ origin

    def project(self, X):
        """Return what the model sees of rows, (n, r)."""
        return (X - self.origin) @ self.U

    def extend(self, Q, A, reference):
        """Return the rows (m, p) closest to a reference that are ``Q`` to the model."""
        rest = reference - self.origin
        rest = rest - (rest @ self.U) @ self.U.T
        rest -= A @ np.linalg.lstsq(A, rest, rcond=1e-10)[0]
        return self.origin + Q @ self.U.T + rest


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
        return within(lambda X: span.extend(Q, A, X), synthetic.X, bounds)

    Q0 = span.project(synthetic.X)
    C = student.loss_strength(synthetic.hyperparameters)
    if np.isfinite(C):
        system = _System(student, span, synthetic, Q0)
        if student.loss_name == "squared_hinge":
            for start in (Q0, _near_labels(student, span, synthetic, Q0)):
                Q = _solve_hinge(student, span, synthetic, start)
                yield extended(Q, system.pull(Q))
        for start in (system.confident(Q0), system.nearest_felt(Q0)):
            Q = system.solve(start)
            yield extended(Q, system.pull(Q))
    if student.loss_name == "squared_error":
        alpha = student.n_outputs / (2 * C)
        yield extended(*_squared_error_rows(span, synthetic, alpha, student, Q0))


class _System:
    """The equations for ``Q``, in units of the coefficients, and their derivatives."""

    def __init__(self, student, span, synthetic, Q):
        self.student, self.loss = student, student.loss
        self.synthetic = synthetic
        self.V, self.intercept = span.V, span.intercept
        C = student.loss_strength(synthetic.hyperparameters)
        self.weight = C * synthetic.sample_weight
        self.size = np.linalg.norm(self.V)
        self.balance_unit = student.fit_intercept * np.sqrt(np.mean(Q**2)) / self.size
        self.balance = student.intercept_penalty * self.intercept

    def raw(self, Q):
        return Q @ self.V.T + self.intercept

    def pull(self, Q):
        """Return ``A`` of shape (m, k)."""
        gradient = self.loss.gradient(self.raw(Q), self.synthetic.y)
        return -self.weight[:, None] * gradient

    def confident(self, Q):
        """Where all rows are right by the same, by so much as to pull with the norm."""
        target = self.size**2 + np.vdot(self.balance, self.intercept)
        scores = _confident_scores if self.student.soft_labels else _scores_on_rays
        Z = scores(
            self.student.loss, self.raw(Q), self.synthetic.y, self.weight, target
        )
        return np.linalg.lstsq(self.V, (Z - self.intercept).T, rcond=None)[0].T

    def residual(self, q):
        Q = q.reshape(-1, self.V.shape[1])
        A = self.pull(Q)
        balance = (A.sum(axis=0) - self.balance) * self.balance_unit
        return np.concatenate([(A.T @ Q - self.V).ravel() / self.size, balance])

    def jacobian(self, q):
        Q = q.reshape(-1, self.V.shape[1])
        hessians = self.loss.hessian(self.raw(Q), self.synthetic.y)
        slope = np.stack(
            [
                -self.weight[:, None] * hessians.columns(c) @ self.V
                for c in range(len(self.V))
            ],
            axis=1,
        )
        matrix = np.einsum("ic,qr->cqir", self.pull(Q), np.eye(Q.shape[1]))
        matrix += np.einsum("icr,iq->cqir", slope, Q)
        balance = np.moveaxis(slope, 1, 0) * self.balance_unit
        return np.concatenate(
            [matrix.reshape(-1, q.size) / self.size, balance.reshape(-1, q.size)]
        )

    def nearest_felt(self, Q):
        """Draw rows together until the model feels them: far out, nothing pulls."""
        center = Q.mean(axis=0)
        drawn = (center + (Q - center) / 2**i for i in range(40))
        return min(drawn, key=lambda Q: np.linalg.norm(self.residual(Q.ravel())))

    def solve(self, Q):
        """Solve from ``Q``, by least norm steps: rows move no more than they need to.

        Levenberg-Marquardt on the few equations rather than the many unknowns, for
        which ``scipy.optimize.least_squares`` steps to the rim of its trust region.
        """
        q, damping, milestone = Q.ravel(), 1e-3, np.inf
        residual = self.residual(q)
        for i in range(MAX_STEPS):
            size = np.linalg.norm(residual)
            if size < 1e-14 or damping > 1e12:
                break
            if i % PATIENCE == 0:
                if size > milestone / 2:
                    break  # out of reach
                milestone = size
            jacobian = self.jacobian(q)
            gram = jacobian @ jacobian.T
            if not np.trace(gram) > 0:
                break  # nothing pulls
            # Some equations follow from others: never without a ridge.
            ridge = max(damping, 1e-13) * np.trace(gram) / len(gram)
            gram[np.diag_indices_from(gram)] += ridge
            step = jacobian.T @ solve(gram, residual, assume_a="pos")
            candidate = self.residual(q - step)
            surprise = np.linalg.norm(candidate - residual + jacobian @ step)
            # Rounding ends the descent: a step that is not down is one too long. So is
            # one that takes rows to where they are no longer felt.
            if np.linalg.norm(candidate) < size and surprise < MAX_SURPRISE * size:
                q, residual, damping = q - step, candidate, damping / 10
            else:
                damping *= 10
        return q.reshape(Q.shape)


def _squared_error_rows(span, synthetic, alpha, student, Q):
    """Rows for a squared error in closed form, and their pulls.

    For ``sum_i w_i |z_i - y_i|^2 + alpha |W|^2``, let ``Y`` and ``S`` be targets and
    rows times ``diag(w)^1/2``, with a free intercept from their weighted means. Then
    ``W = Y' inv(S S' + alpha) S``, so that ``W W' = Y' f(S S') Y``, where ``f`` has the
    eigenvalues ``t / (t + alpha)^2 <= 1 / (4 alpha)``. Hence, in the order of positive
    semi-definite matrices, ``W W' <= Y' Y / (4 alpha)`` whatever the rows, and this is
    enough: with ``pinv(Y)' W = P diag(g) R'``, take ``S = P diag(s) R'`` where
    ``s / (s^2 + alpha) = g``. Without a penalty nothing is out of reach.
    """
    y, weight = synthetic.y.reshape(len(Q), -1), synthetic.sample_weight
    root = np.sqrt(weight)[:, None]
    share = weight / weight.sum() * student.is_centered
    y_mean, Q_mean = share @ y, share @ Q
    Y = root * (y - y_mean)
    P, g, R = np.linalg.svd(np.linalg.pinv(Y, rcond=1e-10).T @ span.V, False)
    # Out of reach, the nearest.
    depth = np.sqrt(np.maximum(1 - 4 * alpha * g**2, 0.0))
    g = np.maximum(g, np.finfo(float).tiny)
    roots = np.array([(1 + depth) / (2 * g), (1 - depth) / (2 * g)])
    if not alpha:
        roots[1] = roots[0]
    # Of the two roots the one that the reference is nearer to.
    present = np.abs(np.einsum("mi,mr,ir->i", P, root * (Q - Q_mean), R))
    s = np.where(np.abs(roots[0] - present) < np.abs(roots[1] - present), *roots)
    center = Q_mean
    if student.is_centered:
        center = np.linalg.lstsq(span.V, y_mean - span.intercept, rcond=None)[0]
    A = root * (P / (s**2 + alpha)) @ (P.T @ Y)
    return center + (P * s) @ R / root, A


def _solve_hinge(student, span, synthetic, Q):
    """Solve from ``Q`` for hinges that are smooth at first, and become sharp.

    A row beyond its margin is not felt, and no step would say so. With ``log(1 + exp)``
    for the positive part, in ever smaller units, every row is felt.
    """
    for width in WIDTHS:
        system = _System(student, span, synthetic, Q)
        system.loss = _smooth_hinge(width)
        Q = system.solve(Q)
    return _System(student, span, synthetic, Q).solve(Q)


def _near_labels(student, span, synthetic, Q):
    """Where a squared error would have the rows, apart as the reference rows are."""
    signs = synthetic._replace(y=np.sign(synthetic.y))
    alpha = 1 / (2 * student.loss_strength(synthetic.hyperparameters))
    at_labels, _ = _squared_error_rows(span, signs, alpha, student, Q)
    labels = np.hstack([np.ones((len(Q), 1)), signs.y])
    return at_labels + Q - labels @ np.linalg.lstsq(labels, Q, rcond=None)[0]


def _smooth_hinge(width):
    """Gradient and second derivative like those of the squared hinge."""

    def missing(raw, y):
        return (1 - np.sign(y) * raw) / width

    def gradient(raw, y):
        return -2 * y * width * np.logaddexp(0, missing(raw, y))

    def hessian(raw, y):
        return DiagonalHessians(2 * np.abs(y) * expit(missing(raw, y)))

    return SimpleNamespace(gradient=gradient, hessian=hessian)


def _scores_on_rays(loss, Z, y, weight, target):
    """Scores on the ray from zero to where a row at zero is pulled, as far as asked."""
    rays = -loss.gradient(np.zeros_like(Z), y)

    def pull(length):
        scores = length * rays
        return -weight @ np.sum(scores * loss.gradient(scores, y), axis=1) - target

    lengths = np.geomspace(1e-3, 1e3, 200)
    values = np.array([pull(length) for length in lengths])
    reached = np.flatnonzero(values > 0)
    if not len(reached) or reached[-1] == len(lengths) - 1:
        return lengths[np.argmax(values)] * rays
    return brentq(pull, *lengths[reached[-1] :][:2]) * rays


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
