"""The learned part of a synthetic set as one vector for the optimizer.

Each learned field is a block of the vector. Its coordinates have no units, and no
constraints except lower and upper bounds.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, softmax

#: Learned probabilities start between one minus this and this, because softmax has no
#: slope at zero and one.
MAX_CERTAINTY = 0.98


class Block(NamedTuple):
    """One learned field of a SyntheticSet.

    Attributes
    ----------
    x0, lower, upper : ndarray of shape (d,)
        Start and bounds.
    decode : callable
        ``decode(x) -> field``.
    pull_back : callable
        ``pull_back(grad, field) -> (d,)`` returns the gradient in ``x`` from that in
        the field, by the chain rule.
    """

    x0: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    decode: Callable
    pull_back: Callable


class FeatureUnits:
    """Coordinates of samples in which each feature is divided by its unit.

    Parameters
    ----------
    scale : ndarray of shape (p,)
        The units.
    """

    def __init__(self, scale):
        self.scale = scale

    def block(self, X, bounds):
        """Return samples (m, p) within bounds as a Block."""
        scale, (low, high) = self.scale, bounds
        return Block(
            (X / scale).ravel(),
            np.broadcast_to(np.divide(low, scale), X.shape).ravel(),
            np.broadcast_to(np.divide(high, scale), X.shape).ravel(),
            lambda x: np.clip(x.reshape(X.shape) * scale, low, high),
            lambda grad, _: grad * scale,
        )


class OuterVariables:
    """The learned part of a synthetic set as one vector.

    Parameters
    ----------
    start : SyntheticSet
        The set to start from. Fields that are not learned keep their values.
    units : FeatureUnits or like it, or None
        Coordinates of the samples; None if samples are not learned.
    bounds : tuple of two ndarrays of shape (p,) or (m, p)
        Minimum and maximum of each feature, or of each entry. An entry is fixed if they
        are equal.
    hyperparameters : dict of str to tuple of (low, high)
        Positive hyperparameters to learn, with their limits. Their logarithms are the
        coordinates.
    target_scale : float or ndarray of shape (k,), default=None
        Unit of each numeric target; None if targets are not learned.
    target_bounds : tuple of two ndarrays of shape (k,)
        Minimum and maximum of each numeric target; by default there are none.
    learn_probabilities : bool, default=False
        Whether targets are probabilities to learn, as log-odds.
    learn_weights : bool, default=False
        Whether weights are learned; they may become zero.
    """

    def __init__(
        self,
        start,
        units,
        bounds,
        hyperparameters,
        *,
        target_scale=None,
        target_bounds=(-np.inf, np.inf),
        learn_probabilities=False,
        learn_weights=False,
    ):
        self.start = start
        self._blocks = {}
        if units is not None:
            self._blocks["X"] = units.block(start.X, bounds)
        if target_scale is not None:
            self._blocks["y"] = _numbers(start.y, target_scale, target_bounds)
        if learn_probabilities:
            self._blocks["y"] = _probabilities(start.y)
        if learn_weights:
            self._blocks["sample_weight"] = _weights(start.sample_weight)
        if hyperparameters:
            self._blocks["hyperparameters"] = _logarithms(
                start.hyperparameters, hyperparameters
            )
        blocks = list(self._blocks.values())
        self.x0, self.lower, self.upper = (
            np.concatenate([np.ravel(block[i]) for block in blocks]) for i in range(3)
        )
        self._ends = np.cumsum([len(block.x0) for block in blocks])[:-1]

    def to_synthetic(self, x):
        """Return the synthetic set of a vector, exactly within the bounds."""
        parts = zip(self._blocks.items(), np.split(x, self._ends), strict=True)
        return self.start._replace(
            **{name: block.decode(part) for (name, block), part in parts}
        )

    def to_gradient(self, hypergrad, synthetic):
        """Return the gradient in the vector, by the chain rule."""
        return np.concatenate(
            [
                np.ravel(
                    block.pull_back(getattr(hypergrad, name), getattr(synthetic, name))
                )
                for name, block in self._blocks.items()
            ]
        )


def _numbers(y, scale, bounds):
    # The bounds have the shape (k,), even if y has the shape (m,).
    Y = y.reshape(len(y), -1)
    block = FeatureUnits(np.broadcast_to(scale, Y.shape[1:])).block(Y, bounds)
    return block._replace(
        decode=lambda x: block.decode(x).reshape(y.shape),
        pull_back=lambda grad, _: grad * scale,
    )


def _free(x0, decode, pull_back):
    ends = np.full(x0.size, np.inf)
    return Block(x0.ravel(), -ends, ends, decode, pull_back)


def _probabilities(y):
    """Return the Block of probabilities.

    Coordinates are log-odds of the second class (m,), or logarithms of all (m, k).
    """
    if y.ndim == 1:
        start = logit(np.clip(y, 1 - MAX_CERTAINTY, MAX_CERTAINTY))
        return _free(start, expit, lambda grad, p: grad * p * (1 - p))
    rest = (1 - MAX_CERTAINTY) / y.shape[1]
    return _free(
        np.log(MAX_CERTAINTY * y + rest),
        lambda x: softmax(x.reshape(y.shape), axis=1),
        lambda grad, p: p * (grad - np.sum(grad * p, axis=1, keepdims=True)),
    )


def _weights(weight):
    """Return the Block of weights, which are at least zero, in units of their mean."""
    unit = weight.mean()
    return Block(
        weight / unit,
        np.zeros(len(weight)),
        np.full(len(weight), np.inf),
        lambda x: x * unit,
        lambda grad, _: grad * unit,
    )


def _logarithms(values, limits):
    names = list(limits)
    ends = np.log(np.array([limits[name] for name in names]))
    return Block(
        np.log([values[name] for name in names]),
        ends[:, 0],
        ends[:, 1],
        lambda x: {**values, **dict(zip(names, np.exp(x).tolist(), strict=True))},
        lambda grad, learned: [grad[name] * learned[name] for name in names],
    )
