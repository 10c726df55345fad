"""The synthetic set, and the form of its rows, which is that of the real ones."""

from typing import Any, NamedTuple

import numpy as np


class SyntheticSet(NamedTuple):
    """What a student is trained on, and what is learned.

    ``m`` rows, ``p`` features, ``k`` classes; everything is double precision.

    Attributes
    ----------
    X : array of shape (m, p)
        Synthetic samples.
    y : array of shape (m,) or (m, k)
        Targets in the form that the student's loss takes: a probability of the second
        class or a number (m,), rows on the simplex or several outputs (m, k).
    sample_weight : array of shape (m,)
        Weights in the student's training loss: class weights are multiplied in.
    hyperparameters : dict of str to float
        The continuous hyperparameters of the estimator, such as ``C``, and the
        smoothing_params of the student.
    """

    X: Any
    y: Any
    sample_weight: Any
    hyperparameters: dict[str, Any]


class Task(NamedTuple):
    """What a student knows of the real data: what its rows look like.

    Attributes
    ----------
    n_features : int
        Numbers in a row.
    classes : ndarray of shape (n_classes,) or None
        Sorted class labels; None for numbers.
    n_outputs : int
        Numbers in a target; the number of classes for classes.
    multi_output : bool
        Whether numeric targets form a matrix (n, n_outputs), as ``y`` did.
    layout : Layout, default=None
        Columns that a table came in, and the numbers that stand for each; None for as
        many columns as numbers.
    """

    n_features: int
    classes: np.ndarray | None
    n_outputs: int
    multi_output: bool
    layout: Any = None
