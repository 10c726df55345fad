"""Effect of wrong labels on distilled rows, with and without held-back rows.

Run it while nothing else is running::

    python -m benchmarks.noisy --data DIR

where DIR holds ``mnist.npz``. ``--seeds 0`` uses one draw of wrong labels.

The real rows are the first 1,000 training images of MNIST. A fifth of their labels are
replaced by random classes, and 50 rows are learned. A model that fits the real rows
perfectly has learned the wrong labels, too. So this shows how much an estimator loses
after many iterations.

Every line of the table is for one estimator. The columns are ways to find the 50 rows:

- "k-means": centers of each class;
- "5", "15", "100": at most this number of iterations on the loss of all real rows, with
  ``early_stopping=False``;
- "defaults": ``DatasetDistiller`` with default settings;
- "all rows": scikit-learn's fit on the 1,000 real rows.

Scores are accuracies in percent on the first 3,000 test images, whose labels are right,
as means over the draws.
"""

import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from benchmarks.accuracy import RANKED, Case, label_of, load, score, targets_for
from skdistill import DatasetDistiller
from skdistill.evaluation._baselines import class_codes, reduced_set

N_TRAIN, N_TEST, N_SYNTHETIC = 1000, 3000, 50
#: Share of the labels that are replaced.
NOISE = 0.2
ITERATIONS = (5, 15, 100)
SIZES = (N_SYNTHETIC,)
CASES = [
    Case("mnist", KernelRidge(kernel="rbf", gamma=0.025, alpha=0.01), SIZES, RANKED),
    Case("mnist", KNeighborsClassifier(1), SIZES),
    Case("mnist", KNeighborsClassifier(5), SIZES),
    Case("mnist", SVC(C=10, gamma=0.025), SIZES),
    Case("mnist", GaussianNB(var_smoothing=1e-2), SIZES),
    Case("mnist", NearestCentroid(), SIZES),
    Case("mnist", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1), SIZES),
    Case("mnist", LogisticRegression(max_iter=1000), SIZES),
    Case("mnist", RidgeClassifier(10.0), SIZES, RANKED),
]


def with_noise(y, seed):
    """Replace a fifth of the labels by random classes, which may be the right ones."""
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(len(y))[: int(NOISE * len(y))]
    y = y.copy()
    y[wrong] = rng.choice(np.unique(y), len(wrong))
    return y


def run(case, X, y, X_test, y_test):
    """Return the scores of all ways to find the rows, and the seconds of "defaults"."""
    target = targets_for(case, y)
    distiller = DatasetDistiller(
        case.estimator, n_synthetic=N_SYNTHETIC, random_state=0, **case.options
    )
    codes = class_codes(distiller, target)
    centers = reduced_set("kmeans", X, target, codes, N_SYNTHETIC, random_state=0)
    models = {"k-means": clone(case.estimator).fit(*centers[:2])}
    for max_iter in ITERATIONS:
        unjudged = clone(distiller).set_params(early_stopping=False, max_iter=max_iter)
        models[str(max_iter)] = unjudged.fit(X, target).estimator_
    start = time.perf_counter()
    models["defaults"] = distiller.fit(X, target).estimator_
    seconds = time.perf_counter() - start
    models["all rows"] = clone(case.estimator).fit(X, target)
    scores = {name: score(model, X_test, y_test) for name, model in models.items()}
    return scores, seconds


def main():
    """Print the table, row by row."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--seeds", default="0,1", help="separated by commas")
    args = parser.parse_args()
    figures = figures_of(args)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    warnings.simplefilter("ignore")  # five iterations do not converge
    X, X_test, y, y_test = load("mnist", args.data, 0)
    X, y = X[:N_TRAIN], y[:N_TRAIN]
    X_test, y_test = X_test[:N_TEST], y_test[:N_TEST]
    names = ["k-means", *map(str, ITERATIONS), "defaults", "all rows"]
    print(f"| estimator | {' | '.join(names)} | fit, s |")
    print(f"|{'---|' * (len(names) + 2)}", flush=True)
    for case in CASES:
        with counting() as counts:
            runs = [run(case, X, with_noise(y, seed), X_test, y_test) for seed in seeds]
        means = [100 * np.mean([scores[name] for scores, _ in runs]) for name in names]
        seconds = np.median([seconds for _, seconds in runs])
        label = label_of(case.estimator)
        cells = [label, *(f"{mean:.1f}" for mean in means), f"{seconds:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
        for name, mean in zip(names, means, strict=True):
            figures.add("score", **{f"{label} {name}": mean / 100})
        figures.add("seconds", **{f"{label} defaults": seconds})
        figures.add("count", **counts.named(f"{label} all ways"))
    figures.end()


if __name__ == "__main__":
    main()
