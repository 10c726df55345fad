"""The problem that the solvers get: student, real rows, start and options."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state

from skdistill.objectives import BestTemperature, OuterLoss, PenalizedLoss
from skdistill.optimizers._outcome import Outcome
from skdistill.real._holding import parts_of
from skdistill.real._targets import weighted_spread
from skdistill.solvers._starting import starting_rows
from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import FeatureUnits, OuterVariables

#: Maximum number of rows in the sample for the first iterations.
MAX_SAMPLE_ROWS = 4096
#: Maximum number of values in this sample, if it still has the minimum number of rows.
MAX_SAMPLE_VALUES = 2**23
MIN_SAMPLE_ROWS = 512
#: Maximum number of rows for which nonlinear students do not use mini-batches.
MAX_FULL_ROWS = 10_000
#: Maximum factor by which a learned hyperparameter differs from the estimator's.
HYPERPARAMETER_FACTOR = 100.0
#: Maximum factor by which a smoothing parameter differs from its start.
SMOOTHING_FACTOR = 1e6


class Options(NamedTuple):
    """Options: what is learned, within which bounds, and when to stop.

    Attributes
    ----------
    solver : {"auto", "exact", "lbfgs", "adam"}
        See ``DatasetDistiller``.
    bounds : tuple of two ndarrays of shape (p,) or (m, p)
        Minimum and maximum of each feature, or of each entry.
    scale : ndarray of shape (p,)
        Unit of each feature.
    ranges : ndarray of shape (p,)
        Range of each feature in the real rows; one if the feature is constant.
    target_bounds : tuple of two ndarrays of shape (k,)
        Minimum and maximum of each numeric target.
    weighting : {"unit", "match", "learn"}
        See ``DatasetDistiller``.
    learn_params : sequence of str
        Names of the hyperparameters to learn.
    max_iter, tol : int, float
        Maximum number of iterations, and tolerance.
    loss_unit : float
        Unit of the loss, to which ``tol`` is relative.
    early_stopping : bool or "auto"
        Whether real rows are held back.
    validation_fraction : float, splitter or iterable
        Which rows are held back.
    n_iter_no_change : int
        Maximum number of iterations without a lower held-back loss.
    batch_size : int or "auto"
        Number of rows in a mini-batch.
    random_state : RandomState
        Shuffles the rows for mini-batches.
    target_scale : float, ndarray of shape (k,) or None
        Unit of each numeric target; None if targets are not learned.
    learn_probabilities : bool
        Whether class labels are learned, as probabilities.
    """

    solver: str
    bounds: tuple
    scale: np.ndarray
    ranges: np.ndarray
    target_bounds: tuple
    weighting: str
    learn_params: tuple
    max_iter: int
    tol: float
    loss_unit: float
    early_stopping: object
    validation_fraction: object
    n_iter_no_change: int
    batch_size: object
    random_state: object
    target_scale: object = None
    learn_probabilities: bool = False

    @property
    def units(self):
        """Default coordinates of samples: each feature in its unit."""
        return FeatureUnits(self.scale)

    def variables(self, student, synthetic, units):
        """Return the OuterVariables of a set, with samples in coordinates ``units``."""
        return OuterVariables(
            synthetic,
            units,
            self.bounds,
            self.hyperparameter_limits(student),
            target_scale=self.target_scale,
            target_bounds=self.target_bounds,
            learn_probabilities=self.learn_probabilities,
            learn_weights=self.weighting == "learn",
        )

    def holds_targets(self, synthetic):
        """Return whether learned numeric targets are within their bounds."""
        if self.target_scale is None:
            return True
        low, high = self.target_bounds
        Y = synthetic.y.reshape(len(synthetic.y), -1)
        return bool(((low <= Y) & (high >= Y)).all())

    def hyperparameter_limits(self, student):
        """Return the limits of each learned hyperparameter and smoothing parameter."""
        factors = {
            **dict.fromkeys(self.learn_params, HYPERPARAMETER_FACTOR),
            **dict.fromkeys(
                student.smoothing_params if student.learns_smoothing_params else (),
                SMOOTHING_FACTOR,
            ),
        }
        values = {**student.hyperparameters, **student.smoothing_params}
        return {
            name: (values[name] / factor, values[name] * factor)
            for name, factor in factors.items()
        }


@dataclass(frozen=True)
class Problem:
    """The distillation problem: its roles, its start and its options.

    Parameters
    ----------
    student : Student
        Inner problem.
    real : RealRows
        The real rows, with the weights of the outer loss.
    sample : RowsInMemory
        A sample of the real rows, or all of them if there are few.
    start : SyntheticSet
        Starting rows with their targets and weights.
    options : Options
        What is learned, and when to stop.
    y0 : ndarray of shape (m,) or (m, k)
        Targets of the starting rows, as indices of classes or numbers.
    weight0 : ndarray of shape (m,)
        Weights of the starting rows, without class weights.
    unweighted : RealRows
        The real rows with the weights that the user gave, without class weights.
    known_smoothing_params : frozenset of str
        Smoothing parameters whose values come from the last fit.
    pose_on : callable
        ``pose_on(unweighted) -> Problem`` poses the same problem on some of the rows.
    is_part : bool
        Whether this is the problem on some of the rows.
    whole_solver : str or None
        Solver of the problem on all rows, if this is a part of it.
    rounds : bool
        Whether the rows will be rounded.
    """

    student: object
    real: object
    sample: object
    start: SyntheticSet
    options: Options
    y0: np.ndarray
    weight0: np.ndarray
    unweighted: object = None
    pose_on: Callable | None = None
    known_smoothing_params: frozenset = frozenset()
    is_part: bool = False
    whole_solver: str | None = None
    rounds: bool = False

    @cached_property
    def solver(self):
        """Solver of the bilevel iteration, "lbfgs" or "adam"."""
        if self.whole_solver is not None:
            return self.whole_solver
        if self.options.solver == "auto":
            student = self.student
            is_large = self.real.n_rows > MAX_FULL_ROWS
            by_batches = student.needs_batches or (is_large and student.takes_batches)
            return "adam" if by_batches else "lbfgs"
        return self.options.solver

    @cached_property
    def loss(self):
        """The outer loss on all rows."""
        return self._loss_on(self.real)

    @property
    def whole_loss(self):
        """The outer loss on all rows and all features, also those that are left out."""
        return self._loss_on(self.real.whole, exact=True)

    @cached_property
    def sample_loss(self):
        """The outer loss on the sample."""
        return self._loss_on(self.sample)

    @cached_property
    def second_sample_loss(self):
        """The outer loss on a second sample, which detects overfitting of the first."""
        return self._loss_on(self.real.sample(_sample_rows(self.real), number=1))

    @property
    def is_sampled(self):
        """Whether there are more rows than the sample holds."""
        return self.sample.n_rows < self.real.n_rows

    @property
    def has_gaps(self):
        """Whether values are missing in the real rows."""
        return self.real.filled is not self.real

    @property
    def holds_back(self):
        """Whether real rows are held back in the bilevel iteration."""
        early_stopping = self.options.early_stopping
        if early_stopping == "auto":
            return not self.student.is_regularized
        return early_stopping

    def training_loss(self, synthetic):
        """Return the outer loss of a set, as it is reported for an iterate.

        It is the loss on all rows, or on a sample if the solver uses mini-batches.
        """
        loss = self.sample_loss if self.solver == "adam" else self.loss
        return loss.value(self.student.solve(synthetic))

    def parts(self, *, in_folds):
        """Return the parts of the real rows to hold back, one or several folds."""
        options = self.options
        if not self.holds_back:
            return []
        parts = parts_of(
            self.unweighted,
            options.validation_fraction,
            options.random_state,
            in_folds=in_folds,
        )
        if not parts and options.early_stopping != "auto":
            raise ValueError(
                "early_stopping=True holds real rows back, but each class in y has too "
                "few rows for that. Pass early_stopping=False."
            )
        return parts

    def on(self, part):
        """Return the problem on the kept rows, and ``judge(synthetic) -> float``.

        The judge is the outer loss on the held-back rows. For a student with
        overconfident probabilities it is taken at the best temperature for these rows.
        """
        student, held = self.student, self.real.extract(part.held)
        if student.is_judged_by_ranking:
            outer = BestTemperature(held, student.raw_prediction)
        else:
            outer = self._loss_on(held)

        def judge(synthetic):
            return outer.value(student.solve(synthetic))

        rest = self.pose_on(self.unweighted.only(part.kept))
        return replace(rest, is_part=True, whole_solver=self.solver), judge

    @property
    def near(self):
        """The starting set with its rows replaced by the nearest real rows."""
        X, scale = self.start.X.copy(), self.options.ranges
        groups = self.sample.targets.groups_of_rows(self.y0)
        real_groups = self.sample.targets.groups(self.sample.y)
        for group in np.unique(groups):
            members = self.sample.filled.X[real_groups == group] / scale
            nearest = pairwise_distances_argmin(X[groups == group] / scale, members)
            X[groups == group] = members[nearest] * scale
        return self.start._replace(X=X)

    def with_penalty(self, loss):
        """Return the objective to minimize: the loss plus the estimator's penalty."""
        if self.student.penalty is None:
            return loss
        return PenalizedLoss(loss, self.student.penalty, self.student.hyperparameters)

    def _loss_on(self, rows, *, exact=False):
        student, by_batches = self.student, self.solver == "adam"
        prediction = student.raw_prediction
        if by_batches and not exact and rows.dtype == np.float64:
            prediction = student.rough_prediction or prediction
        # The program for mini-batches has another shape, so it cannot give values.
        return OuterLoss(rows, prediction, student.outer_loss, values_alone=by_batches)


