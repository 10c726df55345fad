"""Preparing an estimator for many fits on small sets."""

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

#: Ensembles that average members which are all fitted in the same way. Some of the
#: members suffice for comparisons with the same seed.
AVERAGES = (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
#: Maximum number of members for comparisons.
FEW_MEMBERS = 30
#: Names of parameters that are seeds, also in other packages.
SEED_NAMES = ("random_state", "random_seed")


def searchable(estimator, seed, *, few_members=False):
    """Return a clone with a fixed seed and settings for many fits on small sets.

    The seed replaces each ``random_state`` of the estimator and its nested estimators,
    unless it is an integer. The clone prints nothing and does not run in parallel,
    because threads do not pay for a few rows.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator.
    seed : int
        The seed.
    few_members : bool, default=False
        Whether averaging ensembles get no more members than ``FEW_MEMBERS``.
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
        Any estimator. Its ``class_weight`` is used, or that of the last step of a
        pipeline, if there is one.
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
