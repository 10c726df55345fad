"""Functions for JAX whose floats become arguments, to avoid compilations.

JAX compiles a program for each different function. A function that is an object, such
as the prediction of a kernel with a ``coef0``, would be compiled again for each value.
So objects of the class ``Program`` are split: their floats become arguments, and the
program is compiled for the rest, which is called the form. Integers, strings and
functions stay in the form, because they change the program.
"""

from dataclasses import fields
from typing import Any, NamedTuple


class Program:
    """Base of frozen dataclasses that are functions in JAX.

    In a call, their float fields may be traced: they may be used in arithmetic, but not
    in conditions. Fields that are tuples or programs are split as well.
    """


class _Node(NamedTuple):
    """The class of an object (None for a tuple) and the forms of its parts."""

    kind: Any
    parts: tuple


_NUMBER = "a number"


def split(program):
    """Split a function into its form and its floats.

    Parameters
    ----------
    program : callable
        A ``Program``, or any function that hashes by value, which is its own form.

    Returns
    -------
    form : object
        The function without its floats; it hashes by value.
    numbers : tuple of float
        The floats.
    """
    numbers: list[float] = []
    return _form(program, numbers), tuple(numbers)


def join(form, numbers):
    """Return the function of a form with other floats, or with traced ones."""
    return _joined(form, iter(numbers))


def _form(part, numbers):
    if isinstance(part, float):
        numbers.append(part)
        return _NUMBER
    if type(part) is tuple:
        return _Node(None, tuple(_form(each, numbers) for each in part))
    if isinstance(part, Program):
        values = [getattr(part, field.name) for field in fields(part)]
        return _Node(type(part), tuple(_form(value, numbers) for value in values))
    return part


def _joined(form, numbers):
    if form is _NUMBER:
        return next(numbers)
    if not isinstance(form, _Node):
        return form
    parts = tuple(_joined(part, numbers) for part in form.parts)
    return parts if form.kind is None else form.kind(*parts)
