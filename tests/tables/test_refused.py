"""Tables that are refused, and what the messages say."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skdistill import DatasetDistiller
from tests.tables.helpers import (
    CATEGORICAL,
    as_polars,
    distiller_for,
)


def test_missing_values_are_named(mixed):
    X, y, _ = mixed
    holes = X.astype({"size": "Int64"}).copy()
    holes.loc[3, "color"] = None
    with pytest.raises(ValueError, match=r"NaN.* columns \['color'\]\. Impute"):
        distiller_for().fit(holes, y)
    holes = X.astype({"size": "Int64"}).copy()
    holes.loc[3, ["size", "weight"]] = None
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        distiller_for().fit(holes, y)
    numbers = holes.drop(columns=CATEGORICAL)
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        DatasetDistiller().fit(numbers, y)
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        DatasetDistiller().fit(pl.from_pandas(numbers), y)
    array = numbers.to_numpy(dtype=float, na_value=np.nan)
    with pytest.raises(ValueError, match=r"columns \[0, 1\]"):
        DatasetDistiller().fit(array, y)
    objects = X.to_numpy(dtype=object)
    objects[2, 3] = None
    with pytest.raises(ValueError, match=r"columns \[3\]"):
        distiller_for(categorical_features=[1, 3]).fit(objects, y)


def test_missing_values_in_transform(fitted, mixed):
    X, _, _ = mixed
    holes = X.copy()
    holes.loc[3, "weight"] = np.nan
    with pytest.raises(ValueError, match=r"columns \['weight'\]"):
        fitted.transform(holes)
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(X.rename(columns={"size": "length"}))


@pytest.mark.parametrize("named", [None, ["color"]])
def test_columns_that_are_not_numbers(mixed, named):
    X, y, _ = mixed
    for frame in (X, as_polars(X)):
        with pytest.raises(ValueError, match=r"not numbers: .*'shape' \(.*from_dtype"):
            distiller_for(categorical_features=named).fit(frame, y)
    with pytest.raises(ValueError, match=r"'day' \(datetime64"):
        distiller_for().fit(X.assign(day=pd.Timestamp("2020-01-01")), y)


def test_bad_categorical_features(mixed):
    X, y, _ = mixed
    for named, message in (
        (["size", "height"], "'height'"),
        ([7], "indices must be in"),
        ([True, False], "boolean mask"),
        ("color", "'categorical_features' parameter"),
    ):
        with pytest.raises(ValueError, match=message):
            distiller_for(categorical_features=named).fit(X, y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        distiller_for().fit(X, None)
