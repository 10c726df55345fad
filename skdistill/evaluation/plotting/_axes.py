"""What the pictures share: axes, and the order of rows."""

import numpy as np


def axes_or_new(ax, size):
    """Return the given axes, or those of a new figure of a size in inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def rows_by_target(y, classes):
    """Positions of rows by class, or by target: by the first, if there are several."""
    if classes is not None:
        y = np.searchsorted(classes, y)
    return np.argsort(y if y.ndim == 1 else y[:, 0], kind="stable")


def target_text(target):
    """Write a number, or several."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(target))
