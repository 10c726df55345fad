"""One small table in every container that is read block by block."""

from typing import Any, NamedTuple

import dask.array as da
import dask.dataframe as dd
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest
import zarr

N_ROWS = 600


class Table(NamedTuple):
    """Rows in a container, and the same rows in memory."""

    X: Any
    y: Any
    memory: Any
    memory_y: Any


@pytest.fixture(scope="package")
def numbers():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_ROWS, 4))
    score = X[:, 0] + X[:, 1] ** 2 + 0.5 * rng.standard_normal(N_ROWS)
    return X, np.array(["a", "b", "c"])[(score > 1).astype(int) + (X[:, 2] > 1)]


@pytest.fixture(scope="package")
def frame(numbers):
    rng = np.random.RandomState(1)
    X, y = numbers
    frame = pd.DataFrame(X, columns=["u", "v", "w", "x"])
    frame["kind"] = pd.Categorical(rng.choice(["p", "q", "r"], N_ROWS))
    frame["count"] = rng.randint(0, 9, N_ROWS)
    return frame.assign(label=y)


@pytest.fixture(scope="package")
def stored(numbers, frame, tmp_path_factory):
    """Return a function from the name of a container to a Table."""
    folder = tmp_path_factory.mktemp("large")
    X, y = numbers
    file = h5py.File(folder / "rows.h5", "w")
    file["X"] = X
    path = folder / "rows.parquet"
    frame.to_parquet(path, row_group_size=130)
    table = frame.drop(columns="label"), frame["label"]
    containers = {
        "h5py": Table(file["X"], y, X, y),
        "zarr": Table(
            zarr.create_array(store=folder / "z", data=X, chunks=(70, 2)), y, X, y
        ),
        "dask array": Table(
            da.from_array(X, chunks=(170, 2)), da.from_array(y, chunks=170), X, y
        ),
        "parquet": Table(path, "label", *table),
        "polars": Table(pl.scan_parquet(path), "label", *table),
        "dask frame": Table(dd.from_pandas(frame, npartitions=4), "label", *table),
    }
    yield containers.__getitem__
    file.close()
