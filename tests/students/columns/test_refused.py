"""Column transformers that students refuse, so that a search is used instead."""

import numpy as np
import pytest
from sklearn.compose import (
    ColumnTransformer,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC

from skdistill.students import (
    NotMirrored,
    refuse_unmirrored,
)
from tests.conftest import strict_logistic
from tests.students.columns.helpers import (
    CATEGORIES,
    NUMBERS,
    fit,
    mixed,
    one_hot,
    quick,
)

#: Warnings of categories that a few rows lack, which zeros stand for.
pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories")


def as_float(X):
    return X.columns[:1]


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (OneHotEncoder(), "handle_unknown='error' and categories='auto'"),
        (one_hot(min_frequency=2), "min_frequency or max_categories"),
        (one_hot(drop=np.array(["a"])), "drop as an array"),
        (make_column_transformer((StandardScaler(), as_float)), "by a function"),
        (
            ColumnTransformer(
                [("a", StandardScaler(), [0])], transformer_weights={"a": 2.0}
            ),
            "transformer_weights",
        ),
        (make_column_transformer((KBinsDiscretizer(), [0])), "'kbinsdiscretizer'"),
    ],
)
def test_settings_are_refused_without_data(transformer, message):
    with pytest.raises(NotMirrored, match=message):
        refuse_unmirrored(make_pipeline(transformer, LogisticRegression()))


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (mixed(last=SVC(gamma="scale")), "SVC behind it"),
        (
            make_pipeline(
                mixed()[0], StandardScaler(with_mean=False), strict_logistic()
            ),
            "Standard behind it",
        ),
        (
            make_pipeline(
                make_column_transformer(
                    (one_hot(), ["kids"]), (StandardScaler(), ["kids"])
                ),
                LogisticRegression(),
            ),
            "another part reads as numbers",
        ),
        (
            mixed(OneHotEncoder(categories=[list("ab"), ["x", "y"]])),
            r"lack some of the data: \[",
        ),
        (
            make_pipeline(
                make_column_transformer((SimpleImputer(), ["job"])), strict_logistic()
            ),
            "not numbers: 'job'",
        ),
        (
            make_pipeline(StandardScaler(), mixed()[0], LogisticRegression()),
            "Specifying the columns using strings",
        ),
    ],
)
def test_tables_are_refused_by_name(pipeline, message, frame):
    X, y = frame
    if "Specifying" in message:
        X = X[NUMBERS]
    with pytest.raises(NotMirrored, match=message):
        quick(pipeline, solver="lbfgs").fit(X, y)


def test_many_categories_lead_to_search():
    X = np.arange(3000).reshape(-1, 1)
    pipeline = make_pipeline(one_hot(), LogisticRegression())
    with pytest.raises(NotMirrored, match="3000 categories, but .* at most 2000"):
        quick(pipeline, solver="lbfgs").fit(X, X[:, 0] % 2)


@pytest.mark.slow
def test_other_categories_lead_to_search(frame):
    X, y = frame
    pipeline = make_pipeline(
        make_column_transformer((StandardScaler(), ["age", "kids"])),
        LogisticRegression(),
    )
    distiller = quick(pipeline, categorical_features=["kids"], max_iter=1)
    with pytest.warns(UserWarning, match=r"does not one-hot encode .* by search"):
        assert distiller.fit(X, y).solver_ == "search"
    named = fit(quick(mixed(), categorical_features=CATEGORIES, max_iter=1), X, y)
    assert named.solver_ == "lbfgs"
