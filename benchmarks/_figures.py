"""Figures of a run, which are written to a file and compared with an earlier run.

Counts come first, because they do not depend on other programs that run at the same
time. Times come last, and a comparison cannot fail because of them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of figures, and how to compare them.

    Attributes
    ----------
    title : str
        Heading of the comparison.
    sign : int
        1 if larger figures are worse, and -1 if smaller ones are.
    relative, absolute : float
        Maximum change for the worse that does not fail the comparison, relative to the
        earlier figure, and in units of the figure.
    is_judged : bool
        Whether a comparison can fail because of these figures.
    """

    title: str
    sign: int = 1
    relative: float = 0.0
    absolute: float = 0.0
    is_judged: bool = True

    def is_worse(self, before, now):
        """Return whether a figure has become worse by more than is allowed."""
        if not self.is_judged or before == now:
            return False
        worse_by = self.sign * (now - before)
        allowed = max(self.relative * abs(before), self.absolute)
        return not worse_by <= allowed  # NaN counts as worse


#: Kinds in the order in which they are compared.
KINDS = {
    "count": Kind("Counts"),
    "score": Kind("Scores", sign=-1, absolute=0.002),
    "loss": Kind("Losses and errors", relative=1e-3, absolute=1e-8),
    "bytes": Kind("Bytes", relative=0.1, absolute=2**22),
    "seconds": Kind("Seconds (not judged)", is_judged=False),
}


class Figures:
    """Named figures of a run.

    Parameters
    ----------
    save : Path, default=None
        File for the figures. It is written again after each figure.
    compare : Path, default=None
        File of an earlier run.
    """

    def __init__(self, save=None, compare=None):
        self.save, self.compare = save, compare
        # Read it first, because the same file may be written.
        self._before = read(compare) if compare else None
        self._now = {}

    def add(self, kind, **figures):
        """Add figures of one of ``KINDS``, by their names."""
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} must be one of {', '.join(KINDS)}.")
        for name, value in figures.items():
            if (kind, name) in self._now:
                raise ValueError(
                    f"There are two figures {name!r} of kind {kind!r}. Rename one."
                )
            self._now[kind, name] = float(value)
        if self.save:
            write(self.save, self._now)

    def add_all(self, prefix, by_kind):
        """Add figures of several kinds, with a prefix before their names."""
        for kind, figures in by_kind.items():
            for name, value in figures.items():
                self.add(kind, **{f"{prefix} {name}": value})

    def end(self):
        """Print the comparison, and exit with an error if a figure became worse.

        Figures of only one of the runs are listed, but do not fail the comparison,
        because a run may leave out cases.
        """
        if self._before is None:
            return
        lines, worse = compared(self._before, self._now)
        print("\n".join(lines), flush=True)
        if worse:
            sys.exit(f"Worse than in {self.compare}: {', '.join(worse)}")


def compared(before, now):
    """Return the lines of a comparison, and the names of figures that became worse.

    Parameters
    ----------
    before, now : dict of (str, str) to float
        Values by kind and name.
    """
    lines, worse = [], []
    for kind_name, kind in KINDS.items():
        names = [name for of_kind, name in now if of_kind == kind_name]
        known = [name for name in names if (kind_name, name) in before]
        if known:
            lines += ["", kind.title]
        for name in known:
            old, new = before[kind_name, name], now[kind_name, name]
            mark = ""
            if kind.is_worse(old, new):
                mark = "  worse"
                worse.append(name)
            ratio = f"{new / old:8.2f}x" if old else " " * 9
            lines.append(f"  {name:52} {old:>14,.6g} {new:>14,.6g} {ratio}{mark}")
    for title, one, other in (
        ("Only in this run", now, before),
        ("Only in the earlier run", before, now),
    ):
        if missing := [name for kind, name in one if (kind, name) not in other]:
            lines += ["", f"{title}: {', '.join(missing)}"]
    return lines, worse


def write(path, figures):
    """Write figures by kind and name to a JSON file."""
    listed = [
        {"kind": kind, "name": name, "value": value}
        for (kind, name), value in figures.items()
    ]
    Path(path).write_text(json.dumps(listed, indent=1) + "\n")


def read(path):
    """Return the figures of a file by kind and name."""
    listed = json.loads(Path(path).read_text())
    return {(each["kind"], each["name"]): each["value"] for each in listed}


def parser_of(doc, *, needs_data=False):
    """Return a parser of the options that all benchmarks have.

    Parameters
    ----------
    doc : str
        Docstring of the benchmark.
    needs_data : bool, default=False
        Whether the benchmark reads files of ``--data``. All benchmarks take the option,
        so that the same command line works for all.
    """
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        required=needs_data,
        help="folder of the data" + ("" if needs_data else " (not needed here)"),
    )
    parser.add_argument("--save", type=Path, help="file to write the figures to")
    parser.add_argument(
        "--compare",
        type=Path,
        help="file of an earlier run; exit with an error if counts, scores, losses or "
        "bytes are worse",
    )
    return parser


def figures_of(arguments):
    """Return the Figures for the options of a command line."""
    return Figures(arguments.save, arguments.compare)
