"""The loss of a fitted estimator on real rows, from whatever it predicts.

Classifiers are judged by the log-loss of their probabilities; those without any by that
of a softmax of their decision function, with the temperature that suits it best; those
with ``predict`` alone by the share of wrong labels, in the same units. All mix in a
small share of equal probabilities: a tree that is certain and wrong costs no infinity.
Regressors are judged by their squared error, the mean over several outputs.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

#: Share of equal probabilities that is mixed in.
SMOOTHING = 0.03
#: Logarithms of the least and the largest factor of a decision function.
LOG_SCALES = (-6.0, 6.0)
#: Rows that are enough to find the factor.
MAX_SCALING_ROWS = 1024


class Scorer:
    """The loss of one fitted estimator on each of some real rows.

    Parameters
    ----------
    estimator : estimator object
        Fitted.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for numbers.
    """

    def __init__(self, estimator, classes):
        self.estimator = estimator
        self.classes = classes
        self._scale = None

    def losses(self, X, y):
        """Return the loss (n,) of each row; NaN where no prediction is finite.

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
        """Return the probability (n,) that is given to the class of each row."""
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
        """Return the column (n,) that an estimator has for each class, -1 for none."""
        known = self._known()
        order = np.argsort(known)
        position = np.searchsorted(known, self.classes, sorter=order)
        position = order[np.minimum(position, len(known) - 1)]
        return np.where(known[position] == self.classes, position, -1)[y]

    def _known(self):
        return np.asarray(getattr(self.estimator, "classes_", self.classes))


def _best_scale(scores, columns):
    """Return the factor with which a softmax of scores has the lowest log-loss."""
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
