"""Kinds of targets: classes, numbers, or one-hot numbers.

An object of each kind knows the groups of the rows, the number of synthetic rows in a
group and their start, and how to return learned targets in the container of ``y``. So
the rest of the package does not depend on the kind.
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
        ``y`` as it came, for the container and the names of returned targets.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        Sorted class labels; None for numbers.
    n_groups : int
        Number of groups of the rows.
    learned_by_default : bool
        Meaning of ``learn_labels="auto"``.
    unit : float or ndarray of shape (n_outputs,)
        Standard deviation of each numeric target, or the size of a constant one. It is
        one for classes.
    """

    classes = None
    unit = 1.0

    def __init__(self, like):
        self.like = without_rows(like)  # keeps container and names, but no real rows

    def learns(self, learn_labels):
        """Whether targets are learned, for a value of ``learn_labels``."""
        return self.learned_by_default if learn_labels == "auto" else learn_labels

    def in_container(self, labels, *, learned):
        """Return labels or numbers (m,) or (m, k) in the container of ``y``."""
        return labels_like(self.like, labels, whole=not learned)

    def held(self, y0):
        """Return targets that are not learned, rounded if ``y`` holds integers."""
        return y0

    def apart(self, positions, y):
        """Return positions (n,) on a line, separated if only the targets differ."""
        return positions

    @abstractmethod
    def task(self, n_features):
        """Return the Task of rows with these targets."""

    @abstractmethod
    def groups(self, y):
        """Return the group (n,) of each row."""

    def read(self, y):
        """Return targets (n,) or (n, k) in the form of the outer loss."""
        return y

    def stratified(self, y):
        """Return targets for stratified splitters: class labels, or numbers."""
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
        """Return the number of synthetic rows (n_groups,) in each group."""

    @abstractmethod
    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows and their targets: indices of classes, or numbers."""

    @abstractmethod
    def given(self, y0, n_rows, source):
        """Validate given targets of starting rows; return them and their counts."""

    def allows(self, counts, n_rows):
        """Return whether the numbers of given rows are as requested."""
        return np.array_equal(counts, n_rows)

    @abstractmethod
    def matching_weight(self, y0, real):
        """Return weights (m,) with the same totals as the real rows."""

    @abstractmethod
    def learned_parts(self, learn):
        """Return arguments of ``Options`` for targets that are learned or not."""

    @abstractmethod
    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return the ``Rows`` of a set that scikit-learn gets."""


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
        """Return the number of synthetic rows in each class."""
        return rows_per_class(n_synthetic, self.classes, group_counts)

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows of each class."""
        return _start.rows_of_groups(init, real, n_rows, random_state)

    def given(self, y0, n_rows, source):
        """Return the indices of given labels, and the number of rows of each class."""
        y0 = _start.given_classes(y0, n_rows, self.classes, source)
        return y0, np.bincount(y0, minlength=self.n_groups)

    def matching_weight(self, y0, real):
        """Return weights with the same total as the real rows in each class."""
        return (real.group_weight / np.bincount(y0, minlength=self.n_groups))[y0]

    def learned_parts(self, learn):
        """Return whether to learn probabilities of the classes."""
        return {"learn_probabilities": learn}

    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return rows with labels."""
        return _rows.rows_of_classes(
            student, self.classes, options, y0, weight0, synthetic
        )


class NumericTargets(Targets):
    """Numeric targets, one or several for each row.

    Parameters
    ----------
    like : array-like of shape (n,) or (n, k)
        ``y`` as it came.
    low, high : ndarray of shape (k,)
        Minimum and maximum of each target.
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
        # Rounding may give a constant a nonzero deviation.
        varies = (high > low) & (deviation > 0)
        unit = np.where(varies, deviation, np.where(size > 0, size, 1.0))
        self.unit = unit if multi_output else float(unit[0])

    @classmethod
    def of(cls, y, sample_weight, like, *settings):
        """Return the targets object of numbers (n,) or (n, k) with weights (n,)."""
        Y = y.reshape(len(y), -1)
        low, high = Y.min(axis=0), Y.max(axis=0)
        deviation = weighted_spread(Y, sample_weight, np.zeros(len(low)))
        return cls(like, low, high, deviation, y.ndim == 2, *settings)

    def task(self, n_features):
        """Return the Task of rows with these targets."""
        return Task(n_features, None, len(self.low), self.multi_output)

    def groups(self, y):
        """Return group zero for all rows."""
        return np.zeros(len(y), dtype=int)

    def rows_of_groups(self, n_synthetic, group_counts):
        """Return the number of synthetic rows."""
        total = rows_for_regression(n_synthetic, len(self.low), group_counts.sum())
        return np.array([total])

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows and their numeric targets."""
        return _start.rows_and_numbers(
            init, real, n_rows.sum(), random_state, clusters_targets
        )

    def given(self, y0, n_rows, source):
        """Return given numeric targets, and the number of rows."""
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
        """Return numbers that are not learned, rounded if ``y`` holds integers."""
        return whole_like(self.like, y0)

    def apart(self, positions, y):
        """Return positions on a line, separated if only the targets differ."""
        ranges = self.high - self.low
        units = np.where(ranges > 0, ranges, 1.0)
        Y = y.reshape(len(y), -1)
        return positions + row_positions(Y, units, np.random.RandomState(1))

    def matching_weight(self, y0, real):
        """Return equal weights with the same total as the real rows."""
        return np.full(len(y0), real.total_weight / len(y0))

    def learned_parts(self, learn):
        """Return the unit of numeric targets if they are learned."""
        return {"target_scale": self.unit if learn else None}

    def rows_for_estimator(self, student, options, y0, weight0, synthetic):
        """Return rows with numbers."""
        return _rows.rows_of_numbers(options, synthetic)


