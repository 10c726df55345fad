"""Distilling for any estimator: what comes in, what comes out."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DatasetDistiller, DistilledClassifier, DistilledRegressor
from tests.estimators.search.helpers import (
    Means,
    behind_encoder,
    by_search,
    smoothed_log_loss,
)

# A set of a few rows, after one iteration, is often clearly worse on rows held back.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The outer loss is .* on rows that were held back"
)


# What comes in and what comes out


def test_a_tree(clouds):
    X, y = clouds
    distiller = by_search(max_iter=2).fit(X, y)
    assert distiller.solver_ == "search"
    assert distiller.X_synthetic_.shape == (8, 2)
    assert distiller.X_synthetic_.dtype == X.dtype
    assert_array_equal(distiller.y_synthetic_, ["ends"] * 4 + ["middle"] * 4)
    assert_array_equal(distiller.classes_, ["ends", "middle"])
    assert_array_equal(distiller.sample_weight_synthetic_, np.ones(8))
    assert len(distiller.loss_curve_) == distiller.n_iter_ == 2
    assert len(distiller.validation_loss_curve_) == 2
    refitted = clone(distiller.estimator).fit(*distiller.transform(X))
    assert_array_equal(refitted.predict(X), distiller.predict(X))
    assert distiller.score(X, y) == refitted.score(X, y) > 0.6


def test_the_loss_is_that_of_the_estimator_on_the_real_rows(clouds):
    X, y = clouds
    weight = np.random.RandomState(0).uniform(size=len(y))
    distiller = by_search().fit(X, y, sample_weight=weight)
    expected = smoothed_log_loss(distiller.estimator_, X, y, weight)
    assert_allclose(distiller.loss_, expected)


def test_class_weights_count_in_the_loss(clouds):
    X, y = clouds
    tree = DecisionTreeClassifier(max_leaf_nodes=4, class_weight={"ends": 5})
    distiller = by_search(tree.set_params(random_state=0)).fit(X, y)
    expected = smoothed_log_loss(
        distiller.estimator_, X, y, np.where(y == "ends", 5.0, 1.0)
    )
    assert_allclose(distiller.loss_, expected)


@pytest.mark.slow
def test_a_table_of_pandas(people):
    X, y = people
    distiller = by_search(behind_encoder()).fit(X, y)
    rows = distiller.X_synthetic_
    assert isinstance(rows, pd.DataFrame)
    assert rows.dtypes.equals(X.dtypes)
    assert list(rows.columns) == list(distiller.feature_names_in_) == list(X.columns)
    assert rows["age"].between(X["age"].min(), X["age"].max()).all()
    for name in ("town", "car", "job", "since"):
        assert set(rows[name].dropna()) <= set(X[name].dropna())
    assert isinstance(distiller.y_synthetic_, pd.Series)
    assert distiller.y_synthetic_.name == "jazz"
    refitted = clone(distiller.estimator).fit(*distiller.transform(X))
    assert_array_equal(refitted.predict(X), distiller.predict(X))
    frame = distiller.to_frame()
    assert_frame_equal(frame[X.columns], rows)
    assert_array_equal(frame["jazz"], distiller.y_synthetic_)
    assert_allclose(distiller.loss_, smoothed_log_loss(refitted, X, y))


def test_a_table_of_polars(people):
    X, y = people
    X = pl.from_pandas(X)
    encoder = make_column_transformer(
        (SimpleImputer(), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town", "job"]),
    )
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0)
    distiller = by_search(make_pipeline(encoder, tree))
    distiller.fit(X, pl.Series("jazz", y.to_list()))
    assert isinstance(distiller.X_synthetic_, pl.DataFrame)
    assert distiller.X_synthetic_.schema == X.schema
    assert isinstance(distiller.y_synthetic_, pl.Series)
    refitted = clone(distiller.estimator).fit(*distiller.transform(X))
    assert_array_equal(refitted.predict(X), distiller.predict(X))
    assert distiller.to_frame().columns == [*X.columns, "jazz"]


def test_a_list_of_texts():
    random_state = np.random.RandomState(0)
    words = {"pets": ["cat", "dog", "fish"], "food": ["rice", "beans", "fish"]}
    y = random_state.choice(list(words), size=120)
    texts = [" ".join(random_state.choice(words[label], size=5)) for label in y]
    model = make_pipeline(TfidfVectorizer(), MultinomialNB())
    distiller = by_search(model, n_synthetic=4, solver="search").fit(texts, y)
    rows, labels = distiller.transform(texts)
    assert isinstance(rows, list)
    assert set(rows) <= set(texts)
    refitted = clone(model).fit(rows, labels)
    assert_array_equal(refitted.predict(texts), distiller.predict(texts))
    assert distiller.score(texts, y) > 0.8
    assert not hasattr(distiller, "n_features_in_")
    frame = distiller.to_frame()
    assert list(frame.columns) == ["sample", "target"]
    assert list(frame["sample"]) == rows
    series = pd.Series(texts, name="review")
    fitted = by_search(model, n_synthetic=4, solver="search").fit(series, y)
    frame = fitted.to_frame()
    assert list(frame.columns) == ["review", "target"]
    with pytest.raises(ValueError, match="y is None"):
        by_search(model, solver="search").fit(texts, None)


def test_a_sparse_matrix(clouds):
    X, y = clouds
    distiller = by_search().fit(csr_array(X), y)
    rows, labels = distiller.transform(csr_array(X))
    assert rows.format == "csr"
    assert_array_equal(distiller.to_frame()["x1"], rows.toarray()[:, 1])
    refitted = clone(distiller.estimator).fit(rows, labels)
    assert_array_equal(refitted.predict(X), distiller.predict(csr_array(X)))


def test_an_array_of_objects(people):
    X, y = people
    names = ["age", "town", "car"]
    X = X[names].to_numpy(dtype=object)
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), [1, 2]),
        remainder="passthrough",
    )
    distiller = by_search(make_pipeline(encoder, DecisionTreeClassifier())).fit(X, y)
    rows = distiller.X_synthetic_
    assert rows.dtype == object
    assert all(isinstance(age, int) for age in rows[:, 0])
    assert distiller.predict(X).shape == y.shape


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_arrays_keep_their_dtype(clouds, dtype):
    X, y = clouds
    distiller = by_search().fit((10 * X).astype(dtype), y)
    assert distiller.X_synthetic_.dtype == dtype


class InSinglePrecision(RegressorMixin, BaseEstimator):
    """A classifier that accepts only float32, like many networks."""

    def fit(self, X, y):
        if X.dtype != np.float32 or y.dtype != np.float32:
            raise TypeError(f"expected float32, got {X.dtype} and {y.dtype}")
        self.tree_ = DecisionTreeRegressor(max_leaf_nodes=4).fit(X, y)
        return self

    def predict(self, X):
        return self.tree_.predict(X).astype(np.float32)


def test_single_precision_stays(waves):
    X, y = (each.astype(np.float32) for each in waves)
    for targets in (y[:, 0], pd.Series(y[:, 0])):
        distiller = by_search(InSinglePrecision()).fit(X, targets)
        assert distiller.X_synthetic_.dtype == np.float32
        assert distiller.y_synthetic_.dtype == np.float32


def test_several_numbers_to_predict(waves):
    X, y = waves
    tree = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0)
    y_frame = pd.DataFrame(y, columns=["sine", "wave"])
    distiller = by_search(tree, n_synthetic=10).fit(X, y_frame)
    assert list(distiller.y_synthetic_.columns) == ["sine", "wave"]
    expected = ((y - distiller.predict(X)) ** 2).mean()
    assert_allclose(distiller.loss_, expected)
    assert not hasattr(distiller, "classes_")
    piped = make_pipeline(StandardScaler(), tree)
    assert by_search(piped, n_synthetic=10).fit(X, y).y_synthetic_.shape == (10, 2)


def test_a_setting_without_a_student_is_searched_with_a_warning(clouds):
    X, y = clouds
    unmirrored = LogisticRegression(solver="liblinear", C=10)
    with pytest.warns(UserWarning, match="found by search instead") as record:
        distiller = by_search(unmirrored, n_synthetic=4).fit(X, y)
    assert record[0].filename == __file__
    assert distiller.solver_ == "search"
    ridge = LogisticRegression(C=10)
    assert by_search(ridge, solver="search").fit(X, y).solver_ == "search"


def test_a_member_without_a_student_may_read_tables(people):
    X, y = people
    members = [("tree", behind_encoder()), ("other", behind_encoder())]
    voting = VotingClassifier(members, voting="soft")
    with pytest.warns(UserWarning, match="found by search instead"):
        distiller = by_search(voting).fit(X[:40], y[:40])
    assert distiller.solver_ == "search"
    assert distiller.X_synthetic_.dtypes.equals(X.dtypes)


def test_pickles_and_clones(clouds):
    X, y = clouds
    distiller = by_search(max_time=60.0, n_jobs=1).fit(X, y)
    copy = pickle.loads(pickle.dumps(distiller))
    assert_array_equal(copy.predict(X), distiller.predict(X))
    assert_array_equal(copy.transform(X)[0], distiller.X_synthetic_)
    again = clone(distiller).fit(X, y)
    assert_array_equal(again.X_synthetic_, distiller.X_synthetic_)


def test_the_estimator_is_not_touched(clouds):
    tree = DecisionTreeClassifier()
    by_search(tree).fit(*clouds)
    assert vars(tree) == vars(DecisionTreeClassifier())


# In place of a model


@pytest.mark.slow
def test_a_grid_of_a_pipeline(people):
    X, y = people
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            verbose_feature_names_out=False,
        ),
        DistilledClassifier(
            DecisionTreeClassifier(), DatasetDistiller(max_iter=1, random_state=0)
        ),
    )
    grid = {"distilledclassifier__distiller__n_synthetic": [4, 8]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    fitted = search.best_estimator_[-1]
    assert fitted.distiller_.solver_ == "search"
    assert len(fitted.distiller_.y_synthetic_) in (4, 8)


def test_a_class_without_any_base(clouds, waves):
    X, y = clouds
    few = DatasetDistiller(n_synthetic=6, max_iter=1, random_state=0)
    distiller = by_search(Means()).fit(X, y)
    assert_array_equal(distiller.classes_, ["ends", "middle"])
    assert (distiller.predict(X) == y).mean() > 0.4
    assert DistilledClassifier(Means(), few).fit(X, y).score(X, y) > 0.4
    X, y = waves
    distiller = by_search(Means()).fit(X, y[:, 0])
    assert not hasattr(distiller, "classes_")
    fitted = DistilledRegressor(Means(), few).fit(X, y[:, 0])
    assert_allclose(fitted.distiller_.loss_, y[:, 0].var(), rtol=0.1)


@pytest.mark.slow
def test_distilled_takes_tables_as_they_come(people):
    X, y = people
    few = DatasetDistiller(n_synthetic=8, max_iter=1, random_state=0)
    fitted = DistilledClassifier(behind_encoder(), few).fit(X, y)
    rows = fitted.distiller_.X_synthetic_
    assert rows.dtypes.equals(X.dtypes)
    assert_array_equal(fitted.predict(X), fitted.distiller_.predict(X))
