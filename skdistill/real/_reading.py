"""Reading the real rows: validation, encoding, and targets."""

from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from skdistill._sklearn_compat import _check_sample_weight
from skdistill.real._in_memory import rows_in_memory
from skdistill.real._reading_blocks import read_block_rows, rows_in_blocks
from skdistill.real._reserve import MAX_ROWS
from skdistill.real._targets import class_targets, numeric_targets
from skdistill.real._weighted import check_heaviest
from skdistill.real.sources import source_of
from skdistill.real.sources._sliced import SlicedSource
from skdistill.tables._columns import Table, read_table


def read_rows(distiller, X, y, sample_weight, roles=None):
    """Validate the real rows, and find out what their columns and targets hold.

    Parameters
    ----------
    distiller : DatasetDistiller
        Gives the parameters, and gets ``n_features_in_`` and ``feature_names_in_``.
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
        Columns of the real rows.
    """
    source = source_of(X, y, sample_weight)
    if source is not None:
        return read_block_rows(distiller, source, roles)
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
    if X.shape[0] > MAX_ROWS and not _is_needed_whole(distiller, X):
        real = rows_in_blocks(
            SlicedSource(X, y, sample_weight),
            Table(),  # X holds numbers already
            of_classes=of_classes,
            multi_output=np.ndim(y) == 2,
            codes_classes=False,
            like=like,
        )
        columns.set_range(np.stack([real.low, real.high]))
        return real, columns
    sample_weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    check_heaviest(sample_weight.max(initial=0.0))
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
    real = rows_in_memory(X, y, sample_weight, targets)
    if passed is not None:
        real.passed, real.n_passed = passed, n_passed
    return real, columns


def _is_needed_whole(distiller, X):
    """Whether all of many rows in memory have to be at hand.

    This holds for sparse rows, for rows with missing values or with one-hot targets,
    and if the user gives the parts to hold back.
    """
    return (
        issparse(X)
        or np.isnan(X.min())
        or not isinstance(distiller.validation_fraction, Real)
        or (not is_classifier(distiller) and distiller.outer_loss == "log_loss")
    )
