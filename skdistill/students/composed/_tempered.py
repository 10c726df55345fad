"""Students whose scores rank classes, with the log-loss of a softmax.

The scores of a ridge regression, for instance, are not log-odds. So the outer loss is
the cross-entropy of the scores times an inverse temperature. The inverse temperature is
learned with the rows, but is not a parameter of the estimator.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._programs import Program
from skdistill.objectives._temperature import (
    TemperedParams,
    TemperedPrediction,
    log_loss_of_scores,
)
from skdistill.students._base import Student

#: Strength of the penalty on scores of a kernel for which rows have norm one. More is
#: better for noisy labels, and less for clean ones.
NORM_STRENGTH = 0.05
#: Name of the inverse temperature in ``smoothing_params``.
INVERSE_TEMPERATURE = "inverse_temperature"


@dataclass(frozen=True)
class _LogitPenalty(Program):
    """The penalty of kernel logistic regression for the tempered scores.

    If rows have norm one in the space of the kernel, it is the squared norm of the
    function with a fixed strength. Otherwise ``alpha`` is the strength.
    """

    unit_norm: Any
    penalty: Any
    n_outputs: int

    def __call__(self, params, hyperparameters):
        if self.unit_norm is not None:
            squares = NORM_STRENGTH * self.unit_norm(params.params)
        else:
            squares = self.penalty(params.params, hyperparameters)
        return self.n_outputs / 2 * params.inverse_temperature**2 * squares


class TemperedStudent(Student):
    """A student with a softmax over its outputs.

    Parameters
    ----------
    student : Student
        Student whose raw predictions are scores of the classes, with one column for two
        classes.
    """

    loss_name = "log_loss"
    is_judged_by_ranking = True
    outer_loss = staticmethod(log_loss_of_scores)

    def __init__(self, student):
        super().__init__(student.estimator, student.task)
        self.student = student
        self.trains_in_jax = student.trains_in_jax
        self.needs_batches = student.needs_batches
        self.batches_in_iteration = student.batches_in_iteration
        self.ends_at_max_iter = student.ends_at_max_iter
        self.step_length = student.step_length
        self.is_random = student.is_random
        self.hyperparameters = student.hyperparameters
        self.holds_constants = student.holds_constants
        self.ignores_zeros = student.ignores_zeros
        self.counts_features = student.counts_features
        self.smoothing_params = {**student.smoothing_params, INVERSE_TEMPERATURE: 1.0}
        self.raw_prediction = TemperedPrediction(student.raw_prediction)
        if student.penalty is not None:
            self.penalty = _LogitPenalty(
                student.unit_norm,
                student.penalty,
                getattr(student, "n_outputs", student.task.n_outputs),
            )

    def redrawn(self, random_state):
        """Return the tempered student with new random numbers."""
        if not self.is_random:
            return self
        other = copy(self)
        other.student = self.student.redrawn(random_state)
        return other

    def encode(self, y):
        """Return the targets of the student."""
        return self.student.encode(y)

    def training_weight(self, y, sample_weight, counts=None):
        """Return the weights of the student."""
        return self.student.training_weight(y, sample_weight, counts)

    def refuse_rows(self, n_rows):
        """Raise NotMirrored if the student does."""
        self.student.refuse_rows(n_rows)

    def solve(self, synthetic, start=None):
        """Return the trained params and the temperature, which does not affect them."""
        start = None if start is None else start.params
        return self._tempered(self.student.solve(synthetic, start), synthetic)

    def params_of(self, estimator, synthetic):
        """Return the params of a fitted estimator, with the temperature of the set."""
        return self._tempered(self.student.params_of(estimator, synthetic), synthetic)

    def among_zeros(self, params, is_kept):
        """Return the params of the student for all features."""
        return params._replace(params=self.student.among_zeros(params.params, is_kept))

    def as_predicted(self, params):
        """Return the params with those of the student's ``as_predicted``."""
        return params._replace(params=self.student.as_predicted(params.params))

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set; that in the temperature does not change."""
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
