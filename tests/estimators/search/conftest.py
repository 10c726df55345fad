"""Tables to search on."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def clouds():
    """Two classes, one of them in two clouds."""
    random_state = np.random.RandomState(0)
    centers = np.array([[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]])
    cloud = random_state.randint(3, size=300)
    X = centers[cloud] + 0.4 * random_state.standard_normal((300, 2))
    return X, np.where(cloud == 2, "middle", "ends")


@pytest.fixture(scope="module")
def waves():
    """Two numbers to predict."""
    random_state = np.random.RandomState(0)
    X = random_state.uniform(size=(300, 2))
    return X, np.sin(5 * X)


@pytest.fixture(scope="module")
def people():
    """A table of numbers, strings, booleans and dates, with missing values."""
    random_state = np.random.RandomState(1)
    n = 120
    X = pd.DataFrame(
        {
            "age": random_state.randint(18, 80, size=n),
            "income": random_state.lognormal(size=n).astype(np.float32),
            "town": random_state.choice(["Oslo", "Rome", "Lima"], size=n),
            "car": random_state.choice([True, False], size=n),
            "job": pd.Categorical(random_state.choice(["cook", "clerk"], size=n)),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(random_state.randint(1000, size=n), unit="D"),
        }
    )
    likes = (X["age"] > 45) ^ (X["town"] == "Rome")
    X.loc[::7, "income"] = np.nan
    X.loc[::11, "town"] = None
    return X, pd.Series(np.where(likes, "yes", "no"), name="jazz")
