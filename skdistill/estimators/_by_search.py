"""Distilling for any estimator by a search, which judges sets by refits of it."""

from numbers import Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_random_state,
    gen_batches,
    get_tags,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d, validate_data

from skdistill._hidden_warnings import hiding
from skdistill._sklearn_compat import _check_sample_weight, _safe_indexing
from skdistill._weights import fit_on, takes_weights
from skdistill.estimators._any_estimator import tags_of, unfitted_copy
from skdistill.estimators._refit import warn_of_gap
from skdistill.objectives._losses import cost_of_chance, loss_unit
from skdistill.optimizers._outcome import Outcome
from skdistill.real._cells import read_cells, with_rows
from skdistill.real._holding import parts_of
from skdistill.real._sample_as_it_came import sample_as_it_came
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.real._weighted import WeightedTargets
from skdistill.real.sources import source_of
from skdistill.solvers._distill import Distilled
from skdistill.solvers.search import SearchProblem, search
from skdistill.solvers.search._estimators import loss_weight
from skdistill.solvers.search._losses import Scorer
from skdistill.tables._raw import RawTable
from skdistill.tables._reading import as_labels, readable

#: Number of rows that are predicted at a time for the loss on all rows.
BATCH_ROWS = 8192
#: Name of the origin of the rows that a warm start begins with, for messages.
PREVIOUS = "the previous fit"


