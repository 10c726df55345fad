"""Pictures are tested by the data of their matplotlib artists."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DatasetDistiller,
    DistillationCurveDisplay,
    DistillationDisplay,
    distillation_curve,
)
from tests.conftest import make_table


@pytest.fixture(autouse=True)
def close_figures():
    mpl.use("agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    X, y = make_table(3)
    return pd.DataFrame(X, columns=list("abcdef")), np.array(["cat", "dog", "eel"])[y]


@pytest.fixture(scope="module")
def distiller(table):
    return DatasetDistiller(LogisticRegression(C=10), n_synthetic=7).fit(*table)


@pytest.fixture(scope="module")
def digits():
    """Two images of each of three digits."""
    X, y = load_digits(n_class=3, return_X_y=True)
    estimator = LogisticRegression(C=10, tol=1e-6, max_iter=1000)
    return DatasetDistiller(estimator, n_synthetic=6).fit(X / 16, y)


def regression_display(rng, n_features=64, **params):
    X = rng.normal(size=(9, n_features))
    return DistillationDisplay(X_synthetic=X, y_synthetic=rng.normal(size=9), **params)


def tick_texts(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.slow
def test_images_are_the_rows_of_the_set_by_class(digits):
    display = DistillationDisplay.from_estimator(digits)
    mosaic = display.image_.get_array()
    assert mosaic.shape == (3 * 9 - 1, 2 * 9 - 1)
    for image, (i, j) in zip(
        digits.X_synthetic_, np.ndindex(3, 2), strict=True
    ):  # grouped by class
        tile = mosaic[9 * i : 9 * i + 8, 9 * j : 9 * j + 8]
        assert_array_equal(tile, image.reshape(8, 8))
    assert mosaic.mask[8].all()
    low, high = display.image_.get_clim()
    assert -low == high == np.abs(digits.X_synthetic_).max()
    assert tick_texts(display.ax_.yaxis) == ["0", "1", "2"]


def test_images_less_their_mean(digits):
    display = DistillationDisplay.from_estimator(digits, center="mean")
    tile = display.image_.get_array()[:8, :8]
    expected = digits.X_synthetic_[0] - digits.X_synthetic_.mean(axis=0)
    assert_allclose(tile.ravel(), expected, rtol=1e-12)
    display = DistillationDisplay.from_estimator(digits, center=0.5)
    tile = display.image_.get_array()[:8, :8]
    assert_allclose(tile.ravel(), digits.X_synthetic_[0] - 0.5, rtol=1e-12)


def test_one_image_for_each_class_makes_one_row():
    X, y = np.arange(30.0).reshape(5, 6), np.array(list("abcde"))
    display = DistillationDisplay(X_synthetic=X, y_synthetic=y, classes=y)
    display.plot(image_shape=(2, 3))
    assert display.image_.get_array().shape == (2, 5 * 4 - 1)
    assert tick_texts(display.ax_.xaxis) == list("abcde")
    last = display.image_.get_array()[:, -3:]
    assert_array_equal(last, X[4].reshape(2, 3))


def test_images_of_a_regression_are_sorted_by_target(rng):
    display = regression_display(rng).plot()
    order = np.argsort(display.y_synthetic)
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == [f"{display.y_synthetic[i]:.3g}" for i in order]
    first = display.image_.get_array()[:8, :8]
    assert_array_equal(first.ravel(), display.X_synthetic[order[0]])


def test_table_of_standardized_features(table, distiller):
    X, _ = table
    display = DistillationDisplay.from_estimator(distiller, X=X)
    expected = StandardScaler().fit(X.to_numpy())
    synthetic = distiller.X_synthetic_.to_numpy()
    assert_allclose(display.image_.get_array(), expected.transform(synthetic))
    assert tick_texts(display.ax_.xaxis) == list("abcdef")
    assert tick_texts(display.ax_.yaxis) == ["cat", "dog", "eel"]
    counts = pd.Series(distiller.y_synthetic_).value_counts(sort=False).to_numpy()
    middles = np.cumsum(counts) - counts / 2 - 0.5
    assert_allclose(display.ax_.get_yticks(), middles)
    without = DistillationDisplay.from_estimator(distiller, kind="table")
    expected = StandardScaler().fit_transform(synthetic)
    assert_allclose(without.image_.get_array(), expected)


def test_table_of_a_regression_is_sorted_by_target(rng):
    display = regression_display(rng, 5, feature_names=list("abcde")).plot()
    order = np.argsort(display.y_synthetic)
    Z = StandardScaler().fit_transform(display.X_synthetic)
    assert_allclose(display.image_.get_array(), Z[order])
    targets = [f"{display.y_synthetic[i]:.3g}" for i in order]
    assert tick_texts(display.ax_.yaxis) == targets


def test_scatter_in_the_plane_of_the_real_rows(table, distiller):
    X, y = table
    display = DistillationDisplay.from_estimator(distiller, kind="scatter", X=X, y=y)
    scaler = StandardScaler().fit(X.to_numpy())
    pca = PCA(2, random_state=0).fit(scaler.transform(X.to_numpy()))
    assert len(display.scatter_) == 6
    for i, c in enumerate(distiller.classes_):
        real, synthetic = display.scatter_[i], display.scatter_[3 + i]
        for artist, rows in [
            (real, X[y == c].to_numpy()),
            (synthetic, distiller.X_synthetic_[distiller.y_synthetic_ == c].to_numpy()),
        ]:
            points = pca.transform(scaler.transform(rows))
            assert_allclose(artist.get_offsets(), points, atol=1e-10)
        assert_allclose(
            real.get_facecolor()[0, :3], synthetic.get_facecolor()[0, :3]
        )  # a class has one color
    without = DistillationDisplay.from_estimator(distiller, kind="scatter", X=X)
    assert len(without.scatter_) == 4


def test_scatter_of_a_regression_has_one_scale(rng):
    X, y = rng.normal(size=(40, 5)), 10 * rng.normal(size=40)
    display = regression_display(rng, 5, X=X, y=y).plot("scatter")
    real, synthetic = display.scatter_
    assert real.get_clim() == synthetic.get_clim() == (y.min(), y.max())
    assert_array_equal(real.get_array(), y)
    assert_array_equal(synthetic.get_array(), display.y_synthetic)
    assert display.colorbar_ is not None
    assert len(regression_display(rng, 5, X=X).plot("scatter").scatter_) == 2


def test_a_fitted_regression():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X, y = X / X.std(), y / y.std()
    distiller = DatasetDistiller(Ridge(), n_synthetic=8).fit(X, y)
    display = DistillationDisplay.from_estimator(distiller, X=X)
    targets = [f"{target:.3g}" for target in np.sort(distiller.y_synthetic_)]
    assert tick_texts(display.ax_.yaxis) == targets
    for kind in ("scatter", "loss"):
        DistillationDisplay.from_estimator(distiller, kind=kind, X=X, y=y)


def test_rows_with_learned_labels_are_shown_once():
    X, y = make_table(3)
    distiller = DatasetDistiller(
        LogisticRegression(C=1, tol=1e-8),
        n_synthetic=5,
        learn_labels=True,
        solver="lbfgs",
        tol=1e-2,
    )
    distiller.fit(X, y)
    display = DistillationDisplay.from_estimator(distiller, X=X, y=y)
    assert display.image_.get_array().shape == (5, 6)
    assert_array_equal(display.X_synthetic, distiller.X_synthetic_[::3])
    for row, label in enumerate(display.y_synthetic):
        weight = distiller.sample_weight_synthetic_[3 * row : 3 * row + 3]
        assert weight[label] == weight.max()


@pytest.mark.slow
def test_one_hot_targets_are_classes():
    X, y = load_digits(n_class=3, return_X_y=True)
    distiller = DatasetDistiller(
        KernelRidge(kernel="rbf", gamma=0.02),
        n_synthetic=6,
        outer_loss="log_loss",
        learn_labels=False,
        tol=1e-1,
    )
    distiller.fit(X / 16, np.eye(3)[y])
    display = DistillationDisplay.from_estimator(distiller)
    assert tick_texts(display.ax_.yaxis) == ["0", "1", "2"]
    display = DistillationDisplay.from_estimator(
        distiller, kind="scatter", X=X / 16, y=np.eye(3)[y]
    )
    assert len(display.scatter_[0].get_offsets()) == np.sum(y == 0)


def test_classes_without_rows_are_left_out():
    X, y = np.arange(16.0).reshape(4, 4), np.array([2, 0, 2, 2])
    display = DistillationDisplay(X_synthetic=X, y_synthetic=y, classes=np.arange(3))
    display.plot("images")
    assert display.image_.get_array().shape == (2 * 3 - 1, 3 * 3 - 1)
    assert tick_texts(display.ax_.yaxis) == ["0", "2"]
    display.plot("table")
    assert tick_texts(display.ax_.yaxis) == ["0", "2"]
    assert_allclose(display.ax_.get_yticks(), [0, 2])


def test_loss(distiller):
    display = DistillationDisplay.from_estimator(distiller, kind="loss")
    (line,) = display.lines_
    assert_array_equal(line.get_ydata(), distiller.loss_curve_)
    assert_array_equal(line.get_xdata(), np.arange(1, distiller.n_iter_ + 1))
    assert display.ax_.get_legend() is None  # no rows were held back


@pytest.mark.parametrize("early_stopping", [True, False])
def test_loss_on_held_back_rows(table, early_stopping):
    """There is a legend for two curves, but not for a single one."""
    distiller = DatasetDistiller(
        KNeighborsClassifier(1),
        n_synthetic=6,
        early_stopping=early_stopping,
        validation_fraction=[(np.arange(60), np.arange(60, 120))],
        max_iter=12,
        tol=1e-2,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # twelve iterations may be too few
        distiller.fit(*table)
    display = DistillationDisplay.from_estimator(distiller, kind="loss")
    curves = [distiller.loss_curve_]
    if early_stopping:
        curves.append(distiller.validation_loss_curve_)
    assert len(display.lines_) == len(display.ax_.get_lines()) == len(curves)
    for line, curve in zip(display.lines_, curves, strict=True):
        assert_array_equal(line.get_ydata(), curve)
        assert_array_equal(line.get_xdata(), np.arange(1, distiller.n_iter_ + 1))
    legend = display.ax_.get_legend()
    if not early_stopping:
        assert legend is None
        return
    assert legend.get_title().get_text() == "real rows"
    assert [text.get_text() for text in legend.get_texts()] == [
        "learned from",
        "held back",
    ]
    colors = [line.get_color() for line in display.lines_]
    assert colors == [handle.get_color() for handle in legend.get_lines()]
    assert len(set(colors)) == 2


def test_auto(digits, distiller):
    def ylabel(fitted, **params):
        display = DistillationDisplay.from_estimator(fitted, **params)
        return display.colorbar_.ax.get_ylabel()

    assert ylabel(digits) == "value"
    assert ylabel(digits, kind="table") == "standardized value"
    assert ylabel(distiller) == "standardized value"
    assert ylabel(distiller, image_shape=(2, 3)) == "value"


def test_polars_frames():
    X, y = make_table(2)
    frame = pl.DataFrame(X, schema=list("abcdef"))
    distiller = DatasetDistiller(n_synthetic=4).fit(frame, pl.Series("y", y))
    display = DistillationDisplay.from_estimator(distiller, X=frame)
    assert display.image_.get_array().shape == (4, 6)
    assert tick_texts(display.ax_.xaxis) == list("abcdef")


def test_many_rows_and_features_have_fewer_ticks(rng):
    X = rng.normal(size=(90, 130))
    display = DistillationDisplay(X_synthetic=X, y_synthetic=rng.normal(size=90))
    display.plot("table")
    assert len(display.ax_.get_yticks()) <= 40
    assert len(display.ax_.get_xticks()) <= 40
    assert max(display.figure_.get_size_inches()) < 13


@pytest.mark.parametrize("kind", ["images", "table", "scatter", "loss"])
def test_given_axes_and_drawing(digits, kind, tmp_path):
    import matplotlib.pyplot as plt

    X, y = load_digits(n_class=3, return_X_y=True)
    _, axes = plt.subplots(1, 2)
    display = DistillationDisplay.from_estimator(
        digits, kind=kind, X=X / 16, y=y, ax=axes[1]
    )
    assert display.ax_ is axes[1]
    assert display.figure_ is axes[1].figure
    display.figure_.savefig(tmp_path / "figure.png")
    again = display.plot(kind)
    assert again is display
    assert again.ax_ is not axes[1]


def test_errors(distiller, digits):
    show = DistillationDisplay.from_estimator
    with pytest.raises(NotFittedError):
        show(DatasetDistiller())
    with pytest.raises(ValueError, match="kind='pie' must be"):
        show(distiller, kind="pie")
    with pytest.raises(ValueError, match="pass X, and y for"):
        show(distiller, kind="scatter")
    with pytest.raises(ValueError, match="2 features, but .* expecting 64"):
        show(digits, X=np.ones((5, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        show(digits, kind="scatter", X=np.ones((5, 64)), y=[0, 1])
    with pytest.raises(ValueError, match="6 features make no square image"):
        show(distiller, kind="images")
    with pytest.raises(ValueError, match=r"image_shape=\(4, 4\) must be"):
        show(digits, image_shape=(4, 4))
    with pytest.raises(ValueError, match="center='median' must be"):
        show(digits, center="median")
    with pytest.raises(ValueError, match="needs the loss_curve"):
        DistillationDisplay(X_synthetic=np.eye(2), y_synthetic=[0, 1]).plot("loss")


@pytest.fixture(scope="module")
def curve():
    return distillation_curve(
        LogisticRegression(C=10),
        *make_table(2),
        n_synthetic=[4, 16],
        cv=3,
        random_state=0,
        scoring="neg_log_loss",
    )


def test_curve(curve):
    display = DistillationCurveDisplay.from_results(curve, score_name="Log score")
    *methods, full = display.lines_
    for line, band, method in zip(
        methods, display.fill_between_, curve.methods, strict=True
    ):
        mean, std = (f(curve.test_scores[method], axis=1) for f in (np.mean, np.std))
        assert_array_equal(line.get_xdata(), [4, 16])
        assert_allclose(line.get_ydata(), mean)
        outline = band.get_paths()[0].get_extents()
        assert_allclose([outline.y0, outline.y1], [min(mean - std), max(mean + std)])
        assert_allclose(
            band.get_facecolor()[0, :3], mpl.colors.to_rgb(line.get_color())
        )
    assert_allclose(full.get_ydata(), curve.full_test_scores.mean())
    band = display.full_band_.get_extents().transformed(
        display.ax_.transData.inverted()
    )
    assert_allclose(band.height, 2 * curve.full_test_scores.std())
    assert full.get_label() == "all 80 rows"
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylabel() == "Log score"
    assert tick_texts(display.ax_.xaxis) == ["4", "16"]
    assert display.errorbar_ is None


def test_curve_from_an_estimator_negated_with_error_bars(curve):
    display = DistillationCurveDisplay.from_estimator(
        LogisticRegression(C=10),
        *make_table(2),
        n_synthetic=[4, 16],
        cv=3,
        random_state=0,
        scoring="neg_log_loss",
        negate_score=True,
        std_display_style="errorbar",
    )
    for line, method in zip(display.lines_[:3], curve.methods, strict=True):
        expected = -curve.test_scores[method].mean(axis=1)
        assert_allclose(line.get_ydata(), expected)
    assert display.ax_.get_ylabel() == "Log loss"
    assert len(display.errorbar_) == 3
    assert display.fill_between_ is None


def test_curve_options(curve):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = DistillationCurveDisplay(
        n_synthetic=curve.n_synthetic,
        test_scores={"distill": curve.test_scores["distill"]},
    ).plot(ax, std_display_style=None, line_kw={"color": "green"})
    assert display.ax_ is ax
    assert [line.get_color() for line in display.lines_] == ["green"]
    assert display.fill_between_ is display.errorbar_ is display.full_band_ is None
    with pytest.raises(ValueError, match="std_display_style='box'"):
        display.plot(std_display_style="box")
