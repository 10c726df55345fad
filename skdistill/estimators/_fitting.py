"""Fitting an estimator: behind its encoder, with weights, callbacks and warnings."""

import functools
import sys
import warnings
from contextlib import contextmanager

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from skdistill._weights import fit_on
from skdistill.estimators._any_estimator import tags_of
from skdistill.real.sources import ReadingError
from skdistill.solvers._report import Report

#: Packages between the line of the user and the code that warns.
PACKAGES_BETWEEN = {"skdistill", "sklearn", "joblib", "imblearn"}
#: Parameters that name the categories of a table for an estimator.
NAMES_OF_CATEGORIES = {"categorical_features", "cat_features"}


def warn(message, category=UserWarning):
    """Warn at the line of the user, through pipelines and searches of any depth.

    Parameters
    ----------
    message : str
        The message.
    category : type, default=UserWarning
        Class of the warning.
    """
    frame = sys._getframe(1)
    while _is_between(frame) and frame.f_back is not None:
        frame = frame.f_back
    # What warnings.warn does; its skip_file_prefixes came with Python 3.12.
    warnings.warn_explicit(
        message,
        category,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=frame.f_globals.get("__name__", "<string>"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_between(frame):
    module = frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in PACKAGES_BETWEEN


#: What is said where a fit ends before its time.
KEPT = "The best set so far is kept. To go on from it, fit again with warm_start=True."


class Interrupted(BaseException):
    """A fit was interrupted, by its cause, and has stored the best set so far."""


def unchanged_on_error(fit):
    """Give the estimator its attributes back when fit fails or is interrupted.

    A fit that has stored the best set so far keeps it, and the user is told.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return fit(self, *args, **kwargs)
        except Interrupted as interrupted:
            if isinstance(interrupted.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt(KEPT) from None
            error = interrupted.__cause__.__cause__
            error.add_note(KEPT)
            raise error from None
        except ReadingError as error:
            vars(self).clear()
            vars(self).update(before)
            raise error.__cause__ from None
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return wrapped


@contextmanager
def reporting(distiller, way, data):
    """Report to the callbacks of a distiller while it is fitted.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its ``verbose`` and ``max_iter`` count.
    way : ByStudent or BySearch
        Makes fitted attributes of a set, for callbacks that ask for them.
    data : dict
        ``X``, ``y`` and ``metadata`` of the fit, as they came.

    Yields
    ------
    Report
        The report.
    """
    root = distiller._init_callback_context(max_subtasks=None)
    root.call_on_fit_task_begin(estimator=distiller, **data)

    def show(task_name, get_synthetic):
        task = root.subcontext(task_name=task_name)
        task.call_on_fit_task_begin(estimator=distiller, **data)
        return task.call_on_fit_task_end(
            estimator=distiller,
            reconstruction_attributes=lambda: way.snapshot(get_synthetic()),
            **data,
        )

    yield Report(
        distiller.max_iter,
        show=show,
        max_time=distiller.max_time,
        title=type(distiller).__name__,
        verbose=distiller.verbose,
    )
    root.call_on_fit_task_end(
        estimator=distiller, reconstruction_attributes=dict, **data
    )


@contextmanager
def subtask(root, name, owner, sub_estimator, data):
    """Make fitting a sub-estimator a task of its owner.

    Parameters
    ----------
    root : CallbackContext
        Of the owner's fit.
    name : str
        Name of the task.
    owner, sub_estimator : estimator object
        The estimator that callbacks were set on, and the one that is fitted within.
    data : dict
        ``X``, ``y`` and ``metadata`` of the owner's fit, for the callbacks.
    """
    task = root.subcontext(task_name=name)
    with task.propagate_callback_context(sub_estimator):
        task.call_on_fit_task_begin(estimator=owner, **data)
        yield
        task.call_on_fit_task_end(estimator=owner, **data)


def encoder_of(distiller):
    """Return what encodes categories for a fitted distiller, None without any."""
    return distiller.estimator_[0] if distiller._table.encodes else None


def fit_behind(encoder, estimator, X, y, sample_weight=None):
    """Fit an estimator in place on rows of a table.

    Parameters
    ----------
    encoder : ColumnTransformer or None
        Turns rows into numbers, with the categories of the real rows; None if they
        are numbers.
    estimator : estimator object
        Unfitted. One that takes the table as it is gets no encoder.
    X : array or DataFrame of shape (m, p)
        Samples.
    y : array, Series or DataFrame of shape (m,) or (m, k)
        Targets.
    sample_weight : ndarray of shape (m,) or None
        Weights, for an estimator that takes any.

    Returns
    -------
    estimator object
        The estimator, or a ``Pipeline`` of the encoder and the estimator.
    """
    if encoder is None or takes_tables(estimator):
        return fit_on(estimator, X, y, sample_weight)
    encoder = clone(encoder).fit(X)
    fit_on(estimator, encoder.transform(X), y, sample_weight)
    return Pipeline([("encoder", encoder), ("estimator", estimator)])


def takes_tables(estimator):
    """Whether an estimator takes columns of categories by itself.

    It does if it has a part for them, at any depth, or is told which they are.
    """
    nested = getattr(estimator, "get_params", dict)()
    parts = [estimator, *nested.values()]
    return any(
        isinstance(part, ColumnTransformer)
        or (hasattr(part, "fit") and tags_of(part).input_tags.categorical)
        for part in parts
        if not isinstance(part, type)
    ) or any(
        name.rpartition("__")[2] in NAMES_OF_CATEGORIES
        and value is not None
        and not isinstance(value, str)  # "from_dtype" finds none in numbers
        for name, value in nested.items()
    )
