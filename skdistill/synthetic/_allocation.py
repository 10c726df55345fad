"""The number of synthetic rows of each class, from the forms of ``n_synthetic``."""

from numbers import Integral

import numpy as np

#: Number of rows for "auto": for each class, for each output of a regression, and
#: minimum for a regression.
ROWS_PER_CLASS = 10
ROWS_PER_OUTPUT = 10
MIN_REGRESSION_ROWS = 50
#: With more numeric classes than this, an error suggests a regressor.
MANY_CLASSES = 30


def rows_per_class(n_synthetic, classes, class_counts):
    """Resolve ``n_synthetic`` to a number of rows for each class.

    Parameters
    ----------
    n_synthetic : "auto", int, float or dict
        See ``DatasetDistiller``.
    classes : ndarray of shape (n_classes,)
        Sorted class labels.
    class_counts : ndarray of shape (n_classes,)
        Number of real rows of each class.

    Returns
    -------
    ndarray of int of shape (n_classes,)
        At least one row for each class.

    Raises
    ------
    ValueError
        If there are fewer rows than classes or more than real rows, or if the keys of a
        dict are not the classes.
    """
    n_classes, n_rows = len(classes), int(class_counts.sum())
    if isinstance(n_synthetic, dict):
        return _from_dict(n_synthetic, classes, n_rows)
    if isinstance(n_synthetic, str):  # "auto"
        return np.minimum(ROWS_PER_CLASS, class_counts)
    if isinstance(n_synthetic, Integral):
        total, received = int(n_synthetic), f"n_synthetic={n_synthetic}"
    else:
        total = int(np.ceil(n_synthetic * n_rows))
        received = f"n_synthetic={n_synthetic} of {n_rows} rows, {total} rows,"
    if total < n_classes:
        raise ValueError(
            f"{received} is fewer than the {n_classes} classes in y. "
            f"Pass at least {n_classes}, one row for each class."
            f"{_hint_of_quantities(classes)}"
        )
    _check_total(total, n_rows)
    shares = np.full(n_classes, total // n_classes)
    # The remainder goes to the largest classes.
    largest = np.argsort(-class_counts, kind="stable")[: total % n_classes]
    shares[largest] += 1
    return shares


def rows_for_regression(n_synthetic, n_outputs, n_rows):
    """Resolve ``n_synthetic`` to a number of rows, for numeric targets.

    Parameters
    ----------
    n_synthetic : "auto", int or float
        See ``DatasetDistiller``.
    n_outputs : int
        Number of outputs of a target.
    n_rows : int
        Number of real rows.

    Returns
    -------
    int
        At least one row.

    Raises
    ------
    ValueError
        If it exceeds the number of real rows, or is a dict.
    """
    if isinstance(n_synthetic, dict):
        raise ValueError(
            f"n_synthetic={n_synthetic} gives rows to classes, but y holds numbers. "
            "Pass an int, a float or 'auto'."
        )
    if isinstance(n_synthetic, str):  # "auto"
        return min(max(ROWS_PER_OUTPUT * n_outputs, MIN_REGRESSION_ROWS), n_rows)
    total = n_synthetic
    if not isinstance(total, Integral):
        total = int(np.ceil(total * n_rows))
    _check_total(total, n_rows)
    return int(total)


def _hint_of_quantities(classes):
    """Return a hint to use a regressor if there are many numeric classes."""
    if len(classes) <= MANY_CLASSES or classes.dtype.kind not in "iuf":
        return ""
    return (
        " If y holds quantities, distill for a regressor: pass one as estimator, such "
        "as Ridge()."
    )


def label_list(classes):
    """Return labels (k,) as a list of Python objects.

    Dates and times stay objects of NumPy, because some of them would become integers.
    """
    return list(classes) if classes.dtype.kind in "mM" else classes.tolist()


def _from_dict(n_synthetic, classes, n_rows):
    # Arrays can compare dates and times of any unit and library.
    keys = [(key, np.flatnonzero(classes == key)) for key in n_synthetic]
    unknown = [key for key, found in keys if not len(found)]
    named = np.concatenate([found for _, found in keys] or [[]]).astype(int)
    labels = label_list(classes)
    missing = [label for c, label in enumerate(labels) if c not in named]
    if unknown or missing or len(named) > len(labels):
        raise ValueError(
            f"n_synthetic must name every class once: {labels}. "
            f"Unknown: {unknown}; missing: {missing}."
        )
    by_class = dict(zip(named.tolist(), n_synthetic.values(), strict=True))
    shares = [by_class[c] for c in range(len(labels))]
    if not all(isinstance(share, Integral) and share >= 1 for share in shares):
        raise ValueError(
            f"n_synthetic={n_synthetic} must map each class to a whole number of rows, "
            "at least one."
        )
    _check_total(sum(shares), n_rows)
    return np.array(shares, dtype=int)


def _check_total(total, n_rows):
    if total > n_rows:
        raise ValueError(
            f"n_synthetic asks for {total} rows, more than the {n_rows} real rows "
            "(rows of weight zero do not count). Pass a smaller n_synthetic."
        )
