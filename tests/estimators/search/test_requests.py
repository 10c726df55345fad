"""Distilling for any estimator: what is asked for, how it ends, what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill.estimators._ways import way_for
from skdistill.real._cells import with_rows
from skdistill.students import NotMirrored
from tests.estimators.search.helpers import (
    Fails,
    behind_encoder,
    by_search,
    smoothed_log_loss,
)
from tests.estimators.test_progress import Recorder

# A set of a few rows, after one iteration, is often clearly worse on rows held back.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss is .* on rows that were held back"
)


# Weights


@pytest.mark.parametrize(
    "name", ["clouds", pytest.param("people", marks=pytest.mark.slow)]
)
def test_rows_of_weight_zero_have_no_influence(name, request):
    X, y = map(pd.DataFrame, request.getfixturevalue(name))
    y = y.squeeze()
    tree = behind_encoder() if name == "people" else None
    weight = np.ones(len(y))
    weight[::3] = 0
    distiller = by_search(tree).fit(X, y, sample_weight=weight)
    kept = weight > 0
    alone = by_search(tree).fit(X[kept], y[kept])
    assert_frame_equal(
        distiller.X_synthetic_.reset_index(drop=True),
        alone.X_synthetic_.reset_index(drop=True),
    )
    assert distiller.loss_ == alone.loss_


def test_a_weight_of_two_counts_twice_in_the_loss(clouds):
    X, y = clouds
    weight = np.where(np.arange(len(y)) % 5 == 0, 2.0, 1.0)
    distiller = by_search().fit(X, y, sample_weight=weight)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    expected = smoothed_log_loss(distiller.estimator_, X[twice], y[twice])
    assert_allclose(distiller.loss_, expected)


def test_weights_of_classes_are_matched(clouds):
    X, y = clouds
    distiller = by_search(weighting="match").fit(X, y)
    for label in ("ends", "middle"):
        weight = distiller.sample_weight_synthetic_[distiller.y_synthetic_ == label]
        assert_allclose(weight.sum(), (y == label).sum())
    assert "sample_weight" in distiller.to_frame()
    refitted = clone(distiller.estimator).fit(
        *distiller.transform(X), sample_weight=distiller.sample_weight_synthetic_
    )
    assert_array_equal(refitted.predict(X), distiller.predict(X))


def test_weights_are_learned(clouds):
    X, y = clouds
    distiller = by_search(weighting="learn", max_iter=3).fit(X, y)
    weight = distiller.sample_weight_synthetic_
    assert (weight >= 0).all()
    assert weight.mean() == pytest.approx(1)
    piped = make_pipeline(StandardScaler(), distiller.estimator)
    assert by_search(piped, weighting="learn").fit(X, y).solver_ == "search"


# What is asked for


def test_sizes(clouds, waves):
    X, y = clouds
    counts = {"ends": 5, "middle": 2}
    labels = by_search(n_synthetic=counts).fit(X, y).y_synthetic_
    assert_array_equal(labels, ["ends"] * 5 + ["middle"] * 2)
    assert len(by_search(n_synthetic=0.05).fit(X, y).y_synthetic_) == 15
    assert len(by_search(n_synthetic="auto").fit(X, y).y_synthetic_) == 20
    with pytest.raises(ValueError, match="n_synthetic=1"):
        by_search(n_synthetic=1).fit(X, y)
    tree = DecisionTreeRegressor()
    assert len(by_search(tree, n_synthetic=0.05).fit(*waves).y_synthetic_) == 15


@pytest.mark.slow
def test_ranges_of_a_table(people):
    X, y = people
    bounds = {"age": (30, 40), "income": (0.5, 1.0)}
    rows = by_search(behind_encoder(), feature_range=bounds).fit(X, y).X_synthetic_
    assert rows["age"].between(30, 40).all()
    assert rows["income"].dropna().between(0.5, 1.0).all()


def test_ranges(clouds, waves):
    X, y = clouds
    rows = by_search(feature_range=(0.0, 1.0)).fit(X, y).X_synthetic_
    assert rows.min() >= 0
    assert rows.max() <= 1
    tree = DecisionTreeRegressor()
    targets = by_search(tree, target_range=(-0.5, 0.5)).fit(*waves).y_synthetic_
    assert targets.min() >= -0.5
    assert targets.max() <= 0.5
    with pytest.raises(ValueError, match="no value within the range of the data"):
        by_search(feature_range=(50.0, 60.0)).fit(X, y)


def test_numbers_that_stand_for_categories(clouds):
    X, y = clouds
    codes = np.random.RandomState(0).choice([1.0, 4.0, 9.0], size=len(y))
    X = np.column_stack([X, codes])
    distiller = by_search(categorical_features=[2], max_iter=3).fit(X, y)
    assert set(distiller.X_synthetic_[:, 2]) <= {1.0, 4.0, 9.0}


def test_labels_are_learned(clouds, waves):
    X, y = clouds
    distiller = by_search(learn_labels=True, max_iter=3).fit(X, y)
    assert set(distiller.y_synthetic_) == {"ends", "middle"}
    tree = DecisionTreeRegressor()
    X, y = waves
    kept = by_search(tree, learn_labels=False).fit(X, y[:, 0])
    assert np.isin(kept.y_synthetic_, y[:, 0]).all()
    whole = pd.Series(np.round(10 * y[:, 0]).astype(int))
    assert by_search(tree, learn_labels=False).fit(X, whole).y_synthetic_.dtype == int
    assert by_search(tree).fit(X, whole).y_synthetic_.dtype == float


# Where it starts


def held_back_loss(distiller, X, y):
    """Return the loss on every tenth row, which is held back."""
    return smoothed_log_loss(distiller.estimator_, X[::10], y[::10])


def test_a_stack_has_a_predict_when_it_is_fitted(clouds):
    X, y = clouds
    members = [("tree", DecisionTreeClassifier(max_depth=2))]
    stack = StackingClassifier(members, DecisionTreeClassifier(max_depth=1), cv=2)
    assert by_search(stack).fit(X, y).predict(X).shape == y.shape


def test_it_is_never_worse_than_given_rows(clouds):
    X, y = clouds
    every = np.arange(len(y))
    parts = [(every[every % 10 > 0], every[::10])]
    rows = np.concatenate([np.flatnonzero(y == label)[:4] for label in np.unique(y)])
    init = X[rows], y[rows]
    distiller = by_search(init=init, validation_fraction=parts).fit(X, y)
    start = clone(distiller.estimator).fit(*init)
    first = smoothed_log_loss(start, X[::10], y[::10])
    assert held_back_loss(distiller, X, y) <= first
    assert_allclose(distiller.validation_loss_, held_back_loss(distiller, X, y))
    distiller.set_params(warm_start=True, init="kmeans", random_state=1)
    before = held_back_loss(distiller, X, y)
    assert held_back_loss(distiller.fit(X, y), X, y) <= before
    with pytest.raises(ValueError, match="n_synthetic=6 asks for"):
        distiller.set_params(n_synthetic=6).fit(X, y)


@pytest.mark.slow
def test_given_rows_of_a_table(people):
    X, y = people
    start = X.iloc[:4].assign(town=["Paris", "Rome", None, "Lima"])
    labels = pd.Series(["yes", "no", "yes", "no"])
    distiller = by_search(behind_encoder(), n_synthetic=4, init=(start, labels))
    rows = distiller.fit(X, y).X_synthetic_
    assert rows.dtypes.equals(X.dtypes)
    again = distiller.set_params(warm_start=True).fit(X, y).X_synthetic_
    assert again.dtypes.equals(X.dtypes)
    with pytest.raises(ValueError, match="lacks the columns"):
        by_search(behind_encoder(), init=(start[["age"]], labels)).fit(X, y)


def test_given_strings_are_not_cut():
    X = np.array([["a", "u"], ["b", "v"]] * 20)
    y = np.array([0, 1] * 20)
    X0 = np.array([["a", "unheard"], ["b", "v"]])
    model = make_pipeline(
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        DecisionTreeClassifier(),
    )
    distiller = by_search(model, n_synthetic=2, init=(X0, [0, 1])).fit(X, y)
    assert set(distiller.X_synthetic_[:, 1]) <= {"u", "v", "unheard"}


def test_given_numbers_are_rounded_to_integers(clouds):
    X, y = clouds
    X0 = np.array([[0.6, 1.4], [9.7, 10.2]])
    whole = with_rows((10 * X).astype(np.int16), X0)
    assert whole.dtype == np.int16
    assert_array_equal(whole[-2:], [[1, 1], [10, 10]])
    with pytest.raises(ValueError, match="X of dtype int16 cannot hold"):
        with_rows((10 * X).astype(np.int16), np.array([["a", "b"]], dtype=object))


def test_a_warm_start_takes_learned_weights_over(clouds):
    X, y = clouds
    distiller = by_search(weighting="learn").fit(X, y)
    weight = np.linspace(0.5, 1.5, 8)
    distiller.sample_weight_synthetic_ = weight
    distiller.set_params(warm_start=True)
    given = way_for(distiller, distiller.estimator, X, y, None).problem.given
    assert_allclose(given.sample_weight, weight)


# Rows that are held back


@pytest.mark.slow
def test_rows_that_are_held_back_give_no_cells(people):
    X, y = people
    X = X.assign(name=[f"person {i}" for i in range(len(X))])
    every = np.arange(len(y))
    parts = [(every[every % 3 > 0], every[::3])]
    distiller = by_search(behind_encoder(), validation_fraction=parts, max_iter=2)
    rows = distiller.fit(X, y).X_synthetic_
    kept = set(X["name"].iloc[parts[0][0]])
    assert set(rows["name"]) <= kept
    assert distiller.validation_loss_ is not None


def test_none_may_be_held_back(clouds):
    distiller = by_search(early_stopping=False).fit(*clouds)
    assert distiller.validation_loss_ is None
    assert distiller.validation_loss_curve_ is None


def test_a_clear_gap_is_a_warning(clouds):
    """The labels of the held-back rows are swapped, so the loss on them is high."""
    X, y = clouds
    y, is_held = y.copy(), np.arange(len(y)) % 4 == 0
    y[is_held] = np.where(y[is_held] == "ends", "middle", "ends")
    parts = [(~is_held, is_held)]
    with pytest.warns(UserWarning, match=r"learned from and \d\S+ on rows that were"):
        by_search(validation_fraction=parts).fit(X, y)


# How it ends, and what it says


def test_a_callback_stops_it(clouds):
    recorder = Recorder(stop_at=1)
    distiller = by_search(max_iter=50).set_callbacks(recorder)
    assert distiller.fit(*clouds).n_iter_ == 1
    assert len(recorder.scores) == 1
    assert recorder.torn_down


def test_it_prints_a_line_for_each_iteration(clouds, capsys):
    by_search(verbose=1, max_iter=2).fit(*clouds)
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "loss" in line]) >= 2


def test_an_interrupt_keeps_the_best_set(clouds):
    recorder = Recorder(2, KeyboardInterrupt())
    distiller = by_search(max_iter=50).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt, match="The best set so far is kept"):
        distiller.fit(*clouds)
    assert distiller.solver_ == "search"
    assert distiller.X_synthetic_.shape == (8, 2)
    assert distiller.n_iter_ >= 1


def test_time_ends_it(clouds):
    distiller = by_search(max_iter=10_000, max_time=1e-6).fit(*clouds)
    assert distiller.n_iter_ <= 2
    with pytest.raises(ValueError, match="max_time"):
        by_search(max_time=0.0).fit(*clouds)


def test_iterations_without_gain_end_it(clouds):
    X, y = clouds
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    distiller = by_search(tree, max_iter=1000, n_iter_no_change=1, n_synthetic=2)
    assert distiller.fit(X, y).n_iter_ < 100


def test_its_chance_is_that_of_random_state(clouds):
    first, second, other = (
        by_search(random_state=seed).fit(*clouds).X_synthetic_ for seed in (0, 0, 1)
    )
    assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.slow
def test_several_jobs_find_the_same_set(people):
    X, y = people
    alone = by_search(behind_encoder(), max_iter=2).fit(X, y)
    both = by_search(behind_encoder(), max_iter=2, n_jobs=2).fit(X, y)
    assert_frame_equal(alone.X_synthetic_, both.X_synthetic_)


# What is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learn_params": ("ccp_alpha",)}, "learn_params=.* needs an estimator with a"),
        ({"outer_loss": "squared_error"}, "outer_loss=.* needs an estimator with a"),
        (
            {"estimator": KNeighborsClassifier(), "weighting": "match"},
            "takes no sample_weight",
        ),
        ({"estimator": StandardScaler()}, "StandardScaler has no predict"),
        ({"estimator": Fails()}, "Fails failed .* too few rows to learn from"),
    ],
    ids=["params", "loss", "weights", "transformer", "fails"],
)
def test_what_a_search_cannot_do(clouds, settings, message):
    with pytest.raises(ValueError, match=message):
        by_search(**settings, solver="search").fit(*clouds)


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "exact"])
def test_solvers_that_need_a_student(clouds, solver):
    with pytest.raises(NotMirrored, match="There is no student for DecisionTree"):
        by_search(solver=solver).fit(*clouds)


def test_other_columns_are_refused(people, clouds):
    X, y = people
    distiller = by_search(behind_encoder()).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        distiller.transform(X.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="feature names|missing"):
        distiller.predict(X.drop(columns="age"))
    X, y = clouds
    distiller = by_search().fit(X, y)
    for method in (distiller.transform, distiller.predict):
        with pytest.raises(ValueError, match="X has 1 features"):
            method(X[:, :1])


@pytest.mark.parametrize("target", [np.nan, np.inf])
def test_targets_that_are_no_numbers_are_refused(waves, target):
    X, y = waves
    y = y[:, 0].copy()
    y[0] = target
    with pytest.raises(ValueError, match="y contains"):
        by_search(DecisionTreeRegressor()).fit(X, y)


def test_other_input_is_refused(clouds):
    X, y = clouds
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        by_search().fit(X, y[:-1])
    with pytest.raises(ValueError, match="negative|Negative"):
        by_search().fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="class|zero|weight"):
        by_search().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="class"):
        by_search().fit(X, np.full(len(y), "one"))
    with pytest.raises(ValueError, match="NaN"):
        by_search().fit(X, np.where(np.arange(len(y)) < 3, np.nan, 1.0))
