"""Students that users register, in this process and in others."""

import itertools
import pickle

import pytest
from joblib import wrap_non_picklable_objects
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from skdistill import DatasetDistiller, DistilledClassifier, distillation_curve
from skdistill.students import register_student, student_for
from skdistill.students.linear._logistic import LogisticStudent
from tests.conftest import make_table, spec_of


class Known(LogisticRegression):
    """A worker can import this class, but does not register its student."""


class KnownStudent(LogisticStudent):
    pass


_numbers = itertools.count()


def classes_of_a_notebook():
    """Return an estimator and a student that no other process knows or can import."""

    class Local(LogisticRegression):
        pass

    class LocalStudent(LogisticStudent):
        pass

    # Workers live longer than a test, and remember what came along.
    Local.__name__ += str(next(_numbers))
    LocalStudent.__name__ = f"{Local.__name__}Student"
    return Local, LocalStudent


@pytest.fixture
def registered(monkeypatch):
    """Return an empty table of registered students, which the test may fill."""
    table = {}
    monkeypatch.setattr("skdistill._registered._students", table)
    return table


@pytest.fixture(params=["imported", "by value"])
def estimator_class(request, registered):
    pair = (Known, KnownStudent)
    if request.param == "by value":
        pair = classes_of_a_notebook()
    register_student(*pair)
    return pair[0]


@pytest.fixture(scope="module")
def data():
    return make_table(2, n=60)


def test_students_come_along_to_workers(estimator_class, data):
    serial, parallel = (
        cross_validate(
            DistilledClassifier(estimator_class()),
            *data,
            cv=2,
            n_jobs=n_jobs,
            error_score="raise",
            return_estimator=True,
        )
        for n_jobs in (None, 2)
    )
    assert_array_equal(parallel["test_score"], serial["test_score"])
    for fitted in parallel["estimator"]:
        # Not for the default that stands for estimators without a student.
        assert type(fitted.distiller_.estimator).__name__ == estimator_class.__name__


def test_students_of_the_points_of_a_grid_come_along(estimator_class, data):
    search = GridSearchCV(
        DatasetDistiller(),
        {"estimator": [estimator_class(C=1), estimator_class(C=10)]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(*data)
    assert type(search.best_estimator_.estimator_) is estimator_class


def test_students_come_along_with_a_fitted_distiller_to_a_curve(estimator_class, data):
    distiller = DatasetDistiller(estimator_class()).fit(*data)
    options = {"n_synthetic": [4], "methods": ["distill"], "cv": 2}
    serial, parallel = (
        distillation_curve(distiller, *data, **options, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert_array_equal(parallel.test_scores["distill"], serial.test_scores["distill"])


def test_a_pickle_brings_the_student_into_another_process(
    estimator_class, monkeypatch, data
):
    """An empty table simulates another process."""
    wrapped = wrap_non_picklable_objects([DatasetDistiller(estimator_class())], False)
    packed = pickle.dumps(wrapped)
    elsewhere = {}
    monkeypatch.setattr("skdistill._registered._students", elsewhere)
    (loaded,) = pickle.loads(packed)
    assert all(isinstance(student, bytes) for student in elsewhere.values())
    assert not hasattr(loaded, "_registered_students")
    # What has not been unpacked yet is passed on.
    pickle.dumps(wrap_non_picklable_objects([loaded], False))
    loaded.fit(*data)
    (student,) = elsewhere.values()
    assert student.__name__ == f"{estimator_class.__name__}Student"


def test_a_fitted_distiller_needs_no_student(registered, monkeypatch, data):
    distiller = DatasetDistiller(LogisticRegression()).fit(*data)
    plain = len(pickle.dumps(distiller))
    register_student(*classes_of_a_notebook())
    assert len(pickle.dumps(distiller)) == plain
    unfitted = DatasetDistiller(LogisticRegression())
    with_student = len(pickle.dumps(unfitted))
    registered.clear()
    assert len(pickle.dumps(unfitted)) < with_student


def test_the_latest_registration_counts(registered):
    class Softer(LogisticStudent):
        pass

    task = spec_of([0, 1])
    assert type(student_for(LogisticRegression(), task)) is LogisticStudent
    register_student(LogisticRegression, Softer)
    assert type(student_for(LogisticRegression(), task)) is Softer
    register_student(LogisticRegression, LogisticStudent)
    assert type(student_for(LogisticRegression(), task)) is LogisticStudent


def test_an_error_within_a_student_is_its_own(registered):
    class Broken(LogisticStudent):
        def __init__(self, estimator, task):
            raise KeyError("penalty")

    register_student(Known, Broken)
    with pytest.raises(KeyError, match="penalty"):
        student_for(Known(), spec_of([0, 1]))


def test_what_is_registered_is_listed(registered):
    with pytest.raises(TypeError, match="must be a subclass of Student"):
        register_student(Known, Known)
    register_student(Known, KnownStudent)
    local, _ = classes_of_a_notebook()
    with pytest.raises(ValueError, match="no student for Local.* KernelRidge, Known,"):
        student_for(local(), spec_of([0, 1]))
