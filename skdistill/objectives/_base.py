"""The outer problem: a loss over the real rows, as a function of ``params``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from skdistill._programs import Program


class Objective(ABC):
    """A function of ``params`` with its gradient.

    Attributes
    ----------
    real : RealRows
        The rows that it averages over.
    """

    @abstractmethod
    def value_and_grad(self, params, rows=None):
        """Return the value at ``params`` and its gradient, of the same structure.

        ``rows`` are the indices of the rows of a mini-batch; by default all rows.
        """

    def value(self, params):
        """Return the value at ``params``."""
        return float(self.value_and_grad(params)[0])


class OuterLoss(Objective):
    """Weighted mean loss of a model over the real rows.

    Parameters
    ----------
    real : RealRows
        The rows.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)``, the student's prediction in JAX.
    loss : callable
        ``loss(raw_prediction, y) -> (n,)``, see ``skdistill.objectives._losses``.
    values_alone : bool, default=False
        Whether to compile a separate program for values. It pays if many values are
        computed. By default the program for gradients computes values, too.
    """

    def __init__(self, real, raw_prediction, loss, *, values_alone=False):
        self.real = real
        self._values_alone = values_alone
        self._total = _TotalLoss(raw_prediction, loss)

    def value(self, params):
        """Return the mean loss at ``params``."""
        if self._values_alone:
            return float(self.real.value(self._total, params))
        return super().value(params)

    def value_and_grad(self, params, rows=None):
        """Return the mean loss at ``params`` and its gradient."""
        return self.real.value_and_grad(self._total, params, rows)

    def refuse(self, get_params):
        """Raise NeedsFeatures if the rows do not support the prediction.

        ``get_params()`` returns the parameters of a model.
        """
        self.real.refuse(self._total, get_params)


@dataclass(frozen=True)
class _TotalLoss(Program):
    """Weighted sum of the losses of a chunk."""

    raw_prediction: Any
    loss: Any

    def __call__(self, chunk, params):
        losses = self.loss(self.raw_prediction(params, chunk.X), chunk.y)
        return jnp.vdot(chunk.sample_weight, losses.astype(jnp.float64))
