"""Predicting with the estimator that scikit-learn fitted on the synthetic set."""

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import ArrayLike
from skdistill.estimators._by_blocks import predicted_by_blocks, score_by_blocks
from skdistill.tables._reading import readable


def _estimator_has(name):
    """Whether ``estimator_``, or ``estimator`` before the fit, has a method."""

    def check(self):
        getattr(getattr(self, "estimator_", self._estimator()), name)
        return True

    return check


class PredictionMixin:
    """Methods that call ``estimator_``; they exist if ``estimator_`` has them."""

    estimator_: Any

    @available_if(_estimator_has("predict"))
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict with ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Class labels or predicted targets.
        """
        check_is_fitted(self)
        return self._predicted("predict", X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities with ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predicted("predict_proba", X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict logarithms of class probabilities with ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predicted("predict_log_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the decision function of ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Confidence scores.
        """
        check_is_fitted(self)
        return self._predicted("decision_function", X)

    @available_if(_estimator_has("score"))
    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Score ``estimator_``, which scikit-learn fitted on the synthetic set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels or targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        float
            The score that ``estimator_`` returns: usually the mean accuracy of a
            classifier or R2 of a regressor.
        """
        check_is_fitted(self)
        score = score_by_blocks(self, X, y, sample_weight)
        if score is not None:
            return score
        X, y = self._samples(X), readable(y, "y")
        if sample_weight is None:
            return self.estimator_.score(X, y)
        # Without this, a pipeline would require a request for the weights.
        with config_context(enable_metadata_routing=False):
            return self.estimator_.score(X, y, sample_weight=sample_weight)

    def _predicted(self, method, X):
        by_blocks = predicted_by_blocks(self, method, X)
        if by_blocks is not None:
            return by_blocks
        return getattr(self.estimator_, method)(self._samples(X))

    def _samples(self, X):
        """Return samples as ``estimator_`` gets them, which validates them itself."""
        return readable(X)
