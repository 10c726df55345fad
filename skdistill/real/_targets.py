"""What ``y`` holds: classes, numbers, or numbers that code classes.

Targets know how the rows fall into groups, how many synthetic rows a group gets and
where these start, and how what is learned becomes what the user passed. The rest of
the package does not ask which form they have.
"""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skdistill._forms import deviations, ranges
from skdistill.real._sampling import row_positions
from skdistill.synthetic import _rows, _start
from skdistill.synthetic._allocation import rows_for_regression, rows_per_class
from skdistill.synthetic._set import Task
from skdistill.tables._frames import (
    is_frame,
    labels_like,
    whole_like,
    without_rows,
)
from skdistill.tables._names import in_order
from skdistill.tables._ranges import read_range
from skdistill.tables._reading import column_names


class Targets(ABC):
    """The targets of the real rows.

    Parameters
    ----------
    like : array-like
        ``y`` as it came, for the container and the names of what is returned.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        Sorted class labels; None for numbers.
    n_groups : int
        Groups that the rows fall into.
    learned_by_default : bool
        What ``learn_labels="auto"`` stands for.
    unit : float or ndarray of shape (n_outputs,)
        Standard deviation of each numeric target, the size of a constant one; one for
        classes.
    """

    classes = None
    unit = 1.0

    def __init__(self, like):
        self.like = without_rows(like)  # the container and the names; no real rows

    def learns(self, learn_labels):
        """Whether targets are learned, for a value of ``learn_labels``."""
        return self.learned_by_default if learn_labels == "auto" else learn_labels

    def in_container(self, labels, *, learned):
        """Return labels or numbers (m,) or (m, k) in the container of ``y``."""
        return labels_like(self.like, labels, whole=not learned)

    def held(self, y0):
        """Return targets that are not learned, as ``y`` can hold them."""
        return y0

    def apart(self, positions, y):
        """Part rows on a line (n,) that differ in their targets only."""
        return positions

    @abstractmethod
    def task(self, n_features):
        """Return the Task of rows with these targets."""

    @abstractmethod
    def groups(self, y):
        """Return the group (n,) of each row."""

    def read(self, y):
        """Return targets (n,) or (n, k) as the outer loss takes them."""
        return y

    def stratified(self, y):
        """Return what splitters stratify by: labels of classes, or the numbers."""
        return y if self.classes is None else self.classes[y]

    def groups_of_rows(self, y0):
        """Return the group (m,) of each synthetic row, from its target."""
        return self.groups(y0)

    def bounds(self, target_range):
        """Return bounds of the numeric targets; classes have none."""
        if target_range is not None:
            raise ValueError(
                f"target_range={target_range!r} is for numeric targets, but y holds "
                "classes. Leave it at None."
            )
        return -np.inf, np.inf

    @abstractmethod
    def rows_of_groups(self, n_synthetic, group_counts):
        """Return how many synthetic rows (n_groups,) each group gets."""

    @abstractmethod
    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows and their targets: indices of classes, or numbers."""

    @abstractmethod
    def given(self, y0, n_rows, source):
        """Validate given targets of starting rows; return them and their counts."""

    def allows(self, counts, n_rows):
        """Return whether given rows are as many as are asked for."""
        return np.array_equal(counts, n_rows)

    @abstractmethod
    def matching_weight(self, y0, real):
        """Return weights (m,) that add up to those of the real rows."""

    @abstractmethod
    def learned_parts(self, learn):
        """Return what ``OuterVariables`` is told of targets that are learned or not."""

    @abstractmethod
    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return the ``Rows`` that scikit-learn is given for a set."""


