"""The outer loss plus the penalty of the estimator on all the data."""

from functools import partial

import jax
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill._programs import join, split
from skdistill.objectives._base import Objective


class PenalizedLoss(Objective):
    """The objective that the estimator minimizes in a fit on the real rows.

    Parameters
    ----------
    objective : OuterLoss
        Mean loss over the real rows.
    penalty : callable
        ``penalty(params, hyperparameters) -> float`` in JAX, relative to the weighted
        sum of losses. It has to hash by value.
    hyperparameters : dict of str to float
        Hyperparameters of the estimator.
    """

    def __init__(self, objective, penalty, hyperparameters):
        self.objective = objective
        self.real = objective.real
        self.hyperparameters = hyperparameters
        form, self._numbers = split(penalty)
        self._penalty = partial(_value_and_grad, form=form)

    def penalty(self, params):
        """Return the penalty at ``params``, relative to the mean loss."""
        return self._penalty_and_grad(params)[0]

    def value(self, params):
        """Return the sum of mean loss and penalty at ``params``."""
        return self.objective.value(params) + self.penalty(params)

    def value_and_grad(self, params, rows=None):
        """Return the sum of mean loss and penalty at ``params``, and its gradient."""
        loss, grad = self.objective.value_and_grad(params, rows)
        penalty, penalty_grad = self._penalty_and_grad(params)
        return loss + penalty, jax.tree.map(np.add, grad, penalty_grad)

    def _penalty_and_grad(self, params):
        with double_precision():
            # JAX would compile once more for Python numbers.
            of = jax.tree.map(np.asarray, (params, self.hyperparameters))
            value, grad = self._penalty(*of, self._numbers)
            weight = self.real.total_weight
            return float(value) / weight, jax.tree.map(
                lambda leaf: np.asarray(leaf) / weight, grad
            )


@partial(jax.jit, static_argnames="form")
def _value_and_grad(params, hyperparameters, numbers, form):
    return jax.value_and_grad(join(form, numbers))(params, hyperparameters)
