"""The HTML of a distiller in a notebook: scikit-learn's diagram and the first rows."""

from html import escape
from typing import Any

import numpy as np
from sklearn.utils import estimator_html_repr

from skdistill._sklearn_compat import _num_samples, _safe_indexing
from skdistill.tables._html import rows_in_html

#: Number of rows that are shown.
N_SHOWN = 5


class NotebookMixin:
    """Shows the size, the loss and the first rows of a fitted distiller."""

    X_synthetic_: Any
    y_synthetic_: Any
    sample_weight_synthetic_: np.ndarray
    estimator_: Any
    loss_: float
    validation_loss_: float | None
    n_iter_: int
    solver_: str

    def _html_repr(self):
        diagram = estimator_html_repr(self)
        if not self.__sklearn_is_fitted__():
            return diagram
        # A wide table scrolls, so that it does not widen the page.
        return (
            f"{diagram}<div class='skdistill-rows' style='overflow-x: auto'>"
            f"<p>{_summary(self)}</p>{_first_rows(self)}</div>"
        )


def _summary(distiller):
    """Return the size and the losses of a fitted distiller in words."""
    n_rows = _num_samples(distiller.X_synthetic_)
    n_features = getattr(distiller, "n_features_in_", None)
    name = escape(type(distiller.estimator_).__name__)
    size = _counted(n_rows, "synthetic row")
    if n_features is not None:
        size += f" with {_counted(n_features, 'feature')}"
    text = (
        f"<b>{size}</b>, found by <code>{distiller.solver_}</code> in "
        f"{_counted(distiller.n_iter_, 'iteration')}. Loss of the "
        f"<code>{name}</code> that was fitted on them: <b>{distiller.loss_:.4g}</b> on "
        "the real rows"
    )
    if distiller.validation_loss_ is not None:
        text += f", {distiller.validation_loss_:.4g} on rows that were held back"
    return f"{text}. The first {min(n_rows, N_SHOWN)}:"


def _first_rows(distiller):
    """Return a table of the first rows of a fitted distiller."""
    first = np.arange(min(_num_samples(distiller.X_synthetic_), N_SHOWN))
    weight = distiller.sample_weight_synthetic_
    has_columns = hasattr(distiller, "n_features_in_")
    return rows_in_html(
        _safe_indexing(distiller.X_synthetic_, first),
        distiller.get_feature_names_out() if has_columns else None,
        _safe_indexing(distiller.y_synthetic_, first),
        None if (weight == 1).all() else weight[first],
    )


def _counted(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
