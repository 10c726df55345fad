"""Synthetic rows as images, in one mosaic."""

import numpy as np

from skdistill.evaluation.plotting._axes import axes_or_new, rows_by_target, target_text


def image_shape_of(n_features, image_shape):
    """Return the shape (height, width) of an image; None stands for a square."""
    if image_shape is None:
        side = round(np.sqrt(n_features))
        if side**2 != n_features:
            raise ValueError(
                f"{n_features} features make no square image. Pass image_shape="
                "(height, width)."
            )
        return side, side
    if len(image_shape) != 2 or np.prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape={tuple(image_shape)} must be (height, width) with a product "
            f"of {n_features}, one pixel for each feature."
        )
    return tuple(image_shape)


def plot_images(X, y, classes, *, shape, center, cmap, ax):
    """Draw images in rows; see ``DistillationDisplay.plot``.

    Returns
    -------
    tuple of (Axes, AxesImage, Colorbar)
        The artists. Pixels between the images are masked.
    """
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    middle_value, label = _middle(X, center)
    images = (X - middle_value).reshape(-1, *shape)
    rows = _rows_of_images(y, classes)
    below = 0 if classes is not None else max(2, round(0.3 * shape[0]))  # for a target
    height, width = shape[0] + below + 1, shape[1] + 1
    mosaic = np.full((len(rows) * height - 1, len(rows[0]) * width - 1), np.nan)
    corners = {
        image: (i * height, j * width)
        for (i, j), image in np.ndenumerate(rows)
        if image >= 0
    }
    for image, (top, left) in corners.items():
        mosaic[top : top + shape[0], left : left + shape[1]] = images[image]
    ax = axes_or_new(ax, _figure_size(mosaic.shape, len(rows)))
    limit = np.abs(images).max() or 1.0
    drawn = ax.imshow(
        mosaic, cmap=cmap, vmin=-limit, vmax=limit, interpolation="nearest"
    )
    for image, (top, left) in corners.items():
        frame = {"fill": False, "edgecolor": "0.6", "linewidth": 0.6}
        box = Rectangle((left - 0.5, top - 0.5), *shape[::-1], **frame)
        ax.add_patch(box).set_clip_on(False)
        if classes is None:
            position = left + shape[1] / 2 - 0.5, top + shape[0] + below / 2 - 0.5
            centered = {"ha": "center", "va": "center", "fontsize": "small"}
            ax.text(*position, target_text(y[image]), **centered)
    ax.set(xticks=[], yticks=[])
    if classes is not None and len(rows) == 1:
        middles = np.arange(len(rows[0])) * width + shape[1] / 2 - 0.5
        ax.set_xticks(middles, y[rows[0]])
    elif classes is not None:
        middles = np.arange(len(rows)) * height + shape[0] / 2 - 0.5
        ax.set_yticks(middles, y[rows[:, 0]])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    options = {"ticks": MaxNLocator(4)} if len(rows) == 1 else {"shrink": 0.6}
    colorbar = ax.figure.colorbar(drawn, ax=ax, pad=0.02, label=label, **options)
    return ax, drawn, colorbar


def _middle(X, center):
    """Return the values with the middle color, and the label of the colorbar."""
    if center is None:
        return 0.0, "value"
    if not isinstance(center, str):
        return np.asarray(center, dtype=np.float64), "value less center"
    if center != "mean":
        raise ValueError(
            f"center={center!r} must be None, 'mean', a number or an array."
        )
    return X.mean(axis=0), "value less mean"


def _rows_of_images(y, classes):
    """Return the index of the image in each cell (n_rows, n_columns), or -1."""
    if classes is None:
        n_rows = max(1, round(np.sqrt(len(y) / 2.5)))
        groups = np.array_split(rows_by_target(y, classes), n_rows)
    else:
        groups = [np.flatnonzero(y == c) for c in classes if c in y]
        if max(map(len, groups)) == 1:
            groups = [np.concatenate(groups)]
    rows = np.full((len(groups), max(map(len, groups))), -1)
    for row, group in zip(rows, groups, strict=True):
        row[: len(group)] = group
    return rows


def _figure_size(mosaic_shape, n_rows):
    """Return the figure size (width, height) in inches for a mosaic."""
    height, width = mosaic_shape
    pixel = min(9 / width, max(0.75 * n_rows, 1.5) / height, 9 / height)
    return 1.5 + pixel * width, max(0.5 + pixel * height, 1.5)
