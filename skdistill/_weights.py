"""Fitting an estimator with weights, which go to the last step of a pipeline."""

from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def takes_weights(estimator):
    """Whether an estimator takes weights in ``fit``; in a pipeline, its last step."""
    return weight_parameter(estimator) is not None


def weight_parameter(estimator):
    """Return the name of the parameter of ``fit`` for weights, or None."""
    if not isinstance(estimator, Pipeline):
        takes = has_fit_parameter(estimator, "sample_weight")
        return "sample_weight" if takes else None
    step, last = estimator.steps[-1]
    name = weight_parameter(last)
    return None if name is None else f"{step}__{name}"


def fit_on(estimator, X, y, sample_weight):
    """Fit an estimator in place, with weights if it takes them, and return it.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator. In a pipeline the last step gets the weights.
    X, y : array-like
        Samples and targets.
    sample_weight : ndarray of shape (m,) or None
        Weights.
    """
    name = weight_parameter(estimator)
    if sample_weight is None or name is None:
        estimator.fit(X, y)
    else:
        # Metadata routing only concerns the real rows, not these weights of the set.
        with config_context(enable_metadata_routing=False):
            estimator.fit(X, y, **{name: sample_weight})
    return estimator


def last_step(estimator):
    """Return the last step of a pipeline, also if nested, or the estimator itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
