"""Cells of the benchmark, and the CSV file of the finished ones."""

import csv
import sys
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import jax
import joblib
import pandas as pd
from sklearn.base import clone

from benchmarks._tables._data import CLASSES, load
from benchmarks._tables._estimators import exists, make, score, targets
from benchmarks._tables._methods import baseline, distill

CLASS_SIZES = (2, 10, 50)
REGRESSION_SIZES = (10, 50, 200)
COLUMNS = ("table", "estimator", "size", "seed", "method", "score", "seconds", "note")


class Cell(NamedTuple):
    """One score to compute; ``size`` is 0 for all rows."""

    table: str
    estimator: str
    size: int
    seed: int
    method: str


def cells(tables, estimators, seeds, methods):
    """Return the cells, ordered by seed so that an interrupted run is balanced."""
    found = []
    for seed in seeds:
        for table in tables:
            is_class = table in CLASSES
            fitted = [name for name in estimators if exists(name, is_class)]
            sizes = CLASS_SIZES if is_class else REGRESSION_SIZES
            for method in methods:
                if method == "cluster-centroids" and not is_class:
                    continue
                found += [
                    Cell(table, name, size, seed, method)
                    for size in ((0,) if method == "all" else sizes)
                    for name in fitted
                ]
    return found


def read(path):
    """Return the last line of each cell in the file."""
    lines = pd.read_csv(path, keep_default_na=False, na_values={"score": ["", "nan"]})
    return lines.drop_duplicates(list(Cell._fields), keep="last")


def done(path):
    """Return the finished cells of the file, without those that failed."""
    if not path.exists():
        return set()
    lines = read(path)
    lines = lines[~lines["note"].str.startswith("failed")]
    return set(lines[list(Cell._fields)].itertuples(index=False, name=None))


def run(pending, folder, path, jobs):
    """Compute cells, and append a line to the file for each."""
    is_new = not path.exists()
    with (
        path.open("a", newline="") as file,
        joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1),
        _progress(len(pending)) as advance,
    ):
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS)
        results = joblib.Parallel(return_as="generator_unordered")(
            joblib.delayed(run_cell)(cell, folder) for cell in pending
        )
        for cell, *result in results:
            writer.writerow([*cell, *result])
            file.flush()
            advance()


def run_cell(cell, folder):
    """Return the cell, its score, the seconds for its rows, and a note.

    Score and seconds are "" if the cell was skipped or failed.
    """
    split = load(cell.table, folder, cell.seed)
    reason = _reason_to_skip(cell, split)
    if reason:
        return cell, "", "", f"skipped: {reason}"
    _forget_other_tables(cell.table)
    estimator = make(cell.estimator, split)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fits on two rows do not always converge
            X, y, seconds = _rows(cell, estimator, split, folder)
            model = clone(estimator).fit(X, y)
            found = score(model, split.X_test, split.y_test)
            return cell, round(found, 4), round(seconds, 3), ""
    except Exception as error:  # one cell of thousands: noted, and listed at the end
        message = str(error).partition("\n")[0][:120]
        return cell, "", "", f"failed: {type(error).__name__}: {message}"


def _rows(cell, estimator, split, folder):
    """Return the rows to fit on, and the seconds for finding them."""
    if cell.method == "distill":
        return distill(estimator, split, cell.size, cell.seed)
    if cell.method == "all":
        X, y, seconds = split.X, split.y, 0.0
    else:
        X, y, seconds = baseline(cell.method, cell.table, folder, cell.size, cell.seed)
    return X, targets(estimator, y, split.n_classes), seconds


def _reason_to_skip(cell, split):
    if cell.method == "all":
        return None
    counts = [len(split.y)]
    if split.n_classes:
        counts = [int((split.y == c).sum()) for c in range(split.n_classes)]
    if 2 * cell.size > min(counts):
        return f"more than half of {min(counts)} rows"
    if cell.estimator == "5NN" and cell.size * len(counts) < 5:
        return "fewer than 5 rows"
    return None


_last_table = [""]


def _forget_other_tables(table):
    """Drop compiled programs of other tables, to save memory.

    This also makes seconds comparable, because they include compilation for every seed.
    """
    if table != _last_table[0]:
        jax.clear_caches()
        _last_table[0] = table


@contextmanager
def _progress(total):
    """Yield a function that counts a cell, on a progress bar if rich is installed."""
    try:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress
    except ImportError:
        count = 0

        def advance():
            nonlocal count
            count += 1
            print(f"\r{count} of {total} cells", end="", file=sys.stderr, flush=True)

        yield advance
        print(file=sys.stderr)
        return
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("cells", total=total)
        yield lambda: bar.advance(task)
