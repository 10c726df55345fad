"""Lazy frames of polars, which are collected in batches."""

from skdistill.real.sources._base import BLOCK_BYTES, LocalSource
from skdistill.real.sources._columns import block_of_frame

#: Bytes of a value, to choose the number of rows that are collected at a time.
VALUE_BYTES = 8


class LazySource(LocalSource):
    """Rows of a lazy frame.

    Parameters
    ----------
    frame : polars.LazyFrame
        The rows.
    y : str or array-like of shape (n,)
        Name of the column of targets, or the targets.
    sample_weight : str, array-like of shape (n,) or None
        Name of the column of weights, or the weights.
    """

    def __init__(self, frame, y, sample_weight=None):
        if not hasattr(frame, "collect_batches"):
            raise ImportError(
                "Reading a LazyFrame in batches needs polars 1.34 or newer. Install "
                "it, or pass the frame's collect()."
            )
        self.frame, self.y, self.sample_weight = frame, y, sample_weight
        width = max(len(frame.collect_schema().names()), 1)
        self.block_rows = max(BLOCK_BYTES // (VALUE_BYTES * width), 1)

    def blocks(self, number=0):
        """Yield the blocks in their order."""
        first = 0
        batches = self.frame.collect_batches(
            chunk_size=self.block_rows, maintain_order=True
        )
        for index, batch in enumerate(batches):
            if index >= number and len(batch):
                yield block_of_frame(first, batch, self.y, self.sample_weight)
            first += len(batch)
