"""Fitting on data that arrive in batches, from a reader or over time."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier

from skdistill._sklearn_compat import _check_sample_weight
from skdistill._typing import ArrayLike
from skdistill.real._cells import with_rows
from skdistill.real.sources import BatchesSource, check_labels, refuse_blocks
from skdistill.synthetic._allocation import label_list
from skdistill.tables._frames import labels_like
from skdistill.tables._reading import as_labels, readable

#: Name of the rows that new rows join, for messages.
SO_FAR = "the set so far"


class GrowingMixin:
    """``fit_batches`` and ``partial_fit`` of a distiller."""

    fit: Callable[..., Self]
    get_params: Callable[..., dict[str, Any]]
    n_synthetic: Any
    warm_start: Any
    classes_: Any
    X_synthetic_: Any
    y_synthetic_: Any
    sample_weight_synthetic_: Any
    _table: Any
    _weight_of_groups: Any

    def fit_batches(
        self,
        make_batches: Callable[[], Iterable[tuple[Any, ...]]],
        *,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Distill rows that come from a reader, such as a database cursor.

        The rows are read again in each pass over them. They are never all in memory.

        Parameters
        ----------
        make_batches : callable
            Function without arguments that starts a pass over the rows. It returns an
            iterable of tuples ``(X, y)`` or ``(X, y, sample_weight)`` of arrays or
            DataFrames. Each call must give the same rows in the same order. Batches may
            have any size; a few thousand rows work well.
        classes : array-like of shape (n_classes,), default=None
            Labels that are allowed in ``y``, to detect wrong ones. None allows all.

        Returns
        -------
        self : DatasetDistiller
            The fitted distiller.

        Raises
        ------
        ValueError
            If there are no rows, or if a label is not in ``classes``.
        """
        return self.fit(BatchesSource(make_batches, classes), None)

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Distill new rows together with the present synthetic set.

        Use it for rows that arrive over time, if earlier rows are no longer available.
        The present set represents them: each of its classes gets the total weight of
        the earlier rows of that class. A new set is distilled from the new rows and the
        present set, which is also the start. New classes get rows, too. Information on
        earlier rows that the present set lacks is lost.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows, in the form of the earlier ones.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        classes : array-like of shape (n_classes,), default=None
            Labels that are allowed in ``y``, to detect wrong ones. None allows all.
            Labels that have not occurred yet get no rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the new rows.

        Returns
        -------
        self : DatasetDistiller
            The fitted distiller.

        Raises
        ------
        ValueError
            If rows or labels do not fit the earlier ones, if ``n_synthetic`` is a
            fraction, or if class labels are learned.
        """
        refuse_blocks(X=X)
        _refuse_what_gets_lost(self)
        X, y = readable(X), as_labels(readable(y, "y"))
        if classes is not None:
            check_labels(y, classes)
        if not hasattr(self, "estimator_"):
            return self.fit(X, y, sample_weight=sample_weight)
        self._table.validate_new(self, X)
        weight = _check_sample_weight(
            sample_weight,
            np.empty((len(np.asarray(y)), 1)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
        step = copy.copy(self)
        if self._keeps_classes(y):
            step.warm_start, step.n_synthetic = True, self._rows_so_far()
        step.fit(
            with_rows(_as_floats(X), self.X_synthetic_, SO_FAR),
            labels_like(y, np.concatenate([y, self.y_synthetic_])),
            sample_weight=np.concatenate([weight, self._weights_so_far()]),
        )
        params = self.get_params(deep=False)
        learned = {k: v for k, v in vars(step).items() if k not in params}
        vars(self).update(learned)
        return self

    def _keeps_classes(self, y):
        if not is_classifier(self):
            return True
        return bool(np.isin(np.asarray(y), self.classes_).all())

    def _rows_so_far(self):
        """Return the number of rows of the set, as a dict if there are classes."""
        y = np.asarray(self.y_synthetic_)
        if not is_classifier(self):
            return len(y)
        labels, counts = np.unique(y, return_counts=True)
        return dict(zip(label_list(labels), counts.tolist(), strict=True))

    def _weights_so_far(self):
        """Return the total weight of the real rows that each row represents."""
        own = np.asarray(self.sample_weight_synthetic_, dtype=np.float64)
        group = np.zeros(len(own), dtype=int)
        if is_classifier(self):
            group = np.searchsorted(self.classes_, np.asarray(self.y_synthetic_))
        total = np.bincount(group, own)
        return own * (self._weight_of_groups / total)[group]


def _as_floats(X):
    """Return an array of integers as floats, because learned rows are floats."""
    is_whole = isinstance(X, np.ndarray) and X.dtype.kind in "iu"
    return X.astype(np.float64) if is_whole else X


def _refuse_what_gets_lost(distiller):
    """Raise a ValueError for settings that need more than a set and new rows."""
    if isinstance(distiller.n_synthetic, float):
        raise ValueError(
            f"n_synthetic={distiller.n_synthetic} is a share of all rows, but "
            "partial_fit does not know their number. Pass an int, a dict or 'auto'."
        )
    if distiller.learn_labels is True and is_classifier(distiller):
        raise ValueError(
            "learn_labels=True is not supported by partial_fit: a row with several "
            "labels cannot represent the earlier rows of one class. Pass "
            "learn_labels=False."
        )
