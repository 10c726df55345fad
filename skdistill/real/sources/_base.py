"""The contract of a place that real rows are read from, block by block.

A pass over the rows is a function of each block and a way to combine what it returns.
So a place decides by itself where the function runs: here, while the next block is read
ahead, or where the block lies.
"""

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from skdistill._sklearn_compat import _num_samples

#: Bytes of a block that is read at once.
BLOCK_BYTES = 2**24


class Block(NamedTuple):
    """Some of the real rows, as they came.

    Attributes
    ----------
    first : int
        Position of its first row among all.
    X : array or DataFrame of shape (n, q)
        Samples.
    y : array, Series or DataFrame of shape (n,) or (n, k)
        Targets.
    sample_weight : array of shape (n,) or None
        Weights, one each by default.
    """

    first: int
    X: Any
    y: Any
    sample_weight: Any = None

    @property
    def n_rows(self):
        """How many rows there are."""
        return _num_samples(self.X)


class ReadingError(Exception):
    """Rows could not be read once more; its cause says why."""


class Source(ABC):
    """A place that real rows are read from."""

    @abstractmethod
    def reduce(self, function, combine, *arguments):
        """Combine what a function returns for each block.

        Parameters
        ----------
        function : callable
            ``function(block, *arguments)`` for a block that has rows; it can be
            pickled. None says that there is nothing to combine.
        combine : callable
            ``combine(first, second)``, associative, in the order of the blocks.
        *arguments : pytrees of small arrays
            What the function takes besides the block.

        Returns
        -------
        object
            The combination. None if there is nothing.
        """

    @abstractmethod
    def head(self):
        """Return the first Block that has rows, or a few of its rows.

        None if there is none.
        """

    @abstractmethod
    def map(self, function):
        """Return what a function makes of each block, one below the other.

        Parameters
        ----------
        function : callable
            ``function(block) -> array`` with an entry for each row; it can be pickled.
        """


def combined(combine, first, second):
    """Return the combination of two results, of which None says nothing."""
    if first is None or second is None:
        return second if first is None else first
    return combine(first, second)


class LocalSource(Source):
    """A place that this process reads from, one block after the other.

    While a function works on a block, a thread reads the next one.
    """

    @abstractmethod
    def blocks(self, number=0):
        """Yield the blocks in their order, from one of them on."""

    def reduce(self, function, combine, *arguments):
        """Combine what a function returns for each block, see ``Source``."""
        total = None
        with ThreadPoolExecutor(1, "skdistill-reader") as reader:
            blocks = _Retrying(self)
            ahead = reader.submit(blocks.next)
            while (block := ahead.result()) is not None:
                ahead = reader.submit(blocks.next)
                part = function(block, *arguments) if block.n_rows else None
                total = combined(combine, total, part)
        return total

    def head(self):
        """Return the first Block that has rows, which is read once."""
        if not hasattr(self, "_head"):
            self._head = next((block for block in self.blocks() if block.n_rows), None)
        return self._head

    def map(self, function):
        """Return what a function makes of each block, one below the other."""
        parts = self.reduce(lambda block: [function(block)], list.__add__)
        return np.concatenate(parts)


class _Retrying:
    """The blocks of a source, of which one that cannot be read is tried once more."""

    def __init__(self, source):
        self._source, self._number, self._first = source, 0, 0
        self._blocks = source.blocks()

    def next(self):
        """Return the next block, None after the last."""
        try:
            block = next(self._blocks, None)
        except Exception:
            # A generator that has failed is finished: a new one starts at the block.
            self._blocks = self._source.blocks(self._number)
            try:
                block = next(self._blocks, None)
            except Exception as error:
                error.add_note(
                    f"The rows from {self._first} on could not be read in two attempts."
                )
                raise
        if block is not None:
            self._number += 1
            self._first = block.first + block.n_rows
        return block
