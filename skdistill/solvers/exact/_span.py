"""What a linear model sees of rows, and rows that are told by it.

Rows that train to given coefficients are fixed within their span, by an equation or a
closed form. Across it they are free but for one plane, and may stay near others.
"""

import numpy as np

from skdistill._forms import products_from

#: Error of a reproduced coefficient, relative to the largest, that counts as rounding.
EXACT_TOL = 1e-8
#: Projections between the rows that train to a model and the bounds.
MAX_PROJECTIONS = 200
#: Within so many of them the distance from the box has to fall by a tenth.
PATIENCE = 20


class ModelSpan:
    """The span of a model's coefficients: what the model sees of a row.

    Parameters
    ----------
    params : LinearParams
        The model.
    origin : ndarray of shape (p,)
        Where rows are measured from; zero without an intercept.
    wanted : ndarray of shape (k, p), default=None
        What the pulls of the rows have to add up to; by default the coefficients.

    Attributes
    ----------
    U : ndarray of shape (p, r)
        Orthonormal basis.
    V, wanted : ndarray of shape (k, r)
        Coefficients, and the sum of the pulls, in the basis.
    intercept : ndarray of shape (k,)
        Intercept at the origin.
    """

    def __init__(self, params, origin, wanted=None):
        k = len(params.coef)
        both = params.coef if wanted is None else np.vstack([params.coef, wanted])
        V, singular, U = np.linalg.svd(both, full_matrices=False)
        seen = singular > singular[0] * 1e-12
        self.U, V = U[seen].T, V[:, seen] * singular[seen]
        self.V, self.wanted = V[:k], V[-k:]
        self.origin = origin
        self.intercept = params.intercept + params.coef @ origin

    def project(self, X):
        """Return what the model sees of rows, (n, r)."""
        return products_from(X, self.origin, self.U)

    def extend(self, Q, A, reference):
        """Return the rows (m, p) closest to a reference that are ``Q`` to the model."""
        rest = reference - self.origin
        rest = rest - (rest @ self.U) @ self.U.T
        rest -= A @ np.linalg.lstsq(A, rest, rcond=1e-10)[0]
        return self.origin + Q @ self.U.T + rest


def norm_limit(student, synthetic):
    """Bound on ``||W||_F^2`` for ``C = 1``, for targets that are given."""
    y, weight, loss = synthetic.y, synthetic.sample_weight, student.loss
    if student.is_centered and loss.centered_limit is not None:
        return loss.centered_limit(y, weight)
    return float(weight @ loss.pull_limit(y))


def is_reproduced(params, trained):
    """Whether training led to the model, up to rounding."""
    error = np.abs(trained.coef - params.coef).max()
    unit = np.abs(params.coef).max() + 1e-6 * np.abs(params.intercept).max()
    return error <= EXACT_TOL * unit


def project_into_box(project, X, bounds):
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
    width = high - low
    width = np.where(np.isfinite(width) & (width > 0), width, 1.0)
    # Towards an inner box the planes are reached in finitely many steps.
    margin = 1e-3 * width
    last = np.inf
    for i in range(MAX_PROJECTIONS):
        outside = (np.maximum(low - X, X - high) / width).max()
        if outside <= 1e-13:
            break
        if i % PATIENCE == 0:
            if outside > 0.9 * last:
                break  # they do not meet
            last = outside
        X = project(np.clip(X, low + margin, high - margin))
    return np.clip(X, low, high)
