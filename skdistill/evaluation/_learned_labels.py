"""Sets with learned labels of classes: a weighted copy of each row for each class."""

import numpy as np
from sklearn.base import is_classifier


def has_learned_labels(distiller):
    """Whether each row of the set of a fitted distiller comes with every class."""
    return is_classifier(distiller) and distiller.learn_labels not in ("auto", False)


def n_distinct_rows(distiller):
    """Rows of the set of a fitted distiller, copies not counted."""
    n_rows = len(distiller.X_synthetic_)
    if has_learned_labels(distiller):
        return n_rows // len(distiller.classes_)
    return n_rows


def distinct_rows(distiller):
    """Return rows without copies, each with the class that weighs most in its copies.

    Returns
    -------
    X : ndarray of shape (m, p)
        Rows.
    y : ndarray of shape (m,) or (m, n_outputs)
        Classes, or numbers as they are.
    """
    X, y = np.asarray(distiller.X_synthetic_), np.asarray(distiller.y_synthetic_)
    if not has_learned_labels(distiller):
        return X, y
    n_classes = len(distiller.classes_)
    weight = distiller.sample_weight_synthetic_.reshape(-1, n_classes)
    return X[::n_classes], distiller.classes_[weight.argmax(axis=1)]
