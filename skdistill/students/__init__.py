"""Students, which mirror estimators: one file for each family of estimators."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.naive_bayes import (
    BernoulliNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
)
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from skdistill._registered import register, registered_names, registered_student
from skdistill.students._base import (
    ClosedFormStudent,
    NotMirrored,
    StationaryStudent,
    Student,
)
from skdistill.students._check import check_student
from skdistill.students.composed._joint import JointStudent
from skdistill.students.composed._pipeline import (
    PipelineStudent,
    chain_of_transformers,
)
from skdistill.students.composed._tempered import TemperedStudent
from skdistill.students.kernel._gaussian_process import (
    GaussianProcessDensityStudent,
    GaussianProcessStudent,
)
from skdistill.students.kernel._gp_classifier import GaussianProcessClassifierStudent
from skdistill.students.kernel._ridge import KernelRidgeStudent
from skdistill.students.kernel._svm import SVCStudent, SVRStudent
from skdistill.students.linear._huber import HuberStudent
from skdistill.students.linear._lasso import LassoStudent
from skdistill.students.linear._least_squares import LinearRegressionStudent
from skdistill.students.linear._logistic import logistic_student
from skdistill.students.linear._ridge import RidgeClassifierStudent, RidgeStudent
from skdistill.students.linear._svm import LinearSVRStudent, linear_svc_student
from skdistill.students.linear._tweedie import TweedieStudent
from skdistill.students.moments._counts import (
    BernoulliNBStudent,
    ComplementNBStudent,
    MultinomialNBStudent,
)
from skdistill.students.moments._discriminant import DiscriminantStudent
from skdistill.students.moments._naive_bayes import GaussianNBStudent
from skdistill.students.moments._nearest_centroid import NearestCentroidStudent
from skdistill.students.moments._quadratic import QuadraticStudent
from skdistill.students.neighbors._vote import (
    NeighborsClassifierStudent,
    NeighborsRegressorStudent,
)
from skdistill.students.networks._mlp import (
    MLPClassifierStudent,
    MLPRegressorStudent,
)
from skdistill.synthetic._set import SyntheticSet, Task
from skdistill.tables._layout import Layout, Roles

__all__ = [
    "ClosedFormStudent",
    "Task",
    "NotMirrored",
    "StationaryStudent",
    "Student",
    "SyntheticSet",
    "check_student",
    "has_student",
    "refuse_unmirrored",
    "register_student",
    "student_for",
]

_STUDENTS: dict[type, Callable[[Any, Task], Student]] = {
    BernoulliNB: BernoulliNBStudent,
    ComplementNB: ComplementNBStudent,
    ElasticNet: LassoStudent,
    GammaRegressor: partial(TweedieStudent, power=2.0),
    GaussianNB: GaussianNBStudent,
    GaussianProcessClassifier: GaussianProcessClassifierStudent,
    GaussianProcessRegressor: GaussianProcessStudent,
    HuberRegressor: HuberStudent,
    KNeighborsClassifier: NeighborsClassifierStudent,
    KNeighborsRegressor: NeighborsRegressorStudent,
    KernelRidge: KernelRidgeStudent,
    Lasso: LassoStudent,
    LinearDiscriminantAnalysis: DiscriminantStudent,
    LinearRegression: LinearRegressionStudent,
    LinearSVC: linear_svc_student,
    LinearSVR: LinearSVRStudent,
    LogisticRegression: logistic_student,
    MultiTaskElasticNet: partial(LassoStudent, in_groups=True),
    MultiTaskLasso: partial(LassoStudent, in_groups=True),
    MLPClassifier: MLPClassifierStudent,
    MLPRegressor: MLPRegressorStudent,
    MultinomialNB: MultinomialNBStudent,
    NearestCentroid: NearestCentroidStudent,
    PoissonRegressor: partial(TweedieStudent, power=1.0),
    QuadraticDiscriminantAnalysis: QuadraticStudent,
    Ridge: RidgeStudent,
    RidgeClassifier: RidgeClassifierStudent,
    SVC: SVCStudent,
    SVR: SVRStudent,
    TweedieRegressor: TweedieStudent,
}


#: Voting ensembles, whose members have students.
_VOTING = (VotingClassifier, VotingRegressor)

#: Outer losses of students whose raw predictions can be scores of classes.
_SCORE_LOSSES = ("squared_error", "squared_hinge")


def register_student(estimator_class: type, student_class: type[Student]) -> None:
    """Register a student of your own, so that its estimator is distilled by gradient.

    Unfitted distillers are pickled together with registered students, so these also
    work in processes of joblib.

    Parameters
    ----------
    estimator_class : type
        Class of the estimators to mirror. If it already has a student, the new one
        replaces it.
    student_class : type
        Subclass of ``Student``. ``student_class(estimator, task)`` makes a student.

    Raises
    ------
    TypeError
        If ``student_class`` is not a subclass of ``Student``.
    """
    if not (isinstance(student_class, type) and issubclass(student_class, Student)):
        raise TypeError(
            f"student_class must be a subclass of Student; got {student_class!r}."
        )
    register(estimator_class, student_class)


def has_student(estimator: Any) -> bool:
    """Return whether there is a student for the class of an estimator.

    For a pipeline, only the last step matters. ``refuse_unmirrored`` also checks the
    transformers before it.
    """
    if _is_pipeline(estimator):
        return has_student(estimator.steps[-1][1])
    return _student_class(estimator) is not None


def refuse_unmirrored(estimator: Any) -> None:
    """Raise NotMirrored if an estimator has no student for any data.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator.

    Raises
    ------
    NotMirrored
        If its class has no student, or a step of a pipeline is not mirrored.
    """
    if _is_pipeline(estimator):
        chain_of_transformers(estimator)
        refuse_unmirrored(estimator.steps[-1][1])
    elif type(estimator) in _VOTING:
        for member in _members(estimator):
            refuse_unmirrored(member)
    elif _student_class(estimator) is None:
        known = {each.__name__ for each in _STUDENTS}.union(registered_names())
        supported = ", ".join(sorted({*known, "Pipeline"}))
        raise NotMirrored(
            f"There is no student for {type(estimator).__name__}, so rows for it can "
            "only be found by search. Pass solver='auto' or 'search'. Estimators with "
            f"a student: {supported}."
        )


def reads_tables(estimator: Any) -> bool:
    """Return whether a mirrored estimator takes more than a table of numbers.

    This includes missing values, categories, and columns selected by name.
    """
    if _is_pipeline(estimator):
        chain = chain_of_transformers(estimator)
        return chain.reads_tables or reads_tables(estimator.steps[-1][1])
    return any(reads_tables(member) for member in _members(estimator))


def roles_of(estimator: Any, X: Any) -> Roles | None:
    """Return how an estimator reads the columns of a table.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator with a student.
    X : array-like of shape (n, q)
        Rows as they came.

    Returns
    -------
    Roles or None
        None if all columns have to be numbers, or if ``X`` has no columns.

    Raises
    ------
    NotMirrored
        If a step reads the columns in a way that is not mirrored.
    """
    if not reads_tables(estimator):
        return None
    layout = Layout.of_header(X)
    return None if layout is None else _roles(estimator, layout)


def _roles(estimator, layout):
    if _is_pipeline(estimator):
        chain = chain_of_transformers(estimator)
        if chain.mirrors:
            return chain.roles(layout)
        return _roles(estimator.steps[-1][1], layout)
    members = [_roles(member, layout) for member in _members(estimator)]
    if not members:
        return Roles.of_numbers(layout.n_columns)
    first = members[0]
    if not all(
        np.array_equal(first.is_category, each.is_category)
        and first.is_picky == each.is_picky
        for each in members
    ):
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be differentiated if its members "
            "encode different columns of a table. Supported: members that encode the "
            "same columns."
        )
    return first._replace(
        has_gaps=np.all([each.has_gaps for each in members], axis=0),
        is_unused=np.all([each.is_unused for each in members], axis=0),
    )


def _members(estimator):
    """Return the members of a voting ensemble; other estimators have none."""
    if type(estimator) not in _VOTING:
        return []
    return [member for _, member in estimator.estimators if member != "drop"]


def student_for(estimator: Any, task: Task, outer_loss: str = "auto") -> Student:
    """Return the student that mirrors an estimator.

    Parameters
    ----------
    estimator : estimator object
        Unfitted scikit-learn estimator. Subclasses have no student, because they may
        train differently.
    task : Task
        Describes the rows of the real data.
    outer_loss : str, default="auto"
        Name of the outer loss; "auto" stands for the student's own.

    Returns
    -------
    Student
        A student with the parameters of ``estimator``.

    Raises
    ------
    NotMirrored
        If there is no student for the estimator, or not for one of its settings.
    ValueError
        If the student does not support the outer loss.
    """
    refuse_unmirrored(estimator)
    if _is_pipeline(estimator):
        last_of = partial(student_for, outer_loss=outer_loss)
        return PipelineStudent(estimator, task, last_of)
    student_class = _student_class(estimator)
    student = student_class(estimator, task)
    if outer_loss in ("auto", student.loss_name):
        return student
    if outer_loss == "log_loss" and student.loss_name in _SCORE_LOSSES:
        return TemperedStudent(student)
    if outer_loss == "log_density" and isinstance(student, GaussianProcessStudent):
        return GaussianProcessDensityStudent(estimator, task)
    raise ValueError(
        f"outer_loss={outer_loss!r} is not supported for "
        f"{type(estimator).__name__}. Pass {student.loss_name!r} or 'auto'."
    )


def _is_pipeline(estimator):
    """Whether an estimator is a ``Pipeline``, if none has a registered student."""
    return type(estimator) is Pipeline and registered_student(Pipeline) is None


def _student_class(estimator):
    registered = registered_student(type(estimator))
    if registered is not None:
        return registered
    if type(estimator) in _VOTING:
        return partial(JointStudent, student_for=student_for)
    return _STUDENTS.get(type(estimator))
