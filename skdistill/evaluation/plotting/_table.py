"""Heat map of synthetic rows."""

import numpy as np

from skdistill.evaluation.plotting._axes import axes_or_new, rows_by_target, target_text

#: Maximum number of labels on an axis.
MAX_TICKS = 40


def plot_table(X, y, classes, *, reference, is_categorical, feature_names, cmap, ax):
    """Draw the features of each row, standardized by the reference rows.

    Returns
    -------
    tuple of (Axes, AxesImage, Colorbar)
        The artists. The cells of categories are masked and hold their names.
    """
    order = rows_by_target(y, classes)
    X, y = X[order], y[order]
    Z = np.ma.masked_all(X.shape)
    Z[:, ~is_categorical] = _standardized(
        *(rows[:, ~is_categorical].astype(np.float64) for rows in (X, reference))
    )
    m, p = Z.shape
    named = feature_names is not None
    names = [str(name) for name in (feature_names if named else range(p))]
    below = 0.08 * max(map(len, names)) if named else 0.4
    size = 2.2 + min(0.3 * p, 9), 0.6 + below + min(max(0.24 * m, 1.8), 9)
    ax = axes_or_new(ax, size)
    limit = np.abs(Z).max() if Z.count() else 0.0
    limit = limit or 1.0
    drawn = ax.imshow(Z, cmap=cmap, vmin=-limit, vmax=limit, aspect="auto")
    for i, j in np.argwhere(np.broadcast_to(is_categorical, Z.shape)):
        ax.text(j, i, str(X[i, j]), ha="center", va="center", fontsize="small")
    shown = slice(0, p, -(-p // MAX_TICKS))
    ax.set_xticks(np.arange(p)[shown], names[shown], rotation=90 if named else 0)
    if not named:
        ax.set_xlabel("feature")
    if classes is None:
        shown = slice(0, m, -(-m // MAX_TICKS))
        ax.set_yticks(np.arange(m)[shown], map(target_text, y[shown]))
        ax.set_ylabel("target")
    else:
        present, counts = np.unique(y, return_counts=True)
        ends = np.cumsum(counts)
        ax.set_yticks(ends - counts / 2 - 0.5, present)
        ax.hlines(ends[:-1] - 0.5, -0.5, p - 0.5, color="black", linewidth=1)
        ax.set_ylabel("class")
    ax.tick_params(length=0)
    colorbar = ax.figure.colorbar(drawn, ax=ax, pad=0.02, label="standardized value")
    return ax, drawn, colorbar


def _standardized(X, reference):
    std = np.nanstd(reference, axis=0)
    standardized = (X - np.nanmean(reference, axis=0)) / np.where(std > 0, std, 1)
    return np.ma.masked_invalid(standardized)
