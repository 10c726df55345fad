"""DatasetDistiller, the estimator that learns a synthetic set."""

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
    """Learn a small synthetic dataset that trains an estimator well.

    The rows are chosen such that ``estimator`` has a low loss on the real data when
    scikit-learn fits it on them [1]_. This bilevel problem is solved by implicit
    differentiation, or by a search for estimators without derivatives. For linear
    estimators the rows reproduce the model that is fitted on all the real data exactly
    if such rows exist.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted estimator to distill for; it is not modified. None stands for
        ``LogisticRegression()``. Rows are learned by gradient or exactly for the
        estimators that the user guide lists and for those that
        :func:`skdistill.students.register_student` added. This includes a ``Pipeline``
        of differentiable transformers, such as scalers, and one of these estimators;
        its rows are in the units of the raw table. For any other estimator, such as a
        forest, a search finds the rows.

    n_synthetic : int, float, dict or "auto", default="auto"
        Number of synthetic rows. An int is their total, which is shared evenly over the
        classes. A float in (0, 1) is a fraction of the real rows. A dict maps each
        class to its number of rows. "auto" is 10 rows for each class; in regression it
        is 10 rows for each output, but at least 50. The number cannot exceed that of
        the real rows with nonzero weight. :func:`distillation_curve` shows how many
        rows are enough.

    init : {"kmeans", "mean", "sample"} or tuple of (X0, y0), default="kmeans"
        Rows to start from. The result stays close to them where several solutions are
        equally good. "kmeans" takes the k-means centers of each class, "mean" the class
        means, and "sample" real rows. Arrays have the shapes (n_synthetic, n_features)
        and (n_synthetic,). In regression, "kmeans" clusters rows and targets together
        (rows alone for nearest neighbors), and "mean" takes the means of equally large
        groups of rows with similar targets. Equal rows are moved apart by up to 2 % of
        the range of each feature. ``solver="search"`` tries several starts of its own
        and compares given rows with them.

    learn_labels : bool or "auto", default="auto"
        Whether to learn the targets. By default numeric targets are learned and class
        labels stay fixed. True learns soft labels for ``LogisticRegression``: each row
        is returned once for each class, with the probability of the class as its
        weight. Pass ``sample_weight_synthetic_`` to ``fit`` along with these rows.

    weighting : {"unit", "match", "learn"}, default="unit"
        Weights of the synthetic rows. With "unit" every row has weight one, so a plain
        ``estimator.fit(X, y)`` on them suffices. With "match" the rows of each class
        have the total weight of its real rows, so ``C`` or ``alpha`` means the same as
        on the real data. With "learn" the weights are learned, and may become zero.

    learn_params : sequence of str, default=()
        Positive hyperparameters of ``estimator`` to learn along with the rows, such as
        ``("C",)`` or ``("alpha", "gamma")``. Each stays within a factor of 100 of its
        given value. ``estimator_`` has the learned values. The last component of a
        nested name, such as ``"length_scale"``, suffices if it is unambiguous.

    outer_loss : {"auto", "log_loss", "squared_error", "log_density"}, default="auto"
        Loss on the real data that the rows minimize. "auto" is the training loss of
        ``estimator``, with its class weights. "log_loss" is the cross-entropy for
        classifiers that predict by scores, such as ``RidgeClassifier``, and for
        ``KernelRidge`` on one-hot targets: it is taken of the softmax of the scores at
        a learned temperature, which ``estimator_`` does not use. "log_density" is the
        negative log-density of the real targets under ``GaussianProcessRegressor``.

    feature_range : None, "data", tuple of (low, high) or dict, default=None
        Bounds on the synthetic features. None sets no bounds. "data" stands for the
        minimum and maximum of each feature in ``X``. A tuple holds two numbers, or two
        arrays of shape (n_features,) or Series, which are matched by column name. A
        dict maps names or positions of columns to pairs of numbers; other columns have
        no bounds. Columns of integers always stay within the range of the data, and
        nonlinear estimators keep constant features constant. Categories have no bounds.

    target_range : None, "data", tuple of (low, high) or dict, default=None
        Bounds on learned numeric targets, in the forms of ``feature_range``. "data"
        stands for the minimum and maximum of the targets in ``y``.

    categorical_features : None, "from_dtype" or array-like, default=None
        Features that hold categories, as in ``HistGradientBoostingClassifier``: names,
        indices, a boolean mask, or "from_dtype" for the columns of a DataFrame with a
        categorical dtype. None means that there are none. They are one-hot encoded for
        ``estimator``, and each synthetic row has one of the categories in ``X``. Leave
        out columns that ``estimator`` one-hot encodes itself, as a pipeline may.

    solver : {"auto", "exact", "lbfgs", "adam", "search"}, default="auto"
        How to find the rows. "exact" finds rows that reproduce the model of all the
        data, and raises an error if there are none. "lbfgs" minimizes the outer loss by
        L-BFGS-B on all the data. "adam" minimizes it by Adam on mini-batches and
        returns the best iterate, as judged on a fixed sample of the rows. "search"
        takes any estimator and any table: it makes sets of cells of real rows and
        judges them by refits of ``estimator``. "auto" takes "exact" where that is
        possible. Otherwise it takes "search" for estimators and settings without a
        student, "adam" for networks, for Gaussian processes that choose their kernel
        and for other nonlinear estimators with more than 10,000 real rows, and "lbfgs"
        in all other cases. "exact" is not available with integer or categorical
        columns, because their values are rounded.

    max_iter : int, default=100
        Maximum number of outer iterations. Reaching it raises a
        ``ConvergenceWarning``, except for "adam" and "search", which use all
        iterations. An iteration of "adam" is ten mini-batches; one of "search" tries 20
        sets.

    max_time : float or None, default=None
        Maximum time in seconds, after which the best set so far is returned. None sets
        no limit.

    tol : float, default=1e-4
        Tolerance for stopping; "adam" and "search" ignore it. The iteration stops when
        no entry of the projected gradient exceeds ``tol``, or when the loss no longer
        falls. With more than 4,096 real rows it also stops when the last
        ``n_iter_no_change`` iterations lowered the outer loss by less than ``tol`` on
        average, relative to the loss of predicting without features. The gradient is
        taken in units of the features: their standard deviations, or for linear
        estimators the steps that change raw predictions by about one. In regression
        ``tol`` is relative to the variance of the targets.

    early_stopping : bool or "auto", default="auto"
        Whether to hold back real rows, to avoid overfitting. They take no part in the
        outer loss. The iterate with the lowest loss on them is returned, which may be
        the start. "auto" holds rows back for "search" and for estimators without a
        penalty of their own, which may overfit, but not for exact sets.

    validation_fraction : float, splitter or list of (train, test), default=0.1
        Which real rows to hold back. A float is their share, up to 10,000 rows, drawn
        from each class by weight. If there are fewer than 2,000 real rows, five folds
        are held back in turn instead: their mean loss decides on the number of
        iterations, and the set is then learned from all rows. (Mini-batches, "search"
        and rows that are rounded use the first fold alone.) A cross-validation splitter
        or a list of pairs of indices or boolean masks gives other folds; a single pair
        is held back once. Pass ``list(GroupKFold().split(X, y, groups))`` to keep
        groups together, or ``TimeSeriesSplit()`` to judge by later rows.

    n_iter_no_change : int, default=10
        Maximum number of iterations without a lower loss on the held-back rows. "adam"
        always completes its schedule. "search" also stops after so many iterations
        without progress if no rows are held back.

    batch_size : int or "auto", default="auto"
        Number of rows in a mini-batch of ``solver="adam"``; the other solvers ignore
        it. "auto" is 2048. Smaller batches make faster and noisier steps.

    warm_start : bool, default=False
        Whether to start from the synthetic rows of the previous fit rather than from
        ``init``.

    n_jobs : int or None, default=None
        Number of sets that "search" tries at the same time. None means 1, and -1 means
        all processors. Values above 4 have little effect. The result does not depend on
        it. The other solvers ignore it.

    random_state : int, RandomState instance or None, default=None
        Seed for the rows of ``init="sample"``, the displacement of equal rows, the
        mini-batches and the sets of "search". Pass an int for reproducible results.

    verbose : int, default=0
        1 prints a line for each outer iteration: its number, the outer loss, the loss
        on held-back rows and the seconds since the start. For a progress bar, install
        rich and call ``distiller.set_callbacks(sklearn.callback.ProgressBar())``.

    Attributes
    ----------
    X_synthetic_ : ndarray or CSR matrix of shape (n_synthetic, n_features)
        Learned samples in double precision, grouped by class. If ``X`` is a DataFrame,
        so are they, with the same columns and dtypes. Integers and booleans of a
        DataFrame are whole numbers within the range of the data, and categories are
        those of the data: they are rounded before ``estimator_`` is fitted. Sparse
        columns become dense, and decimals become floats. If ``X`` is sparse, they are a
        CSR matrix or array. All columns except the most frequent ones are then zero if
        it would otherwise hold more than two million numbers. "search" returns the
        container and the dtypes of ``X``, which may be a list of texts.

    y_synthetic_ : ndarray of shape (n_synthetic,) or (n_synthetic, n_outputs)
        Class labels or targets of the learned samples; a Series or DataFrame if ``y``
        was one. Learned targets are floats, even if ``y`` holds integers.

    sample_weight_synthetic_ : ndarray of shape (n_synthetic,)
        Weights of the learned samples; they are ones with ``weighting="unit"``.

    estimator_ : estimator object
        Clone of ``estimator``, with learned hyperparameters, that scikit-learn fitted
        on the synthetic set. With ``categorical_features`` it is a ``Pipeline`` of that
        clone behind a ``ColumnTransformer`` that one-hot encodes the categories; it
        predicts for tables like ``X``.

    classes_ : ndarray of shape (n_classes,)
        Class labels; only for classifiers.

    loss_ : float
        Mean outer loss of ``estimator_`` on the real data, with sample weights and
        class weights. For networks without a ``random_state``, whose fits differ, it is
        the mean of ``refit_losses_``.

    refit_losses_ : ndarray of shape (n_refits,)
        Outer loss of each refit by scikit-learn. There are ten refits with new seeds
        for networks without a ``random_state``, and otherwise only ``estimator_``.

    loss_curve_ : ndarray of shape (n_iterations,)
        Outer loss of the student after each outer iteration. It rises where integers
        and categories are rounded.

    validation_loss_ : float or None
        Outer loss of the student on the held-back rows, or its mean over the folds;
        None if no rows are held back. It is the log-loss at the best temperature for
        these rows with ``outer_loss="log_loss"`` of scores, and for ``GaussianNB`` and
        ``LinearDiscriminantAnalysis``, whose probabilities are overconfident.

    validation_loss_curve_ : ndarray of shape (n_iterations,) or None
        ``validation_loss_`` after each outer iteration.

    solver_ : {"exact", "lbfgs", "adam", "search"}
        The solver that found the set.

    n_iter_ : int
        Number of outer iterations on all the data.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen during fit, if all are strings.

    See Also
    --------
    sklearn.cluster.KMeans : Its centers of each class are the baseline to beat.

    Notes
    -----
    The rows suit the estimator, ``C``, weighting and intercept that they were learned
    with. They may not suit other models. ``m`` rows of unit weight induce coefficients
    of limited norm: ``||coef||^2 <= C * m * lambertw((k - 1) / e)`` with k classes. The
    user guide derives this bound. With few rows and a small ``C``, raise ``C``, learn
    it, or match the weights. Matched weights and a large ``C`` make gradients small:
    pass an ``estimator`` with a small ``tol`` then.

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
            :ref:`large_data`. Float32 samples are not copied to double precision, and
            sparse samples stay sparse. Values may be missing if ``estimator`` is a
            pipeline that imputes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels or numeric targets.
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
            Samples with the features of the real ones. They are validated, but do not
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

        A notebook shows the first of these rows for a fitted distiller.

        Returns
        -------
        DataFrame of shape (n_synthetic, n_columns)
            The columns are the features, the targets with the name of ``y`` or
            "target", and "sample_weight" if not all weights are one. The DataFrame is
            of the library of ``X``. For an array it is of pandas, or of polars if
            pandas is not installed.

        Raises
        ------
        ImportError
            If ``X`` was an array, and neither pandas nor polars is installed.
        ValueError
            If two of the columns have the same name.
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
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels or numeric targets.
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
            # A synthetic row has one label, even if the estimator takes several.
            tags.classifier_tags.multi_label = False
            tags.target_tags.multi_output = False
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.positive_only = inner.input_tags.positive_only
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        return tags

    def _estimator(self):
        return LogisticRegression() if self.estimator is None else self.estimator
