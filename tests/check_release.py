"""Install the wheel and the sdist where the repository is not, and run the quick tests.

Run it before a release, from anywhere; it takes ten minutes and a package index::

    python tests/check_release.py

It builds both archives, makes a new environment for each, installs the archive in it,
and runs the quick tests of the sdist against what was installed. Options of pytest may
follow, such as ``-n 0 tests/tables``, and replace ``-n auto tests``.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]


def build(folder):
    """Return the paths of an sdist and a wheel."""
    return [
        Path(next(builder(str(ROOT)).build(directory=str(folder))))
        for builder in (SdistBuilder, WheelBuilder)
    ]


def check(archive, sdist, folder, options):
    """Install an archive in a new environment and run the tests of the sdist there."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command, cwd=folder):
        print("==", *command, flush=True)
        subprocess.run([python, *command], check=True, cwd=cwd, env=clean)

    run("-m", "pip", "install", "--quiet", f"{archive}[all,test]")
    with tarfile.open(sdist) as file:
        file.extractall(folder, filter="data")
    tests = folder / sdist.name.removesuffix(".tar.gz")
    # What is tested is what was installed; the test of the archives needs the source.
    (tests / "skdistill").rename(folder / "source")
    (tests / "tests" / "test_release.py").unlink()
    run("-c", f"import skdistill; assert {str(environment)!r} in skdistill.__file__")
    run("-m", "pytest", "-m", "not slow", *options, cwd=tests)


def main():
    """Check both archives."""
    options = sys.argv[1:] or ["-n", "auto", "tests"]
    with tempfile.TemporaryDirectory() as scratch:
        archives = build(Path(scratch))
        for archive in archives:
            folder = Path(scratch) / archive.suffix.strip(".")
            folder.mkdir()
            check(archive, archives[0], folder, options)
            print(f"{archive.name}: installed and tested")


if __name__ == "__main__":
    main()
