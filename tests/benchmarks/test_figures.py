"""Figures of benchmarks: saved, compared, and counted from outside of the package."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks import _figures, readme
from benchmarks._counting import counting
from benchmarks._figures import KINDS, Figures, compared, parser_of, read
from skdistill import DatasetDistiller
from skdistill.objectives import OuterLoss
from skdistill.real._base import RealRows

FOLDER = Path(_figures.__file__).parent
BENCHMARKS = sorted(
    path.stem for path in FOLDER.glob("*.py") if not path.name.startswith("_")
)


def test_what_is_saved_is_read(tmp_path):
    path = tmp_path / "run.json"
    figures = Figures(path)
    figures.add("count", **{"a b": 3})
    assert read(path) == {("count", "a b"): 3.0}  # a run that is cut off keeps it
    figures.add_all("c", {"seconds": {"d": np.float32(0.5)}})
    assert read(path)["seconds", "c d"] == 0.5


@pytest.mark.parametrize(
    ("kind", "before", "now", "is_worse"),
    [
        ("count", 100, 101, True),
        ("count", 100, 99, False),
        ("score", 0.92, 0.90, True),
        ("score", 0.92, 0.95, False),
        ("loss", 0.5, 0.51, True),
        ("loss", 0.5, 0.4, False),
        ("loss", 0.5, float("nan"), True),
        ("bytes", 1e9, 1.2e9, True),
        ("bytes", 1e9, 1.01e9, False),
        ("seconds", 1, 100, False),
    ],
)
def test_a_run_that_is_worse_fails(kind, before, now, is_worse, tmp_path, capsys):
    path = tmp_path / "before.json"
    Figures(path).add(kind, it=before)
    figures = Figures(path, compare=path)  # the same file may be written anew
    figures.add(kind, it=now)
    if is_worse:
        with pytest.raises(SystemExit, match="it"):
            figures.end()
    else:
        figures.end()
    assert ("worse" in capsys.readouterr().out) == is_worse


def test_counts_come_before_times():
    names = {(kind, kind) for kind in reversed(KINDS)}
    lines, worse = compared(dict.fromkeys(names, 1.0), dict.fromkeys(names, 1.0))
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[0] == "Counts"
    assert titles[-1].startswith("Seconds")
    assert not worse


def test_figures_of_one_run_alone_are_named():
    lines, worse = compared({("count", "old"): 1.0}, {("count", "new"): 1.0})
    assert lines[1::2] == ["Only in this run: new", "Only in the earlier run: old"]
    assert not worse


def test_two_figures_of_a_name_are_refused():
    figures = Figures()
    figures.add("count", it=1)
    with pytest.raises(ValueError, match="two figures 'it'"):
        figures.add("count", it=2)
    with pytest.raises(ValueError, match="'length' must be one of count"):
        figures.add("length", it=1)


def test_the_options_of_all():
    arguments = parser_of("What it does.\n\nMore.").parse_args(["--compare", "a.json"])
    assert arguments.compare == Path("a.json")
    assert arguments.save is arguments.data is None


def test_every_benchmark_is_in_the_table_of_the_readme():
    text = (FOLDER / "README.md").read_text()
    listed = {
        line.split("`")[1].split()[0] for line in text.splitlines() if "| `" in line
    }
    missing = set(BENCHMARKS) - listed
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_command_line_is_the_same(name):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    for option in ("--data", "--save", "--compare"):
        assert option in found.stdout


def test_counts_of_a_fit(binary_table):
    """The counts agree with those that the outer loss takes independently."""
    X, y = binary_table
    sums, value_and_grad = [], OuterLoss.value_and_grad

    class Noting(OuterLoss):
        def value_and_grad(self, params, rows=None):
            sums.append(self.real.n_rows)
            return value_and_grad(self, params, rows)

    distiller = DatasetDistiller(LogisticRegression(), n_synthetic=6, solver="lbfgs")
    with counting() as counts, pytest.MonkeyPatch.context() as patch:
        patch.setattr("skdistill.solvers._problem.OuterLoss", Noting)
        distiller.fit(X, y)
    # Means of the classes are a pass, too.
    assert counts.passes == len(sums) + 1
    assert counts.reads == counts.samples == 1
    assert counts.clusterings == len(distiller.classes_)
    assert counts.solves >= counts.vjps >= distiller.n_iter_
    with counting() as later:
        distiller.fit(X, y)
    assert later.compilations == 0
    assert later.passes == counts.passes


def test_rows_of_parts_and_batches(binary_table):
    X, y = binary_table
    distiller = DatasetDistiller(
        LogisticRegression(),
        n_synthetic=6,
        solver="adam",
        batch_size=10,
        max_iter=2,
        early_stopping=False,
        random_state=0,
    )
    with counting() as counts:
        distiller.fit(X, y)
    batches = [rows for rows in counts.sums if rows == 10]
    assert len(batches) == 20  # ten in an iteration
    assert counts.passes == len(counts.sums) - len(batches)
    assert counts.rows_in_passes == pytest.approx(sum(counts.sums) / len(X))


def test_nothing_is_counted_afterwards(binary_table):
    X, y = binary_table
    before = RealRows.value_and_grad
    with counting() as counts:
        pass
    DatasetDistiller(n_synthetic=6).fit(X, y)
    assert RealRows.value_and_grad is before
    assert not counts.sums
    assert counts.compilations == 0


def test_the_tables_of_the_readme(tmp_path, capsys, monkeypatch):
    """The results are read from files, so no benchmark is run."""
    Figures(tmp_path / "accuracy.json").add(
        "score",
        **{"digits LogisticRegression 10 distilled": 0.967},
        **{"digits LogisticRegression 10 kmeans": 0.889},
        **{"digits LogisticRegression 10 sample": 0.562},
    )
    search = Figures(tmp_path / "search.json")
    for name, value in {"searched": 0.833, "k-means": 0.787, "random": 0.708}.items():
        search.add("score", **{f"adult tree {name}": value})
    arguments = ["readme", "--data", "none", "--folder", str(tmp_path)]
    arguments += ["--only", "accuracy", "search"]
    monkeypatch.setattr(sys, "argv", arguments)
    readme.main()
    lines = capsys.readouterr().out.splitlines()
    assert "| digits | `LogisticRegression` | 10 | 96.7 | 88.9 | 56.2 | - |" in lines
    row = "| adult, as it comes | `DecisionTreeClassifier` | 40 | 83.3 | 78.7 | 70.8 | "
    assert row + "- |" in lines
