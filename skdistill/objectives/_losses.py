"""Pointwise losses of ``raw_prediction``, one value per row, with their derivatives.

Objectives differentiate the JAX function ``traced`` over many real rows. Students use
the NumPy functions for a few synthetic rows. Targets ``y`` are class indices or floats
of shape (n,), or rows on the simplex or several numbers of shape (n, k). So soft labels
use the same losses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, lambertw

from skdistill._programs import Program
from skdistill.objectives._hessians import DiagonalHessians, SoftmaxHessians


class PointwiseLoss(NamedTuple):
    """A convex loss ``l(raw_prediction, y)`` of one row.

    Attributes
    ----------
    traced : callable
        The loss (n,) of ``raw_prediction`` (n, k) and ``y``, written in JAX. All other
        functions use NumPy.
    value, gradient : callable
        The loss (n,) and its derivative (n, k).
    hessian : callable
        Its second derivatives, see ``skdistill.objectives._hessians``.
    target_slope : callable or None
        Minus the derivative (n, k) of each entry of the gradient in the corresponding
        entry of ``y``; None for class labels that are never learned.
    shift_invariant : bool
        Whether the loss does not change if a constant is added to all outputs of a row.
        Derivatives then sum to zero over the outputs.
    pull_limit : callable
        ``pull_limit(y) -> (n,)`` returns the maximum of ``-<z, gradient(z, y)>`` over
        all raw predictions ``z`` of a row, or a bound on it.
    target_for : callable or None
        ``target_for(raw_prediction, gradient) -> (n, k)`` returns targets for which the
        loss has this gradient; None for losses of classes.
    centered_limit : callable or None
        ``centered_limit(y, sample_weight) -> float`` returns the lowest bound on the
        weighted sum of ``-<z - c, gradient(z, y)>`` over constants ``c``, which a free
        intercept allows; None takes ``c = 0``.
    is_quadratic : bool
        Whether the loss is a quadratic function of the raw prediction.
    is_hinge : bool
        Whether the loss of rows beyond their margin is constant.
    start : callable or None
        ``start(y, sample_weight) -> (k,)`` returns the raw predictions from which
        training starts if the model has an intercept; None stands for zero.
    upper_hessian : callable or None
        Second derivatives without their negative part; None for a convex loss.
    has_log_link : bool
        Whether predictions are exponentials of raw predictions, so that raw predictions
        have no unit.
    """

    traced: Callable
    value: Callable
    gradient: Callable
    hessian: Callable
    target_slope: Callable | None
    shift_invariant: bool
    pull_limit: Callable
    target_for: Callable | None = None
    centered_limit: Callable | None = None
    is_quadratic: bool = False
    is_hinge: bool = False
    start: Callable | None = None
    upper_hessian: Callable | None = None
    has_log_link: bool = False

    def convex_hessian(self, raw_prediction, y):
        """Return second derivatives, without their negative part if there is one."""
        return (self.upper_hessian or self.hessian)(raw_prediction, y)


#: Power of the unit of the targets in a loss; zero for losses that are not listed.
DEGREES = {
    "squared_error": 2,
    "expected_squared_error": 2,
    "squared_epsilon_insensitive": 2,
    "epsilon_insensitive": 1,
    "huber": 1,
}


def loss_unit(name, target_scale):
    """Return approximately the loss of predicting the mean; one for losses of classes.

    Parameters
    ----------
    name : str
        Name of the loss, see ``Student.loss_name``.
    target_scale : float or ndarray of shape (k,)
        Standard deviation of each target.
    """
    return float(np.mean(np.power(target_scale, float(DEGREES.get(name, 0)))))


def cost_of_chance(name, n_classes):
    """Return the loss of equal scores for all classes, by the name of the loss."""
    n_outputs = 1 if n_classes == 2 else n_classes
    return {
        "log_loss": float(np.log(n_classes)),
        "squared_hinge": float(n_outputs),
    }.get(name, 1.0)


def _traced_binary(raw_prediction, y):
    from jax.numpy import logaddexp

    z = raw_prediction[:, 0]
    return logaddexp(0.0, z) - y * z


def _binary_value(raw_prediction, y):
    z = raw_prediction[:, 0]
    return np.logaddexp(0.0, z) - y * z


def _binary_gradient(raw_prediction, y):
    return expit(raw_prediction) - y[:, None]


def _binary_hessian(raw_prediction, y):
    return DiagonalHessians(expit(raw_prediction) * expit(-raw_prediction))


def log_loss_limit(n_classes):
    """Return the maximum of ``<z, y - p>`` with probabilities ``p`` of scores ``z``.

    It equals ``log p_y + entropy(p)``, which is maximal if the other classes are
    equally likely.
    """
    return float(lambertw((n_classes - 1) / np.e).real)


def _binary_limit(y):
    return np.full(len(y), log_loss_limit(2))


def _binary_centered_limit(y, sample_weight):
    return _class_limit(np.array([sample_weight @ (1 - y), sample_weight @ y]))


def _class_limit(class_weight):
    """Return the limit for a free intercept, given the weight (k,) of each class.

    For scores ``z`` and constants ``c``, the maximum of ``<z - c, y - p>`` is
    ``lambertw(sum_j exp(c_j - c_y) / e)`` over the other classes ``j``. Any constants
    give a bound; their least one is sought.
    """
    if np.count_nonzero(class_weight) < 2:
        return 0.0

    def bound(c):
        odds = np.exp(c - c[:, None] - 1)
        np.fill_diagonal(odds, 0.0)
        total = odds.sum(axis=1)
        limit = lambertw(total).real
        slope = class_weight * limit / (total * (1 + limit))
        return class_weight @ limit, slope @ odds - slope * total

    weight = np.maximum(class_weight, 1e-12 * class_weight.max())
    start = np.log(weight / weight.mean())  # where the bound is nearly the least
    least = minimize(bound, start, jac=True, method="L-BFGS-B")
    return float(min(least.fun, bound(np.zeros(len(weight)))[0]))


def _traced_multinomial(raw_prediction, y):
    import jax

    if y.ndim == 1:
        y = jax.nn.one_hot(y, raw_prediction.shape[1], dtype=raw_prediction.dtype)
    return jax.nn.logsumexp(raw_prediction, axis=1) - (y * raw_prediction).sum(axis=1)


def _log_normalizer(raw_prediction):
    """Return ``log(sum(exp(z)))`` (n,): on few rows SciPy's checks take most time."""
    return np.logaddexp.reduce(raw_prediction, axis=1)


