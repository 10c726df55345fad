"""Targets of mixed tables."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from tests.tables.helpers import (
    as_polars,
    assert_is_table_of,
    distiller_for,
    user_pipeline,
)


@pytest.mark.slow
def test_targets(mixed):
    X, _, target = mixed
    learned = distiller_for(Ridge()).fit(X, target)
    assert learned.y_synthetic_.dtype == np.float64
    assert learned.y_synthetic_.name == "price"
    fixed = distiller_for(Ridge(), learn_labels=False).fit(X, target)
    assert fixed.y_synthetic_.dtype == target.dtype
    own = user_pipeline(X, Ridge()).fit(fixed.X_synthetic_, fixed.y_synthetic_)
    assert_allclose(np.mean((own.predict(X) - target) ** 2), fixed.loss_, rtol=1e-7)
    single = distiller_for(Ridge()).fit(X, target.astype(np.float32))
    assert single.y_synthetic_.dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_several_targets(mixed, library):
    X, y, target = mixed
    Y = pd.DataFrame({"price": target, "share": (0.1 * y).astype(np.float32)})
    X, Y = (X, Y) if library == "pandas" else (as_polars(X), pl.from_pandas(Y))
    samples, targets = distiller_for(Ridge()).fit_transform(X, Y)
    assert_is_table_of(samples, X)
    assert type(targets) is type(Y)
    assert list(targets.columns) == ["price", "share"]
    assert "64" in str(targets["price"].dtype)
    assert str(targets["share"].dtype).lower() == "float32"
    Y = Y[["price"]].with_columns(pl.lit(1).alias("one")) if library == "polars" else Y
    fixed = distiller_for(Ridge(), learn_labels=False).fit(X, Y)
    assert list(fixed.y_synthetic_.dtypes) == list(Y.dtypes)


@pytest.mark.slow
def test_kernel_ridge(mixed):
    X, _, target = mixed
    estimator = KernelRidge(kernel="rbf", gamma=0.05, alpha=0.1)
    distiller = distiller_for(estimator, max_iter=20)
    with pytest.warns(UserWarning, match="did not converge"):
        distiller.fit(X, target)
    assert_is_table_of(distiller.X_synthetic_, X)
    own = user_pipeline(X, estimator)
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(np.mean((own.predict(X) - target) ** 2), distiller.loss_, rtol=1e-6)
