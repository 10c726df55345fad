"""The synthetic set in the form that scikit-learn gets: hard labels and weights."""

from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """The rows that the estimator is fitted on.

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


def rows_of_numbers(options, synthetic):
    """Turn a set with numeric targets into rows for the estimator.

    Parameters
    ----------
    options : Options
        Says what was learned.
    synthetic : SyntheticSet
        The set. Targets that are not learned are those of its start.
    """
    is_weighted = options.weighting != "unit"
    return Rows(synthetic.X, synthetic.y, synthetic.sample_weight, is_weighted)


def rows_of_classes(student, classes, options, y0, weight0, synthetic):
    """Turn a set with classes into rows for the estimator.

    Parameters
    ----------
    student : Student
        The student. Its training weights include class weights, which are divided out.
    classes : ndarray of shape (k,)
        Labels of the classes.
    options, synthetic
        As for ``rows_of_numbers``.
    y0 : ndarray of shape (m,)
        Class indices of the starting set.
    weight0 : ndarray of shape (m,)
        Weights of the starting set, without class weights.

    Returns
    -------
    Rows
        The rows. With learned probabilities there is a copy of each row for each class,
        weighted with its probability. The estimator minimizes the same objective on
        these copies.
    """
    k = len(classes)
    if not (options.learn_probabilities or options.weighting == "learn"):
        is_weighted = options.weighting != "unit"
        return Rows(synthetic.X, classes[y0], weight0, is_weighted)
    class_weight = student.training_weight(np.arange(k), np.ones(k))
    if not options.learn_probabilities:
        weight = synthetic.sample_weight / class_weight[y0]
        return Rows(synthetic.X, classes[y0], weight, True)
    shares = synthetic.y
    if shares.ndim == 1:
        shares = np.column_stack([1 - shares, shares])
    weight = synthetic.sample_weight[:, None] * shares / class_weight
    return Rows(
        np.repeat(synthetic.X, k, axis=0),
        np.tile(classes, len(shares)),
        weight.ravel(),
        True,
    )
