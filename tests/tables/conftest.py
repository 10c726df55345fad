"""A mixed table, and a distiller fitted on it."""

import numpy as np
import pandas as pd
import pytest

from tests.tables.helpers import (
    CATEGORICAL,
    distiller_for,
)


@pytest.fixture(scope="session")
def mixed():
    """Return a table with overlapping classes, and a number of each row as a target."""
    rng = np.random.default_rng(0)
    n = 160
    color = rng.choice(["red", "green", "blue"], n)
    shape = rng.choice(["disc", "ring"], n)
    size = rng.integers(3, 12, n)
    weight = rng.normal(2, 1, n)
    is_new = rng.random(n) < 0.4
    score = (color == "red") + 0.2 * size + weight - 2.0 * (shape == "ring") + is_new
    X = pd.DataFrame(
        {
            "size": size.astype(np.int8),
            "color": pd.Categorical(color, categories=["red", "green", "blue", "pink"]),
            "weight": weight.astype(np.float32),
            "shape": shape,
            "is_new": is_new,
        }
    )
    y = (score + rng.normal(0, 0.7, n) > np.median(score)).astype(int)
    target = np.rint(10 * score + rng.normal(0, 5, n)).astype(np.int64)
    return X, pd.Series(y, name="sold"), pd.Series(target, name="price")


@pytest.fixture(scope="session")
def numeric(mixed):
    X, y, target = mixed
    return X.drop(columns=CATEGORICAL), y, target


@pytest.fixture(scope="session")
def fitted(mixed):
    X, y, _ = mixed
    return distiller_for().fit(X, y)
