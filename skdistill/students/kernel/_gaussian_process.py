"""Gaussian process students, the counterparts of ``GaussianProcessRegressor``.

With the covariance ``k`` and ``L L' = k(X, X) + alpha I`` on ``m`` rows ``X``, targets
``Y`` (m, k) have the predictive mean and variance (Rasmussen and Williams, "Gaussian
Processes for Machine Learning", 2006, Algorithm 2.1)::

    mean(x) = k(x, X) L'^-1 L^-1 Y,    variance(x) = k(x, x) - ||L^-1 k(X, x)||^2

of targets less their mean and divided by their standard deviation with ``normalize_y``.
The variance has the noise of a ``WhiteKernel`` in it, and not ``alpha``. Everything is
double precision, whatever ``X`` is: with ``alpha=1e-10``, dual coefficients are large.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import cho_solve, solve_triangular
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from skdistill._programs import Program
from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent, pad_rows, pad_samples, padded_size
from skdistill.students.kernel._gp_kernels import covariance_for
from skdistill.students.kernel._gp_optimum import (
    FreeParameters,
    Optimum,
    fitted,
    polish,
    refuse_unmirrored_optimizer,
)

#: Least variance, as a share of that without data: the difference of the two is known
#: to rounding error, and has to be positive.
MIN_VARIANCE = 1e-12
#: Variance of the noise of a target that says nothing.
NO_TARGET = 1e200


class GaussianProcessParams(NamedTuple):
    """A Gaussian process, conditioned on ``m`` rows.

    Attributes
    ----------
    centers : array of shape (m, p)
        Rows.
    dual_coef : array of shape (m, k)
        ``L'^-1 L^-1 Y``.
    factor : array of shape (m, m) or None
        ``L``, where the variance is predicted, too.
    mean, scale : array of shape (k,)
        Of the targets; zeros and ones without ``normalize_y``.
    kernel_params : dict of str to float
        Positive parameters of the covariance.
    """

    centers: Any
    dual_coef: Any
    factor: Any
    mean: Any
    scale: Any
    kernel_params: dict


@dataclass(frozen=True)
class _Prediction(Program):
    """Predictive means (n, k), followed by variances (n, k) if a factor is there."""

    covariance: Any

    def __call__(self, params, X):
        X = X.astype(params.centers.dtype)
        cross = self.covariance.cross(X, params.centers, params.kernel_params)
        mean = params.scale * (cross @ params.dual_coef) + params.mean
        if params.factor is None:
            return mean
        prior = self.covariance.diagonal(X, params.kernel_params)
        explained = (solve_triangular(params.factor, cross.T, lower=True) ** 2).sum(0)
        variance = jnp.maximum(prior - explained, MIN_VARIANCE * prior)
        return jnp.hstack([mean, variance[:, None] * params.scale**2])


def _negative_log_density(raw_prediction, y):
    """Of all targets of a row together."""
    mean, variance = jnp.split(raw_prediction, 2, axis=1)
    square = (y.reshape(mean.shape) - mean) ** 2
    return 0.5 * (jnp.log(2 * jnp.pi * variance) + square / variance).sum(axis=1)


class _Conditioned(NamedTuple):
    """Targets, scaled, and what they say of a process."""

    scaled: Any
    mean: Any
    scale: Any
    factor: Any
    dual_coef: Any


@dataclass(frozen=True)
class _Training(Program):
    """Training for a given kernel, or for one of which some parameters are free.

    Then ``theta`` and ``inverse`` are the parts of an ``Optimum``.
    """

    covariance: Any
    kernel_names: tuple
    normalize: bool
    keeps_factor: bool
    free: FreeParameters

    def __call__(self, synthetic, is_row, theta=None, inverse=None):
        kernel_params = self.given(synthetic)
        if self.free:
            slope = jax.grad(_NegativeLogLikelihood(self))(theta, (synthetic, is_row))
            theta = Optimum(theta, inverse).moved_by(slope)
            kernel_params.update(self.free.named(theta))
        process = self.condition(synthetic, is_row, kernel_params)
        return GaussianProcessParams(
            synthetic.X,
            process.dual_coef,
            process.factor if self.keeps_factor else None,
            process.mean,
            process.scale,
            kernel_params,
        )

    def given(self, synthetic):
        """Return the parameters of the kernel that a set has."""
        return {name: synthetic.hyperparameters[name] for name in self.kernel_names}

    def condition(self, synthetic, is_row, kernel_params):
        """Return what the rows say of a process with a kernel."""
        X, y, _, hyperparameters = synthetic
        y = y.reshape(len(X), -1)
        mean, scale = jnp.zeros(y.shape[1]), jnp.ones(y.shape[1])
        if self.normalize:
            share = is_row / is_row.sum()
            mean = share @ y
            variance = share @ (y - mean) ** 2
            # As scikit-learn has it, constant targets keep their scale.
            varies = variance > (10 * jnp.finfo(y.dtype).eps) ** 2
            scale = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1)), 1)
        system = self.covariance.square(X, kernel_params)
        noise = jnp.where(is_row > 0, hyperparameters.get("alpha", 0.0), NO_TARGET)
        system += jnp.diag(noise)
        factor = jnp.linalg.cholesky(system)
        scaled = (y - mean) / scale
        dual_coef = _solve(system, lax.stop_gradient(factor), scaled)
        return _Conditioned(scaled, mean, scale, factor, dual_coef)


@dataclass(frozen=True)
class _NegativeLogLikelihood(Program):
    """Of the rows, up to a constant, summed over the outputs as scikit-learn has it."""

    training: _Training

    def __call__(self, theta, data):
        synthetic, is_row = data
        kernel_params = self.training.given(synthetic)
        kernel_params.update(self.training.free.named(theta))
        process = self.training.condition(synthetic, is_row, kernel_params)
        # Rows that fill a set up predict nothing of each other.
        scaled = is_row[:, None] * process.scaled
        log_determinant = is_row @ jnp.log(jnp.diagonal(process.factor))
        n_outputs = scaled.shape[1]
        return 0.5 * jnp.vdot(scaled, process.dual_coef) + n_outputs * log_determinant


@dataclass(frozen=True)
class _Penalty(Program):
    """Noise times the squared norm of the mean, a mean over the outputs.

    A Gaussian process predicts the mean that kernel ridge regression does.
    """

    covariance: Any

    def __call__(self, params, hyperparameters):
        centers, kernel_params = params.centers, params.kernel_params
        gram = self.covariance.cross(centers, centers, kernel_params)
        prior = self.covariance.diagonal(centers, kernel_params)
        noise = hyperparameters.get("alpha", 0.0) + (prior - jnp.diag(gram)).mean()
        scaled = params.scale * params.dual_coef
        return noise * jnp.vdot(scaled, gram @ scaled) / scaled.shape[1]


def _solve(system, factor, rhs):
    """Solve with the system, of which ``factor`` is known, and differentiate that."""
    return lax.custom_linear_solve(
        lambda v: system @ v,
        rhs,
        lambda _, b: cho_solve((factor, True), b),
        symmetric=True,
    )


class GaussianProcessStudent(PaddedStudent):
    """Student of ``GaussianProcessRegressor``, with or without an optimized kernel.

    With one, the loss jumps where the likelihood of the rows has another maximum, and
    its slope has no bound where two of them meet. Mini-batches step over that, and
    L-BFGS-B would end there.

    Parameters
    ----------
    estimator : GaussianProcessRegressor
        The estimator to mirror.
    task : Task
        Features and outputs.

    Raises
    ------
    ValueError
        If the estimator has a setting that is not mirrored.
    """

    loss_name = "squared_error"
    outer_loss = staticmethod(SQUARED_LOSS.traced)

    def __init__(self, estimator, task):
        is_default = estimator.kernel is None
        kernel = ConstantKernel() * RBF() if is_default else estimator.kernel
        _refuse_unmirrored(estimator, kernel)
        super().__init__(estimator, task)
        self.free = FreeParameters.of(estimator, kernel)
        self.bounds = kernel.bounds
        if self.free:
            self.needs_batches, self.batches_in_iteration = True, 3
        # The parameters of the default kernel cannot be set.
        covariance, learned = covariance_for(
            kernel, learnable=not is_default, chosen=self.free.names
        )
        # scikit-learn says so where length scales do not match the features.
        kernel(np.zeros((1, task.n_features)))
        self.kernel_names = tuple(learned)
        self.hyperparameters = learned
        if estimator.alpha > 0:
            self.hyperparameters = {"alpha": float(estimator.alpha), **learned}
        self.raw_prediction = _Prediction(covariance)
        self.train = _Training(
            covariance,
            self.kernel_names,
            estimator.normalize_y,
            self.loss_name == "log_density",
            self.free,
        )
        # Free noise would make the penalty as small as it likes.
        if self.loss_name == "squared_error" and not self.free:
            self.penalty = _Penalty(covariance)
            self.is_regularized = True

    def _arguments(self, synthetic):
        """Return the filled set, and the optimum of its likelihood if it has one."""
        arguments = super()._arguments(synthetic)
        if not self.free:
            return arguments
        model = fitted(self.estimator, synthetic)
        theta = (
            np.full(len(self.bounds), np.nan) if model is None else model.kernel_.theta
        )
        loss = _NegativeLogLikelihood(self.train)
        return *arguments, *polish(loss, theta, self.bounds, arguments)

    def params_of(self, estimator, synthetic):
        """Return the process that scikit-learn conditioned on the rows."""
        m = len(estimator.X_train_)
        size = padded_size(m)
        factor = None
        if self.train.keeps_factor:
            factor = np.diag(np.full(size, NO_TARGET**0.5))
            factor[:m, :m] = estimator.L_
        kernel_params = self.train.given(synthetic)
        if self.free:
            kernel_params.update(self.free.named(estimator.kernel_.theta))
        return GaussianProcessParams(
            pad_samples(estimator.X_train_),
            pad_rows(estimator.alpha_.reshape(m, -1), size),
            factor,
            np.ravel(estimator._y_train_mean),
            np.ravel(estimator._y_train_std),
            kernel_params,
        )


class GaussianProcessDensityStudent(GaussianProcessStudent):
    """The same, judged by the density that it predicts for the real targets.

    Mean and variance are those of ``predict(X, return_std=True)``. The loss of a row is
    the negative logarithm of the density of all its targets.
    """

    loss_name = "log_density"
    outer_loss = staticmethod(_negative_log_density)


def _refuse_unmirrored(estimator, kernel):
    """Raise a ValueError that names the settings without a counterpart here."""
    if not isinstance(estimator.alpha, Real):
        raise NotMirrored(
            "GaussianProcessRegressor cannot be distilled with alpha as an array, one "
            "value for each real row. Supported: one number."
        )
    refuse_unmirrored_optimizer(estimator, kernel)
