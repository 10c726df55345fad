"""Where real rows lie that are read block by block, one file for each kind of place."""

from skdistill.real.sources._find import source_of

__all__ = ["source_of"]