class CodedTargets(NumericTargets):
    """One-hot targets. The outer loss and the groups use their classes.

    Parameters
    ----------
    like, low, high, deviation, multi_output
        As for ``NumericTargets``.
    codes : ndarray of shape (n_classes, n_classes)
        Targets of each class.
    """

    def __init__(self, like, low, high, deviation, multi_output, codes):
        super().__init__(like, low, high, deviation, multi_output)
        self.codes = codes
        self.n_groups = len(codes)

    def groups(self, y):
        """Return the classes."""
        return y

    def rows_of_groups(self, n_synthetic, group_counts):
        """Return the number of synthetic rows in each class."""
        total = super().rows_of_groups(n_synthetic, group_counts).sum()
        return rows_per_class(int(total), np.arange(self.n_groups), group_counts)

    def start(self, init, real, n_rows, random_state, clusters_targets=True):
        """Return starting rows of each class, and their one-hot targets."""
        X0, group = _start.rows_of_groups(init, real, n_rows, random_state)
        return X0, self.codes[group]

    def allows(self, counts, n_rows):
        """Return whether the total number of given rows is as requested."""
        return counts.sum() == n_rows.sum()

    def groups_of_rows(self, y0):
        """Return group zero for all rows, since learned targets may be any numbers."""
        return np.zeros(len(y0), dtype=int)

    def apart(self, positions, y):
        """Return the positions, because rows of a class have the same targets."""
        return positions


def check_classes(y):
    """Raise a ValueError if ``y`` (n,) does not hold classes."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(
            f"{error} If y holds quantities, distill for a regressor: pass one as "
            "estimator, such as Ridge()."
        ) from error


def class_targets(y, like):
    """Return the ClassTargets of labels, and the labels as indices (n,).

    Raises
    ------
    ValueError
        If ``y`` does not hold classes, or only one class.
    """
    check_classes(y)
    classes, y = np.unique(y, return_inverse=True)
    return targets_of_classes(like, classes), y.astype(np.int32)


def targets_of_classes(like, classes):
    """Return the ClassTargets of sorted class labels.

    Raises
    ------
    ValueError
        If there is only one class.
    """
    if len(classes) < 2:
        raise ValueError(
            "Distillation needs rows of at least 2 classes, but y contains only "
            f"one class: {classes[0]!r}. Pass rows of other classes, too."
        )
    return ClassTargets(like, classes)


def numeric_targets(y, sample_weight, like, *, code_classes=False):
    """Return the NumericTargets of numbers, and ``y`` in the form of the outer loss.

    Raises
    ------
    ValueError
        If ``code_classes`` is true and the numbers are not one-hot.
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
            "out these columns."
        )
    return CodedTargets.of(y, sample_weight, like, y[first]), indices


def one_hot_classes(y):
    """Return the column (n,) of the high value in each row of one-hot targets.

    All other values must be equal. So centered one-hot rows are allowed, too.

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
        "with other values. Pass one-hot targets, or another outer_loss."
    )


def weighted_spread(values, sample_weight, otherwise):
    """Return the weighted standard deviation of each column.

    Constant columns get the values ``otherwise``.
    """
    spread = deviations(values, sample_weight / sample_weight.sum())
    low, high = ranges(values)
    # Rounding may give a constant a nonzero deviation.
    varies = (high > low) & (spread > 0)
    return np.where(varies, spread, otherwise)
