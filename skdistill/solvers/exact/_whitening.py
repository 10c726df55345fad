"""Coordinates of coefficients in which the loss on the real data is round.

In round coordinates the curvature is about the same in all directions, so an optimizer
converges fast. The curvature of the loss in a row of coefficients is about proportional
to ``cov(X)`` plus a ridge. In the coordinates used here this matrix is the identity, so
units and correlations of the features do not matter, and a step of one changes raw
predictions by about one.

With fewer rows than features, the model is in the span of the rows, and coordinates
within this span suffice.
"""

import numpy as np
from scipy.linalg import cholesky, eigh, qr, solve_triangular

from skdistill._forms import correlations, mean_and_variance

#: Maximum number of features for which the matrix is computed. With more features, only
#: their scales are whitened.
MAX_DENSE_FEATURES = 2048


class Whitening:
    """Linear map between coefficients and whitened coordinates.

    With ``cov(X) + ridge = D R' R D``, ``D`` diagonal and ``R`` upper triangular, rows
    of coefficients are ``coef = v @ inv(R D)'``.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        The real rows, or a sample of them.
    sample_weight : ndarray of shape (n,)
        Their weights.
    ridge : float
        Strength of the penalty, or of the constraint in its place, relative to the
        second derivative of the loss in a raw prediction.

    Attributes
    ----------
    mean : ndarray of shape (p,)
        Weighted mean of the rows.
    scale : ndarray of shape (p,)
        Diagonal of ``D``: about the standard deviation of each feature.
    size : int
        Number of coordinates of a row of coefficients.
    hessian : float or None
        Second derivative of the loss in every coordinate; None if it is not known.
    """

    hessian = None

    def __init__(self, X, sample_weight, ridge):
        share = sample_weight / sample_weight.sum()
        self.mean, variance = mean_and_variance(X, share)
        self.scale = np.sqrt(variance + ridge)
        self.scale[self.scale == 0] = 1.0
        self.size = len(self.scale)
        self._triangle = None
        if len(self.scale) <= MAX_DENSE_FEATURES:
            # The precision of the data suffices here.
            matrix = correlations(X, self.mean, self.scale, share)
            np.fill_diagonal(matrix, 1 + 100 * np.finfo(X.dtype).eps)
            self._triangle = cholesky(matrix, overwrite_a=True, check_finite=False)

    def to_coef(self, v):
        """Map whitened rows (k, p) to coefficients."""
        if self._triangle is not None:
            v = solve_triangular(self._triangle, v.T, check_finite=False).T
        return v / self.scale

    def from_coef(self, coef):
        """Map coefficients (k, p) to whitened rows."""
        v = coef * self.scale
        return v if self._triangle is None else v @ self._triangle.T

    def to_gradient(self, coef_grad):
        """Map a gradient in the coefficients to the gradient in whitened rows."""
        grad = coef_grad / self.scale
        if self._triangle is not None:
            grad = solve_triangular(
                self._triangle, grad.T, trans="T", check_finite=False
            ).T
        return grad


class PrincipalWhitening:
    """Whitened coordinates of all the rows, for a squared error.

    With ``cov(X) = E diag(d) E'``, rows of coefficients are
    ``coef = v @ diag(d + ridge)^-1/2 E'``. In these the loss is exactly round. Without
    a penalty, coordinates are limited to eigenvectors whose ``d`` exceeds zero, because
    their span contains the solution of minimum norm.

    Parameters
    ----------
    mean : ndarray of shape (p,)
        Mean of the rows; zero if there is no free intercept.
    covariance : ndarray of shape (p, p)
        Their covariance, or second moment.
    ridge : float
        As for ``Whitening``.
    tol : float
        Maximum singular value, relative to the largest one, that counts as zero.
    hessian : float
        Second derivative of the loss in a raw prediction.

    Attributes
    ----------
    mean, scale, size, hessian
        As for ``Whitening``.
    """

    def __init__(self, mean, covariance, ridge, tol, hessian):
        self.mean, matrix, self.hessian = mean, covariance, hessian
        self.scale = np.sqrt(np.maximum(np.diag(matrix), 0.0) + ridge)
        self.scale[self.scale == 0] = 1.0
        variances, vectors = eigh(matrix, overwrite_a=True, check_finite=False)
        kept = np.ones(len(variances), dtype=bool)
        if not ridge:
            kept = variances > max(tol**2, 1e-15) * variances[-1]
        self._deviations = np.sqrt(np.maximum(variances[kept], 0.0) + ridge)
        self._vectors = vectors[:, kept]
        self.size = len(self._deviations)

    def to_coef(self, v):
        """Map whitened rows (k, size) to coefficients."""
        return (v / self._deviations) @ self._vectors.T

    def from_coef(self, coef):
        """Map coefficients (k, p) to whitened rows."""
        return (coef @ self._vectors) * self._deviations

    def to_gradient(self, coef_grad):
        """Map a gradient in the coefficients to the gradient in whitened rows."""
        return (coef_grad @ self._vectors) / self._deviations


class RowSpan:
    """The span of fewer rows than features, which contains their model.

    Parameters
    ----------
    X, sample_weight : ndarrays of shape (n, p) and (n,)
        All rows and their weights.
    is_centered : bool
        Whether there is a free intercept, so that rows are centered at their mean.

    Attributes
    ----------
    mean, variances : ndarray of shape (p,)
        Weighted moments of the features.
    basis : ndarray of shape (p, n)
        Orthonormal basis.
    rows : ndarray of shape (n, n)
        The rows in the basis, centered if there is a free intercept.
    """

    def __init__(self, X, sample_weight, is_centered):
        share = sample_weight / sample_weight.sum()
        self.mean = share @ X.astype(np.float64)
        centered = X - self.mean
        self.variances = share @ centered**2
        rows = centered if is_centered else X.astype(np.float64)
        self.basis, triangle = qr(rows.T, mode="economic", check_finite=False)
        self.rows = triangle.T


class SpanWhitening:
    """Whitened coordinates in the span of fewer rows than features.

    Parameters
    ----------
    span : RowSpan
        The span.
    within : Whitening or PrincipalWhitening
        Whitened coordinates of ``span.rows``.
    ridge : float
        As for ``Whitening``.

    Attributes
    ----------
    mean, scale, size, hessian
        As for ``Whitening``.
    """

    def __init__(self, span, within, ridge):
        self.mean, self.hessian = span.mean, within.hessian
        self.scale = np.sqrt(span.variances + ridge)
        self.scale[self.scale == 0] = 1.0
        self.size = within.size
        self._basis, self._within = span.basis, within

    def to_coef(self, v):
        """Map whitened rows (k, size) to coefficients."""
        return self._within.to_coef(v) @ self._basis.T

    def from_coef(self, coef):
        """Map coefficients (k, p) in the span to whitened rows."""
        return self._within.from_coef(coef @ self._basis)

    def to_gradient(self, coef_grad):
        """Map a gradient in the coefficients to the gradient in whitened rows."""
        return self._within.to_gradient(coef_grad @ self._basis)
