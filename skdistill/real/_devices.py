"""The devices for chunks of real rows, and the size of chunks.

If there are several devices, each gets a part of the rows of a chunk, and JAX adds the
results. On processors, chunks fit in the caches. On accelerators they are larger, so
that transferring them pays.
"""

from functools import lru_cache

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

#: Maximum number of rows and bytes of a chunk on a processor. It should stay in the
#: cache between the product with X and the product with its transpose.
MAX_CHUNK_ROWS = 2048
MAX_CHUNK_BYTES = 2**22
#: Chunks for few rows are this many times smaller, as often as all rows still fit, but
#: not smaller than the minimum. Few sizes of chunks avoid compilations.
CHUNK_FACTOR = 4
MIN_CHUNK_ROWS = 512
#: Maximum number of rows in a chunk of a mini-batch on a processor. Few sizes of chunks
#: avoid compilations, but smaller chunks take longer for each row.
MAX_BATCH_CHUNK_ROWS = 512
#: Number of bytes of a chunk on an accelerator.
ACCELERATOR_CHUNK_BYTES = 2**28


def chunk_rows_for(n_features, dtype, n_rows):
    """Return the number of rows in a chunk, a power of two for each device.

    It depends on the devices, on the size of a row and, if all ``n_rows`` rows fit in
    less than a full chunk, on the order of magnitude of ``n_rows``.
    """
    devices = len(_devices())
    row_bytes = n_features * np.dtype(dtype).itemsize
    if jax.default_backend() == "cpu":
        rows = min(MAX_CHUNK_ROWS, max(MAX_CHUNK_BYTES // row_bytes, 1))
    else:
        rows = max(ACCELERATOR_CHUNK_BYTES // row_bytes, 1)
    rows = 2 ** (rows.bit_length() - 1)
    while rows >= CHUNK_FACTOR * max(MIN_CHUNK_ROWS, n_rows / devices):
        rows //= CHUNK_FACTOR
    return rows * devices


def batch_chunk_rows(n_rows, chunk_rows):
    """Return the number of rows in a chunk of a mini-batch with ``n_rows`` rows.

    It is a power of two for each device, and at most ``chunk_rows``, the number for a
    pass over all rows.
    """
    devices = len(_devices())
    rows = 2 ** (max(-(-n_rows // devices), 1) - 1).bit_length() * devices
    if jax.default_backend() == "cpu":
        rows = min(rows, MAX_BATCH_CHUNK_ROWS * devices)
    return min(rows, chunk_rows)


def spread(chunk):
    """Distribute the rows of a chunk over the devices if there are several.

    Parameters
    ----------
    chunk : pytree of arrays of length n
        The rows. They are only distributed if their number is a multiple of that of the
        devices.
    """
    devices = _devices()
    if len(devices) == 1 or len(chunk.X) % len(devices):
        return chunk
    return jax.device_put(chunk, _by_rows(devices))


def _devices():
    """Return the devices to use; only one if the user has chosen a default device."""
    chosen = jax.config.jax_default_device
    return tuple(jax.local_devices()) if chosen is None else (chosen,)


@lru_cache
def _by_rows(devices):
    return NamedSharding(Mesh(np.array(devices), ("rows",)), PartitionSpec("rows"))
