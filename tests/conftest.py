import os
from itertools import count
from pathlib import Path

# Tests compile more than they compute. JAX reads this when it is imported.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")

import jax
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skdistill.objectives import OuterLoss
from skdistill.real._dense import DenseRows
from skdistill.real._targets import ClassTargets, NumericTargets
from skdistill.students import Task


def strict_logistic(**params):
    """LogisticRegression solved to rounding error, as a reference for derivatives."""
    return LogisticRegression(
        solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).set_params(**params)


def spec_of(classes, n_features=6):
    """Return the description of rows with these classes that a student receives."""
    return Task(n_features, np.asarray(classes), len(classes), False)


def rows_of(X, y, weight=None, **params):
    """Return real rows of arrays; integer targets are indices of classes."""
    weight = np.ones(len(y)) if weight is None else weight
    if y.dtype.kind == "i":
        targets = ClassTargets(y, np.arange(y.max() + 1))
    else:
        targets = NumericTargets.of(y, weight, y)
    return DenseRows(X, y, weight, targets, **params)


def outer_loss(X, y, weight, student, **params):
    """Return the outer loss of a student for real rows given as arrays."""
    rows = rows_of(X, y, weight, **params)
    return OuterLoss(rows, student.raw_prediction, student.outer_loss)


def make_table(n_classes, *, n=120, p=6, seed=0, class_sep=0.7):
    """A standardized table on which the classes overlap."""
    X, y = make_classification(
        n_samples=n,
        n_features=p,
        n_informative=p - 2,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=class_sep,
        flip_y=0.1,
        random_state=seed,
    )
    return StandardScaler().fit_transform(X), y


#: Where Linux lists the maps of a process, and from how many on programs are dropped.
#: It allows 65,530 of them.
MAPS, MANY_MAPS = Path("/proc/self/maps"), 40_000
_tests = count()


@pytest.fixture(autouse=True)
def bounded_maps():
    """Drop compiled programs before the process reaches its limit of memory maps.

    Each program uses several maps. A process beyond the limit dies without a message.
    """
    is_time_to_look = next(_tests) % 10 == 0 and MAPS.exists()
    if is_time_to_look and MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="session")
def binary_table():
    return make_table(2)


@pytest.fixture(scope="session")
def multiclass_table():
    return make_table(3)


@pytest.fixture(params=[2, 3], ids=["binary", "multinomial"], scope="session")
def table(request, binary_table, multiclass_table):
    return binary_table if request.param == 2 else multiclass_table


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")  # JAX 0.8 cannot take a listener away
def count_compilations():
    """Count the programs that JAX compiles while a block runs."""
    from contextlib import contextmanager

    import jax.monitoring

    class Counter:
        count = 0

    active = []

    def listener(event, duration, **kwargs):
        if event == "/jax/core/compile/backend_compile_duration":
            for counter in active:
                counter.count += 1

    jax.monitoring.register_event_duration_secs_listener(listener)

    @contextmanager
    def counting():
        counter = Counter()
        active.append(counter)
        yield counter
        active.remove(counter)

    return counting
