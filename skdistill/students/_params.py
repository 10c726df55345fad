"""The parameters of trained models, which the roles exchange."""

from typing import Any, NamedTuple


class LinearParams(NamedTuple):
    """A linear model: ``raw_prediction = X @ coef.T + intercept``.

    Attributes
    ----------
    coef : array of shape (k, p)
        Coefficients; one row for two classes or one target, as in scikit-learn.
    intercept : array of shape (k,)
        Intercepts; zeros if the estimator has none.
    """

    coef: Any
    intercept: Any


class KernelParams(NamedTuple):
    """A kernel expansion: ``raw_prediction = kernel(X, centers) @ dual_coef``.

    Attributes
    ----------
    centers : array of shape (m, p)
        Centers of the kernel functions.
    dual_coef : array of shape (m, k)
        Coefficients of the kernel functions.
    kernel_params : dict of str to float
        Continuous parameters of the kernel, such as ``gamma``.
    """

    centers: Any
    dual_coef: Any
    kernel_params: dict
