"""Search for any estimator: the contents of sets, and how they are judged."""

import io
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill.optimizers._exchange import TRIES
from skdistill.optimizers._outcome import Outcome
from skdistill.real._cells import read_cells
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.solvers._report import Report
from skdistill.solvers.search import SearchProblem, search
from skdistill.solvers.search._estimators import (
    FEW_MEMBERS,
    loss_weight,
    searchable,
)
from skdistill.solvers.search._losses import SMOOTHING, Scorer
from skdistill.solvers.search._moves import Donors
from skdistill.solvers.search._search import starts_of


class OnlyPredicts:
    """A classifier by the nearest class mean, without any base class."""

    def fit(self, X, y):
        self.labels = np.unique(y)
        self.means = np.array([X[y == label].mean(axis=0) for label in self.labels])
        return self

    def predict(self, X):
        distances = ((X[:, None] - self.means) ** 2).sum(axis=2)
        return self.labels[distances.argmin(axis=1)]


class Refuses(ClassifierMixin, BaseEstimator):
    """A classifier that fails on large numbers, with printed output and warnings."""

    def __init__(self, limit=1.0):
        self.limit = limit

    def fit(self, X, y):
        import warnings

        print("fitting")
        warnings.warn("hard to fit", UserWarning, stacklevel=1)
        if np.abs(X).max() > self.limit:
            raise RuntimeError("a number is too large")
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.fixture(scope="module")
def clouds():
    """Return two classes that overlap; one of them consists of two clouds."""
    random_state = np.random.RandomState(0)
    centers = np.array([[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]])
    cloud = random_state.randint(3, size=600)
    X = centers[cloud] + 0.5 * random_state.standard_normal((600, 2))
    return X, np.where(cloud == 2, "middle", "ends")


@pytest.fixture(scope="module")
def people():
    """Return a mixed table with missing values, and who likes jazz."""
    random_state = np.random.RandomState(1)
    n = 400
    X = pd.DataFrame(
        {
            "age": random_state.randint(18, 80, size=n),
            "income": random_state.lognormal(size=n),
            "town": random_state.choice(["Oslo", "Rome", "Lima"], size=n),
            "car": random_state.choice([True, False], size=n),
        }
    )
    likes = (X["age"] > 45) ^ (X["town"] == "Rome")
    X.loc[::7, "income"] = np.nan
    X.loc[::11, "town"] = None
    return X, likes.to_numpy().astype(int)


def behind_encoder(model):
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            (
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                make_column_selector(dtype_exclude="number"),
            ),
        ),
        model,
    )


def pose(
    estimator,
    X,
    y,
    size=6,
    *,
    weight=None,
    seed=0,
    held_back=None,
    rows=None,
    **options,
):
    weight = np.ones(len(y)) if weight is None else weight
    if y.dtype.kind == "f":
        targets, y = numeric_targets(y, weight, y)
        counts = np.array([size])
    else:
        targets, y = class_targets(y, y)
        counts = targets.rows_of_groups(size, np.bincount(y))
    return SearchProblem(
        estimator,
        read_cells(X),
        targets,
        y,
        weight,
        counts,
        np.arange(len(y)) if rows is None else rows,
        np.random.RandomState(seed),
        held_back=held_back,
        **options,
    )


def run(problem, max_iter=3):
    report = Report(max_iter, show=lambda *_: False)
    return search(problem, report), report


def accuracy(problem, result, X, y):
    training = problem.training(result.synthetic)
    fitted = searchable(problem.estimator, 7).fit(training.X, training.y)
    return np.mean(fitted.predict(X) == y)


def test_it_beats_k_means_where_this_is_no_good(clouds):
    """Centers describe the density; a small tree needs rows near its thresholds."""
    X, y = clouds
    problem = pose(DecisionTreeClassifier(), X, y)
    result, report = run(problem, max_iter=15)
    clustered, _ = starts_of(pose(DecisionTreeClassifier(), X, y))
    kmeans = result._replace(synthetic=clustered[0])
    assert accuracy(problem, result, X, y) > accuracy(problem, kmeans, X, y) + 0.02
    assert accuracy(problem, result, X, y) > 0.8
    assert len(report.losses) == 15


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_result_does_not_depend_on_n_jobs(clouds, n_jobs):
    import joblib

    X, y = clouds
    with joblib.parallel_config(backend="threading"):
        result, report = run(pose(DecisionTreeClassifier(), X, y, n_jobs=n_jobs))
    expected, expected_report = run(pose(DecisionTreeClassifier(), X, y))
    for part, other in zip(result.synthetic, expected.synthetic, strict=True):
        assert_array_equal(part, other)
    assert report.losses == expected_report.losses


