"""Programs whose numbers are arguments, so that other numbers compile nothing.

JAX compiles a program for each function that it is given. A function that is an object,
such as the prediction of a kernel with a ``coef0``, would be compiled anew for each
value. So an object that says so by its class is taken apart: its floats go in as
arguments, and what is left, its form, is what a program is compiled for. Integers,
strings and functions stay in the form: they decide which program it is.
"""

from dataclasses import fields
from typing import Any, NamedTuple


class Program:
    """Base of frozen dataclasses that are functions in JAX, with floats for arguments.

    When it is called, a float may be traced: it takes part in arithmetic, and decides
    nothing. Fields that are tuples or such objects themselves are taken apart as well.
    """


class _Node(NamedTuple):
    """What an object was made of: its class, None for a tuple, and its parts."""

    kind: Any
    parts: tuple


_NUMBER = "a number"


def split(program):
    """Take a function apart.

    Parameters
    ----------
    program : callable
        A ``Program``, or anything that hashes by value, which is its own form.

    Returns
    -------
    form : object
        What a program is compiled for; it hashes by value.
    numbers : tuple of float
        Its arguments.
    """
    numbers: list[float] = []
    return _form(program, numbers), tuple(numbers)


def join(form, numbers):
    """Return the function with other numbers, or with traced ones."""
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
