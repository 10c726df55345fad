"""Reading real rows from a source, block by block."""

from functools import partial

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from skdistill.real._blocks import block_rows
from skdistill.real._reserve import MAX_ROWS
from skdistill.real._survey import BlockReader, survey
from skdistill.real._targets import NumericTargets, targets_of_classes
from skdistill.real._telling import telling_rows, telling_rows_of_both
from skdistill.real._weighted import check_heaviest
from skdistill.tables._columns import read_table
from skdistill.tables._reading import as_labels, is_frame


def read_block_rows(distiller, source, roles=None):
    """Find out what the columns and targets of a source hold, in one or two passes.

    Parameters
    ----------
    distiller : DatasetDistiller
        Gives the parameters, and gets ``n_features_in_`` and ``feature_names_in_``.
    source : Source
        Source of the blocks.
    roles : Roles, default=None
        How the estimator reads the columns, see ``read_table``.

    Returns
    -------
    real : BlockRows
        The rows.
    columns : Table
        Columns of the rows.
    """
    head = source.head()
    if head is None:
        raise ValueError("Found array with 0 sample(s) while at least 1 is required.")
    if head.y is None:
        raise ValueError(
            f"{type(distiller).__name__} requires y to be passed, but the target y is "
            "None."
        )
    of_classes = is_classifier(distiller)
    categorical = distiller.categorical_features
    shown = telling_rows(head, None)
    if is_frame(head.X) or categorical is not None:
        shown = source.reduce(
            partial(telling_rows, categorical_features=categorical),
            partial(telling_rows_of_both, categorical_features=categorical),
        )
    columns = read_table(shown.X, categorical, None, roles)
    multi_output = not of_classes and get_tags(distiller).target_tags.multi_output
    columns.validate(
        distiller,
        shown.X,
        as_labels(shown.y),
        multi_output=multi_output,
        y_numeric=not of_classes,
    )
    real = rows_in_blocks(
        source,
        columns,
        of_classes=of_classes,
        multi_output=multi_output,
        codes_classes=not of_classes and distiller.outer_loss == "log_loss",
        like=shown.y,
    )
    columns.set_range(np.stack([real.low, real.high]))
    return real, columns


def rows_in_blocks(source, columns, *, of_classes, multi_output, codes_classes, like):
    """Return the rows of a source as BlockRows, after a first pass over them.

    Parameters
    ----------
    source : Source
        Source of the blocks.
    columns : Table
        Turns rows into numbers.
    of_classes : bool
        Whether targets are classes.
    multi_output : bool
        Whether a row may have several targets.
    codes_classes : bool
        Whether numeric targets are one-hot classes.
    like : array-like
        Some targets as they came, for their container and names.

    Raises
    ------
    ValueError
        If a row is not valid, or if the targets are not of this kind.
    """
    if codes_classes:
        raise ValueError(
            "outer_loss='log_loss' with numeric targets needs rows in memory, at most "
            f"{MAX_ROWS}. For rows that are read block by block, pass classes, or "
            "another outer_loss."
        )
    reader = BlockReader(columns, of_classes=of_classes, multi_output=multi_output)
    known = survey(source, reader)
    if known is None:
        raise ValueError(
            "Every row has sample_weight zero, so there are no real rows. Pass "
            "positive weights."
        )
    check_heaviest(known.heaviest)
    if np.isnan(known.low).any():
        raise ValueError(
            "X has missing values. A pipeline that imputes can only be distilled by "
            f"gradient with rows in memory, at most {MAX_ROWS}. Impute them before, or "
            "pass solver='search'."
        )
    reserve = known.reserve
    if of_classes:
        targets = targets_of_classes(like, known.labels)
    elif known.is_whole:
        targets = NumericTargets.of(reserve.y, reserve.sample_weight, like)
    else:
        low, high, *_ = known.numbers
        targets = NumericTargets(
            like, low, high, known.numbers.deviation, reserve.y.ndim == 2
        )
    return block_rows(source, reader, known, targets, targets.read(reserve.y))
