"""Gaussian process students of classes, of ``GaussianProcessClassifier``.

A machine tells one class from the others: one for two classes, one each for more. Its
latent function ``f`` has the covariance ``k``. On ``m`` rows ``X`` with labels ``t`` of
0 and 1, ``K = k(X, X)`` and ``pi = sigmoid(f)``, the posterior of ``f`` is taken for a
Gaussian around its mode (Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006, Algorithms 3.1 and 3.2)::

    f = K (t - pi),    W = diag(pi (1 - pi)),    L L' = I + W^1/2 K W^1/2
    mean(x) = k(x, X) (t - pi),
    variance(x) = k(x, x) - ||L^-1 W^1/2 k(X, x)||^2

The probability of the class is the mean of the sigmoid over this Gaussian, in which
scikit-learn replaces the sigmoid by a sum of five error functions; those of several
classes are divided by their sum. Everything is double precision: these five terms are
a thousand times as large as what is left of them.

A Newton step towards the mode has no derivative in where it starts, if that is the mode
already. So one more step from there has the derivatives of the mode itself.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.scipy.special import erf, expit
from scipy import linalg
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from skdistill._programs import Program
from skdistill._sklearn_compat import COEFS, LAMBDAS
from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent, pad_rows, pad_samples, padded_size
from skdistill.students.kernel._gp_kernels import covariance_for

#: What ``kernel=None`` stands for.
DEFAULT_KERNEL = ConstantKernel(1.0, "fixed") * RBF(1.0, "fixed")
#: Least probability of a class: the five terms leave exact zeros, and ones up to 1e-8.
LEAST_PROBABILITY = 1e-8
#: Newton steps towards the mode; it takes about ten.
MAX_STEPS = 100
#: Largest change of a latent value by the last step, relative to the largest value.
MODE_TOL = 1e-10
#: Shares of a Newton step, of which the best is taken.
STEP_LENGTHS = tuple(0.5**power for power in range(8))


class LaplaceParams(NamedTuple):
    """Gaussian posteriors of ``k`` latent functions, conditioned on ``m`` rows.

    Attributes
    ----------
    centers : array of shape (m, p)
        Rows.
    dual_coef : array of shape (m, k)
        ``t - pi``.
    whitener : array of shape (k, m, m)
        ``L^-1 W^1/2``.
    kernel_params : dict of str to float
        Positive parameters of the covariance.
    """

    centers: Any
    dual_coef: Any
    whitener: Any
    kernel_params: dict


@dataclass(frozen=True)
class _Prediction(Program):
    """Log-odds (n, 1) of two classes, logarithms (n, k) of probabilities of more."""

    covariance: Any

    def __call__(self, params, X):
        X = X.astype(params.centers.dtype)
        cross = self.covariance.cross(X, params.centers, params.kernel_params)
        prior = self.covariance.diagonal(X, params.kernel_params)

        def of_machine(machine):
            dual_coef, whitener = machine
            explained = ((cross @ whitener.T) ** 2).sum(axis=1)
            variance = jnp.maximum(prior - explained, 0)
            return _probability(cross @ dual_coef, variance)

        # One machine at a time: all of them would not fit the memory.
        p = lax.map(of_machine, (params.dual_coef.T, params.whitener)).T
        if p.shape[1] > 1:
            return jnp.log(p + LEAST_PROBABILITY)
        return jnp.log(p + LEAST_PROBABILITY) - jnp.log(1 - p + LEAST_PROBABILITY)


def _probability(mean, variance):
    """Return the mean (n,) of the sigmoid over Gaussians, as scikit-learn has it."""
    p = jnp.zeros_like(mean)
    for coef, scale in zip(COEFS.ravel(), LAMBDAS.ravel(), strict=True):
        root = jnp.sqrt(1 + 2 * float(scale) ** 2 * variance)
        p += 0.5 * float(coef) * (1 + erf(float(scale) * mean / root))
    return jnp.clip(p, 0, 1)


@dataclass(frozen=True)
class _Training(Program):
    covariance: Any
    kernel_names: tuple
    n_machines: int

    def __call__(self, synthetic, is_row):
        X, y, _, hyperparameters = synthetic
        kernel_params = {name: hyperparameters[name] for name in self.kernel_names}
        gram = self.covariance.square(X, kernel_params)
        eye = jnp.eye(len(X))
        y = lax.stop_gradient(y)  # classes stay as they are
        if self.n_machines == 1:
            labels = y[None, :]
        else:
            labels = 1.0 * (y[None, :] == jnp.arange(self.n_machines)[:, None])

        def of_machine(label):
            mode = _mode(gram, label, is_row)
            pi = expit(_newton_step(gram, mode, label, is_row)[1])
            root_weight, factor = _factor(gram, pi, is_row)
            whitener = solve_triangular(factor, eye, lower=True) * root_weight[None, :]
            return is_row * (label - pi), whitener

        dual_coef, whitener = jax.vmap(of_machine)(labels)
        return LaplaceParams(X, dual_coef.T, whitener, kernel_params)


@dataclass(frozen=True)
class _Penalty(Program):
    """Half the squared norms of all latent functions, which training adds.

    The modes on all the data minimize the sum of the two for the sigmoid of a latent
    function. Here it is the probability, a mean of it, that the outer loss judges.
    """

    covariance: Any

    def __call__(self, params, hyperparameters):
        centers, kernel_params = params.centers, params.kernel_params
        gram = self.covariance.cross(centers, centers, kernel_params)
        return 0.5 * jnp.vdot(params.dual_coef, gram @ params.dual_coef)


def _mode(gram, label, is_row):
    """Return the mode (m,) of the latent values, by Newton's method; a constant.

    Rows that fill a set up, of which ``is_row`` is zero, pull nothing.
    """
    gram = lax.stop_gradient(gram)

    def log_posterior(a, f):
        return -jax.nn.softplus((1 - 2 * label) * f) @ is_row - 0.5 * a @ f

    def step(state):
        a, f, _, n_steps = state
        towards_a, towards_f = _newton_step(gram, f, label, is_row)
        shares = jnp.array(STEP_LENGTHS)[:, None]
        some_a = a[None, :] + shares * (towards_a - a)[None, :]
        some_f = f[None, :] + shares * (towards_f - f)[None, :]
        best = jnp.argmax(jax.vmap(log_posterior)(some_a, some_f))
        change = jnp.abs(towards_f - f).max()
        is_done = change <= MODE_TOL * jnp.maximum(1, jnp.abs(f).max())
        return some_a[best], some_f[best], is_done, n_steps + 1

    def goes_on(state):
        return ~state[2] & (state[3] < MAX_STEPS)

    zeros = jnp.zeros(len(gram))
    return lax.while_loop(goes_on, step, (zeros, zeros, False, 0))[1]


def _newton_step(gram, f, label, is_row):
    """Return ``a`` and the latent values ``gram @ a`` (m,) that a step leads to."""
    pi = expit(f)
    root_weight, factor = _factor(gram, pi, is_row)
    b = is_row * (pi * (1 - pi) * f + label - pi)
    a = b - root_weight * cho_solve((factor, True), root_weight * (gram @ b))
    return a, gram @ a


def _factor(gram, pi, is_row):
    """Return the diagonal of ``W^1/2``, and ``L``."""
    root_weight = is_row * jnp.sqrt(pi * (1 - pi))
    system = jnp.eye(len(gram)) + root_weight[:, None] * gram * root_weight[None, :]
    return root_weight, jnp.linalg.cholesky(system)


class GaussianProcessClassifierStudent(PaddedStudent):
    """Student of ``GaussianProcessClassifier`` with a kernel that ``fit`` leaves alone.

    Parameters
    ----------
    estimator : GaussianProcessClassifier
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If the estimator has a setting that is not mirrored.
    """

    loss_name = "log_loss"
    is_regularized = True

    def __init__(self, estimator, task):
        is_default = estimator.kernel is None
        kernel = DEFAULT_KERNEL if is_default else estimator.kernel
        _refuse_unmirrored(estimator, kernel, task)
        super().__init__(estimator, task)
        # The parameters of the default kernel cannot be set.
        covariance, learned = covariance_for(kernel, learnable=not is_default)
        # scikit-learn says so where length scales do not match the features.
        kernel(np.zeros((1, task.n_features)))
        self.kernel_names = tuple(learned)
        self.hyperparameters = learned
        k = len(task.classes)
        loss = BINARY_LOG_LOSS if k == 2 else MULTINOMIAL_LOG_LOSS
        self.outer_loss = loss.traced
        self.raw_prediction = _Prediction(covariance)
        self.train = _Training(covariance, self.kernel_names, 1 if k == 2 else k)
        self.penalty = _Penalty(covariance)

    def params_of(self, estimator, synthetic):
        """Return the posteriors that scikit-learn found."""
        base = estimator.base_estimator_
        machines = getattr(base, "estimators_", [base])
        size = padded_size(len(synthetic.X))
        pulls = [pad_rows(each.y_train_ - each.pi_, size) for each in machines]
        return LaplaceParams(
            pad_samples(machines[0].X_train_),
            np.column_stack(pulls),
            np.stack([_whitener(each, size) for each in machines]),
            {name: synthetic.hyperparameters[name] for name in self.kernel_names},
        )


def _whitener(machine, size):
    """Return ``L^-1 W^1/2`` of a machine of scikit-learn, filled up."""
    m = len(machine.pi_)
    padded = np.zeros((size, size))
    padded[:m, :m] = linalg.solve_triangular(
        machine.L_, np.diag(machine.W_sr_), lower=True
    )
    return padded


def _refuse_unmirrored(estimator, kernel, task):
    """Raise an error that names the settings without a counterpart here."""
    if estimator.multi_class != "one_vs_rest" and len(task.classes) > 2:
        raise NotMirrored(
            "GaussianProcessClassifier cannot be distilled with "
            f"multi_class={estimator.multi_class!r}, which predicts no probabilities. "
            "Supported: multi_class='one_vs_rest'."
        )
    if estimator.optimizer is not None and kernel.n_dims > 0:
        raise NotMirrored(
            "GaussianProcessClassifier cannot be distilled with "
            f"optimizer={estimator.optimizer!r}, which would choose the kernel anew on "
            "the synthetic rows. Supported: optimizer=None, the default kernel, whose "
            "parameters are fixed, and learn_params to learn parameters of the kernel "
            "with the rows."
        )
