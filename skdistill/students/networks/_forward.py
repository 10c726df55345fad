"""Predictions of networks, and their loss.

With the layers ``(W_l, b_l)``, the activation ``s`` and ``h_0 = x``, a network computes

    h_l = s(h_{l-1} W_l + b_l),    raw_prediction = h_{L-1} W_L + b_L.

``params`` may hold several networks of the same architecture, which were trained from
different starts. They are along the first axis of each array. Their raw predictions are
side by side, and the outer loss is the mean of their losses.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
}


class Layers(NamedTuple):
    """The layers of a network, or of ``s`` networks along a first axis.

    Attributes
    ----------
    coefs : tuple of arrays of shape (n_in, n_out)
        Weights of the connections, one array for each layer.
    intercepts : tuple of arrays of shape (n_out,)
        Intercepts.
    """

    coefs: Any
    intercepts: Any


def forward(layers, X, activation):
    """Return the raw predictions (n, k) of one network."""
    last = len(layers.coefs) - 1
    for i, (coef, intercept) in enumerate(zip(*layers, strict=True)):
        X = X @ coef + intercept
        if i < last:
            X = ACTIVATIONS[activation](X)
    return X


@dataclass(frozen=True)
class NetworkPrediction:
    """The raw predictions (n, s * k) of ``s`` networks, in the precision of ``X``."""

    activation: str

    def __call__(self, params, X):
        params = jax.tree.map(lambda each: each.astype(X.dtype), params)
        n_networks = len(params.intercepts[0])
        networks = [
            jax.tree.map(lambda each, i=i: each[i], params) for i in range(n_networks)
        ]
        return jnp.hstack([forward(each, X, self.activation) for each in networks])


@dataclass(frozen=True)
class MeanLoss:
    """The mean over networks of a pointwise loss, with ``n_outputs`` columns each."""

    loss: Any
    n_outputs: int

    def __call__(self, raw_prediction, y):
        k = self.n_outputs
        starts = range(0, raw_prediction.shape[1], k)
        losses = [self.loss(raw_prediction[:, i : i + k], y) for i in starts]
        return sum(losses) / len(losses)
