"""Kernel ridge student, the counterpart of ``KernelRidge``.

On ``m`` rows with targets ``Y`` (m, k), weights ``w`` and the kernel matrix ``K``, the
dual coefficients solve ``(diag(w)^1/2 K diag(w)^1/2 + alpha I) v = diag(w)^1/2 Y``, and
are ``diag(w)^1/2 v``; there is no intercept.
"""

from dataclasses import dataclass
from numbers import Real

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve

from skdistill._containers import KernelParams
from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import ClosedFormStudent
from skdistill.students._kernels import (
    FIXED_PARAMS,
    INDEFINITE,
    KERNELS,
    LEARNED_PARAMS,
)


@dataclass(frozen=True)
class KernelPrediction:
    """``kernel(X, centers) @ dual_coef`` in the precision of ``X``.

    ``fixed`` are the parameters of the kernel that are not learned, as pairs.
    """

    kernel: str
    fixed: tuple = ()

    def __call__(self, params, X):
        gram = self.gram(X, params.centers.astype(X.dtype), params.kernel_params)
        return gram @ params.dual_coef.astype(X.dtype)

    def gram(self, X, Z, params):
        """Return the kernel matrix (n, m)."""
        learned = {name: jnp.asarray(value, X.dtype) for name, value in params.items()}
        return KERNELS[self.kernel](X, Z, {**dict(self.fixed), **learned})


@dataclass(frozen=True)
class _Training:
    prediction: KernelPrediction

    def __call__(self, synthetic):
        X, y, weight, hyperparameters = synthetic
        kernel_params = {
            name: hyperparameters[name]
            for name in LEARNED_PARAMS[self.prediction.kernel]
        }
        root = jnp.sqrt(weight)[:, None]
        system = self.prediction.gram(X, X, kernel_params) * root * root.T
        system += hyperparameters["alpha"] * jnp.eye(len(X))
        rhs = root * y.reshape(len(X), -1)
        if self.prediction.kernel in INDEFINITE:
            solution = jnp.linalg.solve(system, rhs)
        else:
            solution = cho_solve(cho_factor(system), rhs)
        return KernelParams(X, root * solution, kernel_params)


class KernelRidgeStudent(ClosedFormStudent):
    """Student of ``KernelRidge``.

    Parameters
    ----------
    estimator : KernelRidge
        The estimator to mirror.
    spec : DataSpec
        Features and outputs.

    Raises
    ------
    ValueError
        If the estimator has a setting that is not mirrored.
    """

    loss_name = "squared_error"
    outer_loss = staticmethod(SQUARED_LOSS.traced)

    def __init__(self, estimator, spec):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, spec)
        kernel = estimator.kernel
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        if "gamma" in LEARNED_PARAMS[kernel]:
            gamma = estimator.gamma
            gamma = 1 / spec.n_features if gamma is None else float(gamma)
            self.hyperparameters["gamma"] = gamma
        fixed = tuple((name, getattr(estimator, name)) for name in FIXED_PARAMS[kernel])
        self.raw_prediction = KernelPrediction(kernel, fixed)
        self.train = _Training(self.raw_prediction)

    def params_of(self, estimator, synthetic):
        """Return the expansion that scikit-learn found."""
        return KernelParams(
            centers=np.asarray(estimator.X_fit_, dtype=np.float64),
            dual_coef=estimator.dual_coef_.reshape(len(estimator.X_fit_), -1),
            kernel_params={
                name: synthetic.hyperparameters[name]
                for name in LEARNED_PARAMS[estimator.kernel]
            },
        )


def _refuse_unmirrored(estimator):
    """Raise a ValueError that names the settings without a counterpart here."""
    refused = []
    if estimator.kernel not in LEARNED_PARAMS:
        refused.append(f"kernel={estimator.kernel!r}")
    if not isinstance(estimator.alpha, Real):
        refused.append("alpha as an array")
    elif estimator.alpha == 0:
        refused.append("alpha=0 (repeated rows would have no solution)")
    if estimator.kernel_params:
        refused.append("kernel_params")
    if refused:
        raise ValueError(
            f"KernelRidge cannot be distilled with {', '.join(refused)}. Supported: "
            f"one alpha > 0 and the kernels {', '.join(sorted(LEARNED_PARAMS))}."
        )
