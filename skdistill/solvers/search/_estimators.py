"""Candidates are fitted often and small: an estimator that suits this."""

from numbers import Integral

from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from skdistill._weights import last_step
from skdistill.students._support import class_weighted

#: Ensembles whose members are fitted alike and averaged: some of them do for a
#: comparison, at the same seed.
AVERAGES = (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
FEW_MEMBERS = 30
#: Parameters of which chance depends, also in other packages.
SEED_NAMES = ("random_state", "random_seed")


def searchable(estimator, seed, *, few_members=False):
    """Return a clone with a fixed seed, and what it takes to fit it many times.

    Parameters that an estimator, or any part of it, has left to chance get the seed;
    integers that a user has set stay. Parts work silently and one after another:
    threads for a few rows cost more than they save.

    Parameters
    ----------
    estimator : estimator object
        Unfitted.
    seed : int
        The seed.
    few_members : bool, default=False
        Whether ensembles that average get no more members than ``FEW_MEMBERS``.
    """
    copy = clone(estimator, safe=False)
    if not hasattr(copy, "get_params"):
        return copy
    settings = {}
    for name, value in copy.get_params(deep=True).items():
        last = name.rpartition("__")[2]
        if last in SEED_NAMES and not isinstance(value, Integral):
            settings[name] = seed
        elif last == "n_jobs" and value is not None:
            settings[name] = 1
        elif last == "verbose" and value:
            settings[name] = 0
        elif few_members and last == "n_estimators" and value > FEW_MEMBERS:
            owner = name.rpartition("__")[0]
            owner = copy.get_params()[owner] if owner else copy
            if type(owner) in AVERAGES and not owner.warm_start:
                settings[name] = FEW_MEMBERS
    if settings:
        copy.set_params(**settings)
    return copy


def loss_weight(estimator, classes, y, sample_weight):
    """Return the weights (n,) of the outer loss, with the class weights.

    Parameters
    ----------
    estimator : estimator object
        One with a ``class_weight``, or a pipeline that ends with it; or any other.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for numbers.
    y : ndarray of shape (n,) or (n, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights of the real rows.
    """
    class_weight = getattr(last_step(estimator), "class_weight", None)
    if classes is None or isinstance(class_weight, str) and class_weight != "balanced":
        return sample_weight  # "balanced_subsample" balances within a forest
    return class_weighted(class_weight, classes, y, sample_weight)
