"""How nearly scikit-learn's fit on a few exact rows is its fit on all rows.

    python -m benchmarks.agreement --data DIR

with the data of ``benchmarks.accuracy``, of which only Adult is read; the others come
with scikit-learn. The rows are found with ``solver="exact"``; those of classes have the
weights of their class. The first table has, as the worst of three seeds that draw train
and test rows and where the search for rows starts:

- the number of rows. Without an L2 penalty it is one more than the model of all rows
  has features;
- the largest difference of a coefficient from the fit on all rows, relative to the
  largest coefficient: of the fit on the few rows where both fits take a solver and
  ``tol`` that lead near rounding error; of the fit on them with the estimator as it is;
  and of such a fit on all rows;
- for penalties that make coefficients zero, how many are zero on all rows and on the
  few;
- the difference of the losses on test rows, relative to that of the fit on all rows,
  both precise. It is the log-loss, the squared hinge, the squared error (of classes
  coded by signs) or half the deviance.

The second table has what limits rows of unit weight: the squared norm of logistic
regression on all rows, what so many rows induce at most, and how many it takes at
least.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
from scipy.special import lambertw
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.metrics import log_loss, mean_squared_error, mean_tweedie_deviance
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from benchmarks.accuracy import load
from skdistill import DatasetDistiller

SEEDS = (0, 1, 2)
#: As many rows as the model has features, and one.
SUPPORT = None


class Case(NamedTuple):
    """One estimator on one data set.

    Attributes
    ----------
    data : str
        Name of the data set.
    estimator : estimator object
        What is distilled for.
    n_rows : int or None
        Number of synthetic rows; ``SUPPORT`` for what its zeros ask for.
    precise : dict
        Parameters with which it is fitted to rounding error, or near it.
    """

    data: str
    estimator: object
    n_rows: int | None
    precise: dict = {}


NEWTON = {"solver": "newton-cholesky", "tol": 1e-12}
LIBLINEAR = {"dual": False, "tol": 1e-12, "max_iter": 100_000}
DESCENT = {"tol": 1e-13, "max_iter": 1_000_000}
SAGA = {"tol": 1e-12, "max_iter": 100_000}
INSENSITIVE = "squared_epsilon_insensitive"
CASES = [
    Case("breast cancer", LogisticRegression(max_iter=1000), 2, NEWTON),
    Case("breast cancer", LogisticRegression(C=100, max_iter=1000), 2, NEWTON),
    Case(
        "breast cancer",
        LogisticRegression(l1_ratio=0.5, solver="saga", max_iter=1000),
        20,
        SAGA,
    ),
    Case("breast cancer", LinearSVC(), 2, LIBLINEAR),
    Case("digits", LogisticRegression(max_iter=1000), 20, NEWTON),
    Case("digits", RidgeClassifier(), 10),
    Case("digits", LinearSVC(), 20, LIBLINEAR),
    Case("adult", LogisticRegression(max_iter=1000), 2, NEWTON),
    Case("adult", RidgeClassifier(), 2),
    Case("diabetes", Ridge(), 2),
    Case("diabetes", LinearRegression(), 2),
    Case("diabetes", LinearSVR(loss=INSENSITIVE, epsilon=5.0), 2, LIBLINEAR),
    Case("diabetes", ElasticNet(), 2, DESCENT),
    Case("diabetes", Lasso(), SUPPORT, DESCENT),
    Case("diabetes, positive", PoissonRegressor(), 2, NEWTON),
    Case("diabetes, positive", GammaRegressor(), 2, NEWTON),
    Case("diabetes, positive", TweedieRegressor(power=1.5), 2, NEWTON),
    Case("linnerud", Ridge(), 4),
    Case("linnerud", MultiTaskLasso(alpha=2.0), 4, DESCENT),
]
#: Data, ``C`` and numbers of rows of unit weight.
LIMITS = [("breast cancer", 1, 2), ("digits", 1, 10), ("digits", 100, 20)]
#: Loaders of data with targets in their own units.
UNCHANGED = {"diabetes, positive": load_diabetes, "linnerud": load_linnerud}


def rows_of(name, folder, seed):
    """Return train and test rows: X, X_test, y, y_test."""
    if name not in UNCHANGED:
        return load(name, folder, seed)
    X, y = UNCHANGED[name](return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def loss_of(model, X, y):
    """Return the mean loss of a model."""
    if isinstance(model, LogisticRegression):
        return log_loss(y, model.predict_proba(X))
    power = {PoissonRegressor: 1, GammaRegressor: 2, TweedieRegressor: 1.5}
    if type(model) in power:
        return mean_tweedie_deviance(y, model.predict(X), power=power[type(model)]) / 2
    if not is_classifier(model):
        return mean_squared_error(y, model.predict(X))
    signs = LabelBinarizer(neg_label=-1).fit_transform(y)
    raw = model.decision_function(X).reshape(signs.shape)
    missing = 1 - signs * raw  # squared errors have no positive part
    if isinstance(model, LinearSVC):
        missing = np.maximum(missing, 0)
    return np.mean(missing**2)


def fitted(estimator, X, y, weight):
    """Return a clone that is fitted; weights of one are not passed on."""
    options = {} if np.ptp(weight) == 0 else {"sample_weight": weight}
    return clone(estimator).fit(X, y, **options)


def agreement(case, data, seed):
    """Return a line's numbers for one seed, and the counts of its distillation."""
    X, X_test, y, y_test = data
    precise = clone(case.estimator).set_params(**case.precise)
    full = clone(precise).fit(X, y)
    n_rows = case.n_rows
    if n_rows is SUPPORT:
        n_rows = np.count_nonzero(np.atleast_2d(full.coef_).any(axis=0)) + 1
    distiller = DatasetDistiller(
        precise,
        n_synthetic=n_rows,
        weighting="match" if is_classifier(precise) else "unit",
        solver="exact",
        max_iter=300,
        random_state=seed,
    )
    with counting() as counts:
        distiller.fit(X, y)
    few = distiller.estimator_
    weight = getattr(distiller, "sample_weight_synthetic_", np.ones(n_rows))
    rows = distiller.X_synthetic_, distiller.y_synthetic_, weight

    def error(model):
        distance = np.abs(model.coef_ - full.coef_).max()
        return distance / np.abs(full.coef_).max()

    loss = loss_of(full, X_test, y_test)
    found = {
        "rows": n_rows,
        "precise": error(few),
        "few": error(fitted(case.estimator, *rows)),
        "all": error(clone(case.estimator).fit(X, y)),
        "zeros": np.sum(full.coef_ == 0),
        "same zeros": np.sum((full.coef_ == 0) & (few.coef_ == 0)),
        "other zeros": np.sum((full.coef_ != 0) & (few.coef_ == 0)),
        "loss": abs(loss_of(few, X_test, y_test) / loss - 1),
    }
    return found, counts


