"""Growth of time and memory with rows, features, classes and synthetic rows.

Run it while nothing else is running (about ten minutes)::

    python -m benchmarks.growth
    python -m benchmarks.growth --axes rows classes --picture growth.png

An evaluation solves the student on the synthetic rows, passes over all real rows for
the outer loss and its gradient, and computes the gradient in the synthetic rows. For
each student, the output has the seconds of an evaluation, as the median of three, and
the maximum memory beyond the rows while the problem is posed and evaluated. Each size
is measured in a separate process. The last column is the exponent of the growth of time
between the two largest sizes. The command fails if an exponent exceeds ``STATED``.
"""

import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks._figures import figures_of, parser_of
from benchmarks.scale import PeakMemory

#: Sizes along the axes that do not grow.
USUAL = {"rows": 20_000, "features": 20, "classes": 2, "synthetic": 20}
AXES = {
    "rows": (10_000, 100_000, 1_000_000),
    "features": (10, 100, 1000, 10_000),
    "classes": (2, 20, 200),
    "synthetic": (10, 100, 500, 2000),
}
STUDENTS = (
    "LogisticRegression",
    "RidgeClassifier",
    "GaussianNB",
    "LinearDiscriminantAnalysis",
    "KNeighborsClassifier",
    "SVC",
)
#: Containers for growing numbers of rows, for the first student.
CONTAINERS = ("memory", "sparse", "mapped", "dask")
#: Maximum exponents. Passes are linear in rows and features. A solve on m rows uses an
#: m x m matrix, so its time is cubic in m if it exceeds that of the pass.
STATED = {"rows": 1.2, "features": 1.3, "classes": 2.2, "synthetic": 3.2}
STATED_OF = {("LinearDiscriminantAnalysis", "features"): 3.2}
#: Seconds of an evaluation after which a series ends.
LONG = 20.0


def rows(sizes, container, folder):
    """Return samples, in single precision, and labels in a container."""
    n, p, k = sizes["rows"], sizes["features"], sizes["classes"]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p), dtype=np.float32)
    y = rng.integers(0, k, n)
    X += rng.standard_normal((k, p), dtype=np.float32)[y]
    if container == "memory":
        return X, y
    if container == "sparse":
        from scipy.sparse import csr_array

        X[rng.uniform(size=X.shape) < 0.9] = 0
        return csr_array(X), y
    np.save(folder / "X.npy", X)
    X = np.load(folder / "X.npy", mmap_mode="r")
    if container == "mapped":
        return X, y
    from dask import array

    return array.from_array(X, (-(-n // 8), p)), array.from_array(y, -(-n // 8))


def student_of(name, sizes):
    """Return an estimator."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    return {
        "LogisticRegression": LogisticRegression(C=10),
        "RidgeClassifier": RidgeClassifier(),
        "GaussianNB": GaussianNB(var_smoothing=1e-3),
        "LinearDiscriminantAnalysis": LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage=0.1
        ),
        "KNeighborsClassifier": KNeighborsClassifier(1),
        "SVC": SVC(gamma=1 / sizes["features"]),
    }[name]


def measure(name, sizes, container="memory"):
    """Return the seconds of an evaluation and megabytes, measured in this process."""
    from skdistill import DatasetDistiller
    from skdistill.estimators._ways import way_for
    from skdistill.solvers._bilevel import BilevelLoss

    warnings.simplefilter("ignore")
    estimator = student_of(name, sizes)
    distiller = DatasetDistiller(
        estimator,
        n_synthetic=max(sizes["synthetic"], 2 * sizes["classes"]),
        solver="lbfgs",
    )
    with tempfile.TemporaryDirectory() as folder:
        X, y = rows(sizes, container, Path(folder))
        with PeakMemory() as memory:
            problem = way_for(distiller, estimator, X, y, None).problem
            seconds = []
            for _ in range(4):  # the first one compiles
                # A new student does not start from the last solution.
                bilevel = BilevelLoss(problem.student, problem.loss)
                start = time.perf_counter()
                bilevel.value_and_grad(problem.start)
                seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:])), memory.above


def series(name, axis, container="memory"):
    """Return the measured sizes of an axis, and the measurements."""
    found = []
    for size in AXES[axis]:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            sizes = USUAL | {axis: size}
            found.append(process.submit(measure, name, sizes, container).result())
        if found[-1][0] > LONG:
            break
    return AXES[axis][: len(found)], *zip(*found, strict=True)


def exponent(sizes, values):
    """Return the exponent of growth between the two largest sizes."""
    return float(np.log(values[-1] / values[-2]) / np.log(sizes[-1] / sizes[-2]))


def draw(found, path):
    """Draw times and memory, with a column for each axis."""
    import matplotlib.pyplot as plt

    axes_names = list(dict.fromkeys(axis for axis, _ in found))
    figure, panels = plt.subplots(
        2, len(axes_names), figsize=(4 * len(axes_names), 7), squeeze=False
    )
    for column, axis in enumerate(axes_names):
        for (of_axis, label), (sizes, seconds, megabytes) in found.items():
            if of_axis == axis:
                panels[0, column].loglog(sizes, seconds, "o-", label=label)
                panels[1, column].loglog(
                    sizes, np.maximum(megabytes, 1), "o-", label=label
                )
        panels[1, column].set_xlabel(axis)
        panels[0, column].legend(fontsize=7)
    panels[0, 0].set_ylabel("seconds of an evaluation")
    panels[1, 0].set_ylabel("megabytes beyond the rows")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main():
    """Print a line for each series, and draw them."""
    parser = parser_of(__doc__)
    parser.add_argument("--axes", nargs="+", default=list(AXES), choices=AXES)
    parser.add_argument("--students", nargs="+", default=STUDENTS, choices=STUDENTS)
    parser.add_argument("--picture", help="file of a picture")
    arguments = parser.parse_args()
    plan = [
        (axis, name, "memory") for axis in arguments.axes for name in arguments.students
    ]
    if "rows" in arguments.axes:
        plan += [("rows", STUDENTS[0], container) for container in CONTAINERS[1:]]
    figures = figures_of(arguments)
    found, excessive = {}, []
    for axis, name, container in plan:
        label = name if container == "memory" else container
        sizes, seconds, megabytes = series(name, axis, container)
        found[axis, label] = sizes, seconds, megabytes
        for size, s, mb in zip(sizes, seconds, megabytes, strict=True):
            point = f"{axis} {label} {size}"
            figures.add("seconds", **{point: s})
            figures.add("bytes", **{point: mb * 2**20})
        growth = exponent(sizes, seconds)
        if growth > STATED_OF.get((name, axis), STATED[axis]):
            excessive.append(f"{label}, {axis}: {growth:.2f}")
        cells = "".join(
            f" {size:>9,}: {s:7.3f} s {mb:5.0f} MB"
            for size, s, mb in zip(sizes, seconds, megabytes, strict=True)
        )
        print(f"{axis:9} {label:26}{cells}   {growth:5.2f}", flush=True)
        if arguments.picture:
            draw(found, arguments.picture)
    if excessive:
        sys.exit("Grows faster than stated: " + "; ".join(excessive))
    figures.end()


if __name__ == "__main__":
    main()
