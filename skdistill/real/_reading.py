"""From what the user passed to the real rows: validated, encoded, with targets read."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from skdistill._sklearn_compat import _check_sample_weight
from skdistill.real._dense import DenseRows
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.tables._columns import read_table

#: Weights smaller than this, or larger than its inverse, leave the range of floats.
LEAST_WEIGHT = 1e-60


def read_rows(distiller, X, y, sample_weight, roles=None):
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
    roles : Roles, default=None
        How the estimator reads the columns, see ``read_table``.

    Returns
    -------
    real : RealRows
        The rows.
    columns : Table
        The columns that they came in.
    """
    of_classes = is_classifier(distiller)
    like = y
    columns = read_table(X, distiller.categorical_features, sample_weight, roles)
    X, y = columns.validate(
        distiller,
        X,
        y,
        multi_output=not of_classes and get_tags(distiller).target_tags.multi_output,
        y_numeric=not of_classes,
    )
    sample_weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    heaviest = sample_weight.max(initial=0.0)
    if heaviest and not LEAST_WEIGHT <= heaviest <= 1 / LEAST_WEIGHT:
        raise ValueError(
            f"The largest sample_weight is {heaviest:.3g}: with such weights the "
            "penalty of an estimator over- or underflows. Divide them by their mean."
        )
    passed, n_passed = None, len(sample_weight)
    if not sample_weight.all():
        present = sample_weight > 0
        passed = np.flatnonzero(present)
        X, y, sample_weight = X[present], y[present], sample_weight[present]
    if of_classes:
        targets, y = class_targets(y, like)
    else:
        codes_classes = distiller.outer_loss == "log_loss"
        targets, y = numeric_targets(y, sample_weight, like, code_classes=codes_classes)
    columns.set_range(X)
    real = DenseRows(X, y, sample_weight, targets)
    if passed is not None:
        real.passed, real.n_passed = passed, n_passed
    return real, columns
