"""From a source to real rows: its columns, one look at all rows, and their targets."""

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
    """Read what rows are that lie in blocks, in one or two passes.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters say how; it gets ``n_features_in_`` and ``feature_names_in_``.
    source : Source
        Where the rows lie.
    roles : Roles, default=None
        How the estimator reads the columns, see ``read_table``.

    Returns
    -------
    real : BlockRows
        The rows.
    columns : Table
        The columns that they came in.
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
    """Look at all rows of a source once, and return them as BlockRows.

    Parameters
    ----------
    source : Source
        Where the rows lie.
    columns : Table
        Turns them into numbers.
    of_classes : bool
        Whether their targets are classes.
    multi_output : bool
        Whether there may be several of them.
    codes_classes : bool
        Whether numeric targets are to code classes.
    like : array-like
        Some targets as they came, for their container and names.

    Raises
    ------
    ValueError
        If a row cannot be read, or the targets are not of the kind.
    """
    if codes_classes:
        raise ValueError(
            "outer_loss='log_loss' with numeric targets needs rows in memory, "
            f"{MAX_ROWS} at the most; those that are read block by block need classes, "
            "or another outer_loss."
        )
    reader = BlockReader(columns, of_classes=of_classes, multi_output=multi_output)
    known = survey(source, reader)
    if known is None:
        raise ValueError("Every row has sample_weight zero: there are no real rows.")
    check_heaviest(known.heaviest)
    if np.isnan(known.low).any():
        raise ValueError(
            "X has missing values, which a pipeline may fill by gradient only in rows "
            f"in memory, {MAX_ROWS} at the most. Fill them before, or pass "
            "solver='search'."
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
