"""Tables of the README and the documentation, from the figures of benchmarks.

Run it while nothing else is running. It takes hours, mainly for the accuracies::

    python -m benchmarks.readme --data DIR --folder FIGURES

It prints the tables in Markdown. A benchmark is not run again if its file is already in
the folder, as its ``--save`` writes it: ``FIGURES/seed.json``, ``accuracy.json`` and
``search.json``. ``--only seed`` selects tables.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks._figures import parser_of, read

SEARCHED = {
    "tree": "DecisionTreeClassifier",
    "forest": "RandomForestClassifier",
    "boosting": "HistGradientBoostingClassifier",
}
#: Rows of the table of accuracies: data, and the name in ``benchmarks.accuracy``.
SHOWN = (
    ("mnist", "LogisticRegression", 10),
    ("mnist", "KernelRidge", 10),
    ("mnist", "KernelRidge", 100),
    ("mnist", "KernelRidge", 500),
    ("mnist", "KNeighborsClassifier(1)", 10),
    ("mnist", "KNeighborsClassifier(1)", 100),
    ("adult", "LogisticRegression", 2),
    ("wine", "KernelRidge", 50),
    ("digits", "LogisticRegression", 10),
    ("breast cancer", "GaussianNB", 4),
    ("diabetes", "Ridge", 5),
    ("diabetes", "KernelRidge", 10),
)


def accuracy(figures):
    """Return the table of ``benchmarks.accuracy``."""
    ways = ("distilled", "kmeans", "sample", "all")
    rows = []
    for data, estimator, size in SHOWN:
        scores = [
            figures.get(("score", f"{data} {estimator} {size} {way}")) for way in ways
        ]
        if scores[0] is not None:
            name = f"`{estimator.partition('(')[0]}`"
            rows.append((data, name, str(size), *map(percent, scores)))
    names = ("data", "estimator", "rows", "distilled", "k-means", "random", "all rows")
    return table(names, rows)


def search(figures):
    """Return the table of ``benchmarks.search``."""
    rows = []
    for data, title, size in (("digits", "digits", 100), ("adult", ADULT, 40)):
        for short, estimator in SEARCHED.items():
            ways = ("searched", "k-means", "random", "all")
            scores = [figures.get(("score", f"{data} {short} {way}")) for way in ways]
            if scores[0] is not None:
                rows.append((title, f"`{estimator}`", str(size), *map(percent, scores)))
    names = ("data", "estimator", "rows", "searched", "k-means", "random", "all rows")
    return table(names, rows)


ADULT = "adult, as it comes"


def seed(figures):
    """Return the table of ``benchmarks.seed``."""
    seconds = {name: value for (kind, name), value in figures.items() if kind == TIME}
    count = {name: value for (kind, name), value in figures.items() if kind == "count"}
    faster = {name: seconds["a"] / seconds[f"b {name}"] for name in ("first", "second")}
    passes = {
        name: f"{count[f'{name} iterations']:.0f} iterations, "
        f"{count[f'{name} passes']:.0f} passes, "
        f"{count[f'{name} compilations']:.0f} programs"
        for name in "bc"
    }
    rows = [
        (
            "(a) the published jaxopt script, 50 iterations",
            f"{seconds['a']:.1f}",
            f"outer loss {figures['loss', 'a']:.5f}",
        ),
        (
            "(b) skdistill to the same loss, first call",
            f"{seconds['b first']:.1f}",
            f"{figures['loss', 'b']:.5f} in {passes['b']}; "
            f"**{faster['first']:.1f}x faster**",
        ),
        (
            "(b) skdistill, second call",
            f"{seconds['b second']:.1f}",
            f"{faster['second']:.1f}x faster",
        ),
        (
            "(c) skdistill with `C=100`, first call",
            f"{seconds['c']:.1f}",
            f"test accuracy {percent(figures['score', 'c'], 2)} % in {passes['c']}",
        ),
        (
            "(d) `LogisticRegression(C=100)` on all 60,000 rows",
            f"{seconds['d']:.1f}",
            f"{percent(figures['score', 'd'], 2)} %, "
            f"**(c)/(d) = {seconds['c'] / seconds['d']:.2f}**",
        ),
        (
            "(e) one pass over the data",
            f"{seconds['e']:.3f}",
            f"{seconds['e'] / seconds['e, NumPy']:.2f} of its two products in NumPy",
        ),
        (
            "(f) memory at the peak of a fit",
            "",
            f"{figures['bytes', 'f'] / 2**20:.0f} MiB above a process that holds the "
            "data",
        ),
    ]
    return table(("", "seconds", ""), rows)


TIME = "seconds"
TABLES = {"accuracy": accuracy, "search": search, "seed": seed}


def percent(value, digits=1):
    """Return a share in percent, or a dash for None."""
    return "-" if value is None else f"{100 * value:.{digits}f}"


def table(names, rows):
    """Return a table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def figures_of_run(name, folder, data):
    """Return the figures of a benchmark's file, after running it if there is none."""
    path = folder / f"{name}.json"
    if not path.exists():
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        options = ["--data", str(data), "--save", str(path)]
        # Only the tables go to the standard output.
        subprocess.run([*command, *options], check=True, stdout=sys.stderr)
    return read(path)


def main():
    """Print the tables."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument(
        "--folder", type=Path, default=Path("figures"), help="files of the figures"
    )
    parser.add_argument("--only", nargs="+", default=list(TABLES), choices=TABLES)
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    for name in arguments.only:
        figures = figures_of_run(name, arguments.folder, arguments.data)
        print(TABLES[name](figures), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
