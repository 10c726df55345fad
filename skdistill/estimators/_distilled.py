"""Estimators that distill their training data and fit any estimator on the result."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from skdistill._registered import TakesStudentsAlong
from skdistill._sklearn_compat import (
    HasMethods,
    _check_sample_weight,
    _fit_context,
    _raise_for_params,
    _safe_indexing,
)
from skdistill._typing import ArrayLike, Estimator
from skdistill.estimators._any_estimator import (
    DefaultsForNested,
    check_params,
    refuse_precomputed,
    tags_of,
    unfitted_copy,
)
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.estimators._fit_on_set import fit_on_set
from skdistill.estimators._fitting import (
    subtask,
    takes_tables,
    unchanged_on_error,
)
from skdistill.estimators._merging import merge_equal_rows
from skdistill.estimators._prediction import PredictionMixin
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.real.sources import source_of
from skdistill.tables._columns import read_table
from skdistill.tables._frames import is_frame, is_series, samples_like
from skdistill.tables._reading import readable


class _FitOnDistilled(
    PredictionMixin, CallbackSupportMixin, DefaultsForNested, TakesStudentsAlong
):
    """The common part of the classifier and the regressor."""

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"]), None],
        "distiller": [DatasetDistiller, None],
    }
    _defaults = {"estimator": "_default_student", "distiller": "_default_distiller"}

    def __init__(
        self,
        estimator: Estimator | None = None,
        distiller: DatasetDistiller | None = None,
    ) -> None:
        self.estimator = estimator
        self.distiller = distiller

    @unchanged_on_error
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Distill the data and fit the estimator on the result.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.
        **params : dict
            Metadata that ``distiller`` requests; requires metadata routing.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        metadata = self._metadata_of_distiller(sample_weight, params)
        in_blocks = source_of(X, y, sample_weight) is not None
        if not in_blocks:
            X, y = readable(X), readable(y, "y")
        estimator = self._checked_estimator()
        distiller = self._unfitted_distiller()
        distiller, made_for_estimator = self._distiller_for(estimator, distiller)
        X_fit, y_fit = X, y
        if not in_blocks and not self._passes_tables(distiller, X):
            X_fit, y_fit, metadata = self._merged(X, y, estimator, distiller, metadata)

        root = self._init_callback_context(max_subtasks=1 if made_for_estimator else 2)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        root.call_on_fit_task_begin(estimator=self, **data)
        with subtask(root, "distill", self, distiller, data):
            distiller.fit(X_fit, y_fit, **metadata)
        if made_for_estimator:
            # It is fitted already, with the hyperparameters that were learned.
            estimator = distiller.estimator_
        else:
            with subtask(root, "fit-estimator", self, estimator, data):
                estimator = fit_on_set(estimator, distiller)
        if in_blocks:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
                if hasattr(distiller, name):
                    setattr(self, name, getattr(distiller, name))
        self.distiller_ = distiller
        self.estimator_ = estimator
        if hasattr(distiller, "classes_"):
            self.classes_ = distiller.classes_
        root.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=dict, **data
        )
        return self

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Score ``estimator_``, which is fitted on the synthetic set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            True labels or targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        float
            The score that ``estimator_`` returns. If it has no ``score`` method, it is
            the mean accuracy of a classifier or R2 of a regressor.
        """
        if hasattr(getattr(self, "estimator_", self._estimator()), "score"):
            return super().score(X, y, sample_weight)
        # The score of ClassifierMixin or RegressorMixin.
        return super(PredictionMixin, self).score(X, y, sample_weight)

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            The metadata of ``fit`` and ``score``, and what ``distiller`` requests.
        """
        distiller = self.distiller
        if distiller is None:
            distiller = self._default_distiller()
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                distiller=distiller,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        distiller = self._unfitted_distiller()
        inner = tags_of(self._estimator())
        tags.input_tags.positive_only = inner.input_tags.positive_only
        through = get_tags(
            distiller
            if distiller.estimator is not None
            else distiller.set_params(estimator=self._default_student())
        )
        tags.target_tags.multi_output = (
            inner.target_tags.multi_output and through.target_tags.multi_output
        )
        tags.input_tags.sparse = inner.input_tags.sparse and through.input_tags.sparse
        if tags.classifier_tags is not None and inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        return tags

    def _samples(self, X):
        # Refuse what fit refuses, such as NaN, even if ``estimator_`` would predict for
        # it. ``estimator_`` itself checks the number and names of the features.
        X = super()._samples(X)
        self.distiller_._table.refuse_unreadable(X)
        return X

    def _metadata_of_distiller(self, sample_weight, params):
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            return dict(routed.distiller.fit)
        _raise_for_params(params, self, "fit")
        return {"sample_weight": sample_weight}

    def _estimator(self):
        return self._default_student() if self.estimator is None else self.estimator

    def _default_distiller(self):
        distiller = DatasetDistiller()
        if get_config()["enable_metadata_routing"]:
            distiller.set_fit_request(sample_weight=True)
        return distiller

    def _unfitted_distiller(self):
        return DatasetDistiller() if self.distiller is None else clone(self.distiller)

    def _checked_estimator(self):
        estimator = unfitted_copy(self._estimator())
        self._check_kind("estimator", estimator)
        check_params(estimator)
        refuse_precomputed(estimator)
        return estimator

    def _read(self, X, y, distiller, metadata):
        """Return the samples as numbers, the targets and the columns."""
        weight = metadata.get("sample_weight")
        columns = read_table(
            X, distiller.categorical_features, weight, self._roles(distiller, X)
        )
        numbers, y = columns.validate(self, X, y, **self._target_checks)
        return numbers, y, columns

    def _roles(self, distiller, X):
        """Return how a student reads the columns, or None if it reads numbers."""
        from skdistill.estimators._ways import is_searched
        from skdistill.students import roles_of

        estimator = distiller.estimator
        is_without = is_searched(distiller.solver, estimator, X)
        return None if is_without else roles_of(estimator, X)

    def _passes_tables(self, distiller, X):
        """Whether the distiller gets the rows as they came, as its estimator does."""
        from skdistill.estimators._ways import is_searched

        estimator = distiller.estimator
        if not is_searched(distiller.solver, estimator, X) or issparse(X):
            return False
        is_table = is_frame(X) or np.asarray(X).dtype.kind not in "biuf"
        takes_missing = tags_of(estimator).input_tags.allow_nan
        return takes_missing or (is_table and distiller.categorical_features is None)

    def _merged(self, X, y, estimator, distiller, metadata):
        """Return the rows to distill, with equal ones merged, and their weights."""
        is_mapped = isinstance(X, np.memmap)
        numbers, y_valid, columns = self._read(X, y, distiller, metadata)
        _, y_encoded = self._read_targets(y_valid, y)
        if not columns.holds_categories and not takes_tables(estimator):
            # The user does not see the rows: as floats they need no rounding.
            X = samples_like(X, numbers)
        y = y if is_series(y) or (is_frame(y) and y_valid.ndim == 2) else y_valid
        if set(metadata) <= {"sample_weight"} and not is_mapped:
            weight = _check_sample_weight(
                metadata.get("sample_weight"), numbers, ensure_non_negative=True
            )
            rows, weight = merge_equal_rows(numbers, y_encoded, weight)
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
            metadata = {"sample_weight": weight}
        return X, y, metadata

    def _distiller_for(self, estimator, distiller):
        """Return the distiller, and whether it distills for ``estimator``."""
        if distiller.estimator is None:
            distiller.set_params(estimator=estimator)
            # An estimator of another package may lack the tag of its type.
            distiller._kind = get_tags(self).estimator_type
            return distiller, True
        self._check_kind("distiller", distiller)
        if type(distiller.estimator) is not type(estimator):
            self._keep_within_the_data(distiller)
        return distiller, False

    def _keep_within_the_data(self, distiller):
        """Bound the rows such that another estimator can be fitted on them."""
        if distiller.solver == "exact":
            return
        for name in self._ranges:
            if getattr(distiller, name) is None:
                distiller.set_params(**{name: "data"})

    def _check_kind(self, role, estimator):
        kind = tags_of(estimator).estimator_type
        expected = get_tags(self).estimator_type
        if kind is not None and kind != expected:
            raise ValueError(
                f"{type(self).__name__} takes a {expected}; got {role}={estimator!r}, "
                f"a {kind}. Pass a {expected}, or use the estimator for {kind}s."
            )


class DistilledClassifier(
    _FitOnDistilled, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Classifier that is fitted on a distilled training set.

    Use it in the place of ``estimator`` in a pipeline, a grid search or a
    cross-validation. Its ``fit`` distills the data and fits ``estimator`` on the few
    synthetic rows.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted classifier to fit on the distilled set; it is not modified. None stands
        for ``LogisticRegression()``.

    distiller : DatasetDistiller, default=None
        Unfitted distiller, which says how to distill; it is not modified. None stands
        for ``DatasetDistiller()``. It distills for its own ``estimator``, or for the
        ``estimator`` above if its own is None.

    Attributes
    ----------
    distiller_ : DatasetDistiller
        The fitted distiller, with the synthetic set.

    estimator_ : estimator object
        The classifier fitted on the synthetic set, with weights if its ``fit`` takes
        them. It is ``distiller_.estimator_`` if the set was distilled for it.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    DatasetDistiller : Returns the synthetic set.
    DistillationSampler : Distills in a pipeline of imbalanced-learn.

    Notes
    -----
    Equal rows with equal targets are first merged into one row of their total weight.
    So a row of weight two has the same effect as two equal rows, and the order of the
    rows does not matter. Merged rows count once for ``n_synthetic``. Merging copies the
    data. Rows are not merged if ``X`` is memory-mapped, or if ``fit`` gets other
    metadata than ``sample_weight``.

    Rows distilled for one estimator may not work well for another. If ``distiller`` has
    an ``estimator`` of another class, the features, and the targets in regression, stay
    within the range of the data, so that for instance an estimator for counts can be
    fitted on them. Set ``feature_range`` and ``target_range`` of ``distiller`` to
    change this.

    If ``distiller`` encodes categories, ``estimator`` is fitted behind the same encoder
    and ``estimator_`` is a ``Pipeline``. An ``estimator`` that takes categories itself,
    as one with a ``ColumnTransformer`` does, is fitted on the synthetic table instead.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression, Ridge
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdistill import DatasetDistiller, DistilledClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> classifier = DistilledClassifier(
    ...     LogisticRegression(C=10), DatasetDistiller(n_synthetic=6)
    ... )
    >>> scores = cross_val_score(make_pipeline(StandardScaler(), classifier), X, y)
    >>> bool(scores.mean() > 0.95)
    True
    """

    _target_checks: dict[str, bool] = {}
    _ranges: tuple[str, ...] = ("feature_range",)
    _read_targets = staticmethod(class_targets)

    def _default_student(self):
        return LogisticRegression()


