"""Contents and metadata of the wheel and the sdist."""

import re
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

import skdistill

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Folders of which an sdist has all that is written by hand.
SOURCES = ("skdistill", "tests", "examples", "docs", "benchmarks")
WRITTEN = (".py", ".typed", ".rst", ".md", ".txt", ".png", ".svg", ".css", ".json")
# What the documentation writes into its folder, and the README's example.
BUILT = (
    "_build",
    "auto_examples",
    "generated",
    "sg_execution_times",
    "examples/distilled_digits.png",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("wheel"))
    (path,) = WheelBuilder(str(ROOT)).build(directory=folder, versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Return the names in the sdist, without its top-level folder."""
    folder = str(tmp_path_factory.mktemp("sdist"))
    (path,) = SdistBuilder(str(ROOT)).build(directory=folder, versions=["standard"])
    with tarfile.open(path) as archive:
        yield {name.partition("/")[2] for name in archive.getnames()}


def written(*folders):
    """Return the files in the folders that are not generated."""
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in WRITTEN
        if not any(part in str(path.relative_to(ROOT)) for part in BUILT)
    }


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    installed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert installed == written("skdistill")
    assert "skdistill/py.typed" in installed


def test_the_sdist_holds_what_its_tests_need(sdist):
    files = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"}
    assert sdist >= written(*SOURCES) | files | {"pyproject.toml"}


def test_the_sdist_holds_nothing_that_is_built(sdist):
    built = (*BUILT, "__pycache__", ".pyc", ".npz", ".egg-info")
    assert not [name for name in sdist if any(part in name for part in built)]


def test_what_the_wheel_says_of_itself(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == skdistill.__version__
    assert metadata["License-File"] == "LICENSE"
    assert metadata.get_payload() == (ROOT / "README.md").read_text()
    assert "all" in metadata.get_all("Provides-Extra")


def test_every_version_is_described():
    """The newest version comes first in both changelogs."""
    version = skdistill.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (.+)$", changelog, re.MULTILINE)[0] == version
    whats_new = (ROOT / "docs" / "whats_new.rst").read_text()
    headings = re.findall(r"^(\d.*)\n=+$", whats_new, re.MULTILINE)
    assert headings[0] == version.rpartition(".")[0]


def test_all_is_what_other_packages_are_tested_with():
    """Its bounds are those of the tests, which run the lowest and newest versions."""
    extras = PROJECT["optional-dependencies"]
    everything = {*extras["all"], *extras["dask"]} - {"skdistill[dask]"}
    assert everything <= set(extras["test"])


def test_every_python_is_declared():
    """The lowest is that of ``requires-python``, and no version is missing."""
    prefix = "Programming Language :: Python :: 3."
    minors = [
        int(classifier.removeprefix(prefix))
        for classifier in PROJECT["classifiers"]
        if classifier.startswith(prefix)
    ]
    lowest = PROJECT["requires-python"].removeprefix(">=3.")
    assert minors == list(range(int(lowest), max(minors) + 1))
