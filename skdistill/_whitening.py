"""Coordinates of coefficients in which the loss on the real data is round.

The curvature of that loss in a row of coefficients is about proportional to ``cov(X)``
plus a ridge. In coordinates where this matrix is the identity, neither the units nor
the correlations of the features slow an optimizer down, and a step of one changes raw
predictions by about one.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

#: With more features only their scales are whitened: the matrix would not pay.
MAX_DENSE_FEATURES = 2048


class Whitening:
    """Linear map between coefficients and whitened coordinates.

    With ``cov(X) + ridge = D R' R D``, ``D`` diagonal and ``R`` upper triangular, rows
    of coefficients are ``coef = v @ inv(R D)'``.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Rows; a sample of the real ones is enough.
    sample_weight : ndarray of shape (n,)
        Their weights.
    ridge : float
        Strength of the penalty, or of the constraint that stands for it, relative to
        the second derivative of the loss in a raw prediction.

    Attributes
    ----------
    mean : ndarray of shape (p,)
        Weighted mean of the rows.
    scale : ndarray of shape (p,)
        Diagonal of ``D``: about the standard deviation of each feature.
    """

    def __init__(self, X, sample_weight, ridge):
        share = sample_weight / sample_weight.sum()
        self.mean = share @ X
        centered = X - self.mean.astype(X.dtype)
        self.scale = np.sqrt(share @ centered.astype(np.float64) ** 2 + ridge)
        self._triangle = None
        if len(self.scale) <= MAX_DENSE_FEATURES:
            # To find a direction, the precision of the data is enough.
            centered *= np.sqrt(share)[:, None].astype(X.dtype)
            centered /= self.scale.astype(X.dtype)
            matrix = (centered.T @ centered).astype(np.float64)
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
