"""Coordinates of rows in which the outer loss of a linear student is round.

The model that rows ``X`` (m, p) train to is ``coef = A' X``, with the pulls ``A``
(m, k). If only the rows move, and the pulls stay, the curvature of the outer loss in
the rows is a product of two matrices, that of a Gauss-Newton step::

    (A M A') of shape (m, m)  times  (cov of the real rows + ridge) of shape (p, p)

``M`` (k, k) is the mean second derivative of the loss in a raw prediction. Where both
are the identity, neither the units and the correlations of the features nor those of
the rows slow an optimizer down.
"""

import numpy as np

from skdistill.synthetic._variables import Block, FeatureUnits

#: Least curvature of a direction, relative to the largest. What the pulls do not see
#: moves these, and is curved by that.
LEAST_CURVATURE = 0.1
#: Smallest pull of a row that is told from none, in units of the targets.
LEAST_PULL = 1e-6


class RoundUnits:
    """Coordinates of rows, where these have no bounds.

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
        #: The units where rows have bounds.
        self.of_features = FeatureUnits(1 / (whitening.scale * rms))
        # Steps of one change raw predictions by about one, whatever the loss.
        curvature = curvature / max(np.diag(curvature).mean(), np.finfo(float).tiny)
        values, vectors = np.linalg.eigh(pull @ curvature @ pull.T)
        values = np.maximum(values, max(LEAST_CURVATURE * values[-1], LEAST_PULL**2))
        self.mix = (vectors / np.sqrt(values)) @ vectors.T

    def block(self, X, bounds):
        """Return samples (m, p) within bounds as a Block.

        A box is none in coordinates that mix the features: with bounds, except for
        entries that are fixed, each feature has a unit of its own.
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
