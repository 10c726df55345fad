"""Any student whose outputs rank classes, judged by their softmax.

The scores of a ridge are no log-odds: the outer loss is the cross-entropy of the scores
times an inverse temperature, which is learned with the rows and no parameter of the
estimator.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdistill.objectives._losses import BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS
from skdistill.students._base import Student

#: Name of the inverse temperature among the surrogates.
INVERSE_TEMPERATURE = "inverse_temperature"


class TemperedParams(NamedTuple):
    """A model and its inverse temperature.

    Attributes
    ----------
    params : pytree
        What the student was trained to.
    inverse_temperature : float
        Factor of the scores.
    """

    params: Any
    inverse_temperature: Any


@dataclass(frozen=True)
class _TemperedPrediction:
    """``inverse_temperature * raw_prediction``, equal for equal predictions."""

    raw_prediction: Any

    def __call__(self, params, X):
        raw = self.raw_prediction(params.params, X)
        return params.inverse_temperature.astype(raw.dtype) * raw


def _log_loss(raw_prediction, y):
    """Cross-entropy of class indices; one column is a score of the second class."""
    loss = BINARY_LOG_LOSS if raw_prediction.shape[1] == 1 else MULTINOMIAL_LOG_LOSS
    return loss.traced(raw_prediction, y)


class TemperedStudent(Student):
    """A student with a softmax over its outputs.

    Parameters
    ----------
    student : Student
        Its raw predictions are the scores of the classes: one column for two classes.
    """

    loss_name = "log_loss"
    outer_loss = staticmethod(_log_loss)

    def __init__(self, student):
        super().__init__(student.estimator, student.spec)
        self.student = student
        self.trains_in_jax = student.trains_in_jax
        self.hyperparameters = student.hyperparameters
        self.holds_constants = student.holds_constants
        self.surrogates = {**student.surrogates, INVERSE_TEMPERATURE: 1.0}
        self.raw_prediction = _TemperedPrediction(student.raw_prediction)

    def encode(self, y):
        """Return the targets of the student."""
        return self.student.encode(y)

    def training_weight(self, y, sample_weight):
        """Return the weights of the student."""
        return self.student.training_weight(y, sample_weight)

    def solve(self, synthetic, start=None):
        """Train the student; the temperature does not take part."""
        start = None if start is None else start.params
        return self._tempered(self.student.solve(synthetic, start), synthetic)

    def params_of(self, estimator, synthetic):
        """Return the params of a fitted estimator, at the temperature of the set."""
        return self._tempered(self.student.params_of(estimator, synthetic), synthetic)

    def as_predicted(self, params):
        """Return the params of the student's own limit, if it has one."""
        return params._replace(params=self.student.as_predicted(params.params))

    def implicit_vjp(self, params, params_grad, synthetic):
        """Pull a cotangent back; the temperature's own passes through."""
        hypergrad = self.student.implicit_vjp(
            params.params, params_grad.params, synthetic
        )
        hyperparameters = {
            **hypergrad.hyperparameters,
            INVERSE_TEMPERATURE: float(params_grad.inverse_temperature),
        }
        return hypergrad._replace(hyperparameters=hyperparameters)

    def _tempered(self, params, synthetic):
        inverse_temperature = synthetic.hyperparameters[INVERSE_TEMPERATURE]
        return TemperedParams(params, np.float64(inverse_temperature))
