"""Examples compare, and public docstrings are complete."""

import inspect
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skdistill
from skdistill.students import _STUDENTS

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
# Sections and summaries that scikit-learn's docstrings do without, too.
IGNORED = {"EX01", "SA01", "SA04", "ES01", "GL01", "SS06", "RT02", "YD01"}


@pytest.mark.slow
def test_first_example_runs(tmp_path):
    """The others run where the documentation is built, which fails with any of them."""
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "plot_dataset_distillation.py"],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "distilled_digits.png").stat().st_size > 10_000


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_compares(path):
    source = path.read_text()
    assert "test accuracy" in source or "distilled rows" in source


def public_names():
    for name in skdistill.__all__:
        yield f"skdistill.{name}"
        public = getattr(skdistill, name)
        for method, value in inspect.getmembers(public, inspect.isfunction):
            if value.__module__.startswith("skdistill") and method[0] != "_":
                yield f"skdistill.{name}.{method}"


def test_no_page_has_the_name_of_a_page_that_sphinx_writes():
    """Otherwise Sphinx would overwrite it without a warning."""
    pages = {path.stem for path in (ROOT / "docs").glob("*.rst")}
    assert not pages & {"search", "genindex", "py-modindex", "modindex"}


def test_every_estimator_with_a_student_has_a_link(tmp_path, monkeypatch):
    """In the inventory that is written of scikit-learn, at the address of its page."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    from inventories import write_inventories

    address, path = write_inventories(tmp_path)["sklearn"]
    header, compressed = Path(path).read_bytes().split(b"using zlib.\n")
    assert header.startswith(b"# Sphinx inventory version 2\n# Project: sklearn\n")
    lines = zlib.decompress(compressed).decode().splitlines()
    pages = {
        name: address + page.replace("$", name)
        for name, kind, _, page, _ in (line.split(maxsplit=4) for line in lines)
        if kind == "py:class"
    }
    assert _STUDENTS
    for estimator in _STUDENTS:
        name = f"{estimator.__module__.partition('._')[0]}.{estimator.__name__}"
        assert pages[name] == (
            f"https://scikit-learn.org/stable/modules/generated/{name}.html#{name}"
        )


@pytest.mark.parametrize("name", list(public_names()))
def test_numpydoc(name):
    errors = [
        (code, message)
        for code, message in validate(name)["errors"]
        if code not in IGNORED
    ]
    assert not errors
