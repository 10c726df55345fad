"""Public functions have type annotations, which mypy checks."""

import inspect
from pathlib import Path

import pytest

import skdistill
import skdistill.students


def public_functions():
    """Return functions, constructors and methods that this package defines, by name."""
    for module in (skdistill, skdistill.students):
        for name in module.__all__:
            public = getattr(module, name)
            if inspect.isfunction(public):
                yield name, public
                continue
            for method, function in inspect.getmembers(public, inspect.isfunction):
                is_public = method == "__init__" or method[0] != "_"
                if is_public and function.__module__.startswith("skdistill"):
                    yield f"{name}.{method}", function
            for method, function in inspect.getmembers(public, inspect.ismethod):
                if method[0] != "_":
                    yield f"{name}.{method}", function.__func__


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_annotated(name):
    signature = inspect.signature(FUNCTIONS[name])
    bare = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty
    ]
    assert set(bare) <= {"self", "cls"}
    assert signature.return_annotation is not signature.empty


def test_methods_of_every_kind_are_looked_at():
    assert {
        "DatasetDistiller.__init__",
        "DatasetDistiller.fit",
        "DatasetDistiller.predict",
        "DistillationDisplay.from_estimator",
        "DistilledClassifier.fit",
        "Student.solve",
        "transfer_score",
    } <= set(FUNCTIONS)


def test_type_checkers_find_the_hints():
    assert (Path(skdistill.__file__).parent / "py.typed").exists()
