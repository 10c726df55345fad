"""What students, objectives and optimizers exchange; shapes are stated here."""

from typing import Any, NamedTuple


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
        surrogates of the student.
    """

    X: Any
    y: Any
    sample_weight: Any
    hyperparameters: dict


class LinearParams(NamedTuple):
    """A linear model: ``raw_prediction = X @ coef.T + intercept``.

    Attributes
    ----------
    coef : array of shape (k, p)
        Coefficients; one row for two classes or one target, as in scikit-learn.
    intercept : array of shape (k,)
        Intercepts, zeros when the estimator has none.
    """

    coef: Any
    intercept: Any


class KernelParams(NamedTuple):
    """A kernel expansion: ``raw_prediction = kernel(X, centers) @ dual_coef``.

    Attributes
    ----------
    centers : array of shape (m, p)
        Rows that the kernel is centered at.
    dual_coef : array of shape (m, k)
        Their coefficients.
    kernel_params : dict of str to float
        Continuous parameters of the kernel, such as ``gamma``.
    """

    centers: Any
    dual_coef: Any
    kernel_params: dict
