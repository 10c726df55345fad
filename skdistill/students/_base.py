"""The contract of the inner problem, which never sees the real data."""

from abc import ABC, abstractmethod


class Student(ABC):
    """Mirror of a scikit-learn estimator whose training can be differentiated.

    A student reads the parameters of the estimator when it is made, refuses by name
    those that it cannot mirror, and solves the estimator's training problem to rounding
    error in double precision.

    Attributes
    ----------
    hyperparameters : dict of str to float
        Values of the continuous hyperparameters that ``learn_params`` may name.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)`` in JAX, a module-level function.
    loss : PointwiseLoss
        Training loss of the estimator, and the outer loss.
    """

    @abstractmethod
    def encode(self, y):
        """Return class indices (n,) as the targets of a synthetic set."""

    @abstractmethod
    def training_weight(self, y, sample_weight):
        """Return the weights that rows have in the estimator's training loss.

        ``y`` are class indices (n,). Class weights are multiplied in.
        """

    @abstractmethod
    def solve(self, synthetic, start=None):
        """Return the ``params`` that training on ``synthetic`` leads to.

        ``start`` are ``params`` of a similar set: they shorten the way and leave the
        solution as it is.
        """

    @abstractmethod
    def params_of(self, estimator):
        """Return the ``params`` of the estimator once scikit-learn has fitted it."""

    @abstractmethod
    def stationarity(self, params, synthetic):
        """Return the gradient of the inner objective in ``params``, in JAX."""

    def implicit_vjp(self, params, params_grad, synthetic):
        """Pull a cotangent on ``params = solve(synthetic)`` back to ``synthetic``.

        By the implicit function theorem, for any ``stationarity``. A student with a
        closed form overrides it.
        """
        from skdistill.students._implicit import implicit_vjp

        return implicit_vjp(self.stationarity, params, params_grad, synthetic)
