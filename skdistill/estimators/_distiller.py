"""DatasetDistiller: validate, assemble the three roles, store fitted attributes."""

import functools
import warnings
from contextlib import nullcontext
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils import (
    TransformerTags,
    check_array,
    check_random_state,
    check_X_y,
    get_tags,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from skdistill._hidden_warnings import hiding
from skdistill.estimators._prediction import PredictionMixin
from skdistill.real._targets import class_targets, numeric_targets, one_hot_classes
from skdistill.solvers._blas import single_blas_thread
from skdistill.synthetic._allocation import rows_for_regression, rows_per_class
from skdistill.tables._columns import naming_missing_columns, nearest_rows, read_table
from skdistill.tables._frames import (
    in_library,
    is_frame,
    joined_frame,
    labels_like,
    samples_like,
    whole_like,
)

#: The first iterations look at no more rows than this.
MAX_SAMPLE_ROWS = 4096
#: Unknowns of a student up to which more than one BLAS thread is no gain.
MAX_SMALL_SOLVE = 2000


def _unchanged_on_error(fit):
    """Give the estimator its attributes back when fit fails or is interrupted."""

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return wrapped


def _check_encoded(estimator, X, y, **check_params):
    """Validate targets and the numbers that stand for a table."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    return check_X_y(X, y, estimator=estimator, **check_params)


def _spread(values, sample_weight, otherwise):
    """Weighted standard deviation of each column, where it is not zero."""
    share = sample_weight / sample_weight.sum()
    centered = values.astype(np.float64) - share @ values
    variance = share @ centered**2
    return np.where(variance > 0, np.sqrt(variance), otherwise)


def _loss_unit(loss_name, target_scale):
    """Return the loss of predicting the mean, about, where losses have units."""
    if loss_name in ("squared_error", "squared_epsilon_insensitive"):
        return float(np.mean(np.square(target_scale)))
    return float(np.mean(target_scale)) if loss_name == "epsilon_insensitive" else 1.0


class DatasetDistiller(
    PredictionMixin,
    CallbackSupportMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Learn a small synthetic dataset that trains an estimator well [1]_.

    Finds rows such that ``estimator``, fitted on them by scikit-learn, has a low loss
    on the real data: a bilevel problem, solved by implicit differentiation. For linear
    estimators the rows reproduce the model fitted on all the real data exactly, where
    such rows exist.

    Parameters
    ----------
    estimator : estimator object, default=None
        Unfitted estimator to distill for, never modified: one of those that the user
        guide lists, or one that was registered with
        :func:`skdistill.students.register_student`. None stands for
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
        k-means clusters rows and targets together, and means are those of groups of
        equal size along the targets. Rows that equal
        another one are moved apart by up to 2 % of the range of each feature. The
        result stays close to these rows where the problem leaves a choice.

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

    feature_range : None, "data" or tuple of (low, high), default=None
        Bounds on the synthetic features: none, the least and largest value of each
        feature in ``X``, or two numbers (or arrays of shape (n_features,)). Nonlinear
        estimators keep features that are constant in ``X`` as they are, and columns of
        integers stay within the range of the data. Categorical features have no bounds.

    categorical_features : None, "from_dtype" or array-like, default=None
        Features that hold categories, as for ``HistGradientBoostingClassifier``: names,
        indices, a boolean mask, or "from_dtype" for the columns of a DataFrame with a
        categorical dtype. They are one-hot encoded for ``estimator``, and each
        synthetic row has one of the categories in ``X``. None stands for none.

    solver : {"auto", "exact", "lbfgs", "adam"}, default="auto"
        "exact": rows that reproduce the model of all the data, or an error if it is out
        of reach. "lbfgs": lowest outer loss, by L-BFGS-B on all the data. "adam": Adam
        on mini-batches, with a step length that falls to zero along a cosine; the
        returned set is the best of all iterations on a fixed sample of the rows.
        "auto": "exact" where possible, else "adam" for nonlinear estimators and more
        than 10,000 real rows, else "lbfgs". Rows with integer or categorical columns
        are rounded, and cannot be exact.

    max_iter : int, default=100
        Most outer iterations on all the data; reached, it is a ``ConvergenceWarning``.
        An iteration of "adam" is ten mini-batches, and it runs all of them.

    tol : float, default=1e-4
        Stop when no entry of the projected gradient exceeds it, or when the loss no
        longer falls. The gradient is taken in units of the features: for linear
        estimators those in which a step of one changes the raw predictions on the real
        data by about one, else their standard deviations. In regression ``tol`` is
        relative to the variance of the targets. "adam" does not use it.

    batch_size : int or "auto", default="auto"
        Rows of a mini-batch for ``solver="adam"``, 2048 if "auto"; the other solvers
        ignore it.

    warm_start : bool, default=False
        Start from the synthetic rows of the previous fit rather than from ``init``.

    random_state : int, RandomState instance or None, default=None
        Draws the rows of ``init="sample"``, the displacement of equal rows and the
        mini-batches.

    verbose : int, default=0
        1 prints a line for each outer iteration.

    Attributes
    ----------
    X_synthetic_ : ndarray of shape (n_synthetic, n_features)
        Learned samples in double precision, grouped by class; a DataFrame with the
        columns and dtypes of ``X`` if that was one. Integers and booleans of a
        DataFrame are whole numbers within the range of the data, and categories are
        those of the data: the set is rounded before ``estimator_`` is fitted.

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
        class weights included.

    loss_curve_ : ndarray of shape (n_iterations,)
        Outer loss after each outer iteration, as the student has it. It rises where
        integers and categories are rounded.

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

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"]), None],
        "n_synthetic": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            dict,
            StrOptions({"auto"}),
        ],
        "init": [StrOptions({"kmeans", "mean", "sample"}), tuple],
        "learn_labels": ["boolean", StrOptions({"auto"})],
        "weighting": [StrOptions({"unit", "match", "learn"})],
        "learn_params": [tuple, list],
        "outer_loss": [
            StrOptions({"auto", "log_loss", "squared_error", "log_density"})
        ],
        "feature_range": [None, StrOptions({"data"}), tuple, list],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "solver": [StrOptions({"auto", "exact", "lbfgs", "adam"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        n_synthetic="auto",
        init="kmeans",
        learn_labels="auto",
        weighting="unit",
        learn_params=(),
        outer_loss="auto",
        feature_range=None,
        categorical_features=None,
        solver="auto",
        max_iter=100,
        tol=1e-4,
        batch_size="auto",
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.n_synthetic = n_synthetic
        self.init = init
        self.learn_labels = learn_labels
        self.weighting = weighting
        self.learn_params = learn_params
        self.outer_loss = outer_loss
        self.feature_range = feature_range
        self.categorical_features = categorical_features
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_unchanged_on_error
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Distill the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real samples. Float32 is processed in float32 and not copied.
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
        from skdistill.objectives import data_objective_for
        from skdistill.solvers._distill import Options, distill
        from skdistill.solvers._rounding import round_and_refine
        from skdistill.students import student_for
        from skdistill.synthetic._export import export
        from skdistill.synthetic._set import SyntheticSet

        estimator = clone(self._estimator())
        if isinstance(estimator, BaseEstimator):
            estimator._validate_params()
        y_in = y
        of_classes = is_classifier(estimator)
        takes_matrix = not of_classes and (get_tags(estimator).target_tags.multi_output)
        table = read_table(X, self.categorical_features, sample_weight)
        if table.encoder is not None:
            validate_data(self, X, skip_check_array=True)
            X = table.encode(X)
        with naming_missing_columns(X):
            X, y = (validate_data if table.encoder is None else _check_encoded)(
                self,
                X,
                y,
                dtype=[np.float64, np.float32],
                multi_output=takes_matrix,
                y_numeric=not of_classes,
            )
        if of_classes:
            check_classification_targets(y)
        sample_weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not sample_weight.all():
            present = sample_weight > 0
            X, y, sample_weight = X[present], y[present], sample_weight[present]
        spec, y = (class_targets if of_classes else numeric_targets)(y, X.shape[1])
        student = student_for(estimator, spec, self.outer_loss)
        self._check_supported(estimator, student, spec)
        learn_params = tuple(map(student.parameter_name, self.learn_params))
        outer_y = y
        if not of_classes and student.loss_name == "log_loss":
            outer_y = one_hot_classes(y)

        if self.solver == "exact" and table.rounds:
            raise ValueError(
                "solver='exact' is not possible with columns that are rounded: "
                f"{table.names(table.is_discrete)}. Pass solver='auto', or floats."
            )
        bounds = table.bounds(*self._bounds(*table.set_range(X)))
        low, high = (side(X, axis=0).astype(np.float64) for side in (np.min, np.max))
        if student.holds_constants:
            within = (low == high) & (bounds[0] <= low) & (high <= bounds[1])
            bounds = tuple(np.where(within, low, side) for side in bounds)
        scale = np.where(high > low, high - low, 1.0)
        random_state = check_random_state(self.random_state)
        with single_blas_thread():  # k-means sets the same limit, for itself alone
            X0, y0 = self._start(
                X, y, outer_y, sample_weight, spec, scale, random_state, table
            )
        learns_y = self._learns_labels(spec)
        if not learns_y and not of_classes:
            y0 = whole_like(y_in, y0)
        weight0 = self._synthetic_weight(y, sample_weight, y0)
        start = SyntheticSet(
            X=np.clip(X0, *bounds),
            y=student.encode(y0),
            sample_weight=student.training_weight(y0, weight0),
            hyperparameters={**student.hyperparameters, **student.surrogates},
        )
        outer_weight = student.training_weight(y, sample_weight)
        objective = data_objective_for(X, outer_y, outer_weight, student)
        with single_blas_thread():
            sample = self._sample(X, outer_y, outer_weight, scale, objective, student)
        target_scale = 1.0 if of_classes else _spread(y, sample_weight, 1.0)
        options = Options(
            solver=self.solver,
            bounds=bounds,
            scale=_spread(sample.X, sample.sample_weight, scale),
            target_scale=target_scale if learns_y and not of_classes else None,
            learn_probabilities=of_classes and learns_y,
            weighting=self.weighting,
            learn_params=learn_params,
            max_iter=self.max_iter,
            tol=self.tol,
            loss_unit=_loss_unit(student.loss_name, target_scale),
            batch_size=self.batch_size,
            random_state=random_state,
        )

        def attributes(synthetic):
            rows = export(student, spec, options, y0, weight0, synthetic)
            samples = table.decode(rows.X)
            labels = labels_like(y_in, rows.y, whole=not learns_y)
            learned = {name: synthetic.hyperparameters[name] for name in learn_params}
            refitted = clone(estimator).set_params(**learned)
            weights = {"sample_weight": rows.sample_weight} if rows.is_weighted else {}
            refitted = table.fit(refitted, samples, labels, **weights)
            return {
                "X_synthetic_": samples,
                "y_synthetic_": labels,
                "sample_weight_synthetic_": rows.sample_weight,
                "estimator_": refitted,
                **({"classes_": spec.classes} if of_classes else {}),
            }

        def snapshot(synthetic):
            """Look at a set on the way, on which scikit-learn may stop early."""
            with hiding(ConvergenceWarning):
                return attributes(synthetic)

        losses = []
        root = self._init_callback_context(max_subtasks=None)
        rows = X if table.encoder is None else table.X
        data = {"X": rows, "y": y, "metadata": {"sample_weight": sample_weight}}
        root.call_on_fit_task_begin(estimator=self, **data)

        def callback(get_synthetic, loss):
            losses.append(loss)
            if self.verbose:
                print(
                    f"[{type(self).__name__}] iteration {len(losses)}, "
                    f"outer loss {loss:.6f}"
                )
            task = root.subcontext(task_name="outer iteration")
            task.call_on_fit_task_begin(estimator=self, **data)
            return task.call_on_fit_task_end(
                estimator=self,
                reconstruction_attributes=lambda: snapshot(get_synthetic()),
                **data,
            )

        # BLAS threads that wait between small solves, or while JAX does its own work,
        # keep the processor from JAX's.
        small = min(start.X.shape) * spec.n_outputs <= MAX_SMALL_SOLVE
        with single_blas_thread() if small or student.trains_in_jax else nullcontext():
            result = distill(student, objective, sample, start, options, callback)
            if table.rounds:
                near = nearest_rows(start.X, y0, sample.X, sample.y, scale)
                starts = start, start._replace(X=near)
                result = round_and_refine(
                    student, objective, sample, starts, result, table, options, callback
                )
        if not result.converged:
            warnings.warn(
                f"The outer loss did not converge within max_iter={self.max_iter} "
                "iterations. The rows are usable; raise max_iter or tol, or scale the "
                "features.",
                ConvergenceWarning,
                stacklevel=2,
            )
        fitted = attributes(result.synthetic)
        refit_params = student.params_of(
            table.last_step(fitted["estimator_"]),
            result.synthetic._replace(X=table.round(result.synthetic.X)),
        )
        fitted["loss_"] = float(objective.value_and_grad(refit_params)[0])
        if not losses:  # nothing to improve on the start, which took one look, too
            params = student.solve(result.synthetic)
            losses.append(float(objective.value_and_grad(params)[0]))
        self._warn_of_early_stop(fitted["loss_"], losses[-1])
        fitted["loss_curve_"] = np.array(losses)
        fitted["n_iter_"] = len(losses)
        fitted["_encodes_categories"] = table.encoder is not None
        for name, value in fitted.items():
            setattr(self, name, value)
        root.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=dict, **data
        )
        return self

    def transform(self, X):
        """Return the synthetic set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples with the features of the real ones; they are validated and do not
            change the result.

        Returns
        -------
        X_synthetic : ndarray or DataFrame of shape (n_synthetic, n_features)
            ``X_synthetic_``.
        y_synthetic : ndarray or Series of shape (n_synthetic,)
            ``y_synthetic_``.
        """
        check_is_fitted(self)
        if self._encodes_categories:
            validate_data(self, X, reset=False, skip_check_array=True)
            with naming_missing_columns(X):
                check_array(self.estimator_[0].transform(X))
        else:
            with naming_missing_columns(X):
                validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        samples = self.X_synthetic_
        if is_frame(samples):
            container = _get_output_config("transform", estimator=self)["dense"]
            samples = in_library(samples, container)
        else:
            samples = samples_like(X, samples)
        return samples, self.y_synthetic_

    def to_frame(self):
        """Return the synthetic set as one DataFrame, to look at or to share.

        Returns
        -------
        DataFrame of shape (n_synthetic, n_columns)
            The features, the targets under the name of ``y`` or as "target", and
            "sample_weight" if rows weigh other than one: of pandas, or of polars if
            ``X`` was.

        Raises
        ------
        ImportError
            If pandas is not installed, for rows learned from arrays.
        """
        check_is_fitted(self)
        weight = self.sample_weight_synthetic_
        return joined_frame(
            self.X_synthetic_,
            self.get_feature_names_out(),
            self.y_synthetic_,
            None if (weight == 1).all() else weight,
        )

    def fit_transform(self, X, y, sample_weight=None):
        """Distill the data and return the synthetic set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real samples.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the real samples.

        Returns
        -------
        X_synthetic : ndarray or DataFrame of shape (n_synthetic, n_features)
            ``X_synthetic_``.
        y_synthetic : ndarray or Series of shape (n_synthetic,)
            ``y_synthetic_``.
        """
        return self.fit(X, y, sample_weight=sample_weight).transform(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._estimator())
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        if tags.classifier_tags is not None:
            # One label for each row, whatever the estimator takes besides.
            tags.classifier_tags.multi_label = False
            tags.target_tags.multi_output = False
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        return tags

    def _estimator(self):
        return LogisticRegression() if self.estimator is None else self.estimator

    def _learns_labels(self, spec):
        """Whether targets are learned: of regression, unless told otherwise."""
        return (
            spec.classes is None if self.learn_labels == "auto" else self.learn_labels
        )

    def _check_supported(self, estimator, student, spec):
        name = type(estimator).__name__
        if spec.classes is not None and self._learns_labels(spec):
            if not student.soft_labels:
                raise ValueError(
                    f"learn_labels={self.learn_labels!r} is not supported for {name}: "
                    "it does not train on weighted copies of a row, one for each "
                    "class, as on a row with probabilities."
                )
        learns_weights = self.weighting == "learn" or (
            spec.classes is not None and self._learns_labels(spec)
        )
        if self.warm_start and spec.classes is not None and self._learns_labels(spec):
            raise ValueError(
                "warm_start=True is not supported with learned class labels: the rows "
                "of the previous fit are copies. Pass them through init."
            )
        if learns_weights and isinstance(getattr(estimator, "class_weight", None), str):
            raise ValueError(
                "Learned labels or weights are not supported with "
                "class_weight='balanced', which would follow them. Pass the class "
                "weights as a dict."
            )
        if self.weighting != "unit" and not has_fit_parameter(
            estimator, "sample_weight"
        ):
            raise ValueError(
                f"weighting={self.weighting!r} is not supported for {name}: its fit "
                "takes no sample_weight. Pass weighting='unit'."
            )
        unknown = sorted(
            {
                str(name)
                for name in self.learn_params
                if student.parameter_name(name) not in student.hyperparameters
            }
        )
        if unknown:
            raise ValueError(
                f"learn_params names {unknown}, which cannot be learned for {name}. It "
                f"can learn {sorted(student.hyperparameters)}."
            )

    def _bounds(self, data_low, data_high):
        if self.feature_range is None:
            return np.full(len(data_low), -np.inf), np.full(len(data_low), np.inf)
        if isinstance(self.feature_range, str):
            return data_low, data_high
        if len(self.feature_range) != 2:
            raise ValueError(
                "feature_range must be a pair (low, high); "
                f"got {len(self.feature_range)} values."
            )
        try:
            low, high = (
                np.broadcast_to(np.asarray(side, dtype=np.float64), data_low.shape)
                for side in self.feature_range
            )
        except ValueError as error:
            raise ValueError(
                f"feature_range={self.feature_range!r} must hold two numbers, or two "
                f"arrays of shape ({len(data_low)},)."
            ) from error
        if not (low <= high).all():
            raise ValueError(
                f"feature_range={self.feature_range!r} has a low bound above the high "
                "one, or one that is not a number."
            )
        return low, high

    def _start(self, X, y, groups, sample_weight, spec, scale, random_state, table):
        """Return starting rows and their targets, class indices or numbers."""
        from skdistill.synthetic._start import (
            given_rows,
            given_rows_and_targets,
            initial_rows,
            initial_rows_and_targets,
        )

        init = self.init
        if self.warm_start and hasattr(self, "X_synthetic_"):
            init = self.X_synthetic_, self.y_synthetic_
        given = isinstance(init, tuple)
        if given and len(init) != 2:
            raise ValueError(
                f"init must be a tuple (X0, y0) of two arrays; got {len(init)} values."
            )
        if given:
            init = table.encode_init(init[0]), init[1]
        # Numbers that code classes are grouped by these, as classes are.
        in_groups = groups.dtype.kind == "i"
        n_rows = None
        if not (isinstance(self.init, tuple) and self.n_synthetic == "auto"):
            if spec.classes is not None:
                n_rows = rows_per_class(
                    self.n_synthetic, spec.classes, np.bincount(groups)
                )
            else:
                total = rows_for_regression(self.n_synthetic, spec.n_outputs, len(X))
                n_rows = np.array([total])
                if in_groups:
                    counts = np.bincount(groups, minlength=spec.n_outputs)
                    n_rows = rows_per_class(total, np.arange(spec.n_outputs), counts)
        if given and spec.classes is not None:
            X0, y0 = given_rows(init, X.shape[1], spec.classes)
            n_given = np.bincount(y0)
        elif given:
            X0, y0 = given_rows_and_targets(init, X.shape[1], y.shape[1:])
            n_given = np.array([len(y0)])
            n_rows = None if n_rows is None else np.array([n_rows.sum()])
        elif in_groups:
            X0, group0 = initial_rows(
                init, X, groups, sample_weight, n_rows, scale, random_state
            )
            _, first = np.unique(groups, return_index=True)
            return X0, y[first][group0]
        else:
            return initial_rows_and_targets(
                init, X, y, sample_weight, n_rows[0], scale, random_state
            )
        if n_rows is not None and not np.array_equal(n_given, n_rows):
            raise ValueError(
                f"The starting set has {n_given.tolist()} rows (per class), but "
                f"n_synthetic={self.n_synthetic!r} asks for {n_rows.tolist()}."
            )
        return X0, y0

    def _synthetic_weight(self, y, sample_weight, y0):
        if self.weighting != "match":
            return np.ones(len(y0))
        if y.dtype.kind == "f":
            return np.full(len(y0), sample_weight.sum() / len(y0))
        totals = np.bincount(y, weights=sample_weight)
        return (totals / np.bincount(y0))[y0]

    def _sample(self, X, y, sample_weight, scale, objective, student):
        from skdistill.objectives import data_objective_for
        from skdistill.real._sampling import row_positions, stratified_sample

        if len(X) <= MAX_SAMPLE_ROWS:
            return objective
        positions = row_positions(X, scale, np.random.RandomState(0))
        groups = y if y.dtype.kind == "i" else np.zeros(len(y), dtype=int)
        rows, weight = stratified_sample(
            groups, positions, sample_weight, MAX_SAMPLE_ROWS
        )
        return data_objective_for(X[rows], y[rows], weight, student)

    def _warn_of_early_stop(self, loss, expected):
        """Warn if scikit-learn's fit on the set is not the one that was optimized."""
        if loss > expected + 0.05 * abs(expected) + 1e-3:
            warnings.warn(
                f"{type(self._estimator()).__name__} fitted on the synthetic set has "
                f"an outer loss of {loss:.4g}, not the {expected:.4g} of its solution: "
                "its solver stopped early. Lower its tol, raise its max_iter, choose "
                "another solver ('newton-cholesky'), or scale the features.",
                ConvergenceWarning,
                stacklevel=3,
            )
