"""What ``y`` holds: classes, one number or several numbers for each row."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skdistill.synthetic._set import DataSpec


def class_targets(y, n_features):
    """Return the DataSpec of labelled rows, and the labels as indices (n,).

    Raises
    ------
    ValueError
        If ``y`` holds no classes, or only one.
    """
    check_classification_targets(y)
    classes, y = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "Distillation needs rows of at least 2 classes, but y contains only "
            f"one class: {classes[0]!r}."
        )
    return DataSpec(n_features, classes, len(classes), False), y.astype(np.int32)


def numeric_targets(y, n_features):
    """Return the DataSpec of rows with numbers, and these in double precision."""
    y = np.asarray(y, dtype=np.float64)
    multi_output = y.ndim == 2
    n_outputs = y.shape[1] if multi_output else 1
    return DataSpec(n_features, None, n_outputs, multi_output), y


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
