"""DatasetDistiller: validate, assemble the three roles, store fitted attributes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.linear_model import LogisticRegression
from sklearn.utils import TransformerTags
from sklearn.utils.validation import check_is_fitted

from skdistill._registered import TakesStudentsAlong
from skdistill._sklearn_compat import (
    _fit_context,
    _get_output_config,
)
from skdistill._typing import ArrayLike, Estimator, RandomState, Splitter
from skdistill.estimators._any_estimator import (
    DefaultsForNested,
    check_params,
    refuse_precomputed,
    tags_of,
    unfitted_copy,
)
from skdistill.estimators._by_blocks import first_samples
from skdistill.estimators._constraints import CONSTRAINTS
from skdistill.estimators._fitting import Interrupted, reporting, unchanged_on_error
from skdistill.estimators._growing import GrowingMixin
from skdistill.estimators._notebook import NotebookMixin
from skdistill.estimators._pair import SyntheticPair
from skdistill.estimators._prediction import PredictionMixin
from skdistill.real.sources import ReadingError
from skdistill.tables._frames import in_library, is_frame, samples_like
from skdistill.tables._joined import joined_frame


class DatasetDistiller(
    GrowingMixin,
    PredictionMixin,
    NotebookMixin,
    CallbackSupportMixin,
    DefaultsForNested,
    TakesStudentsAlong,
    OneToOneFeatureMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Learn a small synthetic dataset that trains an estimator well [1]_.

    Finds rows such that ``estimator``, fitted on them by scikit-learn, has a low loss
    on the real data: a bilevel problem, solved by implicit differentiation, or by
    search for estimators without derivatives. For linear estimators the rows reproduce
    the model fitted on all the real data exactly, where such rows exist.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted estimator to distill for, never modified. For those that the user guide
        lists, and those that were registered with
        :func:`skdistill.students.register_student`, rows are learned by gradient or
        exactly, also behind scalers and other transformers that can be differentiated:
        a ``Pipeline`` gets rows in the units of the raw table. For any other estimator,
        such as a forest, they are found by search. None stands for
        ``LogisticRegression()``.

    n_synthetic : int, float, dict or "auto", default="auto"
        Number of synthetic rows. An int is their total, shared evenly over the classes;
        a float in (0, 1) is a fraction of the real rows; a dict maps each class to its
        rows; "auto" is 10 rows for each class, and for regression 10 for each output
        and at least 50. Never more than the real rows, of which those with weight zero
        do not count.

    init : {"kmeans", "mean", "sample"} or tuple of (X0, y0), default="kmeans"
        Rows to start from: centers of k-means in each class, class means, real rows, or
        arrays of shapes (n_synthetic, n_features) and (n_synthetic,). In regression,
        k-means clusters rows and targets together (for nearest neighbors, rows alone),
        and means are those of groups of equal size along the targets. Rows that equal
        another one are moved apart by up to 2 % of the range of each feature. The
        result stays close to these rows where the problem leaves a choice. "search"
        compares several starts of its own, and given rows with them.

    learn_labels : bool or "auto", default="auto"
        Whether targets are learned. "auto" learns numbers and keeps classes. True
        learns soft labels for ``LogisticRegression``: each row is returned as a copy
        for each class, weighted with its probability. It needs the weights in
        ``sample_weight_synthetic_`` to be passed on.

    weighting : {"unit", "match", "learn"}, default="unit"
        "unit": every synthetic row weighs one, so a plain ``estimator.fit(X, y)`` on
        them is what was optimized. "match": the rows of a class weigh together what its
        real rows do, so ``C`` or ``alpha`` keeps the meaning that it has on the real
        data. "learn": weights are learned, and may become zero.

    learn_params : sequence of str, default=()
        Positive hyperparameters of ``estimator`` to learn with the rows, such as
        ``("C",)`` or ``("alpha", "gamma")``. They move within a factor of 100, and
        ``estimator_`` carries the learned values. Of a nested name the end will do
        where it is the only one: ``("length_scale",)``.

    outer_loss : {"auto", "log_loss", "squared_error", "log_density"}, default="auto"
        Loss on the real data. "auto" is the training loss of ``estimator``, its class
        weights included. "log_loss" is for estimators that rank classes by scores, as
        ``RidgeClassifier`` or ``KernelRidge`` on one-hot targets do: cross-entropy of
        their softmax, with a learned temperature that is no part of the estimator.
        "log_density" is the negative logarithm of the density that
        ``GaussianProcessRegressor`` predicts for the targets of a row.

    feature_range : None, "data", tuple of (low, high) or dict, default=None
        Bounds on the synthetic features: none, the least and largest value of each
        feature in ``X``, two numbers, or two arrays of shape (n_features,) or Series,
        which are matched by column name. A dict maps the names of some columns, or the
        positions of those of an array, to pairs of numbers, and leaves the others free.
        Nonlinear estimators keep features that are constant in ``X`` as they are, and
        columns of integers stay within the range of the data. Categorical features have
        no bounds.

    target_range : None, "data", tuple of (low, high) or dict, default=None
        Bounds on learned numeric targets, in the forms of ``feature_range``: "data" are
        the least and the largest target in ``y``.

    categorical_features : None, "from_dtype" or array-like, default=None
        Features that hold categories, as for ``HistGradientBoostingClassifier``: names,
        indices, a boolean mask, or "from_dtype" for the columns of a DataFrame with a
        categorical dtype. They are one-hot encoded for ``estimator``, and each
        synthetic row has one of the categories in ``X``. None stands for none. A
        pipeline that one-hot encodes columns itself needs no mention of them.

    solver : {"auto", "exact", "lbfgs", "adam", "search"}, default="auto"
        "exact": rows that reproduce the model of all the data, or an error if it is out
        of reach. "lbfgs": lowest outer loss, by L-BFGS-B on all the data. "adam": Adam
        on mini-batches, with a step length that falls to zero along a cosine; the
        returned set is the best of all iterations on a fixed sample of the rows.
        "search": no gradient, for estimators of any kind and tables as they come; sets
        made of cells of real rows are judged by refits of ``estimator`` on real rows.
        "auto": "exact" where possible, else "adam" for nonlinear estimators and more
        than 10,000 real rows, else "lbfgs", and "search" for estimators and settings
        that no student mirrors. Rows with integer or categorical columns are rounded,
        and cannot be exact.

    max_iter : int, default=100
        Maximum number of outer iterations. Reaching it raises a
        ``ConvergenceWarning``, except for "adam" and "search", which use them up. An
        iteration of "adam" is ten mini-batches; one of "search" tries 20 sets, each of
        which takes a refit or a few.

    max_time : float or None, default=None
        Seconds after which the iteration ends with the best set so far.

    tol : float, default=1e-4
        Stop when no entry of the projected gradient exceeds it, or when the loss no
        longer falls. With more than 4,096 real rows, whose passes cost more, stop also
        when the last ``n_iter_no_change`` iterations lowered the outer loss by less
        than ``tol`` each, on average, relative to that of predicting without features.
        The gradient is taken in units of the features: for linear estimators those in
        which a step of one changes the raw predictions on the real data by about one,
        else their standard deviations. In regression ``tol`` is relative to the
        variance of the targets. "adam" and "search" do not use it.

    early_stopping : bool or "auto", default="auto"
        Whether real rows are held back: they take no part in the outer loss, and the
        iterate with the lowest loss on them is returned, or the starting rows if none
        is better. "auto" does so where the iteration can overfit, which is for
        estimators that have no penalty of their own, and for "search". An exact set
        needs none.

    validation_fraction : float, splitter or list of (train, test), default=0.1
        Share of the real rows to hold back, drawn from each class by weight, and not
        more than 10,000 rows. Fewer than 2,000 real rows are parted into five folds
        instead, which are held back in turn: their mean loss says after how many
        iterations to end, and the set is learned from all rows. (Rows that are to be
        rounded, mini-batches and "search" make do with the first fold.) A
        cross-validation splitter, or a list of pairs of indices or boolean masks, gives
        the folds; a single pair gives a part. Pass
        ``list(GroupKFold().split(X, y, groups))`` to keep groups together, or
        ``TimeSeriesSplit()`` to be judged by later rows.

    n_iter_no_change : int, default=10
        Number of iterations without a lower loss on the held-back rows after which the
        iteration ends; for "search" also if no rows are held back. ``tol`` says when
        the loss on the other rows ends it. "adam" runs to the end of its schedule, and
        the best iterate is returned.

    batch_size : int or "auto", default="auto"
        Rows of a mini-batch for ``solver="adam"``, 2048 if "auto"; the other solvers
        ignore it. A step on fewer rows takes less time and is noisier. On a CPU they
        are filled up to a power of two, or to a multiple of 512.

    warm_start : bool, default=False
        Start from the synthetic rows of the previous fit rather than from ``init``.

    n_jobs : int or None, default=None
        Number of sets that "search" tries at the same time, up to 4. The result does
        not depend on it. The other solvers ignore it.

    random_state : int, RandomState instance or None, default=None
        Draws the rows of ``init="sample"``, the displacement of equal rows, the
        mini-batches and the sets of "search".

    verbose : int, default=0
        1 prints a line for each outer iteration: its number of ``max_iter``, the outer
        loss, the loss on held-back rows and the seconds since the start. For a bar
        instead, which needs rich, call
        ``distiller.set_callbacks(sklearn.callback.ProgressBar())`` before ``fit``.

    Attributes
    ----------
    X_synthetic_ : ndarray or CSR matrix of shape (n_synthetic, n_features)
        Learned samples in double precision, grouped by class; a DataFrame with the
        columns and dtypes of ``X`` if that was one. Integers and booleans of a
        DataFrame are whole numbers within the range of the data, and categories are
        those of the data: the set is rounded before ``estimator_`` is fitted. Sparse
        columns come back dense, and decimals as floats. A sparse ``X`` has a CSR matrix
        or array; of more than two million numbers, all but the most common columns are
        zero. What "search" found is in the container and the dtypes of ``X``, also of a
        list of texts.

    y_synthetic_ : ndarray of shape (n_synthetic,) or (n_synthetic, n_outputs)
        Their class labels or targets; a Series or DataFrame if ``y`` was one. Learned
        targets are floats, also where ``y`` holds integers.

    sample_weight_synthetic_ : ndarray of shape (n_synthetic,)
        Their weights, ones with ``weighting="unit"``.

    estimator_ : estimator object
        Clone of ``estimator``, with learned hyperparameters, that scikit-learn fitted
        on the synthetic set. With categorical features a ``Pipeline`` of a
        ``ColumnTransformer``, which one-hot encodes the categories of ``X``, and that
        clone: it is fitted on the synthetic table and predicts for tables.

    classes_ : ndarray of shape (n_classes,)
        Class labels; only for classifiers.

    loss_ : float
        Outer loss of ``estimator_``: its mean loss on the real data, sample weights and
        class weights included. For networks without a ``random_state``, whose training
        is another one in each fit, it is the mean of ``refit_losses_``.

    refit_losses_ : ndarray of shape (n_refits,)
        Outer loss of each refit by scikit-learn: ten with seeds that were not seen for
        networks without a ``random_state``, otherwise that of ``estimator_`` alone.

    loss_curve_ : ndarray of shape (n_iterations,)
        Outer loss after each outer iteration, as the student has it. It rises where
        integers and categories are rounded.

    validation_loss_ : float
        Outer loss of the set on the rows that are held back, as the student has it; the
        mean over the folds where they are held back in turn. None if no rows are. For
        ``GaussianNB`` and ``LinearDiscriminantAnalysis``, whose probabilities are too
        sure, and with ``outer_loss="log_loss"`` of scores, it is the log-loss at the
        temperature that suits these rows.

    validation_loss_curve_ : ndarray of shape (n_iterations,)
        The same after each outer iteration, or None.

    solver_ : {"exact", "lbfgs", "adam", "search"}
        What found the set.

    n_iter_ : int
        Outer iterations on all the data.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    sklearn.cluster.KMeans : Centers of each class are the baseline to beat.

    Notes
    -----
    The rows are made for the estimator, ``C``, weighting and intercept that they were
    learned with; they are no substitute for the data when another model is to be
    trained. ``m`` rows of unit weight induce coefficients of limited norm:
    ``||coef||^2 <= C * m * lambertw((k - 1) / e)`` with k classes. With few rows and a
    small ``C``, raise ``C``, learn it, or match the weights. Matched weights or a large
    ``C`` make for small gradients: give ``estimator`` a small ``tol`` then.

    References
    ----------
    .. [1] T. Wang, J.-Y. Zhu, A. Torralba and A. A. Efros, "Dataset Distillation",
       arXiv:1811.10959, 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdistill import DatasetDistiller
    >>> X, y = load_wine(return_X_y=True)
    >>> X = StandardScaler().fit_transform(X)
    >>> distiller = DatasetDistiller(LogisticRegression(C=10), n_synthetic=6)
    >>> X_synthetic, y_synthetic = distiller.fit_transform(X, y)
    >>> X_synthetic.shape
    (6, 13)
    >>> refitted = LogisticRegression(C=10).fit(X_synthetic, y_synthetic)
    >>> refitted.score(X, y) == distiller.score(X, y) == 1.0
    True
    """

    _parameter_constraints = CONSTRAINTS
    _defaults = {"estimator": "_estimator"}

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_synthetic: int | float | Mapping[Any, int] | Literal["auto"] = "auto",
        init: Literal["kmeans", "mean", "sample"]
        | tuple[ArrayLike, ArrayLike] = "kmeans",
        learn_labels: bool | Literal["auto"] = "auto",
        weighting: Literal["unit", "match", "learn"] = "unit",
        learn_params: Sequence[str] = (),
        outer_loss: Literal[
            "auto", "log_loss", "squared_error", "log_density"
        ] = "auto",
        feature_range: Literal["data"]
        | Sequence[ArrayLike]
        | Mapping[Any, ArrayLike]
        | None = None,
        target_range: Literal["data"]
        | Sequence[ArrayLike]
        | Mapping[Any, ArrayLike]
        | None = None,
        categorical_features: Literal["from_dtype"] | ArrayLike | None = None,
        solver: Literal["auto", "exact", "lbfgs", "adam", "search"] = "auto",
        max_iter: int = 100,
        max_time: float | None = None,
        tol: float = 1e-4,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float | Splitter | Sequence[Any] = 0.1,
        n_iter_no_change: int = 10,
        batch_size: int | Literal["auto"] = "auto",
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_synthetic = n_synthetic
        self.init = init
        self.learn_labels = learn_labels
        self.weighting = weighting
        self.learn_params = learn_params
        self.outer_loss = outer_loss
        self.feature_range = feature_range
        self.target_range = target_range
        self.categorical_features = categorical_features
        self.solver = solver
        self.max_iter = max_iter
        self.max_time = max_time
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

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
            Real samples, or a container that holds them outside of memory, see
            :ref:`large_data`. Float32 is processed in float32 and not copied. Sparse
            samples are not made dense. Values may be missing where ``estimator`` is a
            pipeline that imputes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.

        Returns
        -------
        self : DatasetDistiller
            The fitted distiller.
        """
        # JAX is imported late: a fitted distiller loads and predicts without it.
        from skdistill.estimators._ways import way_for

        estimator = unfitted_copy(self._estimator())
        check_params(estimator)
        refuse_precomputed(estimator)
        way = way_for(self, estimator, X, y, sample_weight)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        with reporting(self, way, data) as report:
            try:
                way.store(self, way.distill(report), report)
            except (KeyboardInterrupt, ReadingError) as interrupt:
                if not report.keeps_a_set:
                    raise
                way.store_interrupted(self, report)
                raise Interrupted from interrupt
        return self

    def transform(self, X: ArrayLike) -> tuple[Any, Any]:
        """Return the synthetic set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples with the features of the real ones; they are validated and do not
            change the result.

        Returns
        -------
        X_synthetic : ndarray, CSR or DataFrame of shape (n_synthetic, n_features)
            ``X_synthetic_``.
        y_synthetic : ndarray or Series of shape (n_synthetic,)
            ``y_synthetic_``.
        """
        check_is_fitted(self)
        X = first_samples(self, X)
        self._table.validate_new(self, X)
        samples = self.X_synthetic_
        if is_frame(samples):
            container = _get_output_config("transform", estimator=self)["dense"]
            samples = in_library(samples, container)
        else:
            samples = samples_like(X, samples)
        return SyntheticPair(samples, self.y_synthetic_)

    def to_frame(self) -> Any:
        """Return the synthetic set as one DataFrame, to look at or to share.

        In a notebook, a fitted distiller shows the first of these rows itself.

        Returns
        -------
        DataFrame of shape (n_synthetic, n_columns)
            The features, the targets under the name of ``y`` or as "target", and
            "sample_weight" if rows weigh other than one: of the library of ``X``. For
            an array it is of pandas, or of polars if pandas is not installed.

        Raises
        ------
        ImportError
            If neither is installed, for rows learned from arrays.
        ValueError
            If a feature, a target or the weights share a name.
        """
        check_is_fitted(self)
        weight = self.sample_weight_synthetic_
        has_columns = hasattr(self, "n_features_in_")
        return joined_frame(
            self.X_synthetic_,
            self.get_feature_names_out() if has_columns else None,
            self.y_synthetic_,
            None if (weight == 1).all() else weight,
        )

    def fit_transform(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[Any, Any]:
        """Distill the data and return the synthetic set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.

        Returns
        -------
        X_synthetic : ndarray, CSR or DataFrame of shape (n_synthetic, n_features)
            ``X_synthetic_``.
        y_synthetic : ndarray or Series of shape (n_synthetic,)
            ``y_synthetic_``.
        """
        return self.fit(X, y, sample_weight=sample_weight).transform(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = tags_of(self._estimator())
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        if tags.classifier_tags is not None:
            # One label for each row, whatever the estimator takes besides.
            tags.classifier_tags.multi_label = False
            tags.target_tags.multi_output = False
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.positive_only = inner.input_tags.positive_only
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        return tags

    def _estimator(self):
        return LogisticRegression() if self.estimator is None else self.estimator
