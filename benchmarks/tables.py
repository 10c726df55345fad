"""Regret of distilled rows and of other reduced sets on many small tables.

Run it while nothing else is running::

    python -m benchmarks.tables --data DIR

where DIR holds ``tables/``, ``winequality-white.csv``, ``adult-train.csv.gz`` and
``adult-test.csv.gz`` (no header; see ``_tables/_data.py``). The iris, wine, breast
cancer, digits and diabetes data come with scikit-learn.

Each score is written to a CSV file as soon as it is known. Another run adds the missing
scores. The seeds are the outermost loop, so an interrupted run is balanced. At the end,
or at once with ``--summary``, the summary of the file is printed, beginning with the
cells that are lost. After a change of the package, ``--methods distill --again``
computes the scores of the distiller again.

A seed draws the train rows and the test rows (30 %; 5,000 each of Adult). Numbers are
imputed and standardized, categories are one-hot encoded, and regression targets are
standardized. All of this is fitted on the train rows. The score of a set is that of the
estimator fitted on it by scikit-learn: accuracy or R2, times 100. Sizes above half of
the train rows of the smallest class are skipped.
"""

import argparse
from pathlib import Path

from benchmarks._figures import figures_of, parser_of
from benchmarks._tables._data import TABLES
from benchmarks._tables._estimators import ESTIMATORS, PAIRS, SEARCHED
from benchmarks._tables._methods import METHODS
from benchmarks._tables._output import as_rst, as_text, draw
from benchmarks._tables._run import cells, done, read, run
from benchmarks._tables._summary import NAMED, regrets, scores


def names_from(known):
    """Return a function that reads names separated by commas, and sorts them."""

    def names(text):
        chosen = set(text.split(","))
        if unknown := sorted(chosen - set(known)):
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}. Choose from {', '.join(known)}."
            )
        return tuple(name for name in known if name in chosen)

    return names


def seeds(text):
    """Return numbers that are separated by commas."""
    return tuple(int(seed) for seed in text.split(","))


def parse():
    """Return the options of the command line."""
    parser = parser_of(__doc__)
    add = parser.add_argument
    add("--csv", type=Path, default=Path("tables.csv"), help="file of the scores")
    add(
        "--only",
        type=names_from(TABLES),
        default=TABLES,
        help="names of tables, separated by commas",
    )
    add("--estimators", type=names_from(PAIRS), help="names, separated by commas")
    add(
        "--methods",
        type=names_from(METHODS),
        default=METHODS,
        help="names, separated by commas",
    )
    add(
        "--seeds",
        type=seeds,
        default=(0, 1, 2, 3, 4),
        help="numbers, separated by commas",
    )
    add("--search", action="store_true", help="include trees, forests and boosting")
    add("--again", action="store_true", help="recompute scores that the file has")
    add("--jobs", type=int, default=1, help="number of processes")
    add("--summary", action="store_true", help="only summarize the file")
    add("--picture", type=Path, help="file for a picture of the regrets")
    add("--rst", type=Path, help="file for the summary as reStructuredText")
    args = parser.parse_args()
    if args.data is None and not args.summary:
        parser.error("--data is required, except with --summary")
    if args.estimators is None:
        args.estimators = (*ESTIMATORS, *SEARCHED) if args.search else ESTIMATORS
    return args


def main():
    """Compute the missing scores, and print the summary."""
    args = parse()
    if not args.summary:
        known = set() if args.again else done(args.csv)
        pending = cells(args.only, args.estimators, args.seeds, args.methods)
        pending = [cell for cell in pending if cell not in known]
        run(pending, args.data, args.csv, args.jobs)
    lines = read(args.csv)
    print(as_text(lines))
    if args.rst:
        args.rst.write_text(as_rst(lines))
    if args.picture:
        draw(lines, args.picture)
    figures = figures_of(args)
    means = scores(lines)
    for method, regret in regrets(means).median().items():
        figures.add("loss", **{f"median regret {method}": regret})
    behind = (means["kmeans"] - means["distill"] > NAMED).sum()
    figures.add("count", **{"cells more than a point below k-means": behind})
    figures.end()


if __name__ == "__main__":
    main()
