"""DistillationDisplay: plots of a synthetic set and of its loss curve."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skdistill._typing import ArrayLike
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.evaluation._learned_labels import distinct_rows
from skdistill.evaluation.plotting._axes import axes_or_new
from skdistill.evaluation.plotting._images import image_shape_of, plot_images
from skdistill.evaluation.plotting._scatter import plot_scatter
from skdistill.evaluation.plotting._table import plot_table
from skdistill.real._cells import read_cells
from skdistill.tables._reading import is_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

KINDS = ("images", "table", "scatter", "loss")
#: "auto" takes features for pixels if their number is a square and at least this.
MIN_PIXELS = 36
CMAP = "RdBu_r"


class DistillationDisplay:
    """Plot of a synthetic set, or of the loss curve of its distillation.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    X_synthetic : ndarray of shape (n_synthetic, n_features)
        Synthetic rows of numbers; some columns may hold categories.

    y_synthetic : ndarray of shape (n_synthetic,) or (n_synthetic, n_outputs)
        Their targets.

    classes : ndarray of shape (n_classes,), default=None
        Class labels; None if the targets are not classes.

    X : ndarray of shape (n_samples, n_features), default=None
        Real rows. The kind "scatter" needs them; "table" standardizes by them.

    y : ndarray of shape (n_samples,), default=None
        Targets of the real rows, for the colors of a scatter plot.

    feature_names : sequence of str of length n_features, default=None
        Names of the features; None labels them by their positions.

    loss_curve : ndarray of shape (n_iterations,), default=None
        Outer loss after each outer iteration. The kind "loss" needs it.

    validation_loss_curve : ndarray of shape (n_iterations,), default=None
        Loss on the held-back rows after each outer iteration; None if no rows are held
        back.

    is_categorical : ndarray of bool of shape (n_features,), default=None
        Which features hold categories; None means that none do.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure with the axes.

    image_ : matplotlib AxesImage or None
        The images, or the heat map of a table.

    scatter_ : list of matplotlib Artist or None
        Points of a scatter plot: first those of real rows, then of synthetic rows.

    lines_ : list of matplotlib Artist or None
        The line of the loss, and that of the held-back loss if there is one.

    colorbar_ : matplotlib Colorbar or None
        Colorbar, if there is one.

    See Also
    --------
    DistillationCurveDisplay : Scores over the number of rows.

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
        X_synthetic: np.ndarray,
        y_synthetic: np.ndarray,
        classes: np.ndarray | None = None,
        X: np.ndarray | None = None,
        y: np.ndarray | None = None,
        feature_names: Sequence[str] | None = None,
        loss_curve: np.ndarray | None = None,
        validation_loss_curve: np.ndarray | None = None,
        is_categorical: np.ndarray | None = None,
    ) -> None:
        self.X_synthetic = X_synthetic
        self.y_synthetic = y_synthetic
        self.classes = classes
        self.X = X
        self.y = y
        self.feature_names = feature_names
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.is_categorical = is_categorical

    @classmethod
    def from_estimator(
        cls,
        distiller: DatasetDistiller,
        *,
        kind: Literal["auto", "images", "table", "scatter", "loss"] = "auto",
        image_shape: tuple[int, int] | None = None,
        center: Literal["mean"] | float | ArrayLike | None = None,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        ax: "Axes | None" = None,
        **plot_params: Any,
    ) -> Self:
        """Plot the synthetic set of a fitted distiller.

        A row with learned class labels is shown once, with its most probable class. A
        row with one-hot targets is shown with the class of the largest target.

        Parameters
        ----------
        distiller : DatasetDistiller
            Fitted distiller.

        kind : {"auto", "images", "table", "scatter", "loss"}, default="auto"
            Kind of plot, see :meth:`plot`.

        image_shape : tuple of (height, width), default=None
            Shape of an image in pixels; None stands for a square.

        center : None, "mean", float or array-like of shape (n_features,), default=None
            Pixel values that images show in the middle color, see :meth:`plot`.

        X : array-like of shape (n_samples, n_features), default=None
            Real rows. "scatter" needs them; "table" standardizes by them if given.

        y : array-like of shape (n_samples,), default=None
            Targets of the real rows, for the colors of a scatter plot.

        feature_names : sequence of str of length n_features, default=None
            Names of the features; None stands for those seen in ``fit``, if any.

        ax : matplotlib Axes, default=None
            Axes to plot on; None makes a new figure.

        **plot_params : dict
            Further parameters of :meth:`plot`.

        Returns
        -------
        DistillationDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If ``X`` is sparse.
        ValueError
            If ``X`` does not have the features of ``fit``, or as in :meth:`plot`.
        """
        check_is_fitted(distiller)
        if X is not None:
            distiller.transform(X)  # validates X
            check_consistent_length(X, y)
            if issparse(X):
                raise TypeError(
                    "Plotting real rows needs a dense X, but X is a sparse matrix. "
                    "Pass some of its rows, X[rows].toarray(), or leave X out."
                )
            X = np.asarray(X)
        if feature_names is None:
            feature_names = getattr(distiller, "feature_names_in_", None)
        X_synthetic, y_synthetic = distinct_rows(distiller)
        y = None if y is None else np.asarray(y)
        classes = None
        if is_classifier(distiller):
            classes = distiller.classes_
            y = None if y is None else column_or_1d(y)
        if classes is None and distiller.outer_loss == "log_loss":  # one-hot targets
            classes = np.arange(y_synthetic.shape[1])
            y_synthetic = y_synthetic.argmax(axis=1)
            y = None if y is None else y.argmax(axis=1)
        is_categorical = None
        if distiller.solver_ == "search" and is_frame(distiller.X_synthetic_):
            is_categorical = ~read_cells(distiller.X_synthetic_).is_number
        elif distiller._table.rounds and distiller._table.is_category.any():
            is_categorical = distiller._table.is_category
        display = cls(
            X_synthetic=X_synthetic,
            y_synthetic=y_synthetic,
            classes=classes,
            X=X,
            y=y,
            feature_names=feature_names,
            loss_curve=distiller.loss_curve_,
            validation_loss_curve=distiller.validation_loss_curve_,
            is_categorical=is_categorical,
        )
        return display.plot(
            kind, ax=ax, image_shape=image_shape, center=center, **plot_params
        )

    def plot(
        self,
        kind: Literal["auto", "images", "table", "scatter", "loss"] = "auto",
        *,
        ax: "Axes | None" = None,
        image_shape: tuple[int, int] | None = None,
        center: Literal["mean"] | float | ArrayLike | None = None,
        cmap: "str | Colormap | None" = None,
    ) -> Self:
        """Plot the synthetic set.

        Parameters
        ----------
        kind : {"auto", "images", "table", "scatter", "loss"}, default="auto"
            Kind of plot.

            - "images" draws a row of images for each class, or a single row if each
              class has one image. In regression the images are sorted by their targets,
              which are written below.
            - "table" draws a heat map with a line for each row. Features are
              standardized by the real rows if these are given, and otherwise by the
              synthetic rows. Categories are written in their cells.
            - "scatter" draws the rows in the plane of the first two principal
              components of the standardized real rows, with one-hot categories.
            - "loss" draws the outer loss after each outer iteration, on the rows that
              the set is learned from and on those held back.
            - "auto" is "images" if ``image_shape`` is given, or if the number of
              features is a square of at least 36 and none holds categories. Otherwise
              it is "table".

        ax : matplotlib Axes, default=None
            Axes to plot on; None makes a new figure.

        image_shape : tuple of (height, width), default=None
            Shape of an image in pixels; None stands for a square.

        center : None, "mean", float or array-like of shape (n_features,), default=None
            Pixel values that images show in the middle color. None stands for zero.
            "mean" is the mean of the synthetic rows and shows their differences.

        cmap : str or matplotlib Colormap, default=None
            Diverging color map of images and tables, or color map of numeric targets in
            a scatter plot.

        Returns
        -------
        DistillationDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``kind`` is unknown, or if the display lacks what it needs.
        """
        if kind not in ("auto", *KINDS):
            raise ValueError(f"kind={kind!r} must be 'auto' or one of {list(KINDS)}.")
        n_features = self.X_synthetic.shape[1]
        is_categorical = np.zeros(n_features, dtype=bool)
        if self.is_categorical is not None:
            is_categorical = np.asarray(self.is_categorical, dtype=bool)
        if kind == "auto":
            square = n_features >= MIN_PIXELS and np.sqrt(n_features) % 1 == 0
            square &= not is_categorical.any()
            kind = "images" if image_shape is not None or square else "table"
        self.image_ = self.scatter_ = self.lines_ = self.colorbar_ = None
        rows = self.X_synthetic, self.y_synthetic, self.classes
        if kind == "images":
            if is_categorical.any():
                raise ValueError(
                    "kind='images' needs numbers, but the features "
                    f"{np.flatnonzero(is_categorical).tolist()} hold categories. Pass "
                    "kind='table'."
                )
            ax, self.image_, self.colorbar_ = plot_images(
                *rows,
                shape=image_shape_of(n_features, image_shape),
                center=center,
                cmap=cmap or CMAP,
                ax=ax,
            )
        elif kind == "table":
            ax, self.image_, self.colorbar_ = plot_table(
                *rows,
                reference=self.X_synthetic if self.X is None else self.X,
                is_categorical=is_categorical,
                feature_names=self.feature_names,
                cmap=cmap or CMAP,
                ax=ax,
            )
        elif kind == "scatter":
            if self.X is None:
                raise ValueError(
                    "kind='scatter' draws synthetic rows among real rows, but no real "
                    "rows are given: pass X, and y for their colors."
                )
            ax, self.scatter_, self.colorbar_ = plot_scatter(
                *rows,
                X=self.X,
                y=self.y,
                is_categorical=is_categorical,
                cmap=cmap or "viridis",
                ax=ax,
            )
        else:
            ax, self.lines_ = self._plot_loss(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_loss(self, ax):
        if self.loss_curve is None:
            raise ValueError(
                "kind='loss' needs the loss_curve of the display, which is None. Pass "
                "loss_curve, or use from_estimator."
            )
        from matplotlib.ticker import MaxNLocator

        ax = axes_or_new(ax, (6, 4))
        iterations = np.arange(1, len(self.loss_curve) + 1)
        curves = [self.loss_curve]
        lines = ax.plot(iterations, self.loss_curve, marker=".", label="learned from")
        if self.validation_loss_curve is not None:
            curves.append(self.validation_loss_curve)
            lines += ax.plot(iterations, curves[-1], marker=".", label="held back")
            ax.legend(title="real rows")
        if 0 < 10 * np.min(curves) < np.max(curves):
            ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="outer iteration", ylabel="outer loss")
        return ax, lines
