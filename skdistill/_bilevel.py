"""The chain rule, where student, objective and outer optimizer meet.

The outer loss and its hypergradient take one line for each role::

    params = student.solve(synthetic)
    loss, params_grad = objective.value_and_grad(params)
    hypergrad = student.implicit_vjp(params, params_grad, synthetic)
"""

import numpy as np

from skdistill.optimizers._lbfgs import minimize


class BilevelLoss:
    """Outer loss of a synthetic set, and its hypergradient.

    Parameters
    ----------
    student : Student
        Inner problem.
    objective : DataObjective
        Outer problem.
    """

    def __init__(self, student, objective):
        self.student = student
        self.objective = objective
        self._params = None

    def value_and_grad(self, synthetic):
        """Return the outer loss and a SyntheticSet of its derivatives."""
        params = self.student.solve(synthetic, start=self._params)
        loss, params_grad = self.objective.value_and_grad(params)
        # Sets that follow each other have similar solutions: start from the last one.
        self._params = params
        return float(loss), self.student.implicit_vjp(params, params_grad, synthetic)


class OuterVariables:
    """The learned part of a synthetic set as one vector for the optimizer.

    Samples count in units of ``scale``, so a table may mix units; hyperparameters,
    which are positive, count in logarithms.

    Parameters
    ----------
    start : SyntheticSet
        The set to start from; what is not learned keeps its value.
    scale : ndarray of shape (p,)
        Unit of each feature.
    bounds : tuple of two ndarrays of shape (p,)
        Least and largest value of each feature.
    learn_params : dict of str to tuple of (low, high)
        Hyperparameters to learn, and how far they may go.
    """

    def __init__(self, start, scale, bounds, learn_params):
        self.start = start
        self.scale = scale
        self.bounds = bounds
        self.learn_params = tuple(learn_params)
        logs = np.array([np.log(start.hyperparameters[name]) for name in learn_params])
        self.x0 = np.concatenate([(start.X / scale).ravel(), logs])
        ends = np.log(np.reshape(list(learn_params.values()), (-1, 2)))
        m = len(start.X)
        self.lower = np.concatenate([np.tile(bounds[0] / scale, m), ends[:, 0]])
        self.upper = np.concatenate([np.tile(bounds[1] / scale, m), ends[:, 1]])

    def to_synthetic(self, x):
        """Return the synthetic set at a vector, exactly within the bounds."""
        size = self.start.X.size
        X = x[:size].reshape(self.start.X.shape) * self.scale
        learned = zip(self.learn_params, np.exp(x[size:]).tolist(), strict=True)
        return self.start._replace(
            X=np.clip(X, *self.bounds),
            hyperparameters={**self.start.hyperparameters, **dict(learned)},
        )

    def to_gradient(self, hypergrad, synthetic):
        """Return the gradient in the vector, by the chain rule."""
        logs = [
            hypergrad.hyperparameters[name] * synthetic.hyperparameters[name]
            for name in self.learn_params
        ]
        return np.concatenate([(hypergrad.X * self.scale).ravel(), logs])


def improve(student, objective, variables, *, callback, **options):
    """Minimize the outer loss over the learned part of a synthetic set.

    Parameters
    ----------
    student : Student
        Inner problem.
    objective : DataObjective
        Outer problem.
    variables : OuterVariables
        What is learned, and where from.
    callback : callable
        ``callback(synthetic, loss)`` after each iteration; a true result stops.
    **options
        ``max_iter`` and ``tol`` of the optimizer.

    Returns
    -------
    synthetic : SyntheticSet
        The best set.
    result : OuterResult
        How the optimizer ended.
    """
    bilevel = BilevelLoss(student, objective)

    def value_and_grad(x):
        synthetic = variables.to_synthetic(x)
        loss, hypergrad = bilevel.value_and_grad(synthetic)
        return loss, variables.to_gradient(hypergrad, synthetic)

    result = minimize(
        value_and_grad,
        variables.x0,
        lower=variables.lower,
        upper=variables.upper,
        callback=lambda x, loss: callback(variables.to_synthetic(x), loss),
        **options,
    )
    return variables.to_synthetic(result.x), result
