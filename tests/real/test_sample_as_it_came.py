"""A sample of rows that are read in blocks represents all of them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.real import _reserve, _sample_as_it_came
from skdistill.real._sample_as_it_came import sample_as_it_came
from skdistill.real.sources import BatchesSource

N_ROWS = 900


@pytest.fixture
def table(rng):
    frame = pd.DataFrame(
        {
            "row": np.arange(N_ROWS),
            "text": rng.choice(["some", "words", None], N_ROWS),
        }
    )
    y = pd.Series(rng.choice(["a", "b", "c"], N_ROWS, p=[0.9, 0.08, 0.02]), name="y")
    return frame, y, rng.uniform(0, 2, N_ROWS) * (np.arange(N_ROWS) % 5 > 0)


def batches(frame, y, weight, size=100):
    def make_batches():
        for first in range(0, N_ROWS, size):
            rows = slice(first, first + size)
            yield frame[rows], y[rows], weight[rows]

    return BatchesSource(make_batches)


def test_all_of_few_rows(table):
    frame, y, weight = table
    X, y_found, weight_found = sample_as_it_came(batches(*table), of_classes=True)
    present = weight > 0
    assert X.equals(frame[present])
    assert y_found.equals(y[present])
    assert_allclose(weight_found, weight[present])


@pytest.mark.parametrize("size", [100, 37])
def test_a_sample_of_many_rows(table, monkeypatch, size):
    frame, y, weight = table
    monkeypatch.setattr(_sample_as_it_came, "SAMPLE_ROWS", 200)
    monkeypatch.setattr(_reserve, "MIN_GROUP_ROWS", 8)
    source = batches(*table, size)
    X, y_found, weight_found = sample_as_it_came(source, of_classes=True)
    assert 200 <= len(X) < 220
    assert_array_equal(y_found, y[X["row"]])
    assert X["text"].isna().any()
    assert y_found.name == "y"
    for label in "abc":
        assert (y_found == label).sum() >= 8
        total = weight[y == label].sum()
        assert_allclose(weight_found[y_found == label].sum(), total)
    numbers = sample_as_it_came(source, of_classes=False)
    assert len(numbers[0]) == 200
    assert_allclose(numbers[2].sum(), weight.sum())


def test_rows_without_weight_are_no_sample(table):
    frame, y, weight = table
    with pytest.raises(ValueError, match="sample_weight zero"):
        sample_as_it_came(batches(frame, y, 0 * weight), of_classes=True)
