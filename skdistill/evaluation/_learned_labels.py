"""Sets with learned class labels, which have a weighted copy of each row per class."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from skdistill._sklearn_compat import _num_samples


def has_learned_labels(distiller):
    """Whether the set of a fitted distiller has a copy of each row for each class."""
    return is_classifier(distiller) and distiller.learn_labels not in ("auto", False)


def n_distinct_rows(distiller):
    """Return the number of rows of a fitted distiller's set, without copies."""
    n_rows = _num_samples(distiller.X_synthetic_)
    if has_learned_labels(distiller):
        return n_rows // len(distiller.classes_)
    return n_rows


def distinct_rows(distiller):
    """Return rows without copies, each with the class of the largest weight.

    Returns
    -------
    X : ndarray of shape (m, p)
        Rows.
    y : ndarray of shape (m,) or (m, n_outputs)
        Class labels, or numeric targets.
    """
    X, y = distiller.X_synthetic_, np.asarray(distiller.y_synthetic_)
    X = X.toarray() if issparse(X) else np.asarray(X)
    if not has_learned_labels(distiller):
        return X, y
    n_classes = len(distiller.classes_)
    weight = distiller.sample_weight_synthetic_.reshape(-1, n_classes)
    return X[::n_classes], distiller.classes_[weight.argmax(axis=1)]
