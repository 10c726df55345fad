"""The synthetic set as scikit-learn is given it: hard labels and weights."""

from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """What the estimator is fitted on.

    Attributes
    ----------
    X : ndarray of shape (m, p)
        Samples.
    y : ndarray of shape (m,) or (m, k)
        Labels or numbers.
    sample_weight : ndarray of shape (m,)
        Weights.
    is_weighted : bool
        Whether the weights are passed to ``fit``; otherwise they are all one.
    """

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray
    is_weighted: bool


def export(student, spec, options, y0, weight0, synthetic):
    """Turn the set that a student trained on into rows for the estimator.

    Parameters
    ----------
    student : Student
        Its training weights contain class weights, which are divided out.
    spec : DataSpec
        Classes, if any.
    options : Options
        What was learned.
    y0 : ndarray of shape (m,) or (m, k)
        Targets of the starting set: class indices or numbers.
    weight0 : ndarray of shape (m,)
        Weights of the starting set.
    synthetic : SyntheticSet
        The set.

    Returns
    -------
    Rows
        With learned probabilities, one copy of a row for each class, weighted with its
        probability: the estimator minimizes the same objective on them.
    """
    is_weighted = options.weighting != "unit" or options.learn_probabilities
    if spec.classes is None:
        y = y0 if options.target_scale is None else synthetic.y
        weight = synthetic.sample_weight
        return Rows(synthetic.X, y, weight, is_weighted)
    k = len(spec.classes)
    indices = np.arange(k)
    class_weight = student.training_weight(indices, np.ones(k))
    if options.learn_probabilities:
        shares = synthetic.y
        if shares.ndim == 1:
            shares = np.column_stack([1 - shares, shares])
        weight = synthetic.sample_weight[:, None] * shares / class_weight
        return Rows(
            np.repeat(synthetic.X, k, axis=0),
            np.tile(spec.classes, len(shares)),
            weight.ravel(),
            is_weighted,
        )
    weight = weight0
    if options.weighting == "learn":
        weight = synthetic.sample_weight / class_weight[y0]
    return Rows(synthetic.X, spec.classes[y0], weight, is_weighted)
