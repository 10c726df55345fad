"""Students, the inner problem: one file per family of scikit-learn estimators."""

from sklearn.linear_model import LogisticRegression

from skdistill.students._base import Student
from skdistill.students._logistic import LogisticStudent

__all__ = ["Student", "student_for"]

_STUDENTS = {LogisticRegression: LogisticStudent}


def student_for(estimator, classes):
    """Return the student that mirrors an estimator.

    Parameters
    ----------
    estimator : estimator object
        Unfitted scikit-learn estimator. Subclasses are refused, since they may train in
        another way than the class that they come from.
    classes : ndarray of shape (n_classes,)
        Sorted class labels of the real data.

    Returns
    -------
    Student
        A student with the parameters of ``estimator``.

    Raises
    ------
    ValueError
        If there is no student for the estimator, or not for one of its settings.
    """
    try:
        student = _STUDENTS[type(estimator)]
    except KeyError:
        supported = ", ".join(sorted(known.__name__ for known in _STUDENTS))
        raise ValueError(
            f"There is no student for {type(estimator).__name__}: it cannot be "
            f"distilled for. Supported estimators: {supported}."
        ) from None
    return student(estimator, classes)
