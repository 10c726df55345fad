"""A table of people, in classes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest


@pytest.fixture(scope="package")
def people():
    """Columns of a table, and classes; the last jobs are rare."""
    rng = np.random.default_rng(0)
    n = 300
    columns = {
        "age": rng.uniform(18, 80, n).round(1),
        "job": rng.choice(list("abcdef"), n, p=[0.4, 0.2, 0.2, 0.1, 0.07, 0.03]),
        "town": rng.choice(["x", "y"], n),
        "kids": rng.integers(0, 5, n),
    }
    score = (columns["age"] - 50) / 20 + (columns["job"] == "a") - 0.5
    score += 0.5 * (columns["town"] == "x") + 0.3 * (columns["kids"] - 2)
    y = np.where(score + rng.standard_normal(n) > 0, "yes", "no")
    return columns, y


@pytest.fixture(params=[pd, pl], ids=["pandas", "polars"])
def table(request, people):
    columns, y = people
    return request.param.DataFrame(columns), y


@pytest.fixture(scope="package")
def frame(people):
    columns, y = people
    return pd.DataFrame(columns), y
