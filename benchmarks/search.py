"""Scores of sets found by search, for estimators without a student.

Run it while nothing else is running::

    python -m benchmarks.search --data DIR --seconds 60

where DIR holds ``adult-train.csv.gz`` and ``adult-test.csv.gz`` (no header, the last
column is the target). That table is used as it comes, with mixed columns and missing
values. Each estimator is the last step of a pipeline that imputes and one-hot encodes.
scikit-learn's digits only have pixels. ``--only tree,forest`` selects estimators, and
``--tables digits`` selects a table.

``--seconds`` ends a search after this CPU time.

Every line is for one estimator with a number of rows. Test accuracies are means of fits
with three new seeds: on random rows, on the best k-means start, on the searched rows,
and on all rows. The best k-means start is chosen by the test rows, which favors it. The
curve is the test accuracy of the best set after a number of candidates.
"""

import time
import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from benchmarks._figures import figures_of, parser_of
from skdistill.optimizers._exchange import TRIES
from skdistill.real._cells import read_cells
from skdistill.real._targets import class_targets
from skdistill.solvers._report import Report
from skdistill.solvers.search import SearchProblem, search
from skdistill.solvers.search._estimators import searchable
from skdistill.solvers.search._search import starts_of

MODELS = {
    "tree": DecisionTreeClassifier(),
    "forest": RandomForestClassifier(),
    "boosting": HistGradientBoostingClassifier(),
    "logistic": LogisticRegression(C=10, max_iter=1000),
}
#: Seeds of the fits that are scored.
TEST_SEEDS = (101, 102, 103)
HELD_BACK = 0.1
#: Numbers of candidates for the curve.
READ_AFTER = (100, 200, 400, 800, 1600, 3200)


def adult(folder):
    """Return train and test rows as they came: X, X_test, y, y_test."""
    parts = [
        pd.read_csv(
            folder / f"adult-{part}.csv.gz",
            header=None,
            skipinitialspace=True,
            na_values="?",
        ).rename(columns=str)
        for part in ("train", "test")
    ]
    X, X_test = (part.iloc[:, :-1] for part in parts)
    y, y_test = (part.iloc[:, -1].str.rstrip(".").to_numpy() for part in parts)
    return X, X_test, y, y_test


def behind_encoder(model):
    """Return a pipeline that takes the raw table."""
    numbers = make_column_selector(dtype_include="number")
    others = make_column_selector(dtype_exclude="number")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(strategy="median"), numbers),
            (make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), others),
        ),
        model,
    )


class Scores:
    """Test accuracy of sets, with new seeds."""

    def __init__(self, estimator, X_test, y_test):
        self.estimator, self.X_test, self.y_test = estimator, X_test, y_test

    def __call__(self, X, y, weight=None):
        """Return the mean accuracy of refits."""
        parameters = {} if weight is None else {"sample_weight": weight}
        fits = [
            searchable(self.estimator, seed).fit(X, y, **parameters)
            for seed in TEST_SEEDS
        ]
        return np.mean([fit.score(self.X_test, self.y_test) for fit in fits])


def pose(estimator, X, y, size, *, seed, n_jobs):
    """Return the problem of ``size`` rows, evenly shared over the classes."""
    targets, codes = class_targets(y, y)
    rows, held_back = train_test_split(
        np.arange(len(y)), test_size=HELD_BACK, random_state=seed, stratify=codes
    )
    return SearchProblem(
        estimator,
        read_cells(X),
        targets,
        codes,
        np.ones(len(y)),
        targets.rows_of_groups(size, np.bincount(codes)),
        np.sort(rows),
        np.random.RandomState(seed),
        held_back=np.sort(held_back),
        n_jobs=n_jobs,
    )


def run(name, data, estimator, size, arguments, figures):
    """Distill, print a row of the table, and add its figures."""
    X, X_test, y, y_test = data
    scores = Scores(estimator, X_test, y_test)
    options = {"seed": arguments.seed, "n_jobs": arguments.n_jobs}
    problem = pose(estimator, X, y, size, **options)
    clustered, drawn = starts_of(problem)
    kmeans = [scores(*problem.training(each)) for each in clustered]
    random = np.mean([scores(*problem.training(each)) for each in drawn[:3]])

    problem = pose(estimator, X, y, size, **options)
    sets, begin = [], time.process_time()

    def show(_, get_set):
        sets.append(get_set())
        return time.process_time() - begin > arguments.seconds

    result = search(problem, Report(arguments.max_iter, show=show, title=name))
    seconds = time.process_time() - begin
    searched = scores(*problem.training(result.synthetic))
    everything = clone(estimator).fit(X, y).score(X_test, y_test)
    print(
        f"{name:20s} {size:4d} rows: random {random:.3f}, k-means {max(kmeans):.3f}, "
        f"search {searched:.3f} (all {everything:.3f}); {len(sets)} iterations, "
        f"{result.n_refits} refits, {seconds:.0f} s, loss {result.value:.4f}"
    )
    columns = ("random", random), ("k-means", max(kmeans)), ("searched", searched)
    for column, value in (*columns, ("all", everything)):
        figures.add("score", **{f"{name} {column}": value})
    figures.add("loss", **{name: result.value})
    # More refits in a given time are better, so these counts are not judged.
    figures.add(
        "seconds", **{name: seconds, f"{name} a refit": seconds / result.n_refits}
    )
    curve = []
    for tried in READ_AFTER:
        n_iter = tried // TRIES
        if n_iter <= len(sets):
            curve.append(f"{tried}: {scores(*problem.training(sets[n_iter - 1])):.3f}")
    print(f"{'':20s} after candidates: {', '.join(curve)}", flush=True)


def main():
    """Print the table."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--only", default=",".join(MODELS))
    parser.add_argument("--tables", default="adult,digits")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=None)
    arguments = parser.parse_args()
    figures = figures_of(arguments)
    warnings.simplefilter("ignore")
    for table in arguments.tables.split(","):
        if table == "adult":
            data, size, wrap = adult(arguments.data), 40, behind_encoder
        else:
            X, y = load_digits(return_X_y=True)
            data = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
            size, wrap = 100, clone
        for name in arguments.only.split(","):
            label, model = f"{table} {name}", wrap(MODELS[name])
            run(label, data, model, size, arguments, figures)
    figures.end()


if __name__ == "__main__":
    main()
