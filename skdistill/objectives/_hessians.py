"""Second derivatives of the losses of many rows, in compact form.

With ``n`` rows and ``k`` outputs, the second derivatives of a loss are ``n`` matrices
of shape (k, k). For hundreds of classes these would be too large for the memory. The
matrices here are diagonal or those of a softmax, so ``n k`` numbers define them.
"""

import numpy as np


class DiagonalHessians:
    """Second derivatives of losses that do not couple the outputs of a row.

    Parameters
    ----------
    curvature : ndarray of shape (n, k)
        The diagonals.
    """

    def __init__(self, curvature):
        self.curvature = curvature

    def product(self, V):
        """Return the product (n, k) of each matrix with a row of ``V`` (n, k)."""
        return self.curvature * V

    def columns(self, c):
        """Return column ``c`` of each matrix, (n, k)."""
        columns = np.zeros_like(self.curvature)
        columns[:, c] = self.curvature[:, c]
        return columns


class SoftmaxHessians:
    """Second derivatives ``diag(p) - p p'`` for the probabilities ``p`` of each row.

    Rows that are predicted almost with certainty have small entries, which matter if
    their weights are large. The computation keeps the relative precision of these
    entries, which the plain formula would lose.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k)
        Rows on the simplex.
    """

    def __init__(self, probabilities):
        self._p = probabilities
        self._likely = np.argmax(probabilities, axis=1)[:, None]
        rest = 1 - probabilities
        others = probabilities.copy()
        np.put_along_axis(others, self._likely, 0.0, axis=1)
        np.put_along_axis(rest, self._likely, others.sum(axis=1, keepdims=True), axis=1)
        self.curvature = probabilities * rest

    def product(self, V):
        """Return the product (n, k) of each matrix with a row of ``V`` (n, k)."""
        # A constant in a row of V has no effect. Subtracting it avoids cancellation.
        V = V - np.take_along_axis(V, self._likely, axis=1)
        return self._p * (V - np.sum(self._p * V, axis=1, keepdims=True))

    def columns(self, c):
        """Return column ``c`` of each matrix, (n, k)."""
        columns = -self._p * self._p[:, c, None]
        columns[:, c] = self.curvature[:, c]
        return columns
