"""Priors and means of classes, for students made of moments."""

import jax.numpy as jnp
import numpy as np


def given_priors(priors, classes, name="priors"):
    """Return given priors as a tuple that sums to one; None stays None.

    scikit-learn normalizes them, or requires that they sum to one.

    Raises
    ------
    ValueError
        If there is not one positive number for each class.
    """
    if priors is None:
        return None
    priors = np.asarray(priors, dtype=np.float64)
    if priors.shape != (len(classes),) or not (priors > 0).all():
        raise ValueError(
            f"{name} must be {len(classes)} positive numbers, one for each class in y; "
            f"got {priors.tolist()}. Pass such numbers, or None."
        )
    return tuple((priors / priors.sum()).tolist())


def class_weights(synthetic):
    """Return the weights (m, k) of rows in each class, from one-hot or soft labels."""
    return synthetic.sample_weight[:, None] * synthetic.y


def class_means(X, weight):
    """Return the weighted mean (k, p) of each class."""
    # Divide the sum, as scikit-learn does, so that the mean of equal integers is exact.
    return weight.T @ X / weight.sum(axis=0)[:, None]


def class_priors(weight, given):
    """Return the priors (k,) of the classes: given ones, or shares of the weights."""
    if given is not None:
        return jnp.asarray(given)
    return weight.sum(axis=0) / weight.sum()
