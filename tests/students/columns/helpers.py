"""Pipelines that read the columns of a table of people, and short fits of them."""

import warnings

from sklearn.compose import (
    ColumnTransformer,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)

from skdistill import DatasetDistiller
from tests.conftest import strict_logistic

NUMBERS, CATEGORIES = ["age", "kids"], ["job", "town"]


def one_hot(**params):
    return OneHotEncoder(**({"handle_unknown": "ignore"} | params))


def mixed(encoder=None, numbers=None, last=None):
    """Return a pipeline for the table of people, like that in scikit-learn's guide."""
    columns = ColumnTransformer(
        [
            ("num", StandardScaler() if numbers is None else numbers, NUMBERS),
            ("cat", one_hot() if encoder is None else encoder, CATEGORIES),
        ]
    )
    return make_pipeline(columns, strict_logistic() if last is None else last)


def quick(estimator, **params):
    params = {"n_synthetic": 6, "max_iter": 4, "random_state": 0} | params
    return DatasetDistiller(estimator, **params)


def fit(distiller, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return distiller.fit(X, y, **params)
