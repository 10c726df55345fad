"""Batches from a reader of the user, such as a database cursor."""

from collections.abc import Iterable

import numpy as np

from skdistill.real.sources._base import Block, LocalSource


class BatchesSource(LocalSource):
    """Rows from a reader of the user.

    Parameters
    ----------
    make_batches : callable
        ``make_batches()`` returns an iterable of ``(X, y)`` or ``(X, y,
        sample_weight)``. It starts a new pass over the same rows each time.
    classes : array-like of shape (n_classes,), default=None
        Allowed labels; None allows all.
    """

    def __init__(self, make_batches, classes=None):
        self.make_batches, self.classes = make_batches, classes

    def blocks(self, number=0):
        """Yield the batches in their order."""
        first = 0
        for index, batch in enumerate(_batches(self.make_batches)):
            block = Block(first, *batch)
            if index >= number:
                if self.classes is not None:
                    check_labels(block.y, self.classes)
                yield block
            first += block.n_rows


def _batches(make_batches):
    """Yield the batches of a reader, after checking their form."""
    batches = make_batches()
    if not isinstance(batches, Iterable):
        raise TypeError(
            f"make_batches() returned {type(batches).__name__}. Return an iterable of "
            "tuples (X, y) or (X, y, sample_weight) instead."
        )
    for batch in batches:
        if not isinstance(batch, tuple) or len(batch) not in (2, 3):
            raise TypeError(
                f"make_batches() yielded {type(batch).__name__}. Yield tuples (X, y) "
                "or (X, y, sample_weight) instead."
            )
        yield batch


def check_labels(y, classes):
    """Raise a ValueError for a label that is not among ``classes``."""
    unknown = np.setdiff1d(np.asarray(y), np.asarray(classes))
    if len(unknown):
        raise ValueError(
            f"y has the labels {unknown.tolist()}, which are not among classes="
            f"{np.asarray(classes).tolist()}. Correct y, or add them to classes."
        )
