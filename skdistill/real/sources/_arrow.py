"""Parquet files and other datasets of Arrow, which are read in record batches."""

from skdistill.real.sources._base import BLOCK_BYTES, LocalSource
from skdistill.real.sources._columns import block_of_frame

#: Bytes of a value, to choose the number of rows that are read at a time.
VALUE_BYTES = 8


class ArrowSource(LocalSource):
    """Rows of a dataset of Arrow.

    Parameters
    ----------
    dataset : str, path or pyarrow.dataset.Dataset
        A Parquet file, a folder of Parquet files, or a dataset.
    y : str or array-like of shape (n,)
        Name of the column of targets, or the targets.
    sample_weight : str, array-like of shape (n,) or None
        Name of the column of weights, or the weights.
    """

    def __init__(self, dataset, y, sample_weight=None):
        if hasattr(dataset, "to_batches"):
            self.dataset = dataset
        else:
            from pyarrow import dataset as datasets

            self.dataset = datasets.dataset(dataset)
        self.y, self.sample_weight = y, sample_weight
        width = max(len(self.dataset.schema.names), 1)
        self.block_rows = max(BLOCK_BYTES // (VALUE_BYTES * width), 1)

    def blocks(self, number=0):
        """Yield the blocks in their order."""
        # One batch is in use, LocalSource reads one ahead, and Arrow another one.
        batches = self.dataset.to_batches(
            batch_size=self.block_rows,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=self._scan_options(),
        )
        first = 0
        for index, batch in enumerate(batches):
            if index >= number and batch.num_rows:
                yield block_of_frame(first, _frame(batch), self.y, self.sample_weight)
            first += batch.num_rows

    def _scan_options(self):
        """Return options with which Parquet does not buffer data for later batches."""
        from pyarrow import dataset as datasets

        form = getattr(self.dataset, "format", None)
        if not isinstance(form, datasets.ParquetFileFormat):
            return None
        return datasets.ParquetFragmentScanOptions(pre_buffer=False)


def _frame(batch):
    """Return a record batch as a DataFrame of pandas, or of polars without pandas."""
    try:
        return batch.to_pandas(split_blocks=True)
    except ImportError:
        import polars

        return polars.from_arrow(batch)
