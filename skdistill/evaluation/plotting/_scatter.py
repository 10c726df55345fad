"""Scatter plot of synthetic rows among real rows, in a plane."""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdistill.evaluation.plotting._axes import axes_or_new

REAL = {"s": 12, "alpha": 0.4, "linewidths": 0}
SYNTHETIC = {"s": 70, "edgecolors": "black", "linewidths": 1.2, "zorder": 3}


def plot_scatter(X_synthetic, y_synthetic, classes, *, X, y, is_categorical, cmap, ax):
    """Draw rows in the first two principal components of the standardized real ones.

    Categories are one-hot.

    Returns
    -------
    tuple of (Axes, list of PathCollection, Colorbar or None)
        The artists: first real rows, by class if their classes are known, then
        synthetic rows. Only numeric targets have a colorbar.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = make_column_transformer(
        (one_hot, np.flatnonzero(is_categorical)), remainder="passthrough"
    )
    plane = make_pipeline(numbers, StandardScaler(), PCA(2, random_state=0))
    real, synthetic = plane.fit_transform(X), plane.transform(X_synthetic)
    ax = axes_or_new(ax, (6, 4.5))
    for axis, name, share in zip(
        (ax.xaxis, ax.yaxis),
        ("first", "second"),
        plane[-1].explained_variance_ratio_,
        strict=True,
    ):
        axis.set_label_text(f"{name} component of the real rows ({share:.0%})")
    draw = _draw_classes if classes is not None else _draw_targets
    known = classes if classes is not None else cmap
    return ax, *draw(ax, real, y, synthetic, y_synthetic, known)


def _draw_classes(ax, real, y, synthetic, y_synthetic, classes):
    colors = _class_colors(len(classes))
    drawn = []
    if y is None:
        drawn.append(ax.scatter(*real.T, color="tab:gray", **REAL))
    else:
        for c, color in zip(classes, colors, strict=True):
            drawn.append(ax.scatter(*real[y == c].T, color=color, **REAL))
    for c, color in zip(classes, colors, strict=True):
        points = synthetic[y_synthetic == c]
        drawn.append(ax.scatter(*points.T, color=color, label=str(c), **SYNTHETIC))
    ax.legend(title="synthetic", loc="center left", bbox_to_anchor=(1, 0.5))
    return drawn, None


def _draw_targets(ax, real, y, synthetic, y_synthetic, cmap):
    """Draw rows with numeric targets; the first target gives the color."""
    y, y_synthetic = (
        t if t is None or t.ndim == 1 else t[:, 0] for t in (y, y_synthetic)
    )
    seen = y_synthetic if y is None else np.concatenate([y, y_synthetic])
    scale = {"cmap": cmap, "vmin": seen.min(), "vmax": seen.max()}
    if y is None:
        drawn = [ax.scatter(*real.T, color="tab:gray", **REAL)]
    else:
        drawn = [ax.scatter(*real.T, c=y, **scale, **REAL)]
    drawn.append(ax.scatter(*synthetic.T, c=y_synthetic, **scale, **SYNTHETIC))
    return drawn, ax.figure.colorbar(drawn[-1], ax=ax, label="target")


def _class_colors(n_classes):
    import matplotlib as mpl

    if n_classes <= 10:
        return mpl.colormaps["tab10"].colors[:n_classes]
    return mpl.colormaps["turbo"](np.linspace(0, 1, n_classes))
