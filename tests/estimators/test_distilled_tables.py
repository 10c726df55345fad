"""Tables with categories through everything that is fitted around a distiller."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import (
    DatasetDistiller,
    DistillationSampler,
    DistilledClassifier,
    DistilledRegressor,
)

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)


@pytest.fixture(scope="module")
def table():
    """Two of four categories make a row positive; their codes have no order."""
    rng = np.random.default_rng(0)
    n = 120
    group = rng.choice(list("abcd"), n)
    value = rng.normal(size=n)
    score = 2.0 * np.isin(group, ["a", "c"]) - 1 + 0.3 * value
    X = pd.DataFrame({"value": value, "group": group})
    return X, (score + rng.normal(0, 0.3, n) > 0).astype(int), score


def distiller_for(estimator=None, **params):
    params = {"categorical_features": ["group"], "n_synthetic": 6, **params}
    return DatasetDistiller(estimator, random_state=0, **params)


def one_hot(X, table):
    """Return numbers by pandas: the categories of the table, then the value."""
    X = pd.DataFrame({"value": X["value"], "group": X["group"]})
    dummies = [X["group"] == c for c in np.unique(table["group"])]
    return np.column_stack([*dummies, X["value"]]).astype(float)


def as_categories(X):
    return X.assign(group=X["group"].astype("category"))


def as_codes(X):
    return X.assign(group=pd.factorize(X["group"])[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "categorical"),
    [
        (pd.DataFrame, ["group"]),
        (as_categories, "from_dtype"),
        (as_codes, ["group"]),
        (lambda X: as_codes(X).to_numpy(), [1]),
        (lambda X: X.to_numpy(dtype=object), [1]),
        (lambda X: X.to_numpy(dtype=object).tolist(), [1]),
        (pl.from_pandas, ["group"]),
    ],
    ids=["strings", "dtype", "codes", "floats", "objects", "lists", "polars"],
)
def test_a_student_sees_categories_and_not_codes(table, form, categorical):
    X, y, _ = table
    given = form(X)
    distiller = distiller_for(categorical_features=categorical)
    fitted = DistilledClassifier(LogisticRegression(), distiller).fit(given, y)
    assert fitted.estimator_ is fitted.distiller_.estimator_
    assert fitted.n_features_in_ == 2
    full = LogisticRegression().fit(one_hot(X, X), y)
    assert fitted.score(given, y) >= full.score(one_hot(X, X), y) - 0.02
    assert LogisticRegression().fit(as_codes(X), y).score(as_codes(X), y) < 0.7


def test_another_estimator_is_fitted_behind_the_same_encoder(table):
    X, y, _ = table
    distiller = distiller_for(LogisticRegression(), n_synthetic=2)
    fitted = DistilledClassifier(TREE, distiller).fit(X, y)
    samples, labels = fitted.distiller_.transform(X)
    reference = clone(TREE).fit(one_hot(samples, X), labels)
    assert isinstance(fitted.estimator_, Pipeline)
    assert_array_equal(fitted.predict_proba(X), reference.predict_proba(one_hot(X, X)))
    # Also of a category that no synthetic row has.
    assert fitted.estimator_[0].transform(X).shape == (120, 5)
    assert_array_equal(fitted.feature_names_in_, ["value", "group"])


def test_a_pipeline_of_numbers_is_fitted_behind_it_too(table):
    X, y, _ = table
    keep = np.flatnonzero((y == 1) | (np.arange(len(y)) % 4 == 0))  # unbalanced
    X, y = X.iloc[keep], y[keep]
    distiller = distiller_for(LogisticRegression(), weighting="match")
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), stump)
    fitted = DistilledClassifier(pipeline, distiller).fit(X, y)
    learned = fitted.distiller_
    weight = {"decisiontreeclassifier__sample_weight": learned.sample_weight_synthetic_}
    reference = clone(pipeline).fit(
        one_hot(learned.X_synthetic_, X), learned.y_synthetic_, **weight
    )
    assert_array_equal(fitted.predict_proba(X), reference.predict_proba(one_hot(X, X)))


def test_a_pipeline_that_takes_the_table_gets_it(table):
    X, y, _ = table
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, ["group"]), remainder="passthrough")
    own = make_pipeline(columns, TREE)
    fitted = DistilledClassifier(own, distiller_for(LogisticRegression())).fit(X, y)
    assert [type(step) for step in fitted.estimator_] == [type(columns), type(TREE)]
    reference = clone(own).fit(*fitted.distiller_.transform(X))
    assert_array_equal(fitted.predict(X), reference.predict(X))


def test_a_pipeline_that_takes_the_table_gets_whole_numbers(table):
    X, y, _ = table
    X = X.assign(count=np.arange(len(X)) % 3)
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, ["count"]), remainder="drop")
    own = make_pipeline(columns, TREE)
    numbers = X[["value", "count"]]
    fitted = DistilledClassifier(own, DatasetDistiller(n_synthetic=6)).set_params(
        distiller__estimator=LogisticRegression()
    )
    fitted.fit(numbers, y)
    (seen,) = fitted.estimator_[0]["onehotencoder"].categories_
    assert set(seen) <= {0, 1, 2}
    # Of numbers alone, rows that nobody asked for are not rounded.
    fitted = DistilledClassifier(distiller=DatasetDistiller(n_synthetic=6))
    learned = fitted.fit(numbers, y).distiller_.X_synthetic_["count"]
    assert (learned % 1 != 0).any()


def test_regression(table):
    X, _, score = table
    tree = DecisionTreeRegressor(max_depth=4, random_state=0)
    fitted = DistilledRegressor(tree, distiller_for(Ridge(), n_synthetic=12))
    fitted.fit(X, pd.Series(score, name="score"))
    learned = fitted.distiller_
    reference = clone(tree).fit(one_hot(learned.X_synthetic_, X), learned.y_synthetic_)
    assert_array_equal(fitted.predict(X), reference.predict(one_hot(X, X)))
    exact = DistilledRegressor(Ridge(), distiller_for()).fit(X, score)
    assert exact.score(X, score) > 0.95


def test_a_weight_is_a_repetition_in_a_table_too(table, rng):
    X, y, _ = table
    X, y = X[:40], y[:40]
    weight = rng.integers(0, 3, 40)
    rows = rng.permutation(np.repeat(np.arange(40), weight))
    weighted, repeated = (
        DistilledClassifier(distiller=distiller_for()) for _ in range(2)
    )
    weighted.fit(X, y, sample_weight=weight)
    repeated.fit(X.iloc[rows], y[rows])
    assert weighted.distiller_.X_synthetic_.equals(repeated.distiller_.X_synthetic_)


def test_what_a_table_may_not_hold_is_said_as_by_the_distiller(table):
    X, y, _ = table
    with pytest.raises(ValueError, match=r"not numbers: 'group' .*categorical_feat"):
        DistilledClassifier().fit(X, y)
    classifier = DistilledClassifier(distiller=distiller_for())
    for name in X:
        missing = X.assign(**{name: X[name].where(X["value"] < 1)})
        with pytest.raises(ValueError, match=rf"missing values .*\['{name}'\]"):
            classifier.fit(missing, y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        classifier.fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(X, y[:-1])
    classifier.fit(X, y)
    missing = X.assign(value=X["value"].where(X["value"] < 1))
    with pytest.raises(ValueError, match=r"missing values .*\['value'\]"):
        classifier.predict(missing)
    with pytest.raises(ValueError, match="columns are missing"):
        classifier.predict(X[["group"]])
    unknown = classifier.predict(X.assign(group="new"))  # none of the others
    assert set(unknown) <= {0, 1}


@pytest.mark.slow
def test_among_scikit_learns_tools(table):
    X, y, _ = table
    classifier = DistilledClassifier(TREE, distiller_for(LogisticRegression()))
    own = DistilledClassifier(distiller=distiller_for())
    full = cross_val_score(LogisticRegression(), one_hot(X, X), y, cv=2).mean()
    assert cross_val_score(own, X, y, cv=2).mean() > full - 0.05
    search = GridSearchCV(
        classifier, {"estimator__max_depth": [1, 4]}, cv=2, error_score="raise"
    ).fit(X, y)
    depth = search.best_params_["estimator__max_depth"]
    assert search.best_estimator_.estimator_[-1].max_depth == depth


def test_scores_have_weights_with_routing_too(table):
    X, y, _ = table
    weight = np.where(y == 1, 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        fitted = DistilledClassifier(
            TREE,
            distiller_for(LogisticRegression()).set_fit_request(sample_weight=True),
        ).fit(X, y, sample_weight=weight)
        score = fitted.score(X, y, sample_weight=weight)
    assert_allclose(score, accuracy_score(y, fitted.predict(X), sample_weight=weight))


def test_a_sampler_returns_the_table(table):
    X, y, _ = table
    sampler = DistillationSampler(distiller_for())
    samples, labels = sampler.fit_resample(X, y)
    assert samples.dtypes.equals(X.dtypes)
    assert set(samples["group"]) <= set("abcd")
    assert_array_equal(labels, [0, 0, 0, 1, 1, 1])