class ClassTargets(Targets):
    """Classes, as indices in the order of their labels.

    Parameters
    ----------
    like : array-like of shape (n,)
        ``y`` as it came.
    classes : ndarray of shape (n_classes,)
        Sorted class labels.
    """

    learned_by_default = False

    def __init__(self, like, classes):
        super().__init__(like)
        self.classes = classes
        self.n_groups = len(classes)

    def task(self, n_features):
        """Return the Task of rows with these targets."""
        return Task(n_features, self.classes, len(self.classes), False)

    def groups(self, y):
        """Return the classes."""
        return y

    def read(self, y):
        """Return the indices of labels."""
        return np.searchsorted(self.classes, y).astype(np.int32)

    def rows_of_groups(self, n_synthetic, group_counts):
        """Return how many synthetic rows each class gets."""
        return rows_per_class(n_synthetic, self.classes, group_counts)

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows of each class."""
        return _start.rows_of_groups(init, real, n_rows, random_state)

    def given(self, y0, n_rows, source):
        """Return the indices of given labels, and how many there are of each."""
        y0 = _start.given_classes(y0, n_rows, self.classes, source)
        return y0, np.bincount(y0, minlength=self.n_groups)

    def matching_weight(self, y0, real):
        """Return weights that add up to those of the real rows in each class."""
        return (real.group_weight / np.bincount(y0, minlength=self.n_groups))[y0]

    def learned_parts(self, learn):
        """Probabilities of the classes may be learned."""
        return {"learn_probabilities": learn}

    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return rows with labels."""
        return _rows.rows_of_classes(
            student, self.classes, options, y0, weight0, synthetic
        )


class NumericTargets(Targets):
    """One number or several for each row.

    Parameters
    ----------
    like : array-like of shape (n,) or (n, k)
        ``y`` as it came.
    low, high : ndarray of shape (k,)
        Least and largest value of each target.
    deviation : ndarray of shape (k,)
        Standard deviation of each target.
    multi_output : bool
        Whether ``y`` has two dimensions.
    """

    learned_by_default = True
    n_groups = 1

    def __init__(self, like, low, high, deviation, multi_output):
        super().__init__(like)
        self.low, self.high, self.multi_output = low, high, multi_output
        self.names = column_names(like) if is_frame(like) else list(range(len(low)))
        size = np.maximum(np.abs(low), np.abs(high))
        # A constant's deviation may be another number than zero, by rounding.
        varies = (high > low) & (deviation > 0)
        unit = np.where(varies, deviation, np.where(size > 0, size, 1.0))
        self.unit = unit if multi_output else float(unit[0])

    @classmethod
    def of(cls, y, sample_weight, like, *settings):
        """Return those of numbers (n,) or (n, k), with their weights (n,)."""
        Y = y.reshape(len(y), -1)
        low, high = Y.min(axis=0), Y.max(axis=0)
        deviation = weighted_spread(Y, sample_weight, np.zeros(len(low)))
        return cls(like, low, high, deviation, y.ndim == 2, *settings)

    def task(self, n_features):
        """Return the Task of rows with these targets."""
        return Task(n_features, None, len(self.low), self.multi_output)

    def groups(self, y):
        """Return one group for all."""
        return np.zeros(len(y), dtype=int)

    def rows_of_groups(self, n_synthetic, group_counts):
        """Return how many synthetic rows there are."""
        total = rows_for_regression(n_synthetic, len(self.low), group_counts.sum())
        return np.array([total])

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows and their numbers."""
        return _start.rows_and_numbers(
            init, real, n_rows.sum(), random_state, clusters_targets
        )

    def given(self, y0, n_rows, source):
        """Return given numbers, and how many rows there are."""
        shape = (len(self.low),) if self.multi_output else ()
        if self.multi_output:
            y0 = in_order(y0, self.names, input_name=f"y of {source}")
        y0 = _start.given_numbers(y0, n_rows, shape, source)
        return y0, np.array([n_rows])

    def bounds(self, target_range):
        """Return bounds (k,) of the numbers."""
        return read_range(
            target_range, self.names, self.low, self.high, parameter="target_range"
        )

    def held(self, y0):
        """Round numbers that stay as they are where ``y`` holds integers."""
        return whole_like(self.like, y0)

    def apart(self, positions, y):
        """Part rows on a line that differ in their targets only."""
        ranges = self.high - self.low
        units = np.where(ranges > 0, ranges, 1.0)
        Y = y.reshape(len(y), -1)
        return positions + row_positions(Y, units, np.random.RandomState(1))

    def matching_weight(self, y0, real):
        """Return equal weights that add up to those of the real rows."""
        return np.full(len(y0), real.total_weight / len(y0))

    def learned_parts(self, learn):
        """Numbers may be learned."""
        return {"target_scale": self.unit if learn else None}

    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return rows with numbers."""
        return _rows.rows_of_numbers(options, synthetic)


