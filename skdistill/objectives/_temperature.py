"""Scores of classes times an inverse temperature, which keeps predicted classes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from skdistill._programs import Program
from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS

#: Grid of inverse temperatures, between which the loss changes little.
INVERSE_TEMPERATURES = np.exp(np.linspace(-9, 5, 57))


class TemperedParams(NamedTuple):
    """A model and its inverse temperature.

    Attributes
    ----------
    params : pytree
        Parameters of the trained model.
    inverse_temperature : float
        Factor of the scores.
    """

    params: Any
    inverse_temperature: Any


@dataclass(frozen=True)
class TemperedPrediction(Program):
    """The prediction ``inverse_temperature * raw_prediction``; it hashes by value."""

    raw_prediction: Any

    def __call__(self, params, X):
        raw = self.raw_prediction(params.params, X)
        return params.inverse_temperature.astype(raw.dtype) * raw


def log_loss_of_scores(raw_prediction, y):
    """Return the cross-entropy of class indices ``y``.

    A single column of scores belongs to the second class.
    """
    loss = BINARY_LOG_LOSS if raw_prediction.shape[1] == 1 else MULTINOMIAL_LOG_LOSS
    return loss.traced(raw_prediction, y)


class BestTemperature:
    """Log loss of a model at the best temperature for the rows.

    It measures how well the classes are ranked, even if probabilities are
    overconfident.

    Parameters
    ----------
    real : RealRows
        The rows.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)``, the student's prediction in JAX.
    """

    def __init__(self, real, raw_prediction):
        self.real = real
        self._total = _TotalLosses(raw_prediction)

    def value(self, params):
        """Return the lowest loss over all temperatures."""
        return float(self.real.value(self._total, params).min())


@dataclass(frozen=True)
class _TotalLosses(Program):
    """Weighted sums of the losses of a chunk, one for each temperature."""

    raw_prediction: Any

    def __call__(self, chunk, params):
        raw = self.raw_prediction(params, chunk.X)

        def loss(inverse_temperature):
            losses = log_loss_of_scores(
                inverse_temperature.astype(raw.dtype) * raw, chunk.y
            )
            return jnp.vdot(chunk.sample_weight, losses.astype(jnp.float64))

        return lax.map(loss, jnp.asarray(INVERSE_TEMPERATURES))
