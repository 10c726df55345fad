"""Data that arrives in batches: from a reader of one's own, or over time."""

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

#: What new rows join, for messages.
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

        The rows are read once for each pass over them, and at no time are they all in
        memory.

        Parameters
        ----------
        make_batches : callable
            ``make_batches()`` starts a pass over the rows: it returns an iterable of
            tuples ``(X, y)`` or ``(X, y, sample_weight)``, arrays or DataFrames, the
            same rows in the same order each time. Batches may be of any size; a few
            thousand rows are a good one.
        classes : array-like of shape (n_classes,), default=None
            Labels that may occur; another one in a batch is an error.

        Returns
        -------
        self : DatasetDistiller
            The fitted distiller.

        Raises
        ------
        ValueError
            If there are no rows, or a label is not in ``classes``.
        """
        return self.fit(BatchesSource(make_batches, classes), None)

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Distill rows that have arrived, together with the set so far.

        The set so far stands for all rows that it was distilled from: it joins the new
        rows with their total weight, class by class, and a new set is distilled from
        both, starting from the last one. Classes that are new get rows, too. What the
        set so far does not say of earlier rows is lost.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows, in the form of the earlier ones.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        classes : array-like of shape (n_classes,), default=None
            Labels that may occur; another one is an error. Labels that have not
            occurred yet get no rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the new rows.

        Returns
        -------
        self : DatasetDistiller
            The fitted distiller.

        Raises
        ------
        ValueError
            If rows or labels do not fit the earlier ones, or with an ``n_synthetic``
            that is a share of all rows.
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
        """Return how many rows the set has, of each class if there are classes."""
        y = np.asarray(self.y_synthetic_)
        if not is_classifier(self):
            return len(y)
        labels, counts = np.unique(y, return_counts=True)
        return dict(zip(label_list(labels), counts.tolist(), strict=True))

    def _weights_so_far(self):
        """Return what each row of the set stands for, in weights of real rows."""
        own = np.asarray(self.sample_weight_synthetic_, dtype=np.float64)
        group = np.zeros(len(own), dtype=int)
        if is_classifier(self):
            group = np.searchsorted(self.classes_, np.asarray(self.y_synthetic_))
        total = np.bincount(group, own)
        return own * (self._weight_of_groups / total)[group]


def _as_floats(X):
    """Return an array of integers as floats, since learned rows have others."""
    is_whole = isinstance(X, np.ndarray) and X.dtype.kind in "iu"
    return X.astype(np.float64) if is_whole else X


def _refuse_what_gets_lost(distiller):
    """Raise a ValueError for settings that need all rows, or more than a set says."""
    if isinstance(distiller.n_synthetic, float):
        raise ValueError(
            f"n_synthetic={distiller.n_synthetic} is a share of all rows, whose number "
            "partial_fit does not know. Pass an int, a dict or 'auto'."
        )
    if distiller.learn_labels is True and is_classifier(distiller):
        raise ValueError(
            "learn_labels=True is not supported by partial_fit: a row with several "
            "labels has no class whose rows it could stand for. Pass "
            "learn_labels=False."
        )
