"""Examples run, and public docstrings are complete."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skdistill

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
# Files that examples write.
FIGURES = {"plot_dataset_distillation": ["distilled_digits.png"]}
# Sections and summaries that scikit-learn's docstrings do without, too.
IGNORED = {"EX01", "SA01", "SA04", "ES01", "GL01", "SS06", "RT02", "YD01"}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    result = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    # Every example compares at a figure that can be read.
    assert "test accuracy" in result.stdout or "distilled rows" in result.stdout
    for figure in FIGURES.get(path.stem, ()):
        assert (tmp_path / figure).stat().st_size > 10_000


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


@pytest.mark.parametrize("name", list(public_names()))
def test_numpydoc(name):
    errors = [
        (code, message)
        for code, message in validate(name)["errors"]
        if code not in IGNORED
    ]
    assert not errors