def cells(case, folder, figures):
    """Return a line of the first table, and add its figures."""
    name = type(case.estimator).__name__
    label = f"{case.data} {name}"
    if isinstance(case.estimator, LogisticRegression):
        has_l1 = case.estimator.solver == "saga"
        name = f"{name}, C={case.estimator.C:g}{', l1_ratio=0.5' * has_l1}"
        label = f"{case.data} {name}"
    lines = []
    for seed in SEEDS:
        found, counts = agreement(case, rows_of(case.data, folder, seed), seed)
        lines.append(found)
        figures.add("count", **counts.named(f"{label} {seed}"))
    worst = {key: max(line[key] for line in lines) for key in lines[0]}
    figures.add("loss", **{f"{label} {key}": worst[key] for key in ("precise", "loss")})
    zeros = "-"
    if name.endswith(("Lasso", "ElasticNet", "l1_ratio=0.5")):
        same, of_all = (sum(ln[key] for ln in lines) for key in ("same zeros", "zeros"))
        zeros = f"{same} of {of_all}"
        figures.add("score", **{f"{label} zeros": same / max(of_all, 1)})
        figures.add("count", **{f"{label} other zeros": worst["other zeros"]})
    sizes = sorted({line["rows"] for line in lines})
    return [
        case.data,
        name,
        "-".join(str(size) for size in (sizes[0], sizes[-1])[: len(sizes)]),
        *(f"{worst[key]:.0e}" for key in ("precise", "few", "all")),
        zeros,
        f"{worst['loss']:.0e}",
    ]


def limit_cells(name, C, n_rows, folder, figures):
    """Return a line of the second table, and add its figures."""
    X, _, y, _ = rows_of(name, folder, 0)
    coef = LogisticRegression(C=C, max_iter=1000, **NEWTON).fit(X, y).coef_
    norm, n_classes = np.vdot(coef, coef), len(np.unique(y))
    of_row = C * float(lambertw((n_classes - 1) / np.e).real)
    figures.add("loss", **{f"{name} C={C} squared norm": norm})
    needed = math.ceil(norm / of_row)
    cells = [name, C, n_rows, f"{norm:.1f}", f"{n_rows * of_row:.1f}", needed]
    return [str(cell) for cell in cells]


def show(header, lines):
    """Print a table in Markdown, row by row."""
    print(f"| {' | '.join(header)} |")
    print("|" + "---|" * len(header), flush=True)
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)


def main():
    """Print both tables."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--only", default="", help="names of data sets, with commas")
    args = parser.parse_args()
    figures = figures_of(args)
    chosen = [name for name in args.only.split(",") if name]
    warnings.simplefilter("ignore")
    show(
        ["data", "estimator", "rows", "precise", "few", "all", "zeros", "test loss"],
        (
            cells(case, args.data, figures)
            for case in CASES
            if not chosen or case.data in chosen
        ),
    )
    print()
    show(
        ["data", "C", "rows", "squared norm", "at most", "rows needed"],
        (
            limit_cells(*limit, args.data, figures)
            for limit in LIMITS
            if not chosen or limit[0] in chosen
        ),
    )
    figures.end()


if __name__ == "__main__":
    main()
