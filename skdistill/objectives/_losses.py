"""Pointwise losses of ``raw_prediction``, one value per row, with their derivatives.

Objectives differentiate ``traced`` with JAX over many real rows; students use the NumPy
forms on a few synthetic ones. Targets ``y`` are class indices or floats of shape (n,),
or rows on the simplex or several numbers of shape (n, k): soft labels need no loss of
their own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp, softmax


class PointwiseLoss(NamedTuple):
    """A convex loss ``l(raw_prediction, y)`` of one row.

    Attributes
    ----------
    traced : callable
        The loss (n,) of ``raw_prediction`` (n, k) and ``y``, written in JAX.
    value, gradient, hessian : callable
        In NumPy: the loss (n,), its first derivative (n, k) and its second (n, k, k).
    target_slope : callable
        In NumPy: minus the derivative (n, k) of each entry of the gradient in the entry
        of ``y`` that belongs to it.
    shift_invariant : bool
        Whether a constant added to all outputs of a row leaves its loss unchanged, so
        that derivatives sum to zero over the outputs.
    """

    traced: Callable
    value: Callable
    gradient: Callable
    hessian: Callable
    target_slope: Callable
    shift_invariant: bool


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
    return (expit(raw_prediction) * expit(-raw_prediction))[:, :, None]


def _traced_multinomial(raw_prediction, y):
    import jax

    if y.ndim == 1:
        y = jax.nn.one_hot(y, raw_prediction.shape[1], dtype=raw_prediction.dtype)
    return jax.nn.logsumexp(raw_prediction, axis=1) - (y * raw_prediction).sum(axis=1)


def _multinomial_value(raw_prediction, y):
    return logsumexp(raw_prediction, axis=1) - np.sum(y * raw_prediction, axis=1)


def _multinomial_gradient(raw_prediction, y):
    return softmax(raw_prediction, axis=1) - y


def _multinomial_hessian(raw_prediction, y):
    p = softmax(raw_prediction, axis=1)
    return p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])


def _unit_slope(raw_prediction, y):
    return np.ones_like(raw_prediction)


def _as_matrix(y):
    return y[:, None] if y.ndim == 1 else y


def _traced_squared(raw_prediction, y):
    return ((raw_prediction - _as_matrix(y)) ** 2).mean(axis=1)


def _traced_signed_squared(raw_prediction, y):
    import jax

    k = raw_prediction.shape[1]
    if y.ndim == 1:  # class indices
        y = y[:, None] if k == 1 else jax.nn.one_hot(y, k)
        y = 2 * y.astype(raw_prediction.dtype) - 1
    return ((raw_prediction - y) ** 2).mean(axis=1)


def _squared_value(raw_prediction, y):
    return np.mean((raw_prediction - _as_matrix(y)) ** 2, axis=1)


def _squared_gradient(raw_prediction, y):
    return 2 / raw_prediction.shape[1] * (raw_prediction - _as_matrix(y))


def _squared_hessian(raw_prediction, y):
    n, k = raw_prediction.shape
    return np.broadcast_to(2 / k * np.eye(k), (n, k, k))


def _squared_slope(raw_prediction, y):
    return np.full_like(raw_prediction, 2 / raw_prediction.shape[1])


#: ``log(1 + exp(z)) - y z`` for the only output ``z``, with ``y`` in [0, 1].
BINARY_LOG_LOSS = PointwiseLoss(
    _traced_binary,
    _binary_value,
    _binary_gradient,
    _binary_hessian,
    _unit_slope,
    False,
)

#: ``logsumexp(z) - <y, z>``, with ``y`` class indices or rows on the simplex.
MULTINOMIAL_LOG_LOSS = PointwiseLoss(
    _traced_multinomial,
    _multinomial_value,
    _multinomial_gradient,
    _multinomial_hessian,
    _unit_slope,
    True,
)

#: ``mean((z - y)^2)`` over the outputs, as ``mean_squared_error`` has it.
SQUARED_LOSS = PointwiseLoss(
    _traced_squared,
    _squared_value,
    _squared_gradient,
    _squared_hessian,
    _squared_slope,
    False,
)

#: The same for classes: each output is -1, or 1 for its class. Class indices are taken
#: by ``traced``, the coded targets by the others.
SIGNED_SQUARED_LOSS = SQUARED_LOSS._replace(traced=_traced_signed_squared)
