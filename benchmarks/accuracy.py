"""Scores of estimators fitted on distilled, k-means, random and all rows.

Run it while nothing else is running::

    python -m benchmarks.accuracy --data DIR

where DIR holds ``mnist.npz``, ``adult-train.csv.gz`` and ``adult-test.csv.gz`` (no
header, the last column is the target), ``winequality-white.csv``, and in ``tables/``
``pima-indians-diabetes.csv``, ``wheat-seeds.csv``, ``housing.csv`` and
``winequality-red.csv``. The other data come with scikit-learn. ``--only mnist,digits``
takes some of the data sets, and ``--estimators MLP,KNeighbors`` some of the estimators,
by the start of their names.

Every line of the table is for one estimator on one data set with a number of synthetic
rows. k-means (in each class, or with mean targets in regression) and random rows of
each class get the same number of rows. The score is accuracy, or R2 in regression, on
test rows that are used for nothing else. It is the mean over three seeds, with the
range in brackets. A seed draws the random rows, the seeds of k-means, the mini-batches
of the distiller, and the train and test rows if the data are not split already. A
network is fitted once, from a new start.
"""

import time
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.gaussian_process import (
    GaussianProcessClassifier,
    GaussianProcessRegressor,
)
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from skdistill import DatasetDistiller
from skdistill.estimators._fitting import fit_behind
from skdistill.evaluation._baselines import class_codes, reduced_set

SEEDS = (0, 1, 2)
#: Maximum number of rows for fits of kernel machines on all data.
MAX_KERNEL_ROWS = 10_000

#: Files without a header, whose last column is the target.
TABLES = {
    "wine": "winequality-white.csv",
    "pima": "tables/pima-indians-diabetes.csv",
    "seeds": "tables/wheat-seeds.csv",
    "housing": "tables/housing.csv",
    "red wine": "tables/winequality-red.csv",
}


class Case(NamedTuple):
    """One estimator on one data set.

    Attributes
    ----------
    data : str
        Name of the data set.
    estimator : estimator object
        Estimator to distill for.
    sizes : tuple of int
        Numbers of synthetic rows.
    options : dict
        Parameters of ``DatasetDistiller``.
    """

    data: str
    estimator: object
    sizes: tuple
    options: dict = {}


