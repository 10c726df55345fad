"""The pair of synthetic samples and targets that a distiller returns."""

from typing import Any, NamedTuple


class SyntheticPair(NamedTuple):
    """The tuple ``(X, y)`` of a synthetic set.

    Attributes
    ----------
    X : ndarray or DataFrame of shape (n_synthetic, n_features)
        Samples.
    y : ndarray, Series or DataFrame of shape (n_synthetic,) or (n_synthetic, n_outputs)
        Their targets.
    """

    X: Any
    y: Any

    def __array__(self, dtype=None, copy=None):
        """Explain what to do if a step of a pipeline takes the pair for an array.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            "DatasetDistiller returns the pair (X, y) of a smaller set rather than one "
            "array, so no step can follow it in a pipeline of scikit-learn. Let the "
            "last step be DistilledClassifier(estimator) or "
            "DistilledRegressor(estimator), which distill and fit. Or use "
            "DistillationSampler in a pipeline of imbalanced-learn, or unpack the "
            "pair: X_synthetic, y_synthetic = distiller.fit_transform(X, y)."
        )
