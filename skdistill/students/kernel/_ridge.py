"""Kernel ridge student, the counterpart of ``KernelRidge``.

On ``m`` rows with targets ``Y`` (m, k), weights ``W = diag(w)`` and the kernel matrix
``K``, the dual coefficients are ``D = W^1/2 (W^1/2 K W^1/2 + alpha I)^-1 W^1/2 Y``, the
solution of ``(W K + alpha I) D = W Y``. There is no intercept. The same matrix, applied
to the gradient ``G`` in ``D`` instead of ``Y``, gives the adjoint ``A``. With the
residual ``R = Y - K D`` and ``B = G - K A``, the gradients are

    Y: A,    K: -A D',    alpha: -<A, R> / alpha,    w_i: <B_i, R_i> / alpha
"""

from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, lu_factor, lu_solve

from skdistill._programs import Program
from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent, pad_rows
from skdistill.students.kernel._kernels import (
    INDEFINITE,
    KERNELS,
    LEARNED_PARAMS,
    NORMALIZED,
    fixed_params,
)


class KernelRidgeParams(NamedTuple):
    """A kernel expansion with its norm.

    Attributes
    ----------
    centers, dual_coef, kernel_params
        As for ``KernelParams``.
    squared_norm : float
        Squared norm in the space of the kernel, averaged over the outputs. Training
        computes it, because it has the kernel matrix.
    """

    centers: Any
    dual_coef: Any
    kernel_params: dict
    squared_norm: Any


@dataclass(frozen=True)
class KernelPrediction(Program):
    """The prediction ``kernel(X, centers) @ dual_coef`` in the precision of ``X``.

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

    def mean_squared_norm(self, params):
        """Return the squared norm in the kernel's space, averaged over outputs."""
        gram = self.gram(params.centers, params.centers, params.kernel_params)
        square = jnp.vdot(params.dual_coef, gram @ params.dual_coef)
        return square / params.dual_coef.shape[1]


@dataclass(frozen=True)
class _Training(Program):
    prediction: KernelPrediction

    def __call__(self, synthetic, is_row):
        X, y, weight, hyperparameters = synthetic
        kernel_params = {
            name: hyperparameters[name]
            for name in LEARNED_PARAMS[self.prediction.kernel]
        }
        gram = self.prediction.gram(X, X, kernel_params)
        dual_coef = _dual_coef(
            gram,
            y.reshape(len(X), -1),
            weight,
            hyperparameters["alpha"],
            self.prediction.kernel in INDEFINITE,
        )
        # Padding rows have weight zero, so their coefficients are zero.
        square = jnp.vdot(dual_coef, gram @ dual_coef) / dual_coef.shape[1]
        return KernelRidgeParams(X, dual_coef, kernel_params, square)


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def _dual_coef(gram, y, weight, alpha, indefinite):
    """Return ``D``, which is differentiated by a formula because that is faster."""
    return _dual_coef_forward(gram, y, weight, alpha, indefinite)[0]


def _dual_coef_forward(gram, y, weight, alpha, indefinite):
    root = jnp.sqrt(weight)[:, None]
    system = gram * root * root.T + alpha * jnp.eye(len(gram))
    factor = lu_factor(system) if indefinite else jnp.linalg.cholesky(system)
    dual_coef = _apply_inverse(factor, root, y, indefinite)
    return dual_coef, (gram, y, alpha, factor, root, dual_coef)


def _apply_inverse(factor, root, rhs, indefinite):
    """Return ``W^1/2 (W^1/2 K W^1/2 + alpha I)^-1 W^1/2 rhs``."""
    if indefinite:
        return root * lu_solve(factor, root * rhs)
    return root * cho_solve((factor, True), root * rhs)


def _dual_coef_backward(indefinite, saved, cotangent):
    gram, y, alpha, factor, root, dual_coef = saved
    adjoint = _apply_inverse(factor, root, cotangent, indefinite)
    residual = y - gram @ dual_coef
    # The derivative in a weight is finite at zero, unlike that in its square root.
    return (
        -adjoint @ dual_coef.T,
        adjoint,
        ((cotangent - gram @ adjoint) * residual).sum(axis=1) / alpha,
        -jnp.vdot(adjoint, residual) / alpha,
    )


_dual_coef.defvjp(_dual_coef_forward, _dual_coef_backward)


def _squared_norm(params):
    return params.squared_norm


def _penalty(params, hyperparameters):
    """Return ``alpha ||f||^2`` in the kernel's space, averaged over the outputs."""
    return hyperparameters["alpha"] * params.squared_norm


class KernelRidgeStudent(PaddedStudent):
    """Student of ``KernelRidge``.

    Parameters
    ----------
    estimator : KernelRidge
        The estimator to mirror.
    task : Task
        Features and outputs.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_error"
    ignores_zeros = True
    outer_loss = staticmethod(SQUARED_LOSS.traced)

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        kernel = estimator.kernel
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        if "gamma" in LEARNED_PARAMS[kernel]:
            gamma = estimator.gamma
            self.counts_features = gamma is None
            gamma = 1 / task.n_features if gamma is None else float(gamma)
            self.hyperparameters["gamma"] = gamma
        fixed = fixed_params(estimator)
        self.raw_prediction = KernelPrediction(kernel, fixed)
        self.train = _Training(self.raw_prediction)
        if kernel not in INDEFINITE:
            self.penalty = _penalty
            self.is_regularized = True
        if kernel in NORMALIZED:
            self.unit_norm = _squared_norm

    def params_of(self, estimator, synthetic):
        """Return the expansion that scikit-learn found."""
        trained = self.solve(synthetic)
        dual_coef = estimator.dual_coef_.reshape(len(synthetic.X), -1)
        return trained._replace(dual_coef=pad_rows(dual_coef, len(trained.dual_coef)))


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
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
        raise NotMirrored(
            f"KernelRidge cannot be distilled with {', '.join(refused)}. Supported: "
            f"one alpha > 0 and the kernels {', '.join(sorted(LEARNED_PARAMS))}."
        )
