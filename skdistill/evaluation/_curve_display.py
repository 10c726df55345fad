"""DistillationCurveDisplay: plot of scores over the number of rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from skdistill._sklearn_compat import _validate_score_name
from skdistill._typing import ArrayLike, Estimator, Method, RandomState
from skdistill.evaluation._curve import METHODS, distillation_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "distill": "distilled rows",
    "kmeans": "k-means centers",
    "sample": "random real rows",
}
STYLES: dict[str, dict[str, Any]] = {
    "distill": {"color": "tab:red", "marker": "o", "linestyle": "-", "zorder": 3},
    "kmeans": {"color": "tab:blue", "marker": "s", "linestyle": "--"},
    "sample": {"color": "tab:gray", "marker": "^", "linestyle": ":"},
}


class DistillationCurveDisplay:
    """Plot of scores over the number of rows, with baselines and the full-data score.

    Create it with :meth:`from_estimator`, or with :meth:`from_results` from the result
    of :func:`distillation_curve`.

    Parameters
    ----------
    n_synthetic : ndarray of shape (n_sizes,)
        Numbers of rows.

    test_scores : dict of str to ndarray of shape (n_sizes, n_folds)
        Scores for each method.

    full_test_scores : ndarray of shape (n_folds,), default=None
        Scores of the estimator fitted on all training rows. None draws no line for it.

    n_train : ndarray of shape (n_folds,), default=None
        Number of training rows of each fold; the label of that line has their mean.

    score_name : str, default=None
        Label of the score axis; None stands for "Score".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.

    figure_ : matplotlib Figure
        Figure with the axes.

    lines_ : list of matplotlib Artist
        Lines of the mean scores over the folds: one for each method, and the last for
        all training rows if their scores are given.

    fill_between_ : list of matplotlib Artist or None
        Bands of one standard deviation over the folds, one for each method. None
        unless the style is "fill_between".

    errorbar_ : list of matplotlib Artist or None
        Error bars of one standard deviation over the folds, one for each method. None
        unless the style is "errorbar".

    full_band_ : matplotlib Artist or None
        Band of one standard deviation around the line of all training rows. None
        without that line or without a style.

    See Also
    --------
    distillation_curve : Computes the scores.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> from skdistill import DistillationCurveDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> DistillationCurveDisplay.from_estimator(
    ...     LogisticRegression(), scale(X), y, n_synthetic=[3, 9, 30], random_state=0
    ... )
    <...>
    >>> plt.show()
    """

    def __init__(
        self,
        *,
        n_synthetic: np.ndarray,
        test_scores: Mapping[str, np.ndarray],
        full_test_scores: np.ndarray | None = None,
        n_train: np.ndarray | None = None,
        score_name: str | None = None,
    ) -> None:
        self.n_synthetic = n_synthetic
        self.test_scores = test_scores
        self.full_test_scores = full_test_scores
        self.n_train = n_train
        self.score_name = score_name

    @classmethod
    def from_results(
        cls,
        results: Mapping[str, Any],
        *,
        ax: "Axes | None" = None,
        score_name: str | None = None,
        **plot_params: Any,
    ) -> Self:
        """Plot the result of :func:`distillation_curve`.

        Parameters
        ----------
        results : Bunch
            Result of :func:`distillation_curve`.

        ax : matplotlib Axes, default=None
            Axes to plot on; None makes a new figure.

        score_name : str, default=None
            Label of the score axis; None stands for "Score".

        **plot_params : dict
            Further parameters of :meth:`plot`.

        Returns
        -------
        DistillationCurveDisplay
            The display, plotted.
        """
        display = cls(
            n_synthetic=results["n_synthetic"],
            test_scores=results["test_scores"],
            full_test_scores=results["full_test_scores"],
            n_train=results["n_train"],
            score_name=score_name,
        )
        return display.plot(ax=ax, **plot_params)

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        n_synthetic: int | float | ArrayLike,
        methods: Sequence[Method] = METHODS,
        groups: ArrayLike | None = None,
        cv: int | BaseCrossValidator | Iterable | None = None,
        scoring: str | Callable[..., float] | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
        ax: "Axes | None" = None,
        score_name: str | None = None,
        negate_score: bool = False,
        **plot_params: Any,
    ) -> Self:
        """Compute the curve of an estimator, and plot it.

        Parameters
        ----------
        estimator : estimator object
            Estimator to distill for, or a ``DatasetDistiller`` with other settings.

        X : array-like of shape (n_samples, n_features)
            Real samples.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.

        n_synthetic : array-like of int or float, or a single one
            Sizes of the reduced sets, see :func:`distillation_curve`.

        methods : sequence of {"distill", "kmeans", "sample"}, default all of them
            How to reduce the rows, see :func:`distillation_curve`.

        groups : array-like of shape (n_samples,), default=None
            Group of each sample, for a splitter that needs groups.

        cv : int, cross-validation generator or iterable, default=None
            Folds; None stands for five folds.

        scoring : str, callable or None, default=None
            Scorer; None stands for the ``score`` method of the estimator.

        n_jobs : int or None, default=None
            Number of parallel jobs; None means one.

        random_state : int, RandomState instance or None, default=None
            Draws one seed for each fold.

        verbose : int, default=0
            1 shows the progress of the whole curve in one line.

        ax : matplotlib Axes, default=None
            Axes to plot on; None makes a new figure.

        score_name : str, default=None
            Label of the score axis; None stands for the name of ``scoring``.

        negate_score : bool, default=False
            Whether to plot negated scores. They are errors for a ``"neg_..."`` scorer.

        **plot_params : dict
            Further parameters of :meth:`plot`.

        Returns
        -------
        DistillationCurveDisplay
            The display, plotted.
        """
        results = distillation_curve(
            estimator,
            X,
            y,
            n_synthetic=n_synthetic,
            methods=methods,
            groups=groups,
            cv=cv,
            scoring=scoring,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        return cls.from_results(
            results,
            ax=ax,
            score_name=_validate_score_name(score_name, scoring, negate_score),
            negate_score=negate_score,
            **plot_params,
        )

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        negate_score: bool = False,
        score_name: str | None = None,
        std_display_style: Literal["fill_between", "errorbar"] | None = "fill_between",
        line_kw: dict[str, Any] | None = None,
        fill_between_kw: dict[str, Any] | None = None,
        errorbar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None makes a new figure.

        negate_score : bool, default=False
            Whether to plot negated scores. They are errors for a ``"neg_..."`` scorer.

        score_name : str, default=None
            Label of the score axis; None stands for the ``score_name`` of the display.

        std_display_style : {"fill_between", "errorbar"} or None
            How to show one standard deviation over the folds. "fill_between", the
            default, draws bands; None shows none.

        line_kw : dict, default=None
            Further keyword arguments for the lines of means.

        fill_between_kw : dict, default=None
            Further keyword arguments for the bands.

        errorbar_kw : dict, default=None
            Further keyword arguments for the error bars.

        Returns
        -------
        DistillationCurveDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``std_display_style`` is unknown.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import NullLocator

        if std_display_style not in ("fill_between", "errorbar", None):
            raise ValueError(
                f"std_display_style={std_display_style!r} must be 'fill_between', "
                "'errorbar' or None."
            )
        if ax is None:
            _, ax = plt.subplots()
        line_kw = line_kw or {}
        band_kw: dict[str, Any] = {"alpha": 0.15, "linewidth": 0} | (
            fill_between_kw or {}
        )
        sign = -1 if negate_score else 1
        bands: list[Any] = []
        self.lines_, self.full_band_ = [], None
        for method, scores in self.test_scores.items():
            mean, std = sign * scores.mean(axis=1), scores.std(axis=1)
            style = STYLES.get(method, {}) | {"label": LABELS.get(method, method)}
            (line,) = ax.plot(self.n_synthetic, mean, **(style | line_kw))
            self.lines_.append(line)
            color: dict[str, Any] = {"color": line.get_color()}
            if std_display_style == "fill_between":
                band = ax.fill_between(
                    self.n_synthetic, mean - std, mean + std, **(color | band_kw)
                )
                bands.append(band)
            elif std_display_style == "errorbar":
                kw = color | {"fmt": "none", "capsize": 3} | (errorbar_kw or {})
                bands.append(ax.errorbar(self.n_synthetic, mean, std, **kw))
        if self.full_test_scores is not None:
            mean, std = sign * self.full_test_scores.mean(), self.full_test_scores.std()
            style = {"color": "black", "linewidth": 1.2, "label": self._full_label()}
            self.lines_.append(ax.axhline(mean, **(style | line_kw)))
            if std_display_style is not None:
                kw = {"color": "black"} | band_kw | {"alpha": band_kw["alpha"] / 2}
                self.full_band_ = ax.axhspan(mean - std, mean + std, **kw)
        self.fill_between_ = bands if std_display_style == "fill_between" else None
        self.errorbar_ = bands if std_display_style == "errorbar" else None
        ax.set_xscale("log")
        if len(self.n_synthetic) <= 10:  # ticks at the sizes, not at powers of ten
            ax.set_xticks(self.n_synthetic, [str(size) for size in self.n_synthetic])
            ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("Number of rows to fit on")
        ax.set_ylabel(score_name or self.score_name or "Score")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _full_label(self):
        if self.n_train is None:
            return "all rows"
        return f"all {round(np.mean(self.n_train)):,} rows"
