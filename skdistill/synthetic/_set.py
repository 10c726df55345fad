"""The synthetic set, and the task, which describes the rows."""

from typing import Any, NamedTuple

import numpy as np


class SyntheticSet(NamedTuple):
    """The synthetic set: what a student is trained on, and what is learned.

    It has ``m`` rows, ``p`` features and ``k`` classes or outputs. Everything is in
    double precision.

    Attributes
    ----------
    X : array of shape (m, p)
        Synthetic samples.
    y : array of shape (m,) or (m, k)
        Targets in the form that the student's loss takes: probabilities of the second
        class or numbers (m,), or rows on the simplex or several outputs (m, k).
    sample_weight : array of shape (m,)
        Weights in the student's training loss. They include class weights.
    hyperparameters : dict of str to float
        The continuous hyperparameters of the estimator, such as ``C``, and the
        smoothing parameters of the student.
    """

    X: Any
    y: Any
    sample_weight: Any
    hyperparameters: dict[str, Any]


class Task(NamedTuple):
    """Description of the rows, which is all that a student knows of the real data.

    Attributes
    ----------
    n_features : int
        Number of features of a row.
    classes : ndarray of shape (n_classes,) or None
        Sorted class labels; None for numeric targets.
    n_outputs : int
        Number of outputs of a numeric target, or number of classes.
    multi_output : bool
        Whether numeric targets form a matrix (n, n_outputs).
    layout : Layout, default=None
        The columns of the table, and the features that encode each column. None means
        that each column is one feature.
    """

    n_features: int
    classes: np.ndarray | None
    n_outputs: int
    multi_output: bool
    layout: Any = None