#: A kernel whose parameters each fit chooses.
FREE = ConstantKernel() * RBF() + WhiteKernel()
RANKED = {"outer_loss": "log_loss"}
CASES = [
    Case("mnist", LogisticRegression(C=100, max_iter=1000), (10,)),
    Case("mnist", KernelRidge(kernel="rbf", gamma=0.025), (10, 100, 500), RANKED),
    Case("mnist", KNeighborsClassifier(1), (10, 100)),
    Case("mnist", MLPClassifier(), (10, 100, 500)),
    Case("adult", LogisticRegression(C=100, max_iter=1000), (2, 20)),
    Case("adult", RidgeClassifier(), (2, 20)),
    Case("adult", LinearSVC(max_iter=100_000), (2, 20)),
    Case("adult", KNeighborsClassifier(1), (20,)),
    Case("adult", MLPClassifier(), (20,)),
    Case("wine", Ridge(), (10, 50)),
    Case(
        "wine", LinearSVR(loss="squared_epsilon_insensitive", max_iter=100_000), (10,)
    ),
    Case("wine", KernelRidge(kernel="rbf", gamma=0.05), (20, 50), {"max_iter": 400}),
    Case("wine", KNeighborsRegressor(3), (50,)),
    Case("wine", MLPRegressor(learning_rate_init=0.01), (20, 50)),
    Case("digits", LogisticRegression(C=100, max_iter=1000), (10, 50)),
    Case("digits", RidgeClassifier(), (10, 50)),
    Case("digits", KernelRidge(kernel="rbf", gamma=0.2), (10, 50), RANKED),
    Case("digits", KNeighborsClassifier(1), (10, 50)),
    Case("digits", NearestCentroid(), (10,)),
    Case("digits", GaussianNB(), (20,)),
    Case("digits", MultinomialNB(), (10,)),
    Case("digits", ComplementNB(), (10,)),
    Case("digits", BernoulliNB(binarize=None), (10,)),
    Case("digits", MLPClassifier(50, learning_rate_init=0.01), (10, 50)),
    Case("breast cancer", LogisticRegression(C=10, max_iter=1000), (2, 10)),
    Case("breast cancer", SVC(gamma=0.05), (10,)),
    Case("breast cancer", KNeighborsClassifier(3), (10,)),
    Case("breast cancer", GaussianNB(), (4,)),
    Case("breast cancer", LinearDiscriminantAnalysis(), (10,)),
    Case(
        "breast cancer",
        QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
        (10,),
    ),
    Case(
        "breast cancer",
        LogisticRegression(C=1, l1_ratio=1.0, solver="liblinear"),
        (10,),
    ),
    Case("breast cancer", LinearSVC(penalty="l1", dual=False, max_iter=100_000), (10,)),
    Case("pima", GaussianProcessClassifier(10.0 * RBF(5.0), optimizer=None), (20, 50)),
    Case(
        "seeds", GaussianProcessClassifier(100.0 * RBF(5.0), optimizer=None), (20, 50)
    ),
    Case("housing", GaussianProcessRegressor(FREE, normalize_y=True), (20, 50)),
    Case("red wine", GaussianProcessRegressor(FREE, normalize_y=True), (20, 50)),
    Case("diabetes", Ridge(), (5, 20)),
    Case("diabetes", LinearRegression(), (20,)),
    Case("diabetes", Lasso(), (5, 20)),
    Case("diabetes", HuberRegressor(alpha=1.0, max_iter=1000), (20,)),
    Case("diabetes", KernelRidge(kernel="rbf", gamma=0.02), (10, 50)),
    Case(
        "diabetes",
        GaussianProcessRegressor(RBF(5.0), alpha=1.0, optimizer=None),
        (20,),
    ),
    Case("diabetes", SVR(C=50.0, gamma=0.02), (20,)),
    Case("diabetes", KNeighborsRegressor(5), (20,)),
    Case("diabetes", MLPRegressor(), (20, 50)),
    Case("diabetes", MLPRegressor(learning_rate_init=0.01), (20, 50)),
    Case("positive diabetes", PoissonRegressor(), (5, 20)),
    Case("positive diabetes", GammaRegressor(), (5, 20)),
]


def load(name, folder, seed):
    """Return train and test rows of a data set, scaled: X, X_test, y, y_test."""
    if name == "mnist":
        data = np.load(folder / "mnist.npz")
        X, X_test = (data[part] / np.float32(255) for part in ("X_train", "X_test"))
        return X, X_test, data["y_train"], data["y_test"]
    if name == "adult":
        return _adult(folder)
    if name in TABLES:
        table = pd.read_csv(folder / TABLES[name], header=None).to_numpy()
        X, y = table[:, :-1], table[:, -1]
    else:
        loaders = {
            "digits": load_digits,
            "breast cancer": load_breast_cancer,
            "diabetes": load_diabetes,
            "positive diabetes": load_diabetes,
        }
        X, y = loaders[name](return_X_y=True)
    is_class = name in ("digits", "breast cancer", "pima", "seeds")
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.3, random_state=seed, stratify=y if is_class else None
    )
    if name == "digits":
        return X / 16, X_test / 16, y, y_test
    scaler = StandardScaler().fit(X)
    if not is_class and not name.startswith("positive"):
        # Kernel machines have no intercept.
        y, y_test = y - y.mean(), y_test - y.mean()
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def _adult(folder):
    parts = [
        pd.read_csv(
            folder / f"adult-{part}.csv.gz",
            header=None,
            skipinitialspace=True,
            keep_default_na=False,
        )
        for part in ("train", "test")
    ]
    train, test = (part.iloc[:, :-1] for part in parts)
    y, y_test = (part.iloc[:, -1].str.rstrip(".").to_numpy() for part in parts)
    numeric = list(train.select_dtypes("number").columns)
    categorical = [column for column in train if column not in numeric]
    encoder = make_column_transformer(
        (StandardScaler(), numeric),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categorical),
    ).fit(train)
    return encoder.transform(train), encoder.transform(test), y, y_test


def targets_for(case, y):
    """Return the targets for fitting the estimator."""
    if case.options.get("outer_loss") == "log_loss" and not is_classifier(
        case.estimator
    ):
        k = len(np.unique(y))
        return np.eye(k)[y] - 1 / k
    return y


