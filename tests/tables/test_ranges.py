"""Bounds of the columns, by position or by name."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller
from skdistill.tables._columns import read_table
from skdistill.tables._ranges import read_range
from tests.tables.helpers import as_polars, distiller_for


def test_bounds(numeric):
    X, y, _ = numeric
    low, high = np.array([4.5, 0.1, 0.0]), np.array([9.9, 0.3, 1.0])
    distiller = distiller_for(
        LogisticRegression(),
        categorical_features=None,
        feature_range=(low, high),
        n_synthetic=6,
    )
    samples = distiller.fit(X, y).X_synthetic_
    assert samples["size"].between(5, 9).all()
    # Compared in double precision, in which 0.1 is less than float32's.
    assert samples["weight"].astype(float).between(0.1, 0.3).all()
    with pytest.raises(ValueError, match=r"no integer .* \['size'\]"):
        distiller.set_params(feature_range=(0, 1)).fit(X, y)


def bounds_of(X, feature_range, categorical=None):
    """Return the bounds of each number in the encoded rows."""
    table = read_table(X, categorical, None)
    encoded = table.encode(X)
    table.set_range(encoded)
    return table.bounds(*table.read_range(feature_range))


@pytest.fixture
def frame(multiclass_table):
    X, y = multiclass_table
    return pd.DataFrame(X, columns=list("abcdef")), y


def test_series_are_matched_by_name(frame):
    X, y = frame
    low, high = X.quantile(0.4), X.quantile(0.6)
    expected = low.to_numpy(), high.to_numpy()
    for shuffled in ((low.sort_values(), high[::-1]), (dict(low[::-1]), dict(high))):
        assert_array_equal(bounds_of(X, shuffled), expected)
        samples = (
            DatasetDistiller(
                KNeighborsClassifier(1),
                n_synthetic=6,
                feature_range=shuffled,
                random_state=0,
                tol=1e9,
            )
            .fit(X, y)
            .X_synthetic_
        )
        assert (samples.ge(low) & samples.le(high)).all(axis=None)
    with pytest.raises(ValueError, match=r"feature_range: .*\n.*unseen.*:\n- z\n"):
        bounds_of(X, (low.rename({"a": "z"}), high))
    # An array has no names, and a Series need not have any.
    assert_array_equal(bounds_of(X.to_numpy(), (low, high)), expected)
    unnamed = low.reset_index(drop=True), high.reset_index(drop=True)
    assert_array_equal(bounds_of(X, unnamed), expected)


def test_frames_of_one_row_are_matched_by_name(frame):
    """An example is the ``X.min()`` of polars."""
    X, _ = frame
    data = pl.from_pandas(X)
    swapped = data.select(list("fedcba"))
    expected = X.min().to_numpy(), X.max().to_numpy()
    assert_array_equal(bounds_of(data, (data.min(), swapped.max())), expected)


def test_a_dict_bounds_the_columns_that_it_names(frame):
    X, y = frame
    low, high = bounds_of(X, {"c": (0, 1), "a": (-1, np.inf)})
    assert_array_equal(low, [-1, *[-np.inf] * 1, 0, *[-np.inf] * 3])
    assert_array_equal(high, [*[np.inf] * 2, 1, *[np.inf] * 3])
    assert_array_equal(
        bounds_of(X.to_numpy(), {2: (0, 1), 0: (-1, np.inf)}), (low, high)
    )
    assert_array_equal(bounds_of(X, {}), bounds_of(X, None))
    free = DatasetDistiller(n_synthetic=6, random_state=0, solver="lbfgs", tol=1e-2)
    held = clone(free).set_params(feature_range={"c": (0.1, 0.2)})
    assert not free.fit(X, y).X_synthetic_["c"].between(0.1, 0.2).any()
    assert held.fit(X, y).X_synthetic_["c"].between(0.1, 0.2).all()
    others = held.X_synthetic_.drop(columns="c")
    assert not others.stack().between(0.1, 0.2).all()
    assert (others.max() - others.min()).min() > 0.2


def test_categories_have_no_bounds(mixed):
    """A Series of all columns may have entries for them, but a dict may not."""
    X, y, _ = mixed
    named = ["color", "shape"]
    ordered = X.assign(color=X["color"].astype(str))
    low, high = ordered.min(), ordered.max()
    expected = bounds_of(X, "data", named)
    numbers = ordered.drop(columns=named)
    for pair in ((low, high), (low[::-1], high), (numbers.min(), numbers.max())):
        assert_array_equal(bounds_of(X, pair, named), expected)
    data = as_polars(X)
    strings = data.with_columns(pl.col(named).cast(pl.String))
    pair = strings.min(), strings.max()
    assert_array_equal(bounds_of(data, pair, named), expected)
    with pytest.raises(ValueError, match=r"that hold categories: \['color'\]"):
        bounds_of(X, {"color": (0, 1)}, named)
    free = distiller_for(feature_range={"weight": (1, 1.5)}).fit(X, y).X_synthetic_
    assert free["weight"].between(1, 1.5).all()
    assert set(free["color"]) <= set(X["color"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"z": (0, 1)}, r"that X does not have: \['z'\]. Pass names among \['a', 'b'"),
        ({"a": 1}, r"feature_range\['a'\]=1 must be a pair"),
        ({"a": (0, 1, 2)}, "must be a pair of numbers"),
        ({"a": (1, 0)}, r"low bound above .* for the columns \['a'\]"),
        ({"a": (0, np.nan)}, r"not a number, for the columns \['a'\]"),
        ({"a": ("x", 1)}, "must hold two numbers"),
        (("low", 1), "must hold two numbers"),
        ((0, 1, 2), "pair"),
        (([0, 0], 1), r"two arrays of shape \(6,\)"),
        (({"a": 0}, 1), "yet now missing:\n- b\n"),
    ],
)
def test_ranges_that_are_refused(frame, given, message):
    X, y = frame
    with pytest.raises(ValueError, match=message):
        DatasetDistiller(feature_range=given).fit(X, y)


def test_another_parameter_is_named():
    ends = np.zeros(2), np.ones(2)
    with pytest.raises(ValueError, match="^target_range must be a pair"):
        read_range((1,), ["u", "v"], *ends, parameter="target_range")
    low, high = read_range({"v": (2, 3)}, ["u", "v"], *ends, parameter="target_range")
    assert_array_equal((low, high), [[-np.inf, 2], [np.inf, 3]])
