"""Summary of the scores: regret, cells won and lost, and seconds.

A cell is a table, an estimator and a size. Its scores are means over the seeds. The
regret of a method is ``(all - score) / (all - random)``. It is 0 if the method is as
good as all rows, and 1 if it is as good as random rows. It is not defined if all rows
are hardly better than random rows.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks._tables._data import CLASSES
from benchmarks._tables._methods import BASELINES

#: Minimum difference of all rows and random rows, in points, for a regret.
MIN_GAP = 0.5
#: Maximum difference of tied scores, in points.
TIE = 0.25
#: Cells that are worse than per-class k-means by this number of points are listed.
NAMED = 1.0
CELL = ["table", "estimator", "size"]
SIZES = (
    *("2 a class", "10 a class", "50 a class"),
    *("10 rows", "50 rows", "200 rows"),
)


class Table(NamedTuple):
    """Part of the summary, as text.

    Attributes
    ----------
    title : str
        Title of the table.
    columns : tuple of str
        Names of the columns.
    rows : list of tuple of str
        The entries.
    """

    title: str
    columns: tuple
    rows: list


def scores(lines):
    """Return the mean scores, with a row for each cell and a column for each method.

    Only seeds with scores for all rows, random rows and the distiller are used.
    """
    lines = lines.dropna(subset=["score"])
    by_seed = lines.pivot(index=[*CELL, "seed"], columns="method", values="score")
    by_seed = by_seed.reindex(columns=["all", *BASELINES, "distill"])
    full = by_seed["all"].dropna().droplevel("size")
    by_seed = by_seed[by_seed.index.get_level_values("size") > 0]
    keys = by_seed.index.droplevel("size")
    by_seed["all"] = full.reindex(keys).to_numpy()
    by_seed = by_seed.dropna(subset=["all", "random", "distill"])
    return by_seed.groupby(level=CELL).mean()


def regrets(means):
    """Return the regret of every method except all rows, in cells that have one."""
    gap = means["all"] - means["random"]
    means, gap = means[gap >= MIN_GAP], gap[gap >= MIN_GAP]
    return means.drop(columns="all").rsub(means["all"], axis=0).div(gap, axis=0)


def size_names(index):
    """Return the size of each cell in words."""
    return [
        f"{size} a class" if table in CLASSES else f"{size} rows"
        for table, size in zip(
            index.get_level_values("table"),
            index.get_level_values("size"),
            strict=True,
        )
    ]


def losses(means):
    """Return the cells more than a point below per-class k-means, worst first."""
    behind = (means["kmeans"] - means["distill"]).sort_values(ascending=False)
    return means.loc[behind[behind > NAMED].index]


def summarize(lines):
    """Return the tables of the summary, beginning with the cells that are lost."""
    means = scores(lines)
    regret = regrets(means)
    return [
        _losses(means),
        _won(means),
        _regret("Median regret", regret, ["all cells"] * len(regret), ["all cells"]),
        _regret("Median regret by rows", regret, size_names(regret.index), SIZES),
        _regret(
            "Median regret by estimator",
            regret,
            regret.index.get_level_values("estimator"),
            regret.index.unique("estimator"),
        ),
        _seconds(lines),
        _counts(lines, means, regret),
        _failures(lines),
    ]


def _losses(means):
    columns = (*CELL, "all", "random", "kmeans", "distill", "difference")
    rows = []
    for (table, estimator, _), row in (lost := losses(means)).iterrows():
        found = row[["all", "random", "kmeans", "distill"]]
        found = [*found, row["distill"] - row["kmeans"]]
        rows.append((table, estimator, *(f"{value:.1f}" for value in found)))
    rows = [
        (*row[:2], size, *row[2:])
        for row, size in zip(rows, size_names(lost.index), strict=True)
    ]
    title = f"Cells more than {NAMED:g} point below per-class k-means: {len(rows)}"
    return Table(f"{title} of {means['kmeans'].count()}", columns, rows)


def _won(means):
    rows = []
    for method in BASELINES:
        ahead = (means["distill"] - means[method]).dropna()
        if ahead.empty:
            continue
        won, lost = (ahead > TIE).sum(), (ahead < -TIE).sum()
        share = f"{100 * (ahead >= -TIE).mean():.0f} %"
        counts = (won, len(ahead) - won - lost, lost)
        rows.append((method, *map(str, counts), share))
    title = (
        f"Cells of the distiller against each baseline (tied: within {TIE:g} points)"
    )
    return Table(title, ("against", "won", "tied", "lost", "won or tied"), rows)


def _regret(title, regret, group_of_cell, groups):
    grouped = regret.groupby(np.asarray(group_of_cell, dtype=object))
    medians, counts = grouped.median(), grouped.size()
    groups = [group for group in groups if group in counts.index]
    columns = ("method", *(f"{group} ({counts[group]})" for group in groups))
    rows = [
        (method, *(_number(medians.loc[group, method]) for group in groups))
        for method in regret.columns
    ]
    return Table(f"{title} (0: all rows, 1: random rows; cells)", columns, rows)


def _seconds(lines):
    found = lines[(lines["note"] == "") & (lines["method"] != "all")]
    seconds = pd.to_numeric(found["seconds"]).groupby(found["method"])
    median, most = seconds.median(), seconds.max()
    rows = [
        (method, f"{median[method]:.3f}", f"{most[method]:.3f}")
        for method in (*BASELINES, "distill")
        if method in median.index
    ]
    return Table("Seconds for a set", ("method", "median", "maximum"), rows)


def _counts(lines, means, regret):
    skipped = lines[lines["note"].str.startswith("skipped")]
    counts = {
        "cells with scores": len(means),
        "tables with scores": len(means.index.unique("table")),
        f"cells without regret, all rows less than {MIN_GAP:g} points above random": (
            len(means) - len(regret)
        ),
        "cells skipped, too few rows": len(skipped[CELL].drop_duplicates()),
    }
    return Table("Counts", ("what", "number"), [(k, str(v)) for k, v in counts.items()])


def _failures(lines):
    failed = lines[lines["note"].str.startswith("failed")]
    grouped = failed.groupby(["method", "estimator", "note"]).size()
    rows = [(*key, str(count)) for key, count in grouped.items()]
    columns = ("method", "estimator", "error", "times")
    return Table(f"Fits that failed: {len(failed)}", columns, rows)


def _number(value):
    return "-" if np.isnan(value) else f"{value:.2f}"
