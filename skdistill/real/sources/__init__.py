"""Sources of real rows that are read block by block, one file for each kind."""

from skdistill.real.sources._base import ReadingError
from skdistill.real.sources._batches import BatchesSource, check_labels
from skdistill.real.sources._find import refuse_blocks, source_of

__all__ = [
    "BatchesSource",
    "ReadingError",
    "check_labels",
    "refuse_blocks",
    "source_of",
]
