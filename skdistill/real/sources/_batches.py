"""Batches of a reader of the user's own, such as a database cursor."""

from collections.abc import Iterable

from skdistill.real.sources._base import Block, LocalSource


class BatchesSource(LocalSource):
    """Rows that a function of the user's yields.

    Parameters
    ----------
    make_batches : callable
        ``make_batches()`` returns an iterable of ``(X, y)`` or ``(X, y,
        sample_weight)``: one pass over the rows, the same ones each time.
    """

    def __init__(self, make_batches):
        self.make_batches = make_batches

    def blocks(self, number=0):
        """Yield the batches in their order."""
        first = 0
        for index, batch in enumerate(_batches(self.make_batches)):
            block = Block(first, *batch)
            if index >= number:
                yield block
            first += block.n_rows


def _batches(make_batches):
    """Call a reader, and see that it is one."""
    batches = make_batches()
    if not isinstance(batches, Iterable):
        raise TypeError(
            f"make_batches() returned {type(batches).__name__}; expected an iterable "
            "of tuples (X, y) or (X, y, sample_weight)."
        )
    for batch in batches:
        if not isinstance(batch, tuple) or len(batch) not in (2, 3):
            raise TypeError(
                f"make_batches() yielded {type(batch).__name__}; expected a tuple "
                "(X, y) or (X, y, sample_weight)."
            )
        yield batch