class Start(NamedTuple):
    """Start of the bilevel iteration.

    Attributes
    ----------
    synthetic : SyntheticSet
        The best rows so far.
    units_at : callable
        ``units_at(synthetic)`` returns coordinates near a set, such as FeatureUnits.
    is_exact : bool
        Whether the rows reproduce the model of all rows.
    outcome : Outcome
        How the fit of that model ended.
    is_of_all_rows : bool
        Whether the rows already suit all real rows, so that an iteration on a sample
        would make them worse.
    """

    synthetic: SyntheticSet
    units_at: Callable
    is_exact: bool = False
    outcome: Outcome = Outcome.CONVERGED
    is_of_all_rows: bool = False


def _sample_rows(real):
    """Return the maximum number of rows in a sample."""
    n_rows = int(MAX_SAMPLE_VALUES / max(real.values_per_row, 1))
    return min(max(n_rows, MIN_SAMPLE_ROWS), MAX_SAMPLE_ROWS)


def pose(distiller, real, columns, student, group_counts=None):
    """Pose the problem: where to start, within which bounds, in which units.

    Parameters
    ----------
    distiller : DatasetDistiller
        Gives the parameters, and with ``warm_start`` the set of its last fit.
    real : RealRows
        The real rows.
    columns : Columns
        Columns of the real rows.
    student : Student
        The student.
    group_counts : ndarray of int of shape (n_groups,), default=None
        Number of real rows in each group, for ``n_synthetic`` as a fraction. By default
        it is that of ``real``.

    Returns
    -------
    Problem
        The problem to solve.

    Raises
    ------
    ValueError
        If parameters such as ``init`` and ``target_range`` do not fit the data.
    """
    targets = real.targets
    group_counts = real.group_counts if group_counts is None else group_counts
    random_state = check_random_state(distiller.random_state)
    bounds = columns.bounds(*columns.read_range(distiller.feature_range))
    bounds = tuple(np.clip(side, *student.feature_domain) for side in bounds)
    if student.holds_constants:
        held = (real.low == real.high) & (bounds[0] <= real.low)
        held &= real.high <= bounds[1]
        bounds = tuple(np.where(held, real.low, side) for side in bounds)
    X0, y0, last = starting_rows(
        distiller, real.filled, student, group_counts, columns, random_state
    )
    student.check_targets(y0, "the starting set")
    weight0 = last.sample_weight
    if weight0 is None:
        weight0 = np.ones(len(y0))
        if distiller.weighting == "match":
            weight0 = targets.matching_weight(y0, real)
    learn_params = tuple(map(student.parameter_name, distiller.learn_params))
    hyperparameters = {**student.hyperparameters, **student.smoothing_params}
    for name in (*learn_params, *student.smoothing_params):
        hyperparameters[name] = last.hyperparameters.get(name, hyperparameters[name])
    start = SyntheticSet(
        X=np.clip(X0, *bounds),
        y=student.encode(y0),
        sample_weight=student.training_weight(y0, weight0),
        hyperparameters=hyperparameters,
    )
    rows = real.weighted_by(student.training_weight)
    sample = rows.sample(_sample_rows(rows))
    ranges = np.where(real.high > real.low, real.high - real.low, 1.0)
    options = Options(
        solver=distiller.solver,
        bounds=bounds,
        scale=weighted_spread(sample.filled.X, sample.sample_weight, ranges),
        ranges=ranges,
        target_bounds=_target_bounds(distiller, targets, student),
        weighting=distiller.weighting,
        learn_params=learn_params,
        max_iter=distiller.max_iter,
        tol=distiller.tol,
        loss_unit=student.loss_unit(targets.unit),
        early_stopping=distiller.early_stopping,
        validation_fraction=distiller.validation_fraction,
        n_iter_no_change=distiller.n_iter_no_change,
        batch_size=distiller.batch_size,
        random_state=random_state,
        **targets.learned_parts(targets.learns(distiller.learn_labels)),
    )
    pose_on = partial(
        pose, distiller, columns=columns, student=student, group_counts=group_counts
    )
    return Problem(
        student,
        rows,
        sample,
        start,
        options,
        y0,
        weight0,
        real,
        pose_on,
        rounds=columns.rounds,
        known_smoothing_params=frozenset(last.hyperparameters),
    )


def _target_bounds(distiller, targets, student):
    """Return bounds of learned targets, within those that the student's loss takes."""
    low, high = targets.bounds(distiller.target_range)
    if targets.classes is not None:
        return low, high
    low = np.maximum(low, student.least_target(targets.low))
    if (low > high).any():
        raise ValueError(
            f"target_range={distiller.target_range!r} contains no target that "
            f"{type(student.estimator).__name__} takes. Pass larger bounds."
        )
    return low, high