def _probabilities(raw_prediction):
    return np.exp(raw_prediction - _log_normalizer(raw_prediction)[:, None])


def _multinomial_value(raw_prediction, y):
    return _log_normalizer(raw_prediction) - np.sum(y * raw_prediction, axis=1)


def _multinomial_gradient(raw_prediction, y):
    return _probabilities(raw_prediction) - y


def _multinomial_hessian(raw_prediction, y):
    return SoftmaxHessians(_probabilities(raw_prediction))


def _multinomial_limit(y):
    return np.full(len(y), log_loss_limit(y.shape[1]))


def _multinomial_centered_limit(y, sample_weight):
    return _class_limit(sample_weight @ y)


def _unit_slope(raw_prediction, y):
    return np.ones_like(raw_prediction)


def _as_matrix(y):
    return y[:, None] if y.ndim == 1 else y


def _traced_squared(raw_prediction, y):
    return ((raw_prediction - _as_matrix(y)) ** 2).mean(axis=1)


def _signs(y, raw_prediction):
    """Return targets of -1 and 1 for class indices (n,); targets (n, k) stay."""
    import jax

    if y.ndim == 2:
        return y
    k = raw_prediction.shape[1]
    y = y[:, None] if k == 1 else jax.nn.one_hot(y, k)
    return 2 * y.astype(raw_prediction.dtype) - 1


def _traced_signed_squared(raw_prediction, y):
    return ((raw_prediction - _signs(y, raw_prediction)) ** 2).mean(axis=1)


def _squared_value(raw_prediction, y):
    return np.mean((raw_prediction - _as_matrix(y)) ** 2, axis=1)


def _squared_gradient(raw_prediction, y):
    return 2 / raw_prediction.shape[1] * (raw_prediction - _as_matrix(y))


def _squared_hessian(raw_prediction, y):
    return DiagonalHessians(_squared_slope(raw_prediction, y))


def _squared_slope(raw_prediction, y):
    return np.full_like(raw_prediction, 2 / raw_prediction.shape[1])


def _squared_limit(y):
    # The maximum of 2 / k * z * (y - z) is at z = y / 2.
    y = _as_matrix(y)
    return np.sum(y**2, axis=1) / (2 * y.shape[1])


def _squared_centered_limit(y, sample_weight):
    y = y - np.average(y, axis=0, weights=sample_weight)
    return float(sample_weight @ _squared_limit(y))


def _squared_target(raw_prediction, gradient):
    return raw_prediction - raw_prediction.shape[1] / 2 * gradient


#: ``log(1 + exp(z)) - y z`` for the only output ``z``, with ``y`` in [0, 1].
BINARY_LOG_LOSS = PointwiseLoss(
    _traced_binary,
    _binary_value,
    _binary_gradient,
    _binary_hessian,
    _unit_slope,
    False,
    _binary_limit,
    centered_limit=_binary_centered_limit,
)