def score(model, X, y):
    """Return accuracy or R2; for one-hot targets the largest score is the class."""
    predicted = model.predict(X)
    if predicted.ndim == 2 and y.ndim == 1:
        return np.mean(predicted.argmax(axis=1) == y)
    return model.score(X, y)


def run(case, size, data):
    """Return scores and seconds of every method, one for each seed."""
    scores = {name: [] for name in ("distilled", "kmeans", "sample")}
    seconds = []
    for seed, (X, X_test, y, y_test) in zip(SEEDS, data, strict=True):
        target = targets_for(case, y)
        distiller = DatasetDistiller(
            case.estimator, n_synthetic=size, random_state=seed, **case.options
        )
        start = time.perf_counter()
        distiller.fit(X, target)
        seconds.append(time.perf_counter() - start)
        scores["distilled"].append(score(distiller.estimator_, X_test, y_test))
        codes = class_codes(distiller, target)
        for method in ("kmeans", "sample"):
            reduced = reduced_set(
                method,
                X,
                target,
                codes,
                size,
                weighting=distiller.weighting,
                random_state=seed,
            )
            model = fit_behind(None, clone(case.estimator), *reduced)
            scores[method].append(score(model, X_test, y_test))
    return scores, seconds


def full_scores(case, data):
    """Return scores of fits on all rows, or None if these would be too large."""
    is_kernel = isinstance(case.estimator, KernelRidge | GaussianProcessRegressor)
    if is_kernel and len(data[0][0]) > MAX_KERNEL_ROWS:
        return None
    distinct = data[:1] if data[0][0] is data[-1][0] else data
    return [
        score(clone(case.estimator).fit(X, targets_for(case, y)), X_test, y_test)
        for X, X_test, y, y_test in distinct
    ]


def label_of(estimator):
    """Return the name of an estimator's class, and what distinguishes its cases."""
    name = type(estimator).__name__
    if "KNeighbors" in name:
        return f"{name}({estimator.n_neighbors})"
    params = estimator.get_params()
    is_l1 = params.get("penalty") == "l1" or (
        params.get("l1_ratio") == 1.0 and "Logistic" in name
    )
    return f"{name}, L1" if is_l1 else name


def shown(values):
    """Return the mean in percent, with the range."""
    if values is None:
        return "-"
    low, high = 100 * min(values), 100 * max(values)
    text = f"{100 * np.mean(values):.1f}"
    return text if high - low < 0.05 else f"{text} ({low:.1f}-{high:.1f})"


def main():
    """Print the table, row by row."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--only", default="", help="names of data sets, with commas")
    parser.add_argument(
        "--estimators", default="", help="starts of names of estimators, with commas"
    )
    args = parser.parse_args()
    figures = figures_of(args)
    chosen = [name for name in args.only.split(",") if name]
    starts = tuple(args.estimators.split(","))  # any name starts with nothing
    warnings.simplefilter("ignore")  # fits on three rows do not always converge
    print("| data | estimator | rows | distilled | k-means | random | all | fit, s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    loaded = {}
    for case in CASES:
        name = type(case.estimator).__name__
        if (chosen and case.data not in chosen) or not name.startswith(starts):
            continue
        if case.data not in loaded:
            loaded.clear()
            fixed = case.data in ("mnist", "adult")
            loads = [
                load(case.data, args.data, seed)
                for seed in SEEDS[: 1 if fixed else None]
            ]
            loaded[case.data] = loads * len(SEEDS) if fixed else loads
        data = loaded[case.data]
        full = full_scores(case, data)
        for size in case.sizes:
            with counting() as counts:
                scores, seconds = run(case, size, data)
            mark = (
                "" if np.mean(scores["distilled"]) > np.mean(scores["kmeans"]) else " !"
            )
            cells = [
                case.data,
                label_of(case.estimator),
                f"{size}{mark}",
                *(shown(scores[method]) for method in scores),
                shown(full),
                f"{np.median(seconds):.1f}",
            ]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
            label = f"{case.data} {label_of(case.estimator)} {size}"
            for method, values in {**scores, "all": full}.items():
                if values is not None:
                    figures.add("score", **{f"{label} {method}": np.mean(values)})
            figures.add("seconds", **{f"{label} fit": np.median(seconds)})
            figures.add("count", **counts.named(label))
    figures.end()


if __name__ == "__main__":
    main()