@pytest.mark.slow
def test_processes_find_the_same(people):
    X, y = people
    estimator = behind_encoder(DecisionTreeClassifier())
    result, _ = run(pose(estimator, X, y, n_jobs=2))
    expected, _ = run(pose(estimator, X, y))
    assert_array_equal(result.synthetic.donors, expected.synthetic.donors)


def test_another_seed_finds_other_rows(clouds):
    X, y = clouds
    first, second = (
        run(pose(GaussianNB(), X, y, seed=seed))[0].synthetic for seed in (0, 1)
    )
    assert not np.array_equal(first.numbers, second.numbers)


def test_rows_are_made_of_real_cells(people):
    X, y = people
    problem = pose(behind_encoder(DecisionTreeClassifier()), X, y, 8)
    result, _ = run(problem, max_iter=1)
    table = problem.training(result.synthetic).X
    assert (table.dtypes == X.dtypes).all()
    assert {repr(v) for v in table["town"]} <= {repr(v) for v in X["town"]}
    assert table["age"].between(X["age"].min(), X["age"].max()).all()
    income = table["income"].dropna()
    assert income.between(X["income"].min(), X["income"].max()).all()
    assert_array_equal(np.bincount(result.synthetic.y), [4, 4])


def test_frames_of_polars_pass_through(people):
    X, y = people
    X = pl.from_pandas(X.drop(columns="car"))
    estimator = make_pipeline(
        make_column_transformer(
            (SimpleImputer(), ["age", "income"]),
            (OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ),
        DecisionTreeClassifier(),
    )
    problem = pose(estimator, X, y)
    result, _ = run(problem, max_iter=1)
    table = problem.training(result.synthetic).X
    assert table.schema == X.schema
    assert set(table["town"].to_list()) <= {"Oslo", "Rome", "Lima", None}


def test_texts_pass_through():
    random_state = np.random.RandomState(0)
    words = {"sea": ["fish", "boat", "salt"], "sky": ["bird", "wing", "cloud"]}
    y = random_state.choice(list(words), size=200)
    X = [
        " ".join([*random_state.choice(words[label], 2), "the", f"word{i}"])
        for i, label in enumerate(y)
    ]
    problem = pose(make_pipeline(TfidfVectorizer(), MultinomialNB()), X, y, 4)
    result, _ = run(problem, max_iter=2)
    texts = problem.training(result.synthetic).X
    assert isinstance(texts, list)
    assert set(texts) <= set(X)
    assert accuracy(problem, result, X, y) > 0.9


def test_an_estimator_with_fit_and_predict_alone(clouds):
    X, y = clouds
    result, report = run(pose(OnlyPredicts(), X, y))
    assert report.losses[-1] <= report.losses[0]
    assert np.isfinite(result.value)


def test_it_is_never_worse_than_its_starts_on_the_rows_held_back(people):
    X, y = people
    rows, held_back = np.arange(300), np.arange(300, 400)
    options = {"rows": rows, "held_back": held_back}
    estimator = behind_encoder(GaussianNB())
    result, _ = run(pose(estimator, X, y, **options), max_iter=1)
    problem = pose(estimator, X, y, **options)
    contest = problem.contest()
    clustered, _ = starts_of(problem)
    assert result.value == contest.value(result.synthetic)
    assert all(result.value <= contest.value(each) for each in clustered)
    assert set(np.unique(result.synthetic.donors)) <= set(rows)


def test_a_weight_counts_as_repeated_rows(clouds, rng):
    X, y = clouds
    weight = rng.integers(1, 4, size=len(y))
    weighted = pose(GaussianNB(), X, y, weight=weight.astype(float))
    rows = np.repeat(np.arange(len(y)), weight)
    repeated = pose(GaussianNB(), X[rows], y[rows])
    start = starts_of(weighted)[0][0]
    first = np.searchsorted(rows, np.arange(len(y)))
    same = start._replace(donors=first[start.donors])
    assert weighted.contest().value(start) == pytest.approx(
        repeated.contest().value(same)
    )
    # Rows that cells are drawn from, too.
    draws = [
        Donors(each.cells, each.y, each.groups, each.rows, each.sample_weight).of_group(
            1, 50, np.random.RandomState(0)
        )
        for each in (weighted, repeated)
    ]
    assert_array_equal(draws[0], rows[draws[1]])


def test_the_loss_is_the_smoothed_log_loss(clouds):
    X, y = clouds
    problem = pose(GaussianNB(), X, y)
    contest, (start, *_) = problem.contest(), starts_of(problem)[0]
    training = problem.training(start)
    predicted = GaussianNB().fit(training.X, training.y).predict_proba(X)
    smoothed = (1 - SMOOTHING) * predicted + SMOOTHING / 2
    assert contest.value(start).loss == pytest.approx(log_loss(y, smoothed))


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_scores_are_judged_by_their_best_temperature(labels, rng):
    y = np.repeat(np.arange(len(labels)), 40)
    X = rng.standard_normal((len(y), 4)) + np.eye(4)[y]
    names = np.array(labels)
    fitted = RidgeClassifier().fit(X, names[y])
    losses = Scorer(fitted, names).losses(X, y)
    scores = fitted.decision_function(X)
    if scores.ndim == 1:
        scores = np.column_stack([0 * scores, scores])
    best = np.inf
    for scale in np.geomspace(0.1, 100, 300):
        share = np.exp(scale * scores)
        share /= share.sum(axis=1, keepdims=True)
        best = min(best, log_loss(y, share))
        if best == log_loss(y, share):
            smoothed = (1 - SMOOTHING) * share + SMOOTHING / len(labels)
    assert losses.mean() == pytest.approx(log_loss(y, smoothed), rel=1e-3)


@pytest.mark.parametrize(
    "estimator", [SVC(), SVC(decision_function_shape="ovo"), KNeighborsClassifier(1)]
)
def test_every_way_to_predict_has_a_loss(estimator, rng):
    y = np.repeat([0, 1, 2, 3], 20)
    X = rng.standard_normal((80, 3)) + 3 * np.eye(4)[y][:, :3]
    losses = Scorer(estimator.fit(X, y), np.arange(4)).losses(X, y)
    assert losses.shape == (80,)
    assert 0 < losses.mean() < 1


def test_a_class_that_a_fit_has_not_seen_costs_what_certain_errors_do(rng):
    X = rng.standard_normal((30, 2))
    y = np.arange(30) % 3
    fitted = GaussianNB().fit(X[y < 2], y[y < 2])
    losses = Scorer(fitted, np.arange(3)).losses(X, y)
    assert_allclose(losses[y == 2], -np.log(SMOOTHING / 3))


@pytest.mark.parametrize("shape", [(), (2,)])
def test_regression_learns_targets_too(shape):
    random_state = np.random.RandomState(0)
    X = random_state.uniform(size=(300, 3))
    y = np.sin(5 * X[:, :2]) if shape else np.sin(5 * X[:, 0])
    problem = pose(DecisionTreeRegressor(), X, y, 10)
    result, report = run(problem, max_iter=6)
    assert result.synthetic.y.shape == (10, *shape)
    assert result.value < report.losses[0] < y.var(axis=0).mean()
    assert y.min() <= result.synthetic.y.min() <= result.synthetic.y.max() <= y.max()
    held = pose(DecisionTreeRegressor(), X, y, 10, learn_labels=False)
    rows = run(held, max_iter=2)[0].synthetic
    assert np.isin(rows.y, y).all()


def test_labels_move_where_they_may(clouds):
    X, y = clouds
    result, _ = run(pose(GaussianNB(), X, y, 8, learn_labels=True), max_iter=6)
    counts = np.bincount(result.synthetic.y)
    assert counts.sum() == 8
    assert counts.min() >= 1


def test_weights_are_learned_where_they_may(clouds):
    X, y = clouds
    result, _ = run(pose(GaussianNB(), X, y, learn_weights=True), max_iter=6)
    weight = result.synthetic.sample_weight
    assert (weight > 0).all()
    assert weight.mean() == pytest.approx(1)


def test_weights_of_a_rule_are_those_of_the_fits(clouds):
    X, y = clouds
    problem = pose(GaussianNB(), X, y, weight_of=lambda codes: 1.0 + codes)
    (start, *_), _ = starts_of(problem)
    assert_array_equal(problem.training(start).sample_weight, 1 + start.y)


def test_sets_that_an_estimator_refuses_are_passed_over(clouds, recwarn):
    X, y = clouds
    printed = io.StringIO()
    problem = pose(Refuses(limit=2.5), X, y)
    with redirect_stdout(printed):
        result, _ = run(problem, max_iter=2)
    assert np.abs(problem.training(result.synthetic).X).max() <= 2.5
    assert not recwarn.list


def test_an_estimator_that_fits_no_set_says_why(clouds):
    X, y = clouds
    problem = pose(Refuses(limit=0.0), X, y)
    with (
        redirect_stdout(io.StringIO()),
        pytest.raises(ValueError, match=r"Refuses failed .* 6 rows") as info,
    ):
        run(problem)
    assert isinstance(info.value.__cause__, RuntimeError)
    assert "too large" in str(info.value)


def test_time_ends_it(clouds):
    report = Report(5, show=lambda *_: False, max_time=1e-9)
    result = search(pose(GaussianNB(), *clouds), report)
    assert result.outcome is Outcome.CONVERGED
    assert report.losses == [result.value.loss]


def test_a_request_to_stop_ends_it(clouds):
    report = Report(5, show=lambda *_: True)
    result = search(pose(GaussianNB(), *clouds), report)
    assert result.outcome is Outcome.STOPPED
    assert len(report.losses) == 1


def test_refits_are_counted(clouds):
    result, report = run(pose(LogisticRegression(), *clouds), max_iter=2)
    assert result.n_refits >= TRIES * len(report.losses)


def test_the_estimator_is_left_alone():
    forest = RandomForestClassifier(n_jobs=2, verbose=1)
    bagging = make_pipeline(BaggingClassifier(forest, random_state=5))
    copy = searchable(bagging, 3).get_params()
    assert copy["baggingclassifier__random_state"] == 5
    assert copy["baggingclassifier__estimator__random_state"] == 3
    assert copy["baggingclassifier__estimator__n_jobs"] == 1
    assert copy["baggingclassifier__estimator__verbose"] == 0
    assert copy["baggingclassifier__estimator__n_estimators"] == 100
    few = searchable(bagging, 3, few_members=True).get_params()
    assert few["baggingclassifier__estimator__n_estimators"] == FEW_MEMBERS
    assert few["baggingclassifier__n_estimators"] == 10
    assert forest.get_params()["random_state"] is None


def test_class_weights_are_those_of_the_estimator():
    y, ones = np.array([0, 0, 0, 1]), np.ones(4)
    classes = np.array(["a", "b"])
    for estimator, expected in (
        (LogisticRegression(class_weight={"b": 3}), [1, 1, 1, 3]),
        (SVC(class_weight="balanced"), [2 / 3, 2 / 3, 2 / 3, 2]),
        (GaussianNB(), ones),
        (OnlyPredicts(), ones),
    ):
        assert_allclose(loss_weight(estimator, classes, y, ones), expected)
        if hasattr(estimator, "get_params"):
            estimator = make_pipeline(StandardScaler(), estimator)
            assert_allclose(loss_weight(estimator, classes, y, ones), expected)
    assert loss_weight(DecisionTreeRegressor(), None, y, ones) is ones


def test_no_model_of_chance_is_fitted_twice(clouds):
    """Random seeds that have no effect are not tried."""
    problem = pose(LogisticRegression(), *clouds)
    contest, ((start, *_), _) = problem.contest(), starts_of(problem)
    contest.ranking([start])
    before = contest.n_refits
    contest.value(start)
    assert contest.n_refits == before + 1
