"""Estimators that distill their training data and fit any estimator on the result."""

import warnings

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    _fit_context,
    clone,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import _safe_indexing, check_array, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    has_fit_parameter,
    validate_data,
)

from skdistill.estimators._distiller import DatasetDistiller, _unchanged_on_error
from skdistill.estimators._fitting import subtask
from skdistill.estimators._merging import merge_equal_rows
from skdistill.estimators._prediction import PredictionMixin
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.tables._frames import is_frame, is_series, samples_like
from skdistill.tables._reading import readable


class _FitOnDistilled(PredictionMixin, CallbackSupportMixin):
    """What the classifier and the regressor have in common."""

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"]), None],
        "distiller": [DatasetDistiller, None],
    }

    def __init__(self, estimator=None, distiller=None):
        self.estimator = estimator
        self.distiller = distiller

    @_unchanged_on_error
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **params):
        """Distill the data and fit the estimator on the result.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.
        **params : dict
            Metadata that ``distiller`` requests, with metadata routing enabled.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        metadata = self._metadata_of_distiller(sample_weight, params)
        X, y = readable(X), readable(y, "y")
        X_valid, y_valid = validate_data(
            self, X, y, dtype=[np.float64, np.float32], **self._target_checks
        )
        spec, y_encoded = self._read_targets(y_valid, X_valid.shape[1])
        distiller, made_for_estimator = self._distiller_for(spec)
        # The distiller returns frames and series if they come in. Nobody asked for the
        # rows: with columns of floats, none is rounded.
        X_fit = samples_like(X, X_valid)
        y_fit = y if is_series(y) or (is_frame(y) and y_valid.ndim == 2) else y_valid
        if set(metadata) <= {"sample_weight"} and not isinstance(X, np.memmap):
            weight = _check_sample_weight(
                metadata.get("sample_weight"), X_valid, ensure_non_negative=True
            )
            rows, weight = merge_equal_rows(X_valid, y_encoded, weight)
            X_fit, y_fit = _safe_indexing(X_fit, rows), _safe_indexing(y_fit, rows)
            metadata = {"sample_weight": weight}

        root = self._init_callback_context(max_subtasks=1 if made_for_estimator else 2)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        root.call_on_fit_task_begin(estimator=self, **data)
        with subtask(root, "distill", self, distiller, data):
            distiller.fit(X_fit, y_fit, **metadata)
        if made_for_estimator:
            # It is fitted already, with the hyperparameters that were learned.
            estimator = distiller.estimator_
        else:
            estimator = clone(self._estimator())
            with subtask(root, "fit-estimator", self, estimator, data):
                _fit_on_synthetic(estimator, distiller)
        self.distiller_ = distiller
        self.estimator_ = estimator
        if hasattr(distiller, "classes_"):
            self.classes_ = distiller.classes_
        root.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=dict, **data
        )
        return self

    def get_metadata_routing(self):
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            What ``fit`` and ``score`` take themselves, and what ``distiller`` requests.
        """
        distiller = self.distiller
        if distiller is None:
            distiller = DatasetDistiller()
            if _routing_enabled():
                distiller.set_fit_request(sample_weight=True)
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
        inner = get_tags(self._estimator())
        through = get_tags(
            distiller
            if distiller.estimator is not None
            else distiller.set_params(estimator=self._default_student())
        )
        tags.target_tags.multi_output = (
            inner.target_tags.multi_output and through.target_tags.multi_output
        )
        if tags.classifier_tags is not None and inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        return tags

    def _samples(self, X):
        # A forest takes NaN to predict; no more is taken here than in fit. The number
        # and names of the features are for ``estimator_`` to check.
        X = super()._samples(X)
        check_array(X, accept_sparse=True, dtype=[np.float64, np.float32])
        return X

    def _metadata_of_distiller(self, sample_weight, params):
        if _routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            return dict(routed.distiller.fit)
        _raise_for_params(params, self, "fit")
        return {"sample_weight": sample_weight}

    def _estimator(self):
        return self._default_student() if self.estimator is None else self.estimator

    def _unfitted_distiller(self):
        return DatasetDistiller() if self.distiller is None else clone(self.distiller)

    def _distiller_for(self, spec):
        """Return an unfitted distiller, and whether it distills for ``estimator``."""
        estimator = self._estimator()
        self._check_kind("estimator", estimator)
        if isinstance(estimator, BaseEstimator):
            estimator._validate_params()
        distiller = self._unfitted_distiller()
        if distiller.estimator is not None:
            self._check_kind("distiller", distiller)
            return distiller, False
        student = self._nearest_student(estimator, spec)
        return distiller.set_params(estimator=student), student is estimator

    def _check_kind(self, role, estimator):
        kind = get_tags(estimator).estimator_type
        expected = get_tags(self).estimator_type
        if kind is not None and kind != expected:
            raise ValueError(
                f"{type(self).__name__} takes a {expected}; got {role}={estimator!r}, "
                f"a {kind}."
            )

    def _nearest_student(self, estimator, spec):
        """Return the estimator if it has a student, else the nearest one that has."""
        from skdistill.students import student_for

        try:
            student_for(estimator, spec)
        except ValueError as reason:
            student = self._default_student()
            warnings.warn(
                f"{type(estimator).__name__} is fitted on rows that are distilled for "
                f"{student}: compare it with one fitted on as many real rows. To "
                "choose for which estimator to distill, pass "
                f"distiller=DatasetDistiller(that estimator). The reason: {reason}",
                UserWarning,
                stacklevel=2,
            )
            return student
        return estimator


