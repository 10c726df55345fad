"""The outer loss as a function of the synthetic set, and its minimization.

Its gradient in the set, the hypergradient, follows by the chain rule. Each role
contributes one line::

    params = student.solve(synthetic)
    loss, params_grad = objective.value_and_grad(params)
    hypergrad = student.implicit_vjp(params, params_grad, synthetic)
"""

import numpy as np

from skdistill.optimizers import _lbfgs
from skdistill.optimizers._outcome import Outcome, OuterResult


class BilevelLoss:
    """Outer loss of a synthetic set, and its hypergradient.

    Parameters
    ----------
    student : Student
        Inner problem.
    objective : Objective
        Outer problem.
    redraw : callable, default=None
        ``redraw() -> Student`` returns the student for the next evaluation if training
        draws random numbers. By default it is always ``student``.
    """

    def __init__(self, student, objective, redraw=None):
        self.redraw = (lambda: student) if redraw is None else redraw
        self.objective = objective
        self._params = None

    def value_and_grad(self, synthetic, rows=None):
        """Return the outer loss and a SyntheticSet of its derivatives.

        ``rows`` are indices of the real rows to average over, by default all.
        """
        student = self.redraw()
        params = student.solve(synthetic, start=self._params)
        loss, params_grad = self.objective.value_and_grad(params, rows)
        # Successive sets have similar solutions, so start from the last one.
        self._params = params
        return float(loss), student.implicit_vjp(params, params_grad, synthetic)


def minimize_outer_loss(
    student,
    objective,
    variables,
    *,
    minimize=_lbfgs.minimize,
    redraw=None,
    unit=1.0,
    max_iter,
    callback,
    **options,
):
    """Minimize the outer loss over the learned part of a synthetic set.

    Parameters
    ----------
    student : Student
        Inner problem.
    objective : Objective
        Outer problem.
    variables : OuterVariables
        What is learned, and its start.
    minimize : callable
        The function ``minimize`` of a module in ``skdistill.optimizers``.
    redraw : callable, default=None
        ``redraw() -> Student`` for each evaluation, see ``BilevelLoss``.
    unit : float
        Unit of the loss. The optimizer gets the loss divided by it.
    max_iter : int
        Maximum number of iterations. Zero leaves the set as it is.
    callback : callable
        ``callback(synthetic, loss)`` is called after each iteration. The iteration
        stops if it returns true.
    **options
        Further options of the optimizer.

    Returns
    -------
    synthetic : SyntheticSet
        The best set.
    result : OuterResult
        How the optimizer ended.
    """
    if max_iter < 1 or not np.any(variables.lower < variables.upper):
        outcome = Outcome.MAX_ITER if max_iter < 1 else Outcome.CONVERGED
        kept = OuterResult(variables.x0, np.nan, 0, outcome)
        return variables.to_synthetic(variables.x0), kept
    bilevel = BilevelLoss(student, objective, redraw)

    def value_and_grad(x, rows=None):
        synthetic = variables.to_synthetic(x)
        loss, hypergrad = bilevel.value_and_grad(synthetic, rows)
        return loss / unit, variables.to_gradient(hypergrad, synthetic) / unit

    result = minimize(
        value_and_grad,
        variables.x0,
        lower=variables.lower,
        upper=variables.upper,
        max_iter=max_iter,
        callback=lambda x, value: callback(variables.to_synthetic(x), value * unit),
        **options,
    )
    return variables.to_synthetic(result.x), result
