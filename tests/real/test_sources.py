"""Every source yields the same blocks of rows, starting from any block."""

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest
import zarr
from numpy.testing import assert_array_equal
from pyarrow import dataset as arrow

from skdistill.real.sources import BatchesSource, source_of
from skdistill.real.sources._sliced import SlicedSource

N_ROWS = 100


@pytest.fixture
def frame(rng):
    return pd.DataFrame(
        {
            "a": rng.standard_normal(N_ROWS),
            "b": rng.integers(0, 9, N_ROWS),
            "y": rng.choice(["x", "z"], N_ROWS),
            "w": rng.uniform(1, 2, N_ROWS),
        }
    )


def together(source, number=0):
    """Return all blocks from a given one on as one block, and where they begin."""
    blocks = list(source.blocks(number))
    X = np.concatenate([np.asarray(block.X) for block in blocks])
    y = np.concatenate([np.asarray(block.y) for block in blocks])
    assert [block.first for block in blocks] == np.cumsum(
        [blocks[0].first] + [block.n_rows for block in blocks[:-1]]
    ).tolist()
    return X, y, blocks


def parquet(frame, folder):
    frame.to_parquet(folder / "rows.parquet", row_group_size=30)
    return folder / "rows.parquet"


@pytest.mark.parametrize("kind", ["path", "str", "dataset", "lazy", "folder"])
def test_tables(frame, tmp_path, kind):
    path = parquet(frame, tmp_path)
    table = {
        "path": path,
        "str": str(path),
        "dataset": arrow.dataset(path),
        "lazy": pl.scan_parquet(path),
        "folder": tmp_path,
    }[kind]
    source = source_of(table, "y", "w")
    source.block_rows = 40
    X, y, blocks = together(source)
    assert_array_equal(X, frame[["a", "b"]])
    assert_array_equal(y, frame["y"])
    weight = np.concatenate([np.asarray(block.sample_weight) for block in blocks])
    assert_array_equal(weight, frame["w"])
    assert len(blocks) > 2
    later, _, _ = together(source, 2)
    assert_array_equal(later, X[blocks[2].first :])


def test_targets_may_lie_beside_a_table(frame, tmp_path):
    path = parquet(frame[["a", "b"]], tmp_path)
    X, y, blocks = together(source_of(path, frame["y"], None))
    assert_array_equal(X, frame[["a", "b"]])
    assert_array_equal(y, frame["y"])
    assert blocks[0].sample_weight is None


def test_stored_arrays(rng, tmp_path):
    X, y = rng.standard_normal((N_ROWS, 3)), rng.integers(0, 2, N_ROWS)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["X"], file["y"] = X, y
        found, found_y, _ = together(SlicedSource(file["X"], file["y"], block_rows=33))
        assert isinstance(source_of(file["X"], y, None), SlicedSource)
    assert_array_equal(found, X)
    assert_array_equal(found_y, y)
    stored = zarr.create_array(store=tmp_path / "z", data=X, chunks=(10, 2))
    assert isinstance(source_of(stored, y, None), SlicedSource)
    found, found_y, _ = together(SlicedSource(stored, pd.Series(y), block_rows=33))
    assert_array_equal(found, X)
    assert_array_equal(found_y, y)


def test_mapped_arrays_are_copied_block_by_block(rng, tmp_path):
    X = np.memmap(tmp_path / "X", mode="w+", shape=(N_ROWS, 3))
    X[:] = rng.standard_normal((N_ROWS, 3))
    _, _, blocks = together(SlicedSource(X, np.zeros(N_ROWS), block_rows=33))
    assert not any(isinstance(block.X, np.memmap) for block in blocks)


def test_what_is_read_at_once_has_no_source(frame):
    y = frame["y"]
    for X in (frame, frame.to_numpy(), frame[["a"]].to_numpy(), [[1.0], [2.0]]):
        assert source_of(X, y, None) is None


def sums(source):
    return source.reduce(lambda block: block.X.sum(), lambda a, b: a + b)


class Reader:
    """Batches of two rows, some of which cannot be read at the first attempts."""

    def __init__(self, failures):
        self.failures, self.passes = dict(failures), 0

    def __call__(self):
        self.passes += 1
        for number in range(4):
            if self.failures.get(number, 0) > 0:
                self.failures[number] -= 1
                raise OSError("The line is dead.")
            yield np.full((2, 1), number), np.zeros(2)


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_batch_that_cannot_be_read_is_tried_again(number):
    reader = Reader({number: 1})
    assert sums(BatchesSource(reader)) == 12
    assert reader.passes == 2


def test_a_batch_that_fails_twice_raises_its_own_error_with_its_rows():
    with pytest.raises(OSError, match="The line is dead") as caught:
        sums(BatchesSource(Reader({2: 2})))
    assert "rows from 4 on" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 3, "returned int. Return an iterable"),
        (lambda: [np.zeros((2, 1))], "yielded ndarray. Yield tuples"),
        (lambda: [(np.zeros((2, 1)),)], "yielded tuple. Yield tuples"),
    ],
)
def test_a_reader_of_another_form_is_refused(make, message):
    with pytest.raises(TypeError, match=message):
        sums(BatchesSource(make))
