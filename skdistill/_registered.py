"""Students that users registered, by names of classes; they travel with estimators.

The table belongs to a process. An estimator that is pickled, as joblib does for its
workers, therefore takes it along: names of classes, and students as bytes, which hold
one that cannot be imported, such as one of a notebook, by value. The bytes are read
when the student is asked for: loading an estimator needs neither JAX nor any student.
"""

import pickle
from typing import Any

from joblib import wrap_non_picklable_objects

_students: dict[str, Any] = {}


def register(estimator_class, student_class):
    """Give a class of estimators a student; the latest one counts."""
    _students[_name(estimator_class)] = student_class


def registered_student(estimator_class):
    """Return the student class that was registered for a class, or None."""
    name = _name(estimator_class)
    student = _students.get(name)
    if isinstance(student, bytes):
        (student,) = pickle.loads(student)
        _students[name] = student
    return student


def registered_names():
    """Return the names of the classes of estimators that have a registered student."""
    return [name.rpartition(".")[2] for name in _students]


class TakesStudentsAlong:
    """An unfitted estimator, pickled, brings the registered students with it.

    A fitted one does not: it predicts without a student, and may be loaded long after
    another one has been registered.
    """

    def __getstate__(self):
        state = super().__getstate__()
        if not _students or self.__sklearn_is_fitted__():
            return state
        packed = {
            name: student if isinstance(student, bytes) else _packed(student)
            for name, student in _students.items()
        }
        return {**state, "_registered_students": packed}

    def __setstate__(self, state):
        state = dict(state)
        _students.update(state.pop("_registered_students", {}))
        super().__setstate__(state)


def _name(estimator_class):
    # A class that traveled by value has lost what it was nested in, its __qualname__.
    return f"{estimator_class.__module__}.{estimator_class.__name__}"


def _packed(student_class):
    # By cloudpickle; a class on its own would be wrapped as one that makes instances.
    by_value = wrap_non_picklable_objects([student_class], keep_wrapper=False)
    return pickle.dumps(by_value)
