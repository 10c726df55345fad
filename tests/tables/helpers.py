"""What the tests of mixed tables share."""

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdistill import DatasetDistiller
from tests.conftest import strict_logistic

CATEGORICAL = ["color", "shape"]


def distiller_for(estimator=None, **params):
    estimator = strict_logistic(C=10) if estimator is None else estimator
    params = {"categorical_features": CATEGORICAL, "n_synthetic": 8, **params}
    return DatasetDistiller(estimator, random_state=0, **params)


def user_pipeline(X, estimator):
    """Return what a user would write: an encoder that knows all real categories."""
    categories = [np.unique(X[name]) for name in CATEGORICAL]
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(categories=categories), CATEGORICAL), remainder="passthrough"
        ),
        estimator,
    )


def assert_is_table_of(samples, X):
    """Assert the columns, dtypes, ranges and categories of the real data."""
    assert type(samples) is type(X)
    if isinstance(X, pl.DataFrame):
        assert samples.schema == X.schema
        samples, X = (frame.to_pandas() for frame in (samples, X))
    assert samples.dtypes.equals(X.dtypes)
    for name in X:
        if X[name].dtype.kind in "iub":
            assert samples[name].between(X[name].min(), X[name].max()).all()
        elif name in CATEGORICAL:
            assert set(samples[name]) <= set(X[name])


def as_polars(X):
    return pl.from_pandas(X).with_columns(
        pl.col("color").cast(pl.Enum(["red", "green", "blue", "pink"])),
        pl.col("shape").cast(pl.Categorical),
        pl.col("size").cast(pl.UInt8),
    )
