"""The loss of any fitted estimator on real rows.

The loss of classifiers is the log-loss of their probabilities. Without probabilities it
is the log-loss of a softmax of the decision function at the best temperature. With only
``predict``, the predicted label gets probability one. A small share of equal
probabilities is always mixed in, so that the loss of a wrong prediction with certainty
is not infinite. The loss of regressors is the squared error, averaged over outputs.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

#: Share of equal probabilities that is mixed in.
SMOOTHING = 0.03
#: Logarithms of the minimum and maximum factor of a decision function.
LOG_SCALES = (-6.0, 6.0)
#: Maximum number of rows for finding the factor.
MAX_SCALING_ROWS = 1024


class Scorer:
    """Computes the losses of one fitted estimator on real rows.

    Parameters
    ----------
    estimator : estimator object
        Fitted estimator.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for numbers.
    """

    def __init__(self, estimator, classes):
        self.estimator = estimator
        self.classes = classes
        self._scale = None

    def losses(self, X, y):
        """Return the loss (n,) of each row, which is NaN for a NaN prediction.

        Parameters
        ----------
        X : container of length n
            Rows.
        y : ndarray of shape (n,) or (n, k)
            Targets: indices of classes, or numbers.
        """
        if self.classes is None:
            predicted = np.asarray(self.estimator.predict(X), dtype=np.float64)
            errors = (predicted.reshape(len(y), -1) - y.reshape(len(y), -1)) ** 2
            return errors.mean(axis=1)
        share = SMOOTHING / len(self.classes)
        return -np.log((1 - SMOOTHING) * self._probability(X, y) + share)

    def _probability(self, X, y):
        """Return the predicted probability (n,) of the class of each row."""
        if hasattr(self.estimator, "predict_proba"):
            return self._of_classes(np.asarray(self.estimator.predict_proba(X)), y)
        if hasattr(self.estimator, "decision_function"):
            scores = np.asarray(self.estimator.decision_function(X), dtype=np.float64)
            if scores.ndim == 1 and len(self.classes) == 2:
                scores = np.column_stack([np.zeros(len(scores)), scores])
            if scores.ndim == 2 and scores.shape[1] == len(self._known()):
                if self._scale is None:
                    self._scale = _best_scale(scores, self._columns(y))
                return self._of_classes(np.exp(log_softmax(self._scale * scores, 1)), y)
        predicted = np.asarray(self.estimator.predict(X)).reshape(len(y))
        return (predicted == self.classes[y]).astype(np.float64)

    def _of_classes(self, probabilities, y):
        columns = self._columns(y)
        found = probabilities[np.arange(len(y)), columns]
        return np.where(columns >= 0, found, 0.0)

    def _columns(self, y):
        """Return the column (n,) of the class of each row, or -1 if there is none."""
        known = self._known()
        order = np.argsort(known)
        position = np.searchsorted(known, self.classes, sorter=order)
        position = order[np.minimum(position, len(known) - 1)]
        return np.where(known[position] == self.classes, position, -1)[y]

    def _known(self):
        return np.asarray(getattr(self.estimator, "classes_", self.classes))


def _best_scale(scores, columns):
    """Return the factor of scores for which their softmax has the lowest log-loss."""
    size = np.abs(scores).max()
    if not (np.isfinite(size) and size > 0):
        return 1.0
    known = np.flatnonzero(columns >= 0)[:MAX_SCALING_ROWS]
    scores, columns = scores[known] / size, columns[known]

    def loss(log_scale):
        logs = log_softmax(np.exp(log_scale) * scores, axis=1)
        return -logs[np.arange(len(logs)), columns].mean()

    found = minimize_scalar(loss, bounds=LOG_SCALES, method="bounded")
    return float(np.exp(found.x)) / size
