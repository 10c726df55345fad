"""A sampler for pipelines of imbalanced-learn.

imbalanced-learn is not imported here; the sampler follows its protocol.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    clone,
    is_classifier,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import InputTags, Tags, get_tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from skdistill._sklearn_compat import RequestMethod, _fit_context
from skdistill._typing import ArrayLike
from skdistill.estimators._any_estimator import DefaultsForNested
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.estimators._fitting import subtask, unchanged_on_error
from skdistill.real.sources import source_of
from skdistill.synthetic._allocation import label_list
from skdistill.tables._frames import in_form_of
from skdistill.tables._reading import readable


# Tags of imbalanced-learn in addition to those of scikit-learn.
@dataclass(slots=True)
class _SamplerTags:
    sample_indices: bool = False


@dataclass(slots=True)
class _InputTagsOfSampler(InputTags):
    dataframe: bool = True


@dataclass(slots=True)
class _TagsOfSampler(Tags):
    sampler_tags: _SamplerTags = field(default_factory=_SamplerTags)


class DistillationSampler(
    DefaultsForNested,
    CallbackSupportMixin,
    OneToOneFeatureMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Replace a training set by a distilled one, in a pipeline of imbalanced-learn.

    The steps that follow in an ``imblearn.pipeline.Pipeline`` are fitted on the
    synthetic rows, and predict for real ones. ``n_synthetic`` of the distiller decides
    how many rows each class gets: an int is shared evenly, even if the real classes are
    unbalanced.

    Parameters
    ----------
    distiller : DatasetDistiller, default=None
        Unfitted distiller, whose parameters say how to distill and for which estimator;
        it is not modified. None stands for ``DatasetDistiller()``. Pass the estimator
        at the end of the pipeline to the distiller, too, because the sampler does not
        know it. ``weighting``, ``learn_params`` and learned class labels must stay at
        their defaults, because the next step gets neither weights nor hyperparameters.

    Attributes
    ----------
    distiller_ : DatasetDistiller
        The fitted distiller, with the synthetic set.

    sampling_strategy_ : dict
        Number of synthetic rows of each class; only if the distiller is a classifier.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    DistilledClassifier : Distills and fits, without imbalanced-learn.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DatasetDistiller, DistillationSampler
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> distiller = DatasetDistiller(LogisticRegression(), n_synthetic={0: 5, 1: 5})
    >>> X_synthetic, y_synthetic = DistillationSampler(distiller).fit_resample(X, y)
    >>> X_synthetic.shape
    (10, 20)
    """

    _estimator_type = "sampler"
    # The distiller decides on the number of rows. With any other type, an ensemble of
    # imbalanced-learn would set a ``sampling_strategy`` parameter.
    _sampling_type = "bypass"
    _parameter_constraints = {"distiller": [DatasetDistiller, None]}
    _defaults = {"distiller": "_default_distiller"}

    # Scikit-learn makes this method itself only if imbalanced-learn came first.
    set_fit_resample_request = RequestMethod("fit_resample", ["sample_weight"])

    def __init__(self, distiller: DatasetDistiller | None = None) -> None:
        self.distiller = distiller

    @unchanged_on_error
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Distill the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Their targets. Classes may be one-hot, of shape (n_samples, n_classes).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.

        Returns
        -------
        self : DistillationSampler
            The fitted sampler.

        Raises
        ------
        ValueError
            If the distiller learns weights or hyperparameters, or if a row of ``y`` has
            several labels.
        """
        distiller = self._unfitted_distiller()
        _refuse_what_gets_lost(distiller)
        if source_of(X, y, sample_weight) is None:
            y = readable(y, "y")
            if is_classifier(distiller) and y is not None:
                y = _class_labels(y)
        root = self._init_callback_context(max_subtasks=1)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        root.call_on_fit_task_begin(estimator=self, **data)
        with subtask(root, "distill", self, distiller, data):
            distiller.fit(X, y, sample_weight=sample_weight)
        self.distiller_ = distiller
        self.n_features_in_ = distiller.n_features_in_
        for name in ("feature_names_in_", "sampling_strategy_"):
            self.__dict__.pop(name, None)
        if hasattr(distiller, "feature_names_in_"):
            self.feature_names_in_ = distiller.feature_names_in_
        if is_classifier(distiller):
            labels, counts = np.unique(distiller.y_synthetic_, return_counts=True)
            self.sampling_strategy_ = dict(
                zip(label_list(labels), counts.tolist(), strict=True)
            )
        root.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=dict, **data
        )
        return self

    def fit_resample(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[Any, Any]:
        """Distill the data and return the synthetic set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Their targets. Classes may be one-hot, of shape (n_samples, n_classes).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.

        Returns
        -------
        X_resampled : array-like of shape (n_synthetic, n_features)
            Synthetic samples in the container and the precision of ``X``. Integers of a
            list or an array become floats; those of a DataFrame stay integers.
        y_resampled : array-like of shape (n_synthetic,)
            Their targets, in the form of ``y``.
        """
        self.fit(X, y, sample_weight=sample_weight)
        distiller = self.distiller_
        y_synthetic = distiller.y_synthetic_
        if source_of(X, y, sample_weight) is not None:
            return distiller.X_synthetic_, y_synthetic
        if is_classifier(distiller) and _is_one_hot(y):
            y_synthetic = np.eye(np.shape(y)[1], dtype=int)[y_synthetic]
        return in_form_of(X, distiller.X_synthetic_), in_form_of(y, y_synthetic)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "distiller_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags = _TagsOfSampler(**{f.name: getattr(tags, f.name) for f in fields(tags)})
        tags.estimator_type = "sampler"
        tags.input_tags = _InputTagsOfSampler()
        inner = get_tags(self._unfitted_distiller())
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.target_tags.required = True
        tags.target_tags.multi_output = inner.target_tags.multi_output
        return tags

    def _default_distiller(self):
        return DatasetDistiller()

    def _unfitted_distiller(self):
        if self.distiller is None:
            return self._default_distiller()
        return clone(self.distiller)


def _refuse_what_gets_lost(distiller):
    """Raise a ValueError if something is learned that the rows do not contain."""
    lost = []
    if distiller.weighting != "unit":
        lost.append(f"weighting={distiller.weighting!r}")
    if distiller.learn_labels is True and is_classifier(distiller):
        lost.append("learn_labels=True (learned class labels are sample weights)")
    if len(distiller.learn_params):
        lost.append(f"learn_params={distiller.learn_params!r}")
    if lost:
        raise ValueError(
            f"The distiller of a sampler has {' and '.join(lost)}, but a sampler "
            "returns only rows, so the next step would not get this. Leave these "
            "parameters at their defaults, or use DistilledClassifier or "
            "DistilledRegressor."
        )


def _is_one_hot(y):
    return type_of_target(y, input_name="y") == "multilabel-indicator"


def _class_labels(y):
    """Return labels (n,) for targets that may be one-hot, or have one column."""
    if not _is_one_hot(y):
        return column_or_1d(y) if len(getattr(y, "shape", ())) == 2 else y
    one_hot = np.asarray(y)
    if not (one_hot.sum(axis=1) == 1).all():
        raise ValueError(
            "Multilabel and multioutput targets are not supported: every row of a 2-d "
            "y must hold a single one, in the column of its class. Pass one label for "
            "each row."
        )
    return one_hot.argmax(axis=1)