class BySearch:
    """Distills for any estimator: sets are judged by refits of the estimator.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters.
    estimator : estimator object
        Unfitted.
    X, y, sample_weight : array-like
        The real rows, as they came.
    """

    def __init__(self, distiller, estimator, X, y, sample_weight):
        _check_requests(distiller, estimator)
        self.estimator = estimator
        self.table = RawTable()
        source = source_of(X, y, sample_weight)
        if source is not None:
            X, y, sample_weight = _sample(distiller, source)
        X, y, sample_weight = self._read(distiller, X, y, sample_weight)
        given = None
        init, source = _given_rows(distiller)
        if init is not None:
            given = len(sample_weight) + np.arange(len(init[1]))
            X = with_rows(X, readable(init[0], f"X of {source}"), source)
        cells = read_cells(
            X,
            categorical_features=distiller.categorical_features,
            feature_range=distiller.feature_range,
        )
        # A network in single precision only takes targets in single precision.
        is_single = getattr(y, "dtype", None) == np.float32
        self.target_dtype = np.float32 if is_single else None
        self.targets, y = self._targets(distiller, y, sample_weight)
        self.real = WeightedTargets(y, sample_weight, self.targets)
        self.real.passed, self.real.n_passed = self.passed
        counts = self.targets.rows_of_groups(
            distiller.n_synthetic, self.real.group_counts
        )
        random_state = check_random_state(distiller.random_state)
        kept, held = self._parts(distiller, random_state)
        weight = loss_weight(estimator, self.targets.classes, y, sample_weight)
        if given is not None:
            y0, counts = self._given_targets(distiller, init[1], counts, source)
            y = np.concatenate([y, y0.astype(y.dtype)])
            weight = np.concatenate([weight, np.zeros(len(given))])
        learn_targets = self.targets.learns(distiller.learn_labels)
        self.is_learned = bool(self.targets.classes is None and learn_targets)
        bounds = None
        if distiller.target_range is not None:
            bounds = self.targets.bounds(distiller.target_range)
        problem = SearchProblem(
            estimator,
            cells,
            self.targets,
            y,
            weight,
            counts,
            kept,
            random_state,
            held_back=held,
            weight_of=self._weight_of if distiller.weighting == "match" else None,
            learn_labels=distiller.learn_labels,
            target_bounds=bounds,
            learn_weights=distiller.weighting == "learn",
            fit=fit_on,
            patience=distiller.n_iter_no_change,
            n_jobs=distiller.n_jobs,
            target_dtype=self.target_dtype,
        )
        if given is not None:
            problem = problem.starting_from(given, _given_weights(distiller, source))
        self.problem = problem

    def distill(self, report):
        """Return the ``Distilled`` set."""
        found = search(self.problem, report)
        return Distilled(found.synthetic, found.outcome, "search")

    def store_interrupted(self, distiller, report):
        """Give the distiller the best set before an interrupt."""
        found = Distilled(report.kept[0], Outcome.STOPPED, "search")
        self.store(distiller, found, report)

    def snapshot(self, synthetic):
        """Return the fitted attributes for a set before the search has ended.

        Convergence warnings are hidden, because the set is not the result.
        """
        with hiding(ConvergenceWarning):
            return self.attributes(synthetic)

    def attributes(self, synthetic):
        """Return the fitted attributes that depend on the set alone."""
        samples, y, weight = self.problem.training(synthetic)
        labels = self.targets.in_container(y, learned=self.is_learned)
        fitted = fit_on(unfitted_copy(self.estimator), samples, labels, weight)
        attributes = {
            "X_synthetic_": samples,
            "y_synthetic_": labels,
            "sample_weight_synthetic_": np.ones(len(y)) if weight is None else weight,
            "estimator_": fitted,
        }
        if self.targets.classes is not None:
            attributes["classes_"] = self.targets.classes
        return attributes

    def store(self, distiller, result, report):
        """Give the distiller its fitted attributes."""
        fitted = self.attributes(result.synthetic)
        fitted |= report.attributes()
        fitted["loss_"] = self._loss(fitted["estimator_"])
        warn_of_gap(report, self._cost_without_features())
        fitted["refit_losses_"] = np.array([fitted["loss_"]])
        fitted["solver_"] = result.solver
        fitted["_weight_of_groups"] = self.real.group_weight
        fitted["_table"], fitted["_learned_values"] = self.table, {}
        for name, value in fitted.items():
            setattr(distiller, name, value)

    def _read(self, distiller, X, y, sample_weight):
        """Return the rows with nonzero weight, their targets and their weights."""
        X, y = readable(X), as_labels(readable(y, "y"))
        if y is None:
            raise ValueError(
                f"{type(distiller).__name__} requires y to be passed, but the target y "
                "is None."
            )
        check_consistent_length(X, y)
        validate_data(distiller, X, skip_check_array=True)
        weight = _check_sample_weight(
            sample_weight,
            np.empty((len(np.asarray(y)), 1)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
        present = np.flatnonzero(weight)
        self.passed = present, len(weight)
        if len(present) < len(weight):
            X, y = _safe_indexing(X, present), _safe_indexing(y, present)
        return X, y, weight[present]

    @staticmethod
    def _targets(distiller, y, sample_weight):
        assert_all_finite(np.asarray(y), input_name="y")
        if _is_of_classes(distiller, y):
            return class_targets(column_or_1d(y, warn=True), y)
        multi_output = tags_of(distiller).target_tags.multi_output
        values = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if not multi_output:
            values = column_or_1d(values, warn=True)
        return numeric_targets(values, sample_weight, y)

    def _parts(self, distiller, random_state):
        """Return the rows to learn from, and those that are held back or None."""
        parts = []
        if distiller.early_stopping:
            fraction = distiller.validation_fraction
            parts = parts_of(self.real, fraction, random_state, in_folds=False)
        return parts[0] if parts else (np.arange(self.real.n_rows), None)

    def _given_targets(self, distiller, y0, counts, source):
        """Return the targets of given starting rows, and their number per class."""
        y0, given_counts = self.targets.given(y0, len(y0), source)
        if distiller.n_synthetic != "auto" and not self.targets.allows(
            given_counts, counts
        ):
            raise ValueError(
                f"The starting set has {given_counts.tolist()} rows (per class), but "
                f"n_synthetic={distiller.n_synthetic!r} asks for {counts.tolist()}. "
                "Pass as many rows as n_synthetic, or leave it at 'auto'."
            )
        return y0, given_counts

    def _weight_of(self, y):
        return self.targets.matching_weight(y, self.real)

    def _cost_without_features(self):
        if self.targets.classes is None:
            return loss_unit("squared_error", self.targets.unit)
        return cost_of_chance("log_loss", len(self.targets.classes))

    def _loss(self, fitted):
        """Return the mean loss on all real rows."""
        scorer = Scorer(fitted, self.targets.classes)
        problem, total = self.problem, 0.0
        weight = problem.sample_weight[: self.real.n_rows]
        for rows in gen_batches(self.real.n_rows, BATCH_ROWS):
            rows = np.arange(rows.start, rows.stop)
            losses = scorer.losses(problem.cells.take(rows), problem.y[rows])
            total += weight[rows] @ losses
        return float(total / weight.sum())


def _is_of_classes(distiller, y):
    """Whether targets ``y`` are classes."""
    kind = getattr(distiller, "_kind", get_tags(distiller).estimator_type)
    if kind is None:  # an estimator of another package, without this tag
        return type_of_target(y) in ("binary", "multiclass")
    return kind == "classifier"


def _sample(distiller, source):
    """Return the sample of the rows, read block by block, that a search looks at."""
    if not isinstance(distiller.validation_fraction, Real):
        raise ValueError(
            "A search looks at a sample of rows that are read block by block, so given "
            "parts and splitters do not fit. Pass validation_fraction as a float."
        )
    head = source.head()
    if head is None or head.y is None:
        what = "there are no rows" if head is None else "the target y is None"
        raise ValueError(f"{type(distiller).__name__} requires rows and y, but {what}.")
    of_classes = _is_of_classes(distiller, np.asarray(head.y))
    return sample_as_it_came(source, of_classes=of_classes)


def _given_rows(distiller):
    """Return given rows to start from, or None, and the name of their origin."""
    if distiller.warm_start and hasattr(distiller, "X_synthetic_"):
        return (distiller.X_synthetic_, distiller.y_synthetic_), PREVIOUS
    return distiller.init if isinstance(distiller.init, tuple) else None, "init"


def _given_weights(distiller, source):
    """Return the weights that the last fit learned, or None if none are learned."""
    if source != PREVIOUS or distiller.weighting != "learn":
        return None
    weight = distiller.sample_weight_synthetic_
    return weight / weight.mean()


def _check_requests(distiller, estimator):
    """Raise a ValueError for a parameter that a search does not support."""
    name = type(estimator).__name__
    # A stacking estimator has predict only when it is fitted, but it has a type.
    if tags_of(estimator).estimator_type is None and not any(
        hasattr(estimator, method)
        for method in ("predict", "predict_proba", "decision_function")
    ):
        raise ValueError(
            f"{name} has no predict, predict_proba or decision_function, so a search "
            "cannot judge sets by its predictions. Pass a classifier or a regressor."
        )
    if distiller.learn_params:
        raise ValueError(
            f"learn_params={distiller.learn_params!r} needs an estimator with a "
            f"student, but the rows for {name} are found by search. Pass "
            "learn_params=()."
        )
    if distiller.outer_loss != "auto":
        raise ValueError(
            f"outer_loss={distiller.outer_loss!r} needs an estimator with a student, "
            f"but the rows for {name} are found by search, which uses the loss of its "
            "predictions. Pass outer_loss='auto'."
        )
    if distiller.weighting != "unit" and not takes_weights(estimator):
        raise ValueError(
            f"weighting={distiller.weighting!r} is not supported for {name}: its fit "
            "takes no sample_weight. Pass weighting='unit'."
        )
