"""Registered students of users, which are pickled with estimators.

The table of students belongs to a process. So an estimator that is pickled, as joblib
does for its workers, takes the table along. It maps names of classes to pickled
students, by value if a student cannot be imported, such as one of a notebook. The
pickles are loaded when a student is needed, so loading an estimator requires neither
JAX nor any student.
"""

import pickle
from typing import Any

from joblib import wrap_non_picklable_objects

_students: dict[str, Any] = {}


def register(estimator_class, student_class):
    """Register a student for a class of estimators; it replaces an earlier one."""
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
    """Mixin by which an unfitted estimator is pickled with the registered students.

    A fitted estimator is pickled without them, because it predicts without a student,
    and because other students may have been registered when it is loaded.
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
    # Use __name__, because pickling a class by value may change its __qualname__.
    return f"{estimator_class.__module__}.{estimator_class.__name__}"


def _packed(student_class):
    # Pickle by cloudpickle. The list is needed, because a class itself would be wrapped
    # such that it makes wrapped instances.
    by_value = wrap_non_picklable_objects([student_class], keep_wrapper=False)
    return pickle.dumps(by_value)
