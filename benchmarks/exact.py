"""Precision and time of exact sets, on which fits reproduce those on all rows.

Run it while nothing else is running::

    python -m benchmarks.exact --data DIR

with the data of ``benchmarks.accuracy``. The rows are found with ``solver="exact"``.
Each line has medians over the rounds of

- seconds of ``DatasetDistiller.fit``, and of scikit-learn's fit on all rows with its
  default solver and ``tol``, which take turns;
- the mean of the estimator's objective over all rows, for the fit on the few rows and
  for that fit on all rows;
- the maximum difference of a coefficient, relative to the largest coefficient, between
  the fit on the few rows and a precise fit on all rows. Logistic regression on MNIST
  has no precise fit, because scikit-learn's solvers would take more than minutes. Its
  objective shows the precision.

Fits on the few rows use a solver and ``tol`` that lead to rounding error.
"""

import statistics
import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.preprocessing import LabelBinarizer

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from benchmarks.accuracy import load
from skdistill import DatasetDistiller

ROUNDS = 3
NAMES = {"few rows": "distilled", "all rows": "all"}


class Case(NamedTuple):
    """One estimator on one data set.

    Attributes
    ----------
    data : str
        Name of the data set.
    estimator : estimator object
        Estimator, whose fit on all rows is timed.
    precise : dict
        Parameters for a fit to rounding error.
    n_rows : int
        Number of synthetic rows.
    has_reference : bool
        Whether a precise fit on all rows is possible.
    """

    data: str
    estimator: object
    precise: dict
    n_rows: int
    has_reference: bool = True


NEWTON_CG = {"solver": "newton-cg", "tol": 1e-12}
CHOLESKY = {"solver": "newton-cholesky", "tol": 1e-12}
CASES = [
    Case("mnist", LogisticRegression(C=100, max_iter=1000), NEWTON_CG, 10, False),
    Case("mnist", RidgeClassifier(), {}, 20),
    Case("adult", LogisticRegression(C=100, max_iter=1000), CHOLESKY, 2),
    Case("adult", RidgeClassifier(), {}, 2),
    Case("wine", Ridge(), {}, 2),
    Case("digits", LogisticRegression(max_iter=1000), CHOLESKY, 20),
    Case("breast cancer", LogisticRegression(max_iter=1000), CHOLESKY, 2),
    Case("diabetes", Ridge(), {}, 2),
]


def timed(function, *args):
    """Return the seconds of a call, and its result."""
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


def objective(model, X, y):
    """Return the mean objective of the model over all rows."""
    squares = np.vdot(model.coef_, model.coef_)
    if isinstance(model, LogisticRegression):
        loss = log_loss(y, model.predict_proba(X))
        return loss + squares / (2 * model.C * len(X))
    if is_classifier(model):
        y = LabelBinarizer(neg_label=-1).fit_transform(y)
        predicted = model.decision_function(X).reshape(y.shape)
        loss = y.shape[1] * mean_squared_error(y, predicted)
    else:
        loss = mean_squared_error(y, model.predict(X))
    return loss + model.alpha * squares / len(X)


def main():
    """Print the table, row by row."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--only", default="", help="data sets, separated by commas")
    args = parser.parse_args()
    figures = figures_of(args)
    chosen = [name for name in args.only.split(",") if name]
    warnings.simplefilter("ignore")
    print(
        "| data | estimator | rows | distilled, s | all, s | ratio "
        "| objective | of all | coefficients |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for case in CASES:
        if not chosen or case.data in chosen:
            print(f"| {' | '.join(cells(case, args.data, figures))} |", flush=True)
    figures.end()


def cells(case, folder, figures):
    """Return a line of the table, and add its figures."""
    X, _, y, _ = load(case.data, folder, seed=0)
    precise = clone(case.estimator).set_params(**case.precise)
    distiller = DatasetDistiller(
        precise,
        n_synthetic=case.n_rows,
        weighting="match",
        solver="exact",
        max_iter=300,
    )
    times = {"distilled": [], "all": []}
    for _ in range(ROUNDS):
        seconds, full = timed(clone(case.estimator).fit, X, y)
        times["all"].append(seconds)
        seconds, _ = timed(distiller.fit, X, y)
        times["distilled"].append(seconds)
    with counting() as counts:
        distiller.fit(X, y)
    refit = distiller.estimator_
    error = "-"
    if case.has_reference:
        reference = clone(precise).fit(X, y).coef_
        error = np.abs(refit.coef_ - reference).max() / np.abs(reference).max()
        error = f"{error:.1e}"
    medians = {name: statistics.median(values) for name, values in times.items()}
    label = f"{case.data} {type(case.estimator).__name__}"
    figures.add("count", **counts.named(label))
    losses = {"few rows": objective(refit, X, y), "all rows": objective(full, X, y)}
    for name, loss in losses.items():
        figures.add("loss", **{f"{label} {name}": loss})
        figures.add("seconds", **{f"{label} {name}": medians[NAMES[name]]})
    return [
        case.data,
        type(case.estimator).__name__,
        str(case.n_rows),
        f"{medians['distilled']:.2f}",
        f"{medians['all']:.2f}",
        f"{medians['distilled'] / medians['all']:.2f}",
        *(f"{loss:.5f}" for loss in losses.values()),
        error,
    ]


if __name__ == "__main__":
    main()
