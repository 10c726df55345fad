"""One module imports the private names of scikit-learn, and imports nothing else."""

import ast
from pathlib import Path

import skdistill
from skdistill import _sklearn_compat

PACKAGE = Path(skdistill.__file__).parent


def names_from_sklearn(path):
    """Return full names that a module imports from scikit-learn, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "sklearn")


def is_private(name):
    return "._" in name


def test_private_names_stand_in_one_module():
    found = {
        str(path.relative_to(PACKAGE)): private
        for path in PACKAGE.rglob("*.py")
        if (private := sorted(filter(is_private, names_from_sklearn(path))))
    }
    assert list(found) == ["_sklearn_compat.py"], found


def test_the_module_holds_private_names_only():
    imported = list(names_from_sklearn(Path(_sklearn_compat.__file__)))
    assert all(map(is_private, imported))
    assert {name.split(".")[-1] for name in imported} == set(_sklearn_compat.__all__)
