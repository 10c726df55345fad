"""What fits of all estimators share: attributes kept on errors, callbacks, reports."""

import functools
from contextlib import contextmanager

from skdistill.solvers._report import Report


class Interrupted(KeyboardInterrupt):
    """A fit was interrupted, and has stored the best set so far."""


def unchanged_on_error(fit):
    """Give the estimator its attributes back when fit fails or is interrupted.

    A fit that has stored the best set so far keeps it, and the user is told.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return fit(self, *args, **kwargs)
        except Interrupted:
            raise KeyboardInterrupt(
                "The best set so far is kept. To go on from it, fit again with "
                "warm_start=True."
            ) from None
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return wrapped


@contextmanager
def reporting(distiller, refit, data):
    """Report to the callbacks of a distiller while it is fitted.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its ``verbose`` and ``max_iter`` count.
    refit : Refit
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
            reconstruction_attributes=lambda: refit.snapshot(get_synthetic()),
            **data,
        )

    yield Report(
        distiller.max_iter,
        show=show,
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
