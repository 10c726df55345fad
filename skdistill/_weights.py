"""Fitting an estimator with weights, which a pipeline passes to its last step."""

from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def takes_weights(estimator):
    """Whether an estimator takes weights to fit, or the last step of a pipeline."""
    return weight_parameter(estimator) is not None


def weight_parameter(estimator):
    """Return the name under which ``fit`` takes weights, None if it does not."""
    if not isinstance(estimator, Pipeline):
        takes = has_fit_parameter(estimator, "sample_weight")
        return "sample_weight" if takes else None
    step, last = estimator.steps[-1]
    name = weight_parameter(last)
    return None if name is None else f"{step}__{name}"


def fit_on(estimator, X, y, sample_weight):
    """Fit an estimator in place and return it; one that takes no weights gets none.

    Parameters
    ----------
    estimator : estimator object
        Unfitted, or a pipeline whose last step takes the weights.
    X, y : array-like
        Samples and targets.
    sample_weight : ndarray of shape (m,) or None
        Weights.
    """
    name = weight_parameter(estimator)
    if sample_weight is None or name is None:
        estimator.fit(X, y)
    else:
        # The weights are those of the set, whatever is routed to the real rows.
        with config_context(enable_metadata_routing=False):
            estimator.fit(X, y, **{name: sample_weight})
    return estimator


def last_step(estimator):
    """Return what a pipeline ends with, at any depth; another estimator itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
