"""Starting rows and targets belong to columns by their names."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller
from skdistill.tables._names import entries, in_order
from tests.conftest import strict_logistic
from tests.tables.helpers import as_polars, distiller_for, user_pipeline

#: With this tolerance nothing is learned: the set is the one that it starts from.
AT_ONCE = {"tol": 1e9, "init": "kmeans", "learn_labels": False, "random_state": 0}


def reversed_columns(frame):
    return frame[list(frame.columns)[::-1]]


@pytest.fixture
def frame(multiclass_table):
    X, y = multiclass_table
    return pd.DataFrame(X, columns=list("abcdef")), y


@pytest.mark.slow
def test_given_rows(mixed):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic="auto", init=(X.iloc[:12], y.iloc[:12]))
    distiller.fit(X, y)
    assert len(distiller.X_synthetic_) == 12
    real = user_pipeline(X, strict_logistic(C=10)).fit(X.iloc[:12], y.iloc[:12])
    assert distiller.loss_ <= log_loss(y, real.predict_proba(X))
    unknown = X.iloc[:12].assign(color=pd.Categorical(["pink"] * 12))
    with pytest.raises(ValueError, match="categories in 'color' that X does not"):
        clone(distiller).set_params(init=(unknown, y.iloc[:12])).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("convert", [lambda X: X, pl.from_pandas], ids=["pd", "pl"])
def test_given_rows_are_matched_by_name(frame, convert):
    X, y = frame
    init = X.iloc[:12], y[:12]
    distiller = DatasetDistiller(
        KNeighborsClassifier(1), n_synthetic="auto", **{**AT_ONCE, "init": init}
    )
    expected = distiller.fit(X, y).X_synthetic_
    order = np.argsort(y[:12], kind="stable")
    assert sorted(map(tuple, expected.to_numpy())) == sorted(
        map(tuple, X.to_numpy()[:12][order])
    )
    swapped = convert(reversed_columns(X.iloc[:12]))
    again = clone(distiller).set_params(init=(swapped, y[:12])).fit(convert(X), y)
    assert_array_equal(again.X_synthetic_, expected)


@pytest.mark.slow
def test_given_rows_of_a_mixed_table_are_matched_by_name(mixed):
    X, y, _ = mixed
    for convert in (lambda X: X, as_polars):
        rows = convert(X)[:12]
        starts = [
            distiller_for(n_synthetic="auto", init=(init, y[:12].to_numpy()), tol=1e9)
            .fit(convert(X), y.to_numpy())
            .X_synthetic_
            for init in (rows, reversed_columns(rows))
        ]
        assert starts[0].equals(starts[1])


def test_names_that_differ_are_an_error_of_scikit_learn(frame, mixed):
    """The message is the one that predict has for them."""
    X, y = frame
    renamed = X.rename(columns={"a": "z"})
    with pytest.raises(ValueError, match="feature names") as of_scikit_learn:
        strict_logistic().fit(X, y).predict(renamed)
    distiller = DatasetDistiller(init=(renamed[:12], y[:12]))
    with pytest.raises(ValueError, match="^X of init: The feature") as error:
        distiller.fit(X, y)
    assert str(error.value) == f"X of init: {of_scikit_learn.value}"
    for init in (X[:12].drop(columns="a"), X[:12].assign(z=0.0)):
        with pytest.raises(ValueError, match="feature names should match"):
            clone(distiller).set_params(init=(init, y[:12])).fit(X, y)
    X, y, _ = mixed
    init = X[:12].assign(extra=1), y[:12]
    with pytest.raises(ValueError, match="unseen at fit time:\n- extra"):
        distiller_for(n_synthetic="auto", init=init).fit(X, y)


def test_without_names_rows_are_read_by_position(frame):
    X, y = frame
    options = {"n_synthetic": "auto", **AT_ONCE}
    rows, labels = X.iloc[:12], y[:12]
    sets = [
        DatasetDistiller(KNeighborsClassifier(1), **{**options, "init": (init, labels)})
        .fit(data, y)
        .X_synthetic_
        for init, data in (
            (rows, X),
            (rows.to_numpy(), X),
            (rows, X.to_numpy()),
            (rows.to_numpy().tolist(), X.to_numpy().tolist()),
            (rows.set_axis(range(6), axis=1), X),
        )
    ]
    for other in sets[1:]:
        assert_array_equal(other, sets[0])


def test_warm_start_after_columns_were_reordered(frame):
    X, y = frame
    distiller = DatasetDistiller(KNeighborsClassifier(1), n_synthetic=6, **AT_ONCE)
    first = distiller.fit(X, y).X_synthetic_
    distiller.set_params(warm_start=True).fit(reversed_columns(X), y)
    assert list(distiller.X_synthetic_.columns) == list("fedcba")
    assert_array_equal(distiller.X_synthetic_[list("abcdef")], first)
    with pytest.raises(ValueError, match="yet now missing:\n- z"):
        distiller.fit(X.rename(columns={"a": "z"}), y)


@pytest.mark.slow
def test_targets_are_matched_by_name(frame):
    """This applies to starting rows and to a refit on reordered columns."""
    X, _ = frame
    Y = pd.DataFrame({"u": X["a"] + X["b"], "v": 100 + X["c"]})
    estimator = KernelRidge(kernel="rbf", gamma=0.1)
    swapped = reversed_columns(Y)
    init = X.iloc[:12], swapped.iloc[:12]
    distiller = DatasetDistiller(
        estimator, **{**AT_ONCE, "init": init}, n_synthetic="auto"
    ).fit(X, Y)
    assert_array_equal(distiller.y_synthetic_, Y.iloc[:12])
    distiller = DatasetDistiller(estimator, **AT_ONCE, n_synthetic=12).fit(X, Y)
    first = distiller.y_synthetic_
    distiller.set_params(warm_start=True).fit(X, swapped)
    assert_array_equal(distiller.y_synthetic_[["u", "v"]], first)
    with pytest.raises(ValueError, match="^y of the previous fit.*The feature names"):
        distiller.fit(X, Y.rename(columns={"u": "w"}))


def test_warm_start_goes_on_from_reordered_columns(frame):
    X, _ = frame
    target = X.to_numpy() @ np.arange(6) + np.sin(X["a"])
    distiller = DatasetDistiller(
        Ridge(), n_synthetic=4, solver="lbfgs", max_iter=3, random_state=0
    )
    with pytest.warns(ConvergenceWarning):
        distiller.fit(X, target)
    before = distiller.loss_
    distiller.set_params(warm_start=True, max_iter=100)
    distiller.fit(reversed_columns(X), target)
    assert distiller.loss_ <= before * (1 + 1e-9)


@pytest.mark.parametrize(
    ("values", "names", "expected"),
    [
        (pd.Series([1, 2], ["b", "a"]), ["a", "b"], [2, 1]),
        (pd.Series([1, 2], [1, 0]), [0, 1], [2, 1]),
        (pd.Series([1, 2], ["b", "a"]), [0, 1], [1, 2]),
        (pd.Series([1, 2]), ["a", "b"], [1, 2]),
        (pl.Series([1, 2]), ["a", "b"], [1, 2]),
        ({"b": 1, "a": 2}, ["a", "b"], [2, 1]),
        ([1, 2], ["a", "b"], [1, 2]),
        (3.0, ["a", "b"], 3.0),
    ],
)
def test_in_order(values, names, expected):
    assert_array_equal(in_order(values, names, input_name="values"), expected)


@pytest.mark.parametrize(
    "values",
    [{"a": 1}, {0: 1, 1: 2}, pd.Series([1, 2], ["a", "a"]), pd.Series([1], ["a"])],
    ids=["missing", "numbers", "twice", "a series"],
)
def test_in_order_refuses_other_names(values):
    with pytest.raises(ValueError, match="^bounds: The feature names should match"):
        in_order(values, ["a", "b"], input_name="bounds")


def test_entries():
    expected = {"a": 1.5, "b": 2.0}
    one_row = pd.DataFrame([expected])
    for named in (pd.Series(expected), one_row, pl.from_pandas(one_row), expected):
        assert entries(named, ["b", "a"]) == expected
    assert_array_equal(entries(pd.Series(expected), [0, 1]), [1.5, 2.0])
    assert_array_equal(entries(one_row, [0, 1]), [1.5, 2.0])
    assert_array_equal(entries(pd.Series([1.5, 2.0]), ["a", "b"]), [1.5, 2.0])
    assert entries(2.0, ["a", "b"]) == 2.0
