"""Fitting a sub-estimator with the callbacks of its owner."""

from contextlib import contextmanager


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
