"""Helpers of ``fit``: encoders, callbacks, warnings and what happens on errors."""

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

#: Packages whose frames lie between the line of the user and the code that warns.
PACKAGES_BETWEEN = {"skdistill", "sklearn", "joblib", "imblearn"}
#: Parameters that tell an estimator which columns hold categories.
NAMES_OF_CATEGORIES = {"categorical_features", "cat_features"}


def warn(message, category=UserWarning):
    """Warn at the line of the user that called the package.

    That line may be any number of pipelines and grid searches away.

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
    # Do what warnings.warn does, because its skip_file_prefixes needs Python 3.12.
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


#: Message if a fit is interrupted.
KEPT = "The best set so far is kept. To go on from it, fit again with warm_start=True."


class Interrupted(BaseException):
    """A fit was interrupted by its cause, but has stored the best set so far."""


def unchanged_on_error(fit):
    """Restore the attributes of the estimator if ``fit`` fails or is interrupted.

    An interrupted fit that has stored the best set so far keeps that set, and the error
    says so.
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
        Gives ``verbose``, ``max_iter`` and ``max_time``.
    way : ByStudent or BySearch
        Makes the fitted attributes for a set if a callback asks for them.
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
    """Report the fit of a sub-estimator to callbacks, as a task of its owner.

    Parameters
    ----------
    root : CallbackContext
        Context of the owner's fit.
    name : str
        Name of the task.
    owner, sub_estimator : estimator object
        The estimator that has the callbacks, and the one that is fitted inside it.
    data : dict
        ``X``, ``y`` and ``metadata`` of the owner's fit.
    """
    task = root.subcontext(task_name=name)
    with task.propagate_callback_context(sub_estimator):
        task.call_on_fit_task_begin(estimator=owner, **data)
        yield
        task.call_on_fit_task_end(estimator=owner, **data)


def encoder_of(distiller):
    """Return the encoder of categories of a fitted distiller, or None."""
    return distiller.estimator_[0] if distiller._table.encodes else None


def fit_behind(encoder, estimator, X, y, sample_weight=None):
    """Fit an estimator in place on rows of a table.

    Parameters
    ----------
    encoder : ColumnTransformer or None
        Turns rows into numbers, with the categories of the real rows; None if the rows
        are numbers.
    estimator : estimator object
        Unfitted estimator. If it takes tables itself, the encoder is not used.
    X : array or DataFrame of shape (m, p)
        Samples.
    y : array, Series or DataFrame of shape (m,) or (m, k)
        Targets.
    sample_weight : ndarray of shape (m,) or None
        Weights, if the estimator takes them.

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
    """Whether an estimator takes columns of categories itself.

    It does if it, or an estimator nested in it, is a ``ColumnTransformer`` or has the
    tag for categories, or if a parameter names the columns.
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
