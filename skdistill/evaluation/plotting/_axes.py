"""Helpers of all plots: axes, order of rows, text of targets."""

import numpy as np


def axes_or_new(ax, size):
    """Return the given axes, or axes of a new figure with ``size`` in inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def rows_by_target(y, classes):
    """Return the positions of rows in the order of classes, or of the first target."""
    if classes is not None:
        y = np.searchsorted(classes, y)
    return np.argsort(y if y.ndim == 1 else y[:, 0], kind="stable")


def target_text(target):
    """Return the text of a target, which may be several numbers."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(target))
