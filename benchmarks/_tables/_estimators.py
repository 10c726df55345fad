"""The estimators, which have the same settings for every method and for all rows."""

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

#: A classifier and a regressor, as functions of ``gamma``; None where there is none.
#: ``gamma`` is a number, so that it is the same on all rows and on a few.
PAIRS = {
    "LogisticRegression": (lambda _: LogisticRegression(max_iter=1000), None),
    "Ridge": (None, lambda _: Ridge()),
    "GaussianNB": (lambda _: GaussianNB(), None),
    "1NN": (lambda _: KNeighborsClassifier(1), lambda _: KNeighborsRegressor(1)),
    "5NN": (lambda _: KNeighborsClassifier(5), lambda _: KNeighborsRegressor(5)),
    "SVM": (lambda gamma: SVC(gamma=gamma), lambda gamma: SVR(gamma=gamma)),
    "KernelRidge": (
        lambda gamma: KernelRidge(kernel="rbf", gamma=gamma, alpha=0.1),
        lambda gamma: KernelRidge(kernel="rbf", gamma=gamma, alpha=0.1),
    ),
    "DecisionTree": (
        lambda _: DecisionTreeClassifier(random_state=0),
        lambda _: DecisionTreeRegressor(random_state=0),
    ),
    "RandomForest": (
        lambda _: RandomForestClassifier(random_state=0),
        lambda _: RandomForestRegressor(random_state=0),
    ),
    "GradientBoosting": (
        lambda _: GradientBoostingClassifier(random_state=0),
        lambda _: GradientBoostingRegressor(random_state=0),
    ),
}
#: Piecewise constant: no gradient leads from their predictions to the rows.
SEARCHED = ("DecisionTree", "RandomForest", "GradientBoosting")
ESTIMATORS = tuple(name for name in PAIRS if name not in SEARCHED)


def exists(name, is_class):
    """Return whether an estimator has a classifier, or a regressor."""
    return PAIRS[name][0 if is_class else 1] is not None


def make(name, split):
    """Return an unfitted estimator for a table."""
    return PAIRS[name][0 if split.n_classes else 1](1 / split.X.shape[1])


def targets(estimator, y, n_classes):
    """Return the targets for a fit, which are centered one-hot rows for a ridge."""
    if n_classes and isinstance(estimator, KernelRidge):
        return np.eye(n_classes)[y] - 1 / n_classes
    return y


def score(model, X, y):
    """Return accuracy or R2, times 100; for one-hot targets the top score counts."""
    predicted = model.predict(X)
    if predicted.ndim == 2:
        return 100 * float(np.mean(predicted.argmax(axis=1) == y))
    return 100 * model.score(X, y)
