"""The devices on which chunks of real rows are looked at.

With several of them, each gets its share of the rows of a chunk, and JAX adds what they
find. A chunk is as large as suits them: on processors it stays in their caches, on an
accelerator it is worth the way there.
"""

from functools import lru_cache

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

#: Rows and bytes of a chunk on a processor, where it stays in the cache between the
#: product with X and the one with its transpose.
MAX_CHUNK_ROWS = 2048
MAX_CHUNK_BYTES = 2**22
#: Rows of a chunk of a mini-batch there: smaller ones cost more for each row, and
#: programs of few sizes serve mini-batches of all.
MAX_BATCH_CHUNK_ROWS = 512
#: Bytes of a chunk on an accelerator.
ACCELERATOR_CHUNK_BYTES = 2**28


def chunk_rows_for(n_features, dtype):
    """Rows in a chunk: a power of two for each device.

    It depends on the devices and the width of a row alone.
    """
    row_bytes = n_features * np.dtype(dtype).itemsize
    if jax.default_backend() == "cpu":
        rows = min(MAX_CHUNK_ROWS, max(MAX_CHUNK_BYTES // row_bytes, 1))
    else:
        rows = max(ACCELERATOR_CHUNK_BYTES // row_bytes, 1)
    return 2 ** (rows.bit_length() - 1) * len(_devices())


def batch_chunk_rows(n_rows, chunk_rows):
    """Rows in a chunk of a mini-batch of so many rows: a power of two for each device.

    Not more than ``chunk_rows``, those of a chunk of all rows.
    """
    devices = len(_devices())
    rows = 2 ** (max(-(-n_rows // devices), 1) - 1).bit_length() * devices
    if jax.default_backend() == "cpu":
        rows = min(rows, MAX_BATCH_CHUNK_ROWS * devices)
    return min(rows, chunk_rows)


def spread(chunk):
    """Spread the rows of a chunk over the devices, if there are several.

    Parameters
    ----------
    chunk : pytree of arrays of length n
        The rows, in a multiple of the number of devices.
    """
    devices = _devices()
    if len(devices) == 1 or len(chunk.X) % len(devices):
        return chunk
    return jax.device_put(chunk, _by_rows(devices))


def _devices():
    """Return the devices that may be used: one if the user has chosen it."""
    chosen = jax.config.jax_default_device
    return tuple(jax.local_devices()) if chosen is None else (chosen,)


@lru_cache
def _by_rows(devices):
    return NamedSharding(Mesh(np.array(devices), ("rows",)), PartitionSpec("rows"))