class DistilledRegressor(
    _FitOnDistilled, RegressorMixin, MetaEstimatorMixin, BaseEstimator
):
    """Regressor that is fitted on a distilled training set.

    Use it in the place of ``estimator`` in a pipeline, a grid search or a
    cross-validation. Its ``fit`` distills the data and fits ``estimator`` on the few
    synthetic rows.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted regressor to fit on the distilled set; it is not modified. None stands
        for ``Ridge()``.

    distiller : DatasetDistiller, default=None
        Unfitted distiller, which says how to distill; it is not modified. None stands
        for ``DatasetDistiller()``. It distills for its own ``estimator``, or for the
        ``estimator`` above if its own is None.

    Attributes
    ----------
    distiller_ : DatasetDistiller
        The fitted distiller, with the synthetic set.

    estimator_ : estimator object
        The regressor fitted on the synthetic set, with weights if its ``fit`` takes
        them. It is ``distiller_.estimator_`` if the set was distilled for it.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    DatasetDistiller : Returns the synthetic set.
    DistilledClassifier : The same for classes. Its notes apply here, too.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from skdistill import DatasetDistiller, DistilledRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = DistilledRegressor(Ridge(), DatasetDistiller(n_synthetic=20))
    >>> full = Ridge().fit(X, y).score(X, y)
    >>> bool(regressor.fit(X, y).score(X, y) > full - 0.01)
    True
    """

    _target_checks = {"multi_output": True, "y_numeric": True}
    _ranges = ("feature_range", "target_range")

    @staticmethod
    def _read_targets(y, like):
        return numeric_targets(y, np.ones(len(y)), like)

    def _default_student(self):
        return Ridge()
