"""Coordinates of rows in which the outer loss of a linear student is round.

In round coordinates the curvature is about the same in all directions, so an optimizer
converges fast. Rows ``X`` (m, p) train to the model ``coef = A' X``, with the pulls
``A`` (m, k). If the rows move while the pulls are fixed, the Gauss-Newton curvature of
the outer loss in the rows is the product of two matrices::

    (A M A') of shape (m, m)  times  (cov of the real rows + ridge) of shape (p, p)

``M`` (k, k) is the mean second derivative of the loss in a raw prediction. In the
coordinates used here both matrices are the identity, so units and correlations of
features and rows do not matter.
"""

import numpy as np

from skdistill.synthetic._variables import Block, FeatureUnits

#: Minimum curvature of a direction, relative to the largest. Directions without it have
#: some curvature, too, because moving along them changes the pulls.
LEAST_CURVATURE = 0.1
#: Minimum pull of a row that counts as nonzero, in units of the targets.
LEAST_PULL = 1e-6


class RoundUnits:
    """Coordinates of rows in which the outer loss is round, if there are no bounds.

    Parameters
    ----------
    whitening : Whitening or like it
        Round coordinates of the model of the real rows.
    pull : ndarray of shape (m, k)
        Pulls of the rows, in units of the targets.
    curvature : ndarray of shape (k, k)
        Mean second derivative of the outer loss.
    """

    def __init__(self, whitening, pull, curvature):
        self.whitening = whitening
        rms = max(np.linalg.norm(pull) / np.sqrt(len(pull)), LEAST_PULL)
        #: Coordinates of rows with bounds.
        self.of_features = FeatureUnits(1 / (whitening.scale * rms))
        # Steps of one change raw predictions by about one for any loss.
        curvature = curvature / max(np.diag(curvature).mean(), np.finfo(float).tiny)
        values, vectors = np.linalg.eigh(pull @ curvature @ pull.T)
        values = np.maximum(values, max(LEAST_CURVATURE * values[-1], LEAST_PULL**2))
        self.mix = (vectors / np.sqrt(values)) @ vectors.T

    def block(self, X, bounds):
        """Return samples (m, p) within bounds as a Block.

        In coordinates that mix the features, a box would not be a box. So if entries
        that are not fixed have bounds, each feature only gets a unit.
        """
        low, high = (np.broadcast_to(side, X.shape) for side in bounds)
        is_free = low < high
        if np.isfinite(low[is_free]).any() or np.isfinite(high[is_free]).any():
            return self.of_features.block(X, bounds)
        fixed = np.clip(X, low, high)

        def decode(x):
            step = self.whitening.to_coef(self.mix @ x.reshape(len(X), -1))
            return fixed + is_free * step

        def pull_back(grad, _):
            return self.mix @ self.whitening.to_gradient(is_free * grad)

        free = np.full(len(X) * self.whitening.size, np.inf)
        return Block(np.zeros(len(free)), -free, free, decode, pull_back)
