"""Ranking of hyperparameters by 40 rows, distilled for one setting or for all.

Run it while nothing else is running::

    python -m benchmarks.several

The generated tables have 1,125 rows, 40 features and two classes, and 15 % of the
labels are random; ``--seeds`` draws them. Settings are six values of ``C`` for
``LogisticRegression``, and nine pairs of ``C`` and ``gamma`` for ``SVC``. A line has
the rank correlation of the test accuracies on 40 rows with those on all rows, and the
loss of accuracy on all rows if the setting is chosen by 40 rows. Both are means over
the seeds.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks._figures import figures_of, parser_of
from skdistill import DatasetDistiller
from skdistill.evaluation._baselines import reduced_set

N_ROWS = 40
N_DRAWS = 3
SETTINGS = {
    "LogisticRegression": [
        LogisticRegression(C=C, max_iter=3000) for C in (1e-3, 1e-2, 1e-1, 1, 10, 100)
    ],
    "SVC": [SVC(C=C, gamma=gamma) for C in (0.1, 1, 10) for gamma in (3e-3, 3e-2, 0.3)],
}
#: Index of the setting for the rows of "one setting".
SINGLE = {"LogisticRegression": 3, "SVC": 3}


def load(seed):
    """Return train and test rows of a generated table, scaled."""
    X, y = make_classification(
        1500,
        40,
        n_informative=8,
        n_redundant=10,
        flip_y=0.15,
        class_sep=0.7,
        random_state=seed,
    )
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def sets(models, single, X, y, seed):
    """Yield the name of each way to find rows, and the rows."""
    members = [(f"setting{i}", model) for i, model in enumerate(models)]
    for name, estimator in (
        ("all settings", VotingClassifier(members)),
        ("one setting", models[single]),
    ):
        distiller = DatasetDistiller(estimator, n_synthetic=N_ROWS, random_state=seed)
        yield name, distiller.fit(X, y).transform(X)
    yield "k-means", reduced_set("kmeans", X, y, y, N_ROWS, random_state=seed)[:2]
    for draw in range(N_DRAWS):
        rows = reduced_set("sample", X, y, y, N_ROWS, random_state=draw)
        yield "random rows", rows[:2]


def lines(seeds):
    """Yield a line for each estimator, way and seed."""
    for seed in seeds:
        X, X_test, y, y_test = load(seed)
        for name, models in SETTINGS.items():

            def scores(rows, labels, models=models, X_test=X_test, y_test=y_test):
                fitted = [clone(model).fit(rows, labels) for model in models]
                return np.array([each.score(X_test, y_test) for each in fitted])

            full = scores(X, y)
            for way, rows in sets(models, SINGLE[name], X, y, seed):
                found = scores(*rows)
                lost = 100 * (full.max() - full[found.argmax()])
                yield name, way, spearmanr(found, full).statistic, lost


def main():
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", default="0,1,2")
    arguments = parser.parse_args()
    columns = ["estimator", "rows for", "rank correlation", "points lost"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seeds = map(int, arguments.seeds.split(","))
        table = pd.DataFrame(lines(seeds), columns=columns)
    means = table.groupby(columns[:2], sort=False).mean().round(2)
    print(means.to_string())
    figures = figures_of(arguments)
    for (estimator, way), (correlation, lost) in means.iterrows():
        figures.add("score", **{f"{estimator} {way} rank correlation": correlation})
        figures.add("loss", **{f"{estimator} {way} points lost": lost})
    figures.end()


if __name__ == "__main__":
    main()
