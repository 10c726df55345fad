"""The span of a linear model's coefficients, and projections of rows.

Predictions depend only on the projection of a row on this span. For rows that train to
given coefficients, equations or a closed form determine the projection. The rest of the
rows only has to be orthogonal to the pulls, so it can stay near reference rows.
"""

import numpy as np

from skdistill._forms import products_from

#: Maximum error of a reproduced coefficient, relative to the largest coefficient.
EXACT_TOL = 1e-8
#: Maximum number of alternating projections between a plane and the bounds.
MAX_PROJECTIONS = 200
#: Number of projections within which the distance from the box has to fall by a tenth.
PATIENCE = 20


class ModelSpan:
    """The span of a model's coefficients, on which rows are projected.

    Parameters
    ----------
    params : LinearParams
        The model.
    origin : ndarray of shape (p,)
        Origin of the rows; zero without an intercept.
    wanted : ndarray of shape (k, p), default=None
        The required sum ``A' S`` of pulls times rows; by default the coefficients.

    Attributes
    ----------
    U : ndarray of shape (p, r)
        Orthonormal basis.
    V, wanted : ndarray of shape (k, r)
        Coefficients, and the required sum of pulls times rows, in the basis.
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
        """Return the projection (n, r) of rows on the span."""
        return products_from(X, self.origin, self.U)

    def extend(self, Q, A, reference):
        """Return the rows (m, p) closest to a reference with the projection ``Q``.

        Their rest is orthogonal to the pulls ``A``.
        """
        rest = reference - self.origin
        rest = rest - (rest @ self.U) @ self.U.T
        rest -= A @ np.linalg.lstsq(A, rest, rcond=1e-10)[0]
        return self.origin + Q @ self.U.T + rest


def norm_limit(student, synthetic):
    """Return the bound on ``||W||_F^2`` for ``C = 1`` and given targets."""
    y, weight, loss = synthetic.y, synthetic.sample_weight, student.loss
    if student.is_centered and loss.centered_limit is not None:
        return loss.centered_limit(y, weight)
    return float(weight @ loss.pull_limit(y))


def is_reproduced(params, trained):
    """Whether the trained params are those of the model, up to rounding."""
    error = np.abs(trained.coef - params.coef).max()
    unit = np.abs(params.coef).max() + 1e-6 * np.abs(params.intercept).max()
    return error <= EXACT_TOL * unit


def project_into_box(project, X, bounds):
    """Project rows on a plane and into a box, alternately.

    Parameters
    ----------
    project : callable
        ``project(X) -> (m, p)`` returns the closest rows on the plane.
    X : ndarray of shape (m, p)
        Reference rows.
    bounds : tuple of two ndarrays of shape (p,)
        The box.

    Returns
    -------
    ndarray of shape (m, p)
        Rows in the box. They are also on the plane if the projections converge.
    """
    low, high = bounds
    X = project(X)
    if not (np.isfinite(low).any() or np.isfinite(high).any()):
        return X
    width = high - low
    width = np.where(np.isfinite(width) & (width > 0), width, 1.0)
    # With a slightly smaller box, finitely many projections suffice.
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
