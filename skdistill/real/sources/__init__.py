"""Where real rows lie that are read block by block, one file for each kind of place."""

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
