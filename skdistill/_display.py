"""DistillationDisplay: the synthetic set in images, tables and planes; the loss."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted, validate_data

KINDS = ("images", "table", "scatter", "loss")
#: Square numbers of features from which on "auto" takes them for pixels.
MIN_PIXELS = 36
#: Most labels on an axis that are told apart.
MAX_TICKS = 40
CMAP = "RdBu_r"


class DistillationDisplay:
    """Pictures of a synthetic set, and of how it was found.

    It is recommended to create it with :meth:`from_estimator`.

    Parameters
    ----------
    X_synthetic : ndarray of shape (n_synthetic, n_features)
        Synthetic rows.

    y_synthetic : ndarray of shape (n_synthetic,) or (n_synthetic, n_outputs)
        Their targets.

    classes : ndarray of shape (n_classes,), default=None
        Class labels, None if the targets are no classes.

    X : ndarray of shape (n_samples, n_features), default=None
        Real rows: for the kind "scatter", and to standardize a table by.

    y : ndarray of shape (n_samples,), default=None
        Their targets, for the colors of a scatter plot.

    feature_names : sequence of str of length n_features, default=None
        Names of features, None for their numbers.

    loss_curve : ndarray of shape (n_iterations,), default=None
        Outer loss after each outer iteration, for the kind "loss".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure with the axes.

    image_ : matplotlib AxesImage or None
        The images, or the heat map of a table.

    scatter_ : list of matplotlib Artist or None
        Points of a scatter plot: real ones, then synthetic ones.

    lines_ : list of matplotlib Artist or None
        The line of the loss.

    colorbar_ : matplotlib Colorbar or None
        Colorbar, if there is one.

    See Also
    --------
    DistillationCurveDisplay : Scores against the number of rows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdistill import DatasetDistiller, DistillationDisplay
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> X = StandardScaler().set_output(transform="pandas").fit_transform(X)
    >>> distiller = DatasetDistiller(n_synthetic=6, random_state=0).fit(X, y)
    >>> DistillationDisplay.from_estimator(distiller, X=X)
    <...>
    >>> plt.show()
    """

    def __init__(
        self,
        *,
        X_synthetic,
        y_synthetic,
        classes=None,
        X=None,
        y=None,
        feature_names=None,
        loss_curve=None,
    ):
        self.X_synthetic = X_synthetic
        self.y_synthetic = y_synthetic
        self.classes = classes
        self.X = X
        self.y = y
        self.feature_names = feature_names
        self.loss_curve = loss_curve

    @classmethod
    def from_estimator(
        cls,
        distiller,
        *,
        kind="auto",
        image_shape=None,
        center=None,
        X=None,
        y=None,
        feature_names=None,
        ax=None,
        **plot_params,
    ):
        """Plot the synthetic set of a fitted distiller.

        Parameters
        ----------
        distiller : DatasetDistiller
            Fitted distiller.

        kind : {"auto", "images", "table", "scatter", "loss"}, default="auto"
            See :meth:`plot`.

        image_shape : tuple of (height, width), default=None
            Shape of an image, None for a square one.

        center : None, "mean", float or array-like of shape (n_features,), default=None
            What has the middle color in images, see :meth:`plot`.

        X : array-like of shape (n_samples, n_features), default=None
            Real rows: needed for "scatter"; they standardize a table, if given.

        y : array-like of shape (n_samples,), default=None
            Their targets, for the colors of a scatter plot.

        feature_names : sequence of str of length n_features, default=None
            Names of features, None for those that the distiller saw, if any.

        ax : matplotlib Axes, default=None
            Axes to plot on, None for a new figure.

        **plot_params : dict
            Further parameters of :meth:`plot`.

        Returns
        -------
        DistillationDisplay
            The display, plotted.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(distiller)
        if X is not None:
            X = validate_data(distiller, X, reset=False, dtype=np.float64)
            check_consistent_length(X, y)
        if feature_names is None:
            feature_names = getattr(distiller, "feature_names_in_", None)
        display = cls(
            X_synthetic=np.asarray(distiller.X_synthetic_),
            y_synthetic=np.asarray(distiller.y_synthetic_),
            classes=distiller.classes_ if is_classifier(distiller) else None,
            X=X,
            y=None if y is None else np.asarray(y),
            feature_names=feature_names,
            loss_curve=distiller.loss_curve_,
        )
        return display.plot(
            kind, ax=ax, image_shape=image_shape, center=center, **plot_params
        )

    def plot(self, kind="auto", *, ax=None, image_shape=None, center=None, cmap=None):
        """Plot the synthetic set.

        Parameters
        ----------
        kind : {"auto", "images", "table", "scatter", "loss"}, default="auto"
            "images": a row of images for each class, or, with one image for each class,
            one row for all; targets that are no classes are written below the images,
            which are sorted by them. "table": a heat map of the features of each
            row, standardized by the real rows if they are known, else by the synthetic
            ones. "scatter": rows in the plane of the first two principal
            components of the standardized real rows. "loss": outer loss after each
            outer iteration. "auto": "images" if there is an ``image_shape``, or a
            square number of features of at least 36, else "table".

        ax : matplotlib Axes, default=None
            Axes to plot on, None for a new figure.

        image_shape : tuple of (height, width), default=None
            Shape of an image, None for a square one.

        center : None, "mean", float or array-like of shape (n_features,), default=None
            What has the middle color in images: None, zero; "mean", the mean of the
            synthetic rows, which shows what tells them apart; or given values.

        cmap : str or matplotlib Colormap, default=None
            Diverging color map of images and tables; of targets that are no classes, in
            a scatter plot.

        Returns
        -------
        DistillationDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if kind not in ("auto", *KINDS):
            raise ValueError(f"kind={kind!r} must be 'auto' or one of {list(KINDS)}.")
        if kind == "auto":
            n_features = self.X_synthetic.shape[1]
            square = n_features >= MIN_PIXELS and _side(n_features) ** 2 == n_features
            kind = "images" if image_shape is not None or square else "table"
        self.image_ = self.scatter_ = self.lines_ = self.colorbar_ = None
        if kind == "images":
            self._plot_images(ax, self._image_shape(image_shape), center, cmap or CMAP)
        elif kind == "table":
            self._plot_table(ax, cmap or CMAP)
        elif kind == "scatter":
            self._plot_scatter(ax, cmap or "viridis")
        else:
            self._plot_loss(ax)
        return self

    def _plot_images(self, ax, shape, center, cmap):
        from matplotlib.patches import Rectangle
        from matplotlib.ticker import MaxNLocator

        images = self.X_synthetic - self._center(center)
        label = {None: "value", "mean": "value less mean"}.get(
            center if center is None or isinstance(center, str) else "",
            "value less center",
        )
        rows = self._rows_of_images()
        below = 0 if self.classes is not None else max(2, round(0.3 * shape[0]))
        height, width = shape[0] + 1 + below, shape[1] + 1
        mosaic = np.full((len(rows) * height - 1, len(rows[0]) * width - 1), np.nan)
        corners = {}  # of each image in the mosaic: (top, left)
        for (i, j), image in np.ndenumerate(rows):
            if image >= 0:
                corners[image] = top, left = i * height, j * width
                pixels = images[image].reshape(shape)
                mosaic[top : top + shape[0], left : left + shape[1]] = pixels
        ax = self._axes(ax, size=_mosaic_size(mosaic.shape, len(rows)))
        limit = np.abs(images).max() or 1.0
        self.image_ = ax.imshow(
            mosaic, cmap=cmap, vmin=-limit, vmax=limit, interpolation="nearest"
        )
        for image, (top, left) in corners.items():
            frame = {"fill": False, "edgecolor": "0.6", "linewidth": 0.6}
            box = Rectangle((left - 0.5, top - 0.5), *shape[::-1], **frame)
            ax.add_patch(box).set_clip_on(False)
            if self.classes is None:
                x, y = left + shape[1] / 2 - 0.5, top + shape[0] + below / 2 - 0.5
                target = _number(self.y_synthetic[image])
                ax.text(x, y, target, ha="center", va="center", fontsize="small")
        ax.set(xticks=[], yticks=[])
        if self.classes is not None and len(rows) == 1:
            middle = np.arange(len(rows[0])) * width + shape[1] / 2 - 0.5
            ax.set_xticks(middle, self.y_synthetic[rows[0]])
        elif self.classes is not None:
            middle = np.arange(len(rows)) * height + shape[0] / 2 - 0.5
            ax.set_yticks(middle, self.classes)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = {"ticks": MaxNLocator(4)} if len(rows) == 1 else {"shrink": 0.6}
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=ax, pad=0.02, label=label, **bar
        )

    def _rows_of_images(self):
        """Positions of images in the mosaic, (n_rows, n_columns), -1 for none."""
        m = len(self.X_synthetic)
        if self.classes is not None:
            groups = [np.flatnonzero(self.y_synthetic == c) for c in self.classes]
            if max(map(len, groups)) == 1:
                groups = [np.concatenate(groups)]
        else:
            n_rows = max(1, round(np.sqrt(m / 2.5)))
            groups = np.array_split(self._order(), n_rows)
        rows = np.full((len(groups), max(map(len, groups))), -1)
        for row, group in zip(rows, groups, strict=True):
            row[: len(group)] = group
        return rows

    def _plot_table(self, ax, cmap):
        reference = self.X_synthetic if self.X is None else self.X
        mean, std = reference.mean(axis=0), reference.std(axis=0)
        order = self._order()
        Z = ((self.X_synthetic - mean) / np.where(std > 0, std, 1))[order]
        m, p = Z.shape
        names = range(p) if self.feature_names is None else self.feature_names
        below = 0.4 if self.feature_names is None else 0.08 * max(map(len, names))
        size = 2.2 + min(0.3 * p, 9), 0.6 + below + min(max(0.24 * m, 1.8), 9)
        ax = self._axes(ax, size=size)
        limit = np.abs(Z).max() or 1.0
        self.image_ = ax.imshow(Z, cmap=cmap, vmin=-limit, vmax=limit, aspect="auto")
        every = -(-p // MAX_TICKS)
        ax.set_xticks(
            range(0, p, every),
            list(names)[::every],
            rotation=0 if self.feature_names is None else 90,
        )
        if self.classes is None:
            every = -(-m // MAX_TICKS)
            shown = order[::every]
            ax.set_yticks(
                range(0, m, every), [_number(self.y_synthetic[i]) for i in shown]
            )
            ax.set_ylabel("target")
        else:
            counts = np.array([(self.y_synthetic == c).sum() for c in self.classes])
            ends = np.cumsum(counts)
            ax.set_yticks(ends - counts / 2 - 0.5, self.classes)
            ax.hlines(ends[:-1] - 0.5, -0.5, p - 0.5, color="black", linewidth=1)
            ax.set_ylabel("class")
        ax.set_xlabel("feature" if self.feature_names is None else None)
        ax.tick_params(length=0)
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=ax, pad=0.02, label="standardized value"
        )

    def _plot_scatter(self, ax, cmap):
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if self.X is None:
            raise ValueError(
                "kind='scatter' shows the rows among the real ones: pass X, and y for "
                "their colors."
            )
        plane = make_pipeline(StandardScaler(), PCA(2, random_state=0))
        real, synthetic = plane.fit_transform(self.X), plane.transform(self.X_synthetic)
        ax = self._axes(ax, size=(6, 4.5))
        small = {"s": 12, "alpha": 0.4, "linewidths": 0}
        large = {"s": 70, "edgecolors": "black", "linewidths": 1.2, "zorder": 3}
        self.scatter_ = []

        def scatter(points, style, **kw):
            self.scatter_.append(ax.scatter(*points.T, **(style | kw)))

        if self.classes is not None:
            import matplotlib as mpl

            name = "tab10" if len(self.classes) <= 10 else "turbo"
            map_ = mpl.colormaps[name]
            colors = [
                map_(i if name == "tab10" else i / (len(self.classes) - 1))
                for i in range(len(self.classes))
            ]
            if self.y is None:
                scatter(real, small, color="tab:gray")
            else:
                for c, color in zip(self.classes, colors, strict=True):
                    scatter(real[self.y == c], small, color=color)
            for c, color in zip(self.classes, colors, strict=True):
                points = synthetic[self.y_synthetic == c]
                scatter(points, large, color=color, label=str(c))
            ax.legend(title="synthetic", loc="center left", bbox_to_anchor=(1, 0.5))
        else:
            values = [t for t in (self.y, self.y_synthetic) if t is not None]
            values = [t if t.ndim == 1 else t[:, 0] for t in values]
            low, high = min(map(np.min, values)), max(map(np.max, values))
            scale = {"cmap": cmap, "vmin": low, "vmax": high}
            if self.y is None:
                scatter(real, small, color="tab:gray")
            else:
                scatter(real, small, c=values[0], **scale)
            scatter(synthetic, large, c=values[-1], **scale)
            self.colorbar_ = self.figure_.colorbar(
                self.scatter_[-1], ax=ax, label="target"
            )
        shares = plane[-1].explained_variance_ratio_
        for axis, name, share in zip(
            (ax.xaxis, ax.yaxis), ("first", "second"), shares, strict=True
        ):
            axis.set_label_text(f"{name} component of the real rows ({share:.0%})")

    def _plot_loss(self, ax):
        if self.loss_curve is None:
            raise ValueError("kind='loss' needs the loss_curve of the display.")
        from matplotlib.ticker import MaxNLocator

        ax = self._axes(ax, size=(6, 4))
        iterations = np.arange(1, len(self.loss_curve) + 1)
        self.lines_ = ax.plot(iterations, self.loss_curve, marker=".")
        if self.loss_curve.min() > 0 and np.ptp(np.log10(self.loss_curve)) > 1:
            ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="outer iteration", ylabel="outer loss")

    def _axes(self, ax, size):
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax

    def _order(self):
        """Synthetic rows by class, or by target (the first, if there are several)."""
        if self.classes is not None:
            codes = np.searchsorted(self.classes, self.y_synthetic)
            return np.argsort(codes, kind="stable")
        y = self.y_synthetic
        return np.argsort(y if y.ndim == 1 else y[:, 0], kind="stable")

    def _center(self, center):
        if center is None:
            return 0.0
        if isinstance(center, str):
            if center != "mean":
                raise ValueError(
                    f"center={center!r} must be None, 'mean', a number or an array."
                )
            return self.X_synthetic.mean(axis=0)
        return np.asarray(center, dtype=np.float64)

    def _image_shape(self, image_shape):
        n_features = self.X_synthetic.shape[1]
        if image_shape is None:
            side = _side(n_features)
            if side**2 != n_features:
                raise ValueError(
                    f"{n_features} features make no square image; pass image_shape="
                    "(height, width)."
                )
            return side, side
        if len(image_shape) != 2 or np.prod(image_shape) != n_features:
            raise ValueError(
                f"image_shape={tuple(image_shape)} must be (height, width) of "
                f"{n_features} pixels in all, one for each feature."
            )
        return tuple(image_shape)


def _side(n_features):
    return round(np.sqrt(n_features))


def _mosaic_size(shape, n_rows):
    """Figure size in inches for a mosaic of (height, width) pixels."""
    height, width = shape
    pixel = min(9 / width, max(0.75 * n_rows, 1.5) / height, 9 / height)
    return 1.5 + pixel * width, 0.5 + pixel * height


def _number(target):
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(target))