#: ``logsumexp(z) - <y, z>``, with ``y`` class indices or rows on the simplex.
MULTINOMIAL_LOG_LOSS = PointwiseLoss(
    _traced_multinomial,
    _multinomial_value,
    _multinomial_gradient,
    _multinomial_hessian,
    _unit_slope,
    True,
    _multinomial_limit,
    centered_limit=_multinomial_centered_limit,
)

#: ``mean((z - y)^2)`` over the outputs, as in ``mean_squared_error``.
SQUARED_LOSS = PointwiseLoss(
    _traced_squared,
    _squared_value,
    _squared_gradient,
    _squared_hessian,
    _squared_slope,
    False,
    _squared_limit,
    _squared_target,
    _squared_centered_limit,
    is_quadratic=True,
)

#: The squared error for classes, with targets of 1 for the output of the class and -1
#: for the others. ``traced`` also takes class indices (n,); the other functions only
#: take targets (n, k).
SIGNED_SQUARED_LOSS = SQUARED_LOSS._replace(
    traced=_traced_signed_squared, target_for=None
)


@dataclass(frozen=True)
class _TracedSquaredHinge(Program):
    own_weight: tuple | None

    def __call__(self, raw_prediction, y):
        from jax.numpy import abs, asarray, maximum, sign, where

        t = _signs(y, raw_prediction)
        if y.ndim == 1 and self.own_weight is not None:
            own_weight = asarray(self.own_weight, raw_prediction.dtype)
            t = where(t > 0, own_weight * t, t)
        return (abs(t) * maximum(0, 1 - sign(t) * raw_prediction) ** 2).sum(axis=1)


def _hinge_parts(raw_prediction, y):
    """Return weights, signs and distances below the margin, each (n, k)."""
    side = np.sign(y)
    return np.abs(y), side, np.maximum(0.0, 1 - side * raw_prediction)


def _hinge_value(raw_prediction, y):
    weight, _, missing = _hinge_parts(raw_prediction, y)
    return np.sum(weight * missing**2, axis=1)


def _hinge_gradient(raw_prediction, y):
    weight, side, missing = _hinge_parts(raw_prediction, y)
    return -2 * weight * side * missing


def _hinge_hessian(raw_prediction, y):
    weight, _, missing = _hinge_parts(raw_prediction, y)
    return DiagonalHessians(2 * weight * (missing > 0))


def _hinge_limit(y):
    # The maximum of 2 u (1 - u) over the margin u is at 1 / 2.
    return np.sum(np.abs(y), axis=1) / 2


def squared_hinge_loss(own_weight=None):
    """Return the sum over outputs of ``|t| max(0, 1 - sign(t) z)^2``.

    Parameters
    ----------
    own_weight : tuple of float, default=None
        Weight of each class in its own output. In the other outputs the weight is one.

    Returns
    -------
    PointwiseLoss
        The loss. Its targets ``t`` (n, k) include these weights. ``traced`` also takes
        class indices (n,).
    """
    return PointwiseLoss(
        _TracedSquaredHinge(own_weight),
        _hinge_value,
        _hinge_gradient,
        _hinge_hessian,
        None,
        False,
        _hinge_limit,
        is_hinge=True,
    )


@dataclass(frozen=True)
class _TracedInsensitive(Program):
    epsilon: float

    def __call__(self, raw_prediction, y):
        from jax.numpy import abs, maximum

        distance = abs(raw_prediction - _as_matrix(y))
        return (maximum(0, distance - self.epsilon) ** 2).sum(axis=1)


def squared_epsilon_insensitive_loss(epsilon):
    """Return the sum over outputs of ``max(0, |z - y| - epsilon)^2``.

    Parameters
    ----------
    epsilon : float
        Half the width of the tube in which the loss is zero.

    Returns
    -------
    PointwiseLoss
        The loss of numeric targets.
    """

    def value(raw_prediction, y):
        distance = np.abs(raw_prediction - _as_matrix(y))
        return np.sum(np.maximum(0, distance - epsilon) ** 2, axis=1)

    def gradient(raw_prediction, y):
        error = raw_prediction - _as_matrix(y)
        return 2 * np.sign(error) * np.maximum(0, np.abs(error) - epsilon)

    def slope(raw_prediction, y):
        return 2.0 * (np.abs(raw_prediction - _as_matrix(y)) > epsilon)

    def hessian(raw_prediction, y):
        return DiagonalHessians(slope(raw_prediction, y))

    def limit(y):
        # The maximum of 2 z (y - epsilon - z) is at z = (y - epsilon) / 2.
        return np.sum(np.maximum(0, np.abs(_as_matrix(y)) - epsilon) ** 2, axis=1) / 2

    def target_for(raw_prediction, gradient):
        return raw_prediction - epsilon * np.sign(gradient) - gradient / 2

    return PointwiseLoss(
        _TracedInsensitive(epsilon),
        value,
        gradient,
        hessian,
        slope,
        False,
        limit,
        target_for,
    )
