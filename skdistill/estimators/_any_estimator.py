"""Access to estimators of any package.

Estimators of scikit-learn have tags, constraints of parameters and ``get_params``.
Those of other packages may lack these. They only need ``fit`` and ``predict``.
"""

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import ClassifierTags, RegressorTags, get_tags


def unfitted_copy(estimator):
    """Return a clone, or a deep copy if the object cannot be cloned."""
    return clone(estimator, safe=isinstance(estimator, type))


def seeded_copy(estimator, seed):
    """Return a clone in which a seed replaces each ``random_state`` that is None.

    Parameters
    ----------
    estimator : estimator object
        Unfitted.
    seed : int
        Seed of the estimator and of its nested estimators.
    """
    copy = unfitted_copy(estimator)
    names = [
        name
        for name, value in copy.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    return copy.set_params(**dict.fromkeys(names, seed))


def tags_of(estimator):
    """Return the tags of an estimator, or default tags if it has none.

    Without tags, ``_estimator_type`` or a mixin gives the type of the estimator.
    """
    try:
        return get_tags(estimator)
    except AttributeError:
        if isinstance(estimator, BaseEstimator):
            raise
    tags = get_tags(BaseEstimator())
    kind = getattr(estimator, "_estimator_type", None)
    if kind == "classifier" or isinstance(estimator, ClassifierMixin):
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
    elif kind == "regressor" or isinstance(estimator, RegressorMixin):
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
    return tags


def check_params(estimator):
    """Check the parameters of an estimator that declares their types and ranges."""
    if hasattr(estimator, "_parameter_constraints"):
        estimator._validate_params()


def refuse_precomputed(estimator):
    """Raise a ValueError for an estimator that takes a matrix of kernels or distances.

    Such a matrix has a column for each real row, so synthetic rows cannot be learned.
    """
    if tags_of(estimator).input_tags.pairwise:
        raise ValueError(
            f"{estimator!r} takes a matrix of kernels or distances between all rows, "
            "which cannot be distilled. Pass the samples themselves as X, and an "
            "estimator that computes its kernel or metric from them."
        )


class DefaultsForNested:
    """Lets ``set_params`` set nested parameters of an estimator that is None.

    ``_defaults`` maps the name of each such estimator to the method that makes the
    default for which None stands.
    """

    _defaults: dict[str, str]

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters. ``<component>__<parameter>`` sets a parameter of a nested
            estimator. If the component is None, its default is made first.

        Returns
        -------
        self : object
            This estimator.
        """
        for name, method in self._defaults.items():
            nested = any(key.startswith(f"{name}__") for key in params)
            if nested and params.get(name, getattr(self, name)) is None:
                params[name] = getattr(self, method)()
        return super().set_params(**params)  # type: ignore[misc]  # of the class beside this mixin
