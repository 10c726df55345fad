"""Arrays that are sliced by rows: in memory, memory-mapped, of zarr or h5py."""

import numpy as np

from skdistill._sklearn_compat import _safe_indexing
from skdistill.real.sources._base import BLOCK_BYTES, Block, LocalSource


class SlicedSource(LocalSource):
    """Rows of arrays that can be sliced.

    Parameters
    ----------
    X : array-like of shape (n, p)
        Samples; only ``shape``, ``dtype`` and slices of rows are used.
    y : array-like of shape (n,) or (n, k)
        Targets.
    sample_weight : array-like of shape (n,), default=None
        Weights.
    block_rows : int, default=None
        Number of rows in a block. By default a block has about 16 MB.
    """

    def __init__(self, X, y, sample_weight=None, *, block_rows=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        if block_rows is None:
            row_bytes = max(np.dtype(X.dtype).itemsize * X.shape[1], 1)
            block_rows = max(BLOCK_BYTES // row_bytes, 1)
        self.block_rows = block_rows

    def blocks(self, number=0):
        """Yield the blocks in their order."""
        n = self.X.shape[0]
        for first in range(number * self.block_rows, n, self.block_rows):
            rows = slice(first, min(first + self.block_rows, n))
            columns = self.X, self.y, self.sample_weight
            yield Block(first, *(_read(column, rows) for column in columns))


def _read(array, rows):
    """Return rows in memory, as a copy if they are memory-mapped."""
    if array is None:
        return None
    is_sliced = isinstance(array, np.ndarray) or hasattr(array, "chunks")
    part = array[rows] if is_sliced else _safe_indexing(array, rows)
    return np.array(part) if isinstance(part, np.memmap) else part
