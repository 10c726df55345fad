"""From what the user passed to the real rows: validated, encoded, with targets read."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_X_y, get_tags
from sklearn.utils.validation import validate_data

from skdistill._sklearn_compat import _check_sample_weight
from skdistill.real._dense import DenseRows
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.tables._columns import naming_missing_columns, read_table


def read_rows(distiller, X, y, sample_weight):
    """Validate the real rows, and read what their columns and targets are.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters say how; it gets ``n_features_in_`` and ``feature_names_in_``.
    X : array-like of shape (n, q)
        Samples.
    y : array-like of shape (n,) or (n, k)
        Targets.
    sample_weight : array-like of shape (n,) or None
        Weights; rows of weight zero are left out.

    Returns
    -------
    real : RealRows
        The rows.
    columns : Table
        The columns that they came in.
    """
    of_classes = is_classifier(distiller)
    like = y
    columns = read_table(X, distiller.categorical_features, sample_weight)
    validate = validate_data
    if columns.encoder is not None:
        validate_data(distiller, X, skip_check_array=True)
        X = columns.encode(X)
        validate = _check_encoded
    with naming_missing_columns(X):
        X, y = validate(
            distiller,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=not of_classes
            and get_tags(distiller).target_tags.multi_output,
            y_numeric=not of_classes,
        )
    sample_weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not sample_weight.all():
        present = sample_weight > 0
        X, y, sample_weight = X[present], y[present], sample_weight[present]
    if of_classes:
        targets, y = class_targets(y, like)
    else:
        codes_classes = distiller.outer_loss == "log_loss"
        targets, y = numeric_targets(y, sample_weight, like, code_classes=codes_classes)
    columns.set_range(X)
    return DenseRows(X, y, sample_weight, targets), columns


def _check_encoded(estimator, X, y, **check_params):
    """Validate targets and the numbers that stand for a table."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    return check_X_y(X, y, estimator=estimator, **check_params)
