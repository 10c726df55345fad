"""The contract of sources, from which real rows are read block by block.

A pass over the rows consists of a function of a block and a function that combines two
results. So a source decides where the functions run: in this process, while the next
block is read, or where the block is stored.
"""

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from skdistill._sklearn_compat import _num_samples

#: Approximate number of bytes of a block.
BLOCK_BYTES = 2**24


class Block(NamedTuple):
    """Some of the real rows, as they came.

    Attributes
    ----------
    first : int
        Position of its first row among all rows.
    X : array or DataFrame of shape (n, q)
        Samples.
    y : array, Series or DataFrame of shape (n,) or (n, k)
        Targets.
    sample_weight : array of shape (n,) or None
        Weights; None stands for ones.
    """

    first: int
    X: Any
    y: Any
    sample_weight: Any = None

    @property
    def n_rows(self):
        """Number of rows."""
        return _num_samples(self.X)


class ReadingError(Exception):
    """Rows could not be read again. Its cause is the original error."""


class Source(ABC):
    """A source of real rows."""

    @abstractmethod
    def reduce(self, function, combine, *arguments):
        """Combine the results of a function for all blocks.

        Parameters
        ----------
        function : callable
            ``function(block, *arguments)``. It is called for blocks that have rows, and
            it has to be possible to pickle it. Results of None are ignored.
        combine : callable
            ``combine(first, second)`` combines two results, in the order of the blocks.
            It is associative.
        *arguments : pytrees of small arrays
            Further arguments of the function.

        Returns
        -------
        object
            The combined result; None if there is none.
        """

    @abstractmethod
    def head(self):
        """Return the first Block that has rows, or a few of its rows.

        Returns None if there are no rows.
        """

    @abstractmethod
    def map(self, function):
        """Return the results of a function for all blocks, stacked.

        Parameters
        ----------
        function : callable
            ``function(block) -> array`` with an entry for each row. It has to be
            possible to pickle it.
        """


def combined(combine, first, second):
    """Return the combination of two results, each of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return combine(first, second)


class LocalSource(Source):
    """A source that this process reads, one block after the other.

    While a function works on a block, a thread reads the next one.
    """

    @abstractmethod
    def blocks(self, number=0):
        """Yield the blocks in their order, beginning with block ``number``."""

    def reduce(self, function, combine, *arguments):
        """Combine the results of a function for all blocks, see ``Source``."""
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
        """Return the first Block that has rows, which is cached."""
        if not hasattr(self, "_head"):
            self._head = next((block for block in self.blocks() if block.n_rows), None)
        return self._head

    def map(self, function):
        """Return the results of a function for all blocks, stacked."""
        parts = self.reduce(lambda block: [function(block)], list.__add__)
        return np.concatenate(parts)


class _Retrying:
    """The blocks of a source. If one cannot be read, it is tried a second time."""

    def __init__(self, source):
        self._source, self._number, self._first = source, 0, 0
        self._blocks = source.blocks()

    def next(self):
        """Return the next block, or None after the last one."""
        try:
            block = next(self._blocks, None)
        except Exception:
            # The generator cannot continue after an error, so start a new one.
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
