"""Rows on which a linear student trains to a given model, such as the full-data one.

For coefficients ``W`` (k, p), stationarity on ``m`` synthetic rows ``S`` with weights
``w`` reads ``W = A' S`` and, with an intercept, ``A' 1 = 0``, where the pull of a row
is ``A_i = -C w_i dl/dz(z_i, y_i)`` and ``Z = S W' + b``. With the singular value
decomposition ``W = V U'`` (singular values in ``V``) and the part ``Q = S U`` of the
rows that the model sees::

    A(Q)' Q = V,    A(Q)' 1 = 0,    Z = Q V' + b

is a small system for ``Q`` (m, r). Each of its solutions extends to rows

    S = Q U' + (I - A pinv(A)) S0 (I - U U'),

the closest to reference rows ``S0`` that train to ``(W, b)`` with this ``Q``: the first
term alone has ``S W' + b = Z`` and ``A' S = V U' = W``, and what is added is orthogonal
to ``U`` on one side and to ``A`` on the other.

The trace of the first equation limits the norm in reach. With probabilities ``p`` of
the log losses, ``<z, y - p> = log p_y + entropy(p)`` is largest when the other classes
are equally likely, where it is ``lambertw((k - 1) / e)`` for k classes, so that::

    ||W||_F^2 <= C * sum(w) * lambertw((k - 1) / e)

For ridge regression the exact set is due to Chen, Huang and Weng, "Provable and
Efficient Dataset Distillation for Kernel Ridge Regression", NeurIPS 2024.
"""

import numpy as np
from scipy.linalg import solve
from scipy.optimize import brentq
from scipy.special import lambertw

#: Steps in the search for rows.
MAX_STEPS = 100
#: Within so many of them the error has to halve.
PATIENCE = 40
#: Error of a reproduced coefficient, relative to the largest, that counts as rounding.
EXACT_TOL = 1e-8


def pull_limit(n_classes):
    """Largest ``<z, y - p>`` of one row, for the log losses."""
    return float(lambertw((n_classes - 1) / np.e).real)


def is_reproduced(params, trained):
    """Whether training led to the model, up to rounding."""
    error = np.abs(trained.coef - params.coef).max()
    return error <= EXACT_TOL * np.abs(params.coef).max()


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


def reproducing_rows(student, span, synthetic):
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

    Yields
    ------
    ndarray of shape (m, p)
        Samples.
    """
    V, intercept = span.V, span.intercept
    if not V.size:
        return
    weight = synthetic.hyperparameters["C"] * synthetic.sample_weight
    Q0 = span.project(synthetic.X)
    system = _System(
        student.loss, student.fit_intercept, V, intercept, synthetic.y, weight, Q0
    )
    scores = _confident_scores(Q0 @ V.T + intercept, synthetic.y, weight, np.vdot(V, V))
    confident = np.linalg.lstsq(V, (scores - intercept).T, rcond=None)[0].T
    for start in (confident, system.nearest_felt(Q0)):
        Q = system.solve(start)
        yield span.extend(Q, system.pull(Q), synthetic.X)


class _System:
    """The equations for ``Q``, in units of the coefficients, and their derivatives."""

    def __init__(self, loss, fit_intercept, V, intercept, y, weight, Q):
        self.loss = loss
        self.V = V
        self.intercept = intercept
        self.y = y
        self.weight = weight
        self.size = np.linalg.norm(V)
        self.balance_unit = fit_intercept * np.sqrt(np.mean(Q**2)) / self.size

    def pull(self, Q):
        """Return ``A`` of shape (m, k)."""
        gradient = self.loss.gradient(Q @ self.V.T + self.intercept, self.y)
        return -self.weight[:, None] * gradient

    def residual(self, q):
        Q = q.reshape(-1, self.V.shape[1])
        A = self.pull(Q)
        balance = A.sum(axis=0) * self.balance_unit
        return np.concatenate([(A.T @ Q - self.V).ravel() / self.size, balance])

    def jacobian(self, q):
        Q = q.reshape(-1, self.V.shape[1])
        curvature = self.loss.hessian(Q @ self.V.T + self.intercept, self.y)
        slope = -np.einsum("i,icd,dr->icr", self.weight, curvature, self.V)
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
            # Some equations follow from others: never without a ridge.
            ridge = max(damping, 1e-13) * np.trace(gram) / len(gram)
            gram[np.diag_indices_from(gram)] += ridge
            step = jacobian.T @ solve(gram, residual, assume_a="pos")
            candidate = self.residual(q - step)
            # Rounding ends the descent: a step that is not down is one too long.
            if np.linalg.norm(candidate) < size:
                q, residual, damping = q - step, candidate, damping / 10
            else:
                damping *= 10
        return q.reshape(Q.shape)


def _confident_scores(Z, y, weight, target):
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