class DistilledClassifier(
    _FitOnDistilled, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Classifier that is fitted on a distilled training set.

    Its ``fit`` distills the data and fits ``estimator`` on the few synthetic rows: the
    whole takes the place of ``estimator`` in a pipeline, a grid search or a
    cross-validation.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted classifier to fit on the distilled set, never modified. None stands for
        ``LogisticRegression()``.

    distiller : DatasetDistiller, default=None
        How to distill, never modified. None stands for ``DatasetDistiller()``. If its
        ``estimator`` is None, it distills for ``estimator``, or for
        ``LogisticRegression()`` with a warning if that cannot be distilled for.

    Attributes
    ----------
    distiller_ : DatasetDistiller
        The fitted distiller, with the synthetic set.

    estimator_ : estimator object
        The classifier fitted on the synthetic set, with its weights if it takes them;
        ``distiller_.estimator_`` if the set is made for it.

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
    Equal rows with equal targets are merged into one of their total weight first, so
    that a row of weight two is a row that comes twice, for ``n_synthetic`` as well, and
    so that the order of the rows does not matter. It takes a copy of the data. A
    memory-mapped ``X`` is left alone, as are rows that other metadata belongs to.

    Rows made for one estimator are no promise for another: judge a classifier without a
    student against itself on as many real rows.

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

    _target_checks = {}
    _read_targets = staticmethod(class_targets)

    def _default_student(self):
        return LogisticRegression()


class DistilledRegressor(
    _FitOnDistilled, RegressorMixin, MetaEstimatorMixin, BaseEstimator
):
    """Regressor that is fitted on a distilled training set.

    Its ``fit`` distills the data and fits ``estimator`` on the few synthetic rows: the
    whole takes the place of ``estimator`` in a pipeline, a grid search or a
    cross-validation.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted regressor to fit on the distilled set, never modified. None stands for
        ``Ridge()``.

    distiller : DatasetDistiller, default=None
        How to distill, never modified. None stands for ``DatasetDistiller()``. If its
        ``estimator`` is None, it distills for ``estimator``, or for ``Ridge()`` with a
        warning if that cannot be distilled for.

    Attributes
    ----------
    distiller_ : DatasetDistiller
        The fitted distiller, with the synthetic set.

    estimator_ : estimator object
        The regressor fitted on the synthetic set, with its weights if it takes them;
        ``distiller_.estimator_`` if the set is made for it.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    DatasetDistiller : Returns the synthetic set.
    DistilledClassifier : The same for classes, with notes that hold here, too.

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
    _read_targets = staticmethod(numeric_targets)

    def _default_student(self):
        return Ridge()


def _fit_on_synthetic(estimator, distiller):
    """Fit on a distilled set, with its weights unless they are all one."""
    X, y = distiller.X_synthetic_, distiller.y_synthetic_
    weight = distiller.sample_weight_synthetic_
    if (weight == 1).all():
        return estimator.fit(X, y)
    if has_fit_parameter(estimator, "sample_weight"):
        return estimator.fit(X, y, sample_weight=weight)
    warnings.warn(
        f"{type(estimator).__name__}.fit takes no sample_weight: the weights of the "
        f"synthetic rows, {weight.min():.3g} to {weight.max():.3g}, are ignored. Use "
        "weighting='unit' in the distiller.",
        UserWarning,
        stacklevel=2,
    )
    return estimator.fit(X, y)
