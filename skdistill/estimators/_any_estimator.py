"""What this package asks of an estimator, whoever wrote it.

Scikit-learn's own have tags, constraints of parameters and ``get_params``; those of
other packages may lack any of these, and need ``fit`` and ``predict`` alone.
"""

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import ClassifierTags, RegressorTags, get_tags


def unfitted_copy(estimator):
    """Return a clone; a deep copy of an object that cannot be cloned."""
    return clone(estimator, safe=isinstance(estimator, type))


def seeded_copy(estimator, seed):
    """Return a clone whose draws, where they are left to chance, have a seed.

    Parameters
    ----------
    estimator : estimator object
        Unfitted.
    seed : int
        The seed of each ``random_state`` that is None, of its parts too.
    """
    copy = unfitted_copy(estimator)
    names = [
        name
        for name, value in copy.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    return copy.set_params(**dict.fromkeys(names, seed))


def tags_of(estimator):
    """Return the tags of an estimator, those of a plain one if it has none.

    Without tags, an ``_estimator_type`` or a mixin says what kind it is.
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
    """Raise a ValueError for an estimator that is fitted on a matrix of rows by rows.

    Fewer rows of it would still have a column for each of the real ones.
    """
    if tags_of(estimator).input_tags.pairwise:
        raise ValueError(
            f"{estimator!r} takes kernels or distances between all pairs of rows, "
            "which no synthetic rows have. Pass the samples themselves as X, and an "
            "estimator that computes its kernel or metric from them."
        )


class DefaultsForNested:
    """Nested parameters may be set of an estimator that is None, its default.

    ``_defaults`` says, for each such parameter, which method makes the estimator that
    None stands for.
    """

    _defaults: dict[str, str]

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters; ``<component>__<parameter>`` is one of a nested estimator. A
            component that is None becomes the estimator that None stands for.

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