class CodedTargets(NumericTargets):
    """Numbers that code classes: the outer loss and the groups take the classes.

    Parameters
    ----------
    like, low, high, deviation, multi_output
        As for ``NumericTargets``.
    codes : ndarray of shape (n_classes, n_classes)
        The numbers that stand for each class.
    """

    def __init__(self, like, low, high, deviation, multi_output, codes):
        super().__init__(like, low, high, deviation, multi_output)
        self.codes = codes
        self.n_groups = len(codes)

    def groups(self, y):
        """Return the classes."""
        return y

    def rows_of_groups(self, n_synthetic, group_counts):
        """Return how many synthetic rows each class gets."""
        total = super().rows_of_groups(n_synthetic, group_counts).sum()
        return rows_per_class(int(total), np.arange(self.n_groups), group_counts)

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows of each class, and their codes."""
        X0, group = _start.rows_of_groups(init, real, n_rows, random_state)
        return X0, self.codes[group]

    def allows(self, counts, n_rows):
        """Return whether given rows are as many as are asked for in all."""
        return counts.sum() == n_rows.sum()

    def groups_of_rows(self, y0):
        """Return one group for all: learned rows may have any numbers."""
        return np.zeros(len(y0), dtype=int)

    def apart(self, positions, y):
        """Rows of a class have the same code."""
        return positions


def check_classes(y):
    """Raise a ValueError if ``y`` (n,) holds no classes."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(
            f"{error} If y holds quantities, distill for a regressor: pass one as "
            "estimator, such as Ridge()."
        ) from error


def class_targets(y, like):
    """Return the ClassTargets of labels, and these as indices (n,).

    Raises
    ------
    ValueError
        If ``y`` holds no classes, or only one.
    """
    check_classes(y)
    classes, y = np.unique(y, return_inverse=True)
    return targets_of_classes(like, classes), y.astype(np.int32)


def targets_of_classes(like, classes):
    """Return the ClassTargets of sorted class labels.

    Raises
    ------
    ValueError
        If there is only one.
    """
    if len(classes) < 2:
        raise ValueError(
            "Distillation needs rows of at least 2 classes, but y contains only "
            f"one class: {classes[0]!r}."
        )
    return ClassTargets(like, classes)


def numeric_targets(y, sample_weight, like, *, code_classes=False):
    """Return the NumericTargets of numbers, and ``y`` as the outer loss takes it.

    Raises
    ------
    ValueError
        If the numbers are to code classes, and do not.
    """
    y = np.asarray(y, dtype=np.float64)
    if not code_classes:
        return NumericTargets.of(y, sample_weight, like), y
    indices = one_hot_classes(y)
    _, first = np.unique(indices, return_index=True)
    if len(first) < y.shape[1]:
        raise ValueError(
            f"y has {y.shape[1]} columns, one for each class, but no row of the "
            f"classes {sorted(set(range(y.shape[1])) - set(indices.tolist()))}. Leave "
            "their columns out."
        )
    return CodedTargets.of(y, sample_weight, like, y[first]), indices


def one_hot_classes(y):
    """Return the column (n,) that is high in each row of one-hot targets.

    Any coding with one high and one low value will do, such as one-hot rows that were
    centered.

    Raises
    ------
    ValueError
        If the rows are not one-hot.
    """
    if y.ndim == 2 and y.shape[1] > 1:
        low, high = y.min(), y.max()
        is_high = np.isclose(y, high)
        is_one_hot = (is_high.sum(axis=1) == 1) & (is_high | np.isclose(y, low)).all(
            axis=1
        )
        if low < high and is_one_hot.all():
            return np.argmax(y, axis=1).astype(np.int32)
    raise ValueError(
        "outer_loss='log_loss' needs classes, or numeric targets with a column for "
        f"each class and one high value in each row; got y of shape {y.shape} "
        "with other values."
    )


def weighted_spread(values, sample_weight, otherwise):
    """Weighted standard deviation of each column, another value for constants."""
    spread = deviations(values, sample_weight / sample_weight.sum())
    low, high = ranges(values)
    # A constant's mean may be another number, by rounding.
    varies = (high > low) & (spread > 0)
    return np.where(varies, spread, otherwise)
