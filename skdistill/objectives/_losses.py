"""Pointwise losses of ``raw_prediction``, one value per row, with their derivatives.

Objectives differentiate ``traced`` with JAX over many real rows; students use the NumPy
forms on a few synthetic ones. Targets ``y`` are class indices or floats of shape (n,),
or rows on the simplex of shape (n, k): soft labels need no loss of their own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp, softmax


class PointwiseLoss(NamedTuple):
    """A convex loss ``l(raw_prediction, y)`` with ``dl/draw = mean(raw) - y``.

    Attributes
    ----------
    traced : callable
        The loss (n,) of ``raw_prediction`` (n, k) and ``y``, written in JAX.
    value, gradient, hessian : callable
        In NumPy: the loss (n,), its first derivative (n, k) and its second (n, k, k).
    shift_invariant : bool
        Whether a constant added to all outputs of a row leaves its loss unchanged, so
        that derivatives sum to zero over the outputs.
    """

    traced: Callable
    value: Callable
    gradient: Callable
    hessian: Callable
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


#: ``log(1 + exp(z)) - y z`` for the only output ``z``, with ``y`` in [0, 1].
BINARY_LOG_LOSS = PointwiseLoss(
    _traced_binary, _binary_value, _binary_gradient, _binary_hessian, False
)

#: ``logsumexp(z) - <y, z>``, with ``y`` class indices or rows on the simplex.
MULTINOMIAL_LOG_LOSS = PointwiseLoss(
    _traced_multinomial,
    _multinomial_value,
    _multinomial_gradient,
    _multinomial_hessian,
    True,
)
