"""CPU seconds, accuracy and counts for neighbors and kernels on many rows.

Run it while nothing else is running::

    python -m benchmarks.neighbors
    python -m benchmarks.neighbors --data DIR --seeds 0 --only kernel-100

where DIR holds ``mnist.npz``. Without it, only the generated table is measured. These
students are expensive, so they use mini-batches of real rows. The benchmark counts the
rows that they use. Cases are

- "neighbors-1", "neighbors-5": k nearest neighbors on 120,000 x 12 generated rows of
  three classes, with 200 synthetic rows;
- "kernel-100", "kernel-500": kernel ridge with a log-loss of its scores on MNIST;
- "images-10", "images-100": the nearest neighbor on MNIST.

For each case and seed a line has

- CPU seconds of ``fit``, including compilation in the first fit of a case;
- number of sums over all real rows that the set is learned from, and over other fixed
  rows (held-back rows, or a sample);
- number of mini-batches, and thousands of rows with gradients and with losses only;
- accuracy on test rows.
"""

import time
import warnings
from collections import Counter
from typing import NamedTuple

from sklearn.datasets import make_classification
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._figures import figures_of, parser_of
from benchmarks.accuracy import RANKED, Case, load, score, targets_for
from skdistill import DatasetDistiller
from skdistill.real._base import _ValueAndGrad
from skdistill.real._dense import DenseRows

N_TRAIN, N_TEST = 120_000, 30_000
CASES = {
    "neighbors-1": Case("made", KNeighborsClassifier(1), (200,)),
    "neighbors-5": Case("made", KNeighborsClassifier(5), (200,)),
    "kernel-10": Case("mnist", KernelRidge(kernel="rbf", gamma=0.025), (10,), RANKED),
    "kernel-100": Case("mnist", KernelRidge(kernel="rbf", gamma=0.025), (100,), RANKED),
    "kernel-500": Case("mnist", KernelRidge(kernel="rbf", gamma=0.025), (500,), RANKED),
    "images-10": Case("mnist", KNeighborsClassifier(1), (10,)),
    "images-100": Case("mnist", KNeighborsClassifier(1), (100,)),
}


class Looks(NamedTuple):
    """Numbers of sums over real rows in a fit.

    Attributes
    ----------
    passes, other_passes, batches : int
        Number of sums over all rows, over other fixed rows, and over mini-batches.
    with_gradient, without : int
        Number of rows in these sums, with and without a gradient.
    """

    passes: int
    other_passes: int
    batches: int
    with_gradient: int
    without: int


class Counting:
    """Counts sums over real rows during a block of code."""

    def __enter__(self):
        self.counts, self.n_rows = Counter(), []
        self._map_sum = map_sum = DenseRows.map_sum

        def counting(rows_in_memory, function, *arguments, rows=None):
            n = rows_in_memory.n_rows if rows is None else len(rows)
            if rows is None:
                self.n_rows.append(n)
            else:
                self.counts["batches"] += 1
            is_gradient = isinstance(function, _ValueAndGrad)
            self.counts["with_gradient" if is_gradient else "without"] += n
            return map_sum(rows_in_memory, function, *arguments, rows=rows)

        DenseRows.map_sum = counting
        return self

    def __exit__(self, *_):
        DenseRows.map_sum = self._map_sum

    def looks(self, n_train):
        """Return the Looks of a fit, given the number of rows."""
        passes = sum(2 * n > n_train for n in self.n_rows)
        others = len(self.n_rows) - passes
        names = ("batches", "with_gradient", "without")
        return Looks(passes, others, *(self.counts[name] for name in names))


def rows_for(data, folder):
    """Return train and test rows: X, X_test, y, y_test."""
    if data != "made":
        return load(data, folder, 0)
    X, y = make_classification(
        N_TRAIN + N_TEST,
        12,
        n_informative=8,
        n_redundant=2,
        n_classes=3,
        n_clusters_per_class=4,
        flip_y=0.06,
        class_sep=1.5,
        random_state=0,
    )
    return train_test_split(X, y, test_size=N_TEST, random_state=0, stratify=y)


def measure(case, rows, seed):
    """Return the CPU seconds of a fit, its Looks and its accuracy."""
    X, X_test, y, y_test = rows
    distiller = DatasetDistiller(
        case.estimator, n_synthetic=case.sizes[0], random_state=seed, **case.options
    )
    with Counting() as counting:
        start = time.process_time()
        distiller.fit(X, targets_for(case, y))
        seconds = time.process_time() - start
    return seconds, counting.looks(len(X)), score(distiller.estimator_, X_test, y_test)


def main():
    """Print a line for each fit."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", help="cases, separated by commas")
    parser.add_argument("--seeds", default="0,1,2", help="separated by commas")
    arguments = parser.parse_args()
    figures = figures_of(arguments)
    chosen = [name for name in arguments.only.split(",") if name] or list(CASES)
    warnings.simplefilter("ignore")
    print(
        "case         seed   CPU s  passes  others  batches  1000 grad  1000 loss  acc"
    )
    loaded = {}
    for name in chosen:
        case = CASES[name]
        if case.data != "made" and arguments.data is None:
            continue
        if case.data not in loaded:
            loaded = {case.data: rows_for(case.data, arguments.data)}
        for seed in map(int, arguments.seeds.split(",")):
            seconds, looks, accuracy = measure(case, loaded[case.data], seed)
            print(
                f"{name:12} {seed:4} {seconds:7.1f} {looks.passes:7} "
                f"{looks.other_passes:7} {looks.batches:7} "
                f"{looks.with_gradient / 1000:9.0f} {looks.without / 1000:9.0f} "
                f"{100 * accuracy:6.2f}",
                flush=True,
            )
            of_fit = f"{name} seed {seed}"
            counts = {f"{of_fit} {key}": n for key, n in looks._asdict().items()}
            figures.add("count", **counts)
            figures.add("score", **{f"{of_fit} accuracy": accuracy})
            figures.add("seconds", **{f"{of_fit} CPU": seconds})
    figures.end()


if __name__ == "__main__":
    main()
