"""What a distiller returns: the rows and their targets, which are no single array."""

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
        """Say what to do if the pair is taken for samples, by the step of a pipeline.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            "DatasetDistiller returns the pair (X, y) of a smaller set, which is not "
            "one array: it cannot be followed by another step in a pipeline of "
            "scikit-learn, whose steps keep the rows. Let the last step be "
            "DistilledClassifier(estimator) or DistilledRegressor(estimator), which "
            "distill and fit; use DistillationSampler in a pipeline of "
            "imbalanced-learn; or unpack the pair, X_synthetic, y_synthetic = "
            "distiller.fit_transform(X, y)."
        )
