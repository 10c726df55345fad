"""Choice of the source for a container that is read block by block."""

import sys
from os import PathLike

import numpy as np

from skdistill.real.sources._base import Source
from skdistill.real.sources._sliced import SlicedSource


def source_of(X, y, sample_weight):
    """Return the Source of a container that is read block by block.

    Parameters
    ----------
    X : object
        Samples in any container.
    y, sample_weight : object
        Targets and weights: arrays, or objects that suit the container, such as names
        of its columns.

    Returns
    -------
    Source or None
        The source; None for containers in memory.
    """
    for belongs, make in _SOURCES:
        if belongs(X):
            return make(X, y, sample_weight)
    return None


def refuse_blocks(**containers):
    """Raise a ValueError for rows that would be read block by block.

    Parameters
    ----------
    **containers : object
        Containers, with the names of the parameters.
    """
    for name, X in containers.items():
        if source_of(X, None, None) is not None:
            raise ValueError(
                f"{name} is {type(X).__module__}.{type(X).__name__}, which is read "
                "block by block, but rows in memory are needed here. Pass a sample of "
                "them."
            )


def _is_of(package, *names):
    """Return a function that checks classes of objects, without importing a package."""

    def belongs(X):
        module = sys.modules.get(package)
        classes = tuple(getattr(module, name) for name in names) if module else ()
        return isinstance(X, classes)

    return belongs


def _is_stored(X):
    """Whether an array is stored in chunks, as those of zarr and h5py are."""
    return (
        not isinstance(X, np.ndarray)
        and all(hasattr(X, name) for name in ("shape", "dtype", "chunks"))
        and len(X.shape) == 2
    )


def _arrow(X, y, sample_weight):
    from skdistill.real.sources._arrow import ArrowSource

    return ArrowSource(X, y, sample_weight)


def _lazy(X, y, sample_weight):
    from skdistill.real.sources._lazy import LazySource

    return LazySource(X, y, sample_weight)


def _dask(X, y, sample_weight):
    from skdistill.real.sources._dask import DaskSource

    return DaskSource(X, y, sample_weight)


#: Pairs of a function that recognizes a container, and one that makes its source.
_SOURCES = (
    (lambda X: isinstance(X, Source), lambda source, y, sample_weight: source),
    (_is_of("dask.array", "Array"), _dask),
    (_is_of("dask.dataframe", "DataFrame"), _dask),
    (_is_of("pyarrow.dataset", "Dataset"), _arrow),
    (lambda X: isinstance(X, str | PathLike), _arrow),
    (_is_of("polars", "LazyFrame"), _lazy),
    (_is_stored, SlicedSource),
)
