"""The contract of the outer problem, the only place that sees the real data."""

from abc import ABC, abstractmethod


class DataObjective(ABC):
    """Weighted mean loss of a model over the real rows, a function of ``params`` alone.

    It is a sum over chunks of rows, so a container is supported by saying where its
    chunks come from; ``params`` and their gradient are small, wherever the rows are.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    total_weight : float
        Sum of their weights.
    """

    @abstractmethod
    def value_and_grad(self, params, rows=None):
        """Return the loss at ``params`` and its gradient, of the same structure.

        ``rows`` are indices of the rows to take, for a mini-batch; by default all.
        """
