"""Short searches, and somebody's estimators."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skdistill import DatasetDistiller
from skdistill.solvers.search._losses import SMOOTHING


def by_search(estimator=None, **settings):
    """Return a distiller for a short search."""
    if estimator is None:
        estimator = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0)
    settings = {"n_synthetic": 8, "max_iter": 1, "random_state": 0} | settings
    return DatasetDistiller(estimator, **settings)


class Fails(ClassifierMixin, BaseEstimator):
    """A classifier that cannot be fitted on fewer than a given number of rows."""

    def fit(self, X, y):
        raise RuntimeError("too few rows to learn from")

    def predict(self, X):
        return np.zeros(len(X))


class Means:
    """Predicts the mean of each class or all targets; no base class, tags or score."""

    def fit(self, X, y):
        X, y = np.asarray(X), np.asarray(y)
        self.y = y
        if y.dtype.kind == "U":
            self.labels = np.unique(y)
            self.means = np.array([X[y == c].mean(axis=0) for c in self.labels])

    def predict(self, X):
        X = np.asarray(X)
        if self.y.dtype.kind == "U":
            distances = np.linalg.norm(X[:, None] - self.means, axis=2)
            return self.labels[distances.argmin(axis=1)]
        return np.full(len(X), self.y.mean())


def behind_encoder(model=None):
    """Return a tree that follows an encoder of a pandas table."""
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(), ["age", "income"]),
            (
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                ["town", "car", "job"],
            ),
        ),
        model or DecisionTreeClassifier(max_leaf_nodes=6, random_state=0),
    )


def smoothed_log_loss(fitted, X, y, weight=None):
    probability = fitted.predict_proba(X)
    k = len(fitted.classes_)
    own = probability[np.arange(len(y)), np.searchsorted(fitted.classes_, y)]
    losses = -np.log((1 - SMOOTHING) * own + SMOOTHING / k)
    return np.average(losses, weights=weight)
