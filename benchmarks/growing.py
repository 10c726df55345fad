"""Accuracy of ``partial_fit``, for rows that arrive in batches and are not kept.

Run it with ``python -m benchmarks.growing`` (about three minutes). It distills 50 rows
of scikit-learn's digits and prints test accuracies in percent, as means over three
splits. Batches arrive in a random order, sorted by a pixel, so that early batches
differ from later ones, or class by class, so that new classes appear. Baselines are all
rows at once, and the first batch alone.
"""

import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from skdistill import DatasetDistiller

ESTIMATORS = (
    LogisticRegression(C=10),
    GaussianNB(var_smoothing=0.01),
)
N_BATCHES = 10


def orders(X, y, seed):
    """Return the orders of arrival by name."""
    shuffled = np.random.RandomState(seed).permutation(len(y))
    widest = X.var(axis=0).argmax()
    return {
        "shuffled": shuffled,
        "by a feature": np.argsort(X[:, widest], kind="stable"),
        "by class": np.argsort(y, kind="stable"),
    }


def scores(estimator, seed):
    """Return the test accuracy of each way."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, stratify=y, random_state=seed
    )

    def distiller():
        return DatasetDistiller(estimator, n_synthetic=50, random_state=0)

    found = {"at once": distiller().fit(X_train, y_train)}
    for name, order in orders(X_train, y_train, seed).items():
        found[name] = distiller().set_params(n_synthetic="auto")
        if name != "by class":
            found[name].set_params(n_synthetic=50)
        batches = np.array_split(order, 5 if name == "by class" else N_BATCHES)
        for rows in batches:
            found[name].partial_fit(X_train[rows], y_train[rows])
        if name == "shuffled":
            first = batches[0]
            found["first batch"] = distiller().fit(X_train[first], y_train[first])
    return {name: fitted.score(X_test, y_test) for name, fitted in found.items()}


def main():
    """Print a line for each estimator."""
    figures = figures_of(parser_of(__doc__).parse_args())
    warnings.simplefilter("ignore")
    names = ("at once", "shuffled", "by a feature", "by class", "first batch")
    print(" " * 22 + "".join(f"{name:>14}" for name in names))
    for estimator in ESTIMATORS:
        with counting() as counts:
            runs = [scores(estimator, seed) for seed in range(3)]
        means = [100 * np.mean([run[name] for run in runs]) for name in names]
        line = "".join(f"{mean:14.1f}" for mean in means)
        label = type(estimator).__name__
        print(f"{label:22}{line}", flush=True)
        for name, mean in zip(names, means, strict=True):
            figures.add("score", **{f"{label} {name}": mean / 100})
        figures.add("count", **counts.named(f"{label} all ways"))
    figures.end()


if __name__ == "__main__":
    main()
