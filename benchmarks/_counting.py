"""Counts of the operations of a fit, without changes to the code of the package.

    with counting() as counts:
        distiller.fit(X, y)
    figures.add("count", **counts.named("fit"))

Calls of some methods of a class and its subclasses are counted. If such a method calls
itself on another object, as rescaled rows call the original rows, it counts once.
"""

import functools
import inspect
import threading
from contextlib import ExitStack, contextmanager
from unittest import mock

import jax.monitoring

#: Name of JAX's event for the compilation of a program.
COMPILED = "/jax/core/compile/backend_compile_duration"
#: Methods that sum over rows.
SUMS = ("map_sum", "value", "value_and_grad")


class Counts:
    """Numbers of operations during a block of code.

    Attributes
    ----------
    sums : list of int
        Number of rows in each sum over real rows.
    reads : int
        Number of tables that were read and validated.
    samples : int
        Number of samples of the real rows.
    clusterings : int
        Number of fits of k-means.
    solves : int
        Number of solved inner problems.
    vjps : int
        Number of hypergradients.
    compilations : int
        Number of programs that JAX compiled.
    """

    def __init__(self):
        self.sums = []
        self.reads = self.samples = self.clusterings = 0
        self.solves = self.vjps = self.compilations = 0

    @property
    def n_rows(self):
        """Maximum number of rows in a sum."""
        return max(self.sums, default=0)

    @property
    def passes(self):
        """Number of sums over all rows, or over all rows that are not held back."""
        return sum(2 * rows > self.n_rows for rows in self.sums)

    @property
    def rows_in_passes(self):
        """Rows in all sums, including samples, as a multiple of all rows."""
        return sum(self.sums) / max(self.n_rows, 1)

    def named(self, prefix):
        """Return the counts by names that begin with a prefix."""
        names = ("passes", "rows_in_passes", "solves", "vjps", "compilations")
        return {f"{prefix} {name}": getattr(self, name) for name in names}


@contextmanager
def counting():
    """Count the operations of all fits of this process during a block of code.

    Yields
    ------
    Counts
        The counts so far.
    """
    from sklearn.cluster import KMeans

    from skdistill.estimators import _by_student
    from skdistill.real._base import RealRows
    from skdistill.students import Student

    counts = Counts()

    def summed(method, real, *arguments, **others):
        bound = inspect.signature(method).bind(real, *arguments, **others)
        rows = bound.arguments.get("rows")
        counts.sums.append(real.n_rows if rows is None else len(rows))

    def read_rows(*arguments, read=_by_student.read_rows, **others):
        counts.reads += 1
        return read(*arguments, **others)

    with ExitStack() as stack:
        for names, root, note in (
            (SUMS, RealRows, summed),
            (("sample",), RealRows, _adding(counts, "samples")),
            (("solve",), Student, _adding(counts, "solves")),
            (("implicit_vjp",), Student, _adding(counts, "vjps")),
            (("fit",), KMeans, _adding(counts, "clusterings")),
        ):
            _watch(stack, names, root, note)
        stack.enter_context(mock.patch.object(_by_student, "read_rows", read_rows))
        _active.append(counts)
        stack.callback(_active.remove, counts)
        yield counts


def _adding(counts, name):
    def add(*_, **__):
        setattr(counts, name, getattr(counts, name) + 1)

    return add


def _watch(stack, names, root, note):
    """Call ``note`` for each outermost call of some methods of a class and subclasses.

    A call is outermost if the thread is in no other call of these methods.
    """
    depth = threading.local()
    for owner in _with_subclasses(root):
        for name in names:
            method = vars(owner).get(name)
            if method is not None and not getattr(method, "__isabstractmethod__", 0):
                watched = _watched(method, note, depth)
                stack.enter_context(mock.patch.object(owner, name, watched))


def _watched(method, note, depth):
    @functools.wraps(method)
    def calling(self, *arguments, **others):
        outermost = not getattr(depth, "value", 0)
        if outermost:
            note(method, self, *arguments, **others)
        depth.value = getattr(depth, "value", 0) + 1
        try:
            return method(self, *arguments, **others)
        finally:
            depth.value -= 1

    return calling


def _with_subclasses(root):
    classes = {root}
    for below in root.__subclasses__():
        classes |= _with_subclasses(below)
    return classes


_active: list[Counts] = []


def _compiled(event, duration, **_):
    if event == COMPILED:
        for counts in _active:
            counts.compilations += 1


# JAX 0.8 cannot remove a listener.
jax.monitoring.register_event_duration_secs_listener(_compiled)
