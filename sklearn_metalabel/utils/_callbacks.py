"""The one module that imports scikit-learn's experimental callback API."""

from contextlib import nullcontext

from sklearn.callback import CallbackSupportMixin, with_callbacks

__all__ = ["CallbackSupportMixin", "list_with_tasks", "propagated", "with_callbacks"]


def propagated(context, estimator):
    """Make the tasks of `estimator` part of the task `context` inside a block, where it has tasks."""
    if context is None or not hasattr(estimator, "set_callbacks"):
        return nullcontext()
    return context.propagate_callback_context(sub_estimator=estimator)


def list_with_tasks(estimator, outcomes, n_outcomes, name):
    """List of outcomes, each of which is a task of the fit of `estimator` while the iterable makes it."""
    fit = estimator._init_callback_context(max_subtasks=n_outcomes)
    fit.call_on_fit_task_begin(estimator=estimator)
    made, outcomes = [], iter(outcomes)
    for _ in range(n_outcomes):
        task = fit.subcontext(name).call_on_fit_task_begin(estimator=estimator)
        made.append(next(outcomes))
        task.call_on_fit_task_end(estimator=estimator)
    fit.call_on_fit_task_end(estimator=estimator)
    return made
