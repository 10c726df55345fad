"""Work that is repeated for each candidate of a grid search.

Run it while nothing else is running::

    python -m benchmarks.candidates

It distills 20 rows of scikit-learn's digits for ``LogisticRegression``, with four
values of ``C`` in three folds, in one process that has compiled before. Counts are for
all candidates together, and shares are of their CPU time. "Pose" includes the starting
rows and the samples, which are the same for all candidates of a fold.
"""

import time
import warnings
from unittest import mock

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from benchmarks._counting import counting
from benchmarks._figures import figures_of, parser_of
from skdistill import DatasetDistiller, DistilledClassifier
from skdistill.estimators import _by_student
from skdistill.solvers import _distill, _problem

#: Timed functions: a label, the module that looks up the function, and its name.
PARTS = (
    ("read", _by_student, "read_rows"),
    ("starting rows", _problem, "starting_rows"),
    ("pose", _by_student, "pose"),
    ("model of all rows", _distill, "reach_model"),
)


def timed(function, name, seconds):
    """Return a function that adds its CPU seconds to those of a name."""

    def call(*arguments, **others):
        start = time.process_time()
        try:
            return function(*arguments, **others)
        finally:
            seconds[name] += time.process_time() - start

    return call


def main():
    """Print the counts and the shares."""
    figures = figures_of(parser_of(__doc__).parse_args())
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    distiller = DatasetDistiller(n_synthetic=20, random_state=0)
    model = DistilledClassifier(LogisticRegression(max_iter=1000), distiller)
    model.fit(X / 16, y)
    search = GridSearchCV(model, {"estimator__C": [0.1, 1.0, 10.0, 100.0]}, cv=3)
    seconds = dict.fromkeys((name for name, _, _ in PARTS), 0.0)
    with counting() as counts:
        patches = [
            mock.patch.object(owner, name, timed(getattr(owner, name), part, seconds))
            for part, owner, name in PARTS
        ]
        for patch in patches:
            patch.start()
        start = time.process_time()
        search.set_params(refit=False).fit(X / 16, y)
        total = time.process_time() - start
        for patch in patches:
            patch.stop()
    counted = {
        "reads": counts.reads,
        "samples": counts.samples,
        "k-means": counts.clusterings,
        "compilations": counts.compilations,
    }
    figures.add("count", **counted)
    figures.add("seconds", all=total, **seconds)
    print(", ".join(f"{name}: {count}" for name, count in counted.items()))
    for name, spent in seconds.items():
        print(f"{name:20} {100 * spent / total:5.1f} % of {total:.1f} s")
    figures.end()


if __name__ == "__main__":
    main()
