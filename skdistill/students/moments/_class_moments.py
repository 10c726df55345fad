"""Shares and means of classes, for the students that are made of them."""

import jax.numpy as jnp
import numpy as np


def given_priors(priors, classes, name="priors"):
    """Return the priors that an estimator was given, as a tuple; None stays None.

    They sum to one, as scikit-learn makes them or demands.

    Raises
    ------
    ValueError
        If they are not one positive number for each class.
    """
    if priors is None:
        return None
    priors = np.asarray(priors, dtype=np.float64)
    if priors.shape != (len(classes),) or not (priors > 0).all():
        raise ValueError(
            f"{name} must be {len(classes)} positive numbers, one for each class in y; "
            f"got {priors.tolist()}."
        )
    return tuple((priors / priors.sum()).tolist())


def class_weights(synthetic):
    """Weights (m, k) of the rows in each class, from one-hot or soft labels."""
    return synthetic.sample_weight[:, None] * synthetic.y


def class_means(X, weight):
    """Weighted mean (k, p) of each class."""
    # A sum first, then divided, as scikit-learn has it: of equal integers it is exact.
    return weight.T @ X / weight.sum(axis=0)[:, None]


def class_priors(weight, given):
    """Shares (k,) of the classes: those given, or those of the weights."""
    if given is not None:
        return jnp.asarray(given)
    return weight.sum(axis=0) / weight.sum()
