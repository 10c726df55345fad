"""Tables with categories, and targets in a column, in curves, transfer and pictures."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DatasetDistiller,
    DistillationDisplay,
    distillation_curve,
    transfer_score,
)
from skdistill.evaluation._baselines import reduced_set

TREE = DecisionTreeClassifier(random_state=0)
FOLDS = StratifiedKFold(2)
CATEGORICAL = ["group"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 90
    group = rng.choice(list("abcd"), n)
    value = rng.normal(size=n)
    score = 2.0 * np.isin(group, ["a", "c"]) - 1 + 0.3 * value
    X = pd.DataFrame({"value": value, "group": group, "count": np.arange(n) % 5})
    return X, (score + rng.normal(0, 0.3, n) > 0).astype(int), score


@pytest.fixture(scope="module")
def distiller(table):
    X, y, _ = table
    distiller = DatasetDistiller(
        n_synthetic=6, categorical_features=CATEGORICAL, random_state=0
    )
    return distiller.fit(X, y)


def one_hot(X, table):
    """Return numbers by pandas: the categories of the table, then the rest."""
    dummies = [X["group"] == c for c in np.unique(table["group"])]
    return np.column_stack([*dummies, X["value"], X["count"]]).astype(float)


def mean_rows(X, y):
    """Return for each class the mean value, the commonest category and the count."""
    means = X.groupby(y).mean(numeric_only=True)
    groups = X["group"].groupby(y).agg(lambda column: column.mode()[0])
    return pd.DataFrame(
        {
            "value": means["value"],
            "group": groups,
            "count": means["count"].round().astype(int),
        }
    )


# Baselines


def test_a_center_is_a_row_that_the_columns_can_hold(table):
    X, y, _ = table
    centers, labels, _ = reduced_set(
        "kmeans", X, y, y, 2, categorical_features=CATEGORICAL, random_state=0
    )
    assert centers.dtypes.equals(X.dtypes)
    expected = mean_rows(X, y)
    assert_allclose(centers["value"], expected["value"])
    assert_array_equal(centers["group"], expected["group"])
    assert_array_equal(centers["count"], expected["count"])
    assert_array_equal(labels, [0, 1])
    as_objects, *_ = reduced_set(
        "kmeans",
        X[["value", "group"]].to_numpy(dtype=object),
        y,
        y,
        2,
        categorical_features=[1],
        random_state=0,
    )
    assert_array_equal(as_objects[:, 1], expected["group"])


def test_drawn_rows_are_rows_of_the_table(table):
    X, y, _ = table
    rows, labels, _ = reduced_set(
        "sample", X, y, y, 6, categorical_features=CATEGORICAL, random_state=0
    )
    found = rows.reset_index().merge(X.reset_index(), how="left")
    assert len(found) == 6
    assert_array_equal(y[rows.index], labels)


# Curves


@pytest.mark.slow
def test_a_curve_encodes_every_method_alike(table):
    X, y, _ = table
    distiller = DatasetDistiller(
        LogisticRegression(C=10), categorical_features=CATEGORICAL
    )
    curve = distillation_curve(distiller, X, y, n_synthetic=2, cv=FOLDS)
    for fold, (train, test) in enumerate(FOLDS.split(X, y)):
        X_train, y_train = X.iloc[train], y[train]
        numbers = one_hot(X.iloc[test], X_train)

        def score(rows, labels, X_train=X_train, numbers=numbers, test=test):
            model = LogisticRegression(C=10).fit(one_hot(rows, X_train), labels)
            return model.score(numbers, y[test])

        assert curve.full_test_scores[fold] == score(X_train, y_train)
        means = mean_rows(X_train, y_train)
        assert curve.test_scores["kmeans"][0, fold] == score(means, [0, 1])
        distilled = clone(distiller).set_params(n_synthetic=2).fit(X_train, y_train)
        assert_allclose(
            curve.test_scores["distill"][0, fold],
            distilled.score(X.iloc[test], y[test]),
        )


def test_forms_of_a_table_make_the_same_curve(table):
    X, y, _ = table
    X = X[["value", "group"]]
    options = {"n_synthetic": 4, "methods": ["kmeans", "sample"], "cv": FOLDS}
    curves = [
        distillation_curve(
            DatasetDistiller(categorical_features=categorical),
            given,
            y,
            **options,
            random_state=0,
        )
        for given, categorical in [
            (X, CATEGORICAL),
            (X.astype({"group": "category"}), "from_dtype"),
            (X.assign(group=pd.factorize(X["group"], sort=True)[0]), CATEGORICAL),
            (X.to_numpy(dtype=object), [1]),
            (pl.from_pandas(X), CATEGORICAL),
        ]
    ]
    for other in curves[1:]:
        assert_allclose(other.full_test_scores, curves[0].full_test_scores)
        for method in options["methods"]:
            assert_allclose(other.test_scores[method], curves[0].test_scores[method])


# Transfer


def test_other_estimators_see_what_the_distilled_one_does(table, distiller):
    X, y, _ = table
    estimators = [distiller.estimator_, TREE, KNeighborsClassifier(1)]
    results = transfer_score(distiller, estimators, X, y, X=X, y=y, random_state=0)
    distilled = results.scores["distill"]
    assert distilled["pipeline"] == distiller.score(X, y)
    for name, estimator in [
        ("decisiontreeclassifier", TREE),
        ("kneighborsclassifier", KNeighborsClassifier(1)),
    ]:
        model = clone(estimator).fit(
            one_hot(distiller.X_synthetic_, X), distiller.y_synthetic_
        )
        assert distilled[name] == model.score(one_hot(X, X), y)
        assert results.scores["full"][name] == 1.0
    assert set(results.scores["kmeans"]) == set(results.scores["sample"])


def test_weights_reach_the_distillers_own_pipeline(table):
    X, y, _ = table
    keep = np.flatnonzero((y == 1) | (np.arange(len(y)) % 4 == 0))
    X, y = X.iloc[keep], y[keep]
    distiller = DatasetDistiller(
        n_synthetic=4, categorical_features=CATEGORICAL, weighting="match"
    ).fit(X, y)
    results = transfer_score(
        distiller, [distiller.estimator_], X, y, scoring="neg_log_loss"
    )
    assert results.takes_weights == {"pipeline": True}
    assert_allclose(results.scores["distill"]["pipeline"], -distiller.loss_, rtol=1e-3)


# Targets in a column


def caught(function, *args, **kwargs):
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        return function(*args, **kwargs), records


@pytest.mark.slow
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_labels_in_a_column(table, library):
    X, y, _ = table
    labels = np.array(["no", "yes"])[y]
    column = library.DataFrame({"label": labels})
    numbers = one_hot(X, X)
    options = {"n_synthetic": 4, "cv": FOLDS, "random_state": 0}
    expected = distillation_curve(LogisticRegression(), numbers, labels, **options)
    curve, records = caught(
        distillation_curve, LogisticRegression(), numbers, column, **options
    )
    for method in curve.methods:
        assert_array_equal(curve.test_scores[method], expected.test_scores[method])
    assert [record.category for record in records] == [DataConversionWarning]
    assert records[0].filename == __file__

    distiller = DatasetDistiller(n_synthetic=4).fit(numbers, labels)
    options = {"X": numbers, "random_state": 0}
    expected = transfer_score(distiller, [TREE], numbers, labels, y=labels, **options)
    results, records = caught(
        transfer_score, distiller, [TREE], numbers, column, y=column, **options
    )
    assert results.scores == expected.scores
    assert {record.filename for record in records} == {__file__}


@pytest.mark.slow
def test_numbers_in_a_column(table):
    X, _, score = table
    numbers, column = one_hot(X, X), pd.DataFrame({"score": score})
    cv = KFold(2)
    options = {"n_synthetic": 6, "cv": cv, "random_state": 0}
    for estimator in (Ridge(), DatasetDistiller(SVR(), max_iter=2, tol=10.0)):
        expected = distillation_curve(estimator, numbers, score, **options)
        curve, records = caught(
            distillation_curve, estimator, numbers, column, **options
        )
        for method in curve.methods:
            assert_allclose(curve.test_scores[method], expected.test_scores[method])
        # As they do themselves: Ridge would predict columns.
        warned = [r for r in records if r.category is DataConversionWarning]
        assert len(warned) == (0 if isinstance(estimator, Ridge) else 1)
    distiller = DatasetDistiller(Ridge(), n_synthetic=6).fit(numbers, column)
    others = [Ridge(), KNeighborsRegressor(2), SVR()]
    results = transfer_score(distiller, others, numbers, column, X=numbers, y=column)
    assert results.scores["full"]["svr"] == SVR().fit(numbers, score).score(
        numbers, score
    )


# Pictures


@pytest.fixture
def show(distiller):
    mpl.use("agg")
    import matplotlib.pyplot as plt

    yield lambda **params: DistillationDisplay.from_estimator(distiller, **params)
    plt.close("all")


def test_a_table_writes_categories_and_colors_numbers(show, table, distiller):
    X, _, _ = table
    display = show(X=X)
    cells = display.image_.get_array()
    assert_array_equal(cells.mask, np.tile([False, True, False], (6, 1)))
    scaler = StandardScaler().fit(X[["value", "count"]])
    expected = scaler.transform(distiller.X_synthetic_[["value", "count"]])
    assert_allclose(cells[:, [0, 2]], expected)
    texts = {text.get_position(): text.get_text() for text in display.ax_.texts}
    assert texts == {(1, i): c for i, c in enumerate(distiller.X_synthetic_["group"])}
    ticks = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert ticks == ["value", "group", "count"]
    assert len(show(kind="table").ax_.texts) == 6


def test_a_table_of_categories_alone():
    X = np.array([["a", "x"], ["b", "y"], ["a", "y"], ["b", "x"]] * 5, dtype=object)
    y = (X[:, 0] == "a").astype(int)
    distiller = DatasetDistiller(n_synthetic=2, categorical_features=[0, 1]).fit(X, y)
    display = DistillationDisplay.from_estimator(distiller, X=X, y=y)
    assert display.image_.get_array().mask.all()
    assert len(display.ax_.texts) == 4
    display.figure_.canvas.draw()


def test_a_scatter_plot_is_of_the_encoded_numbers(show, table, distiller):
    X, y, _ = table
    display = show(kind="scatter", X=X, y=y)
    scaler = StandardScaler().fit(one_hot(X, X))
    pca = PCA(2, random_state=0).fit(scaler.transform(one_hot(X, X)))
    for c in (0, 1):
        synthetic = distiller.X_synthetic_[distiller.y_synthetic_ == c]
        for artist, rows in [
            (display.scatter_[c], X[y == c]),
            (display.scatter_[2 + c], synthetic),
        ]:
            points = pca.transform(scaler.transform(one_hot(rows, X)))
            assert_allclose(artist.get_offsets(), points, atol=1e-10)
    column = show(kind="scatter", X=X, y=pd.DataFrame({"y": y}))
    assert len(column.scatter_) == 4


def test_what_pictures_cannot_show(show, table):
    X, y, _ = table
    with pytest.raises(ValueError, match=r"images.* the features \[1\] hold categ"):
        show(kind="images", image_shape=(1, 3))
    with pytest.raises(ValueError, match=r"missing values .*\['value'\]"):
        show(X=X.assign(value=np.nan))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        show(kind="scatter", X=X, y=y[1:])


def test_many_columns_with_categories_are_no_images(rng):
    X = rng.normal(size=(40, 36)).astype(object)
    X[:, 0] = np.where(np.arange(40) % 2, "a", "b")
    y = (X[:, 0] == "a").astype(int)
    distiller = DatasetDistiller(n_synthetic=4, categorical_features=[0]).fit(X, y)
    display = DistillationDisplay.from_estimator(distiller)
    assert display.image_.get_array().shape == (4, 36)
