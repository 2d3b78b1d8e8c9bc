from sklearn.base import BaseEstimator

from sklearn_metalabel.utils import CallbackSupportMixin, list_with_tasks, propagated, with_callbacks


class Listing(CallbackSupportMixin, BaseEstimator):
    """Its fit makes a list, and notes when."""

    def __init__(self, events=None):
        self.events = events

    @with_callbacks
    def fit(self):
        outcomes = (self.events.append(f"made {k}") or k for k in range(2))
        self.made_ = list_with_tasks(self, outcomes, 2, "part")


class Noted:
    """Notes tasks; inner estimators are told of."""

    max_propagation_depth = 1

    def __init__(self, events):
        self.events = events

    def setup(self, estimator, context):
        """Begin."""

    def teardown(self, estimator, context):
        """End."""

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.events.append(f"end {context.task_name}")


PARTS = ["begin fit", "begin part", "made 0", "end part", "begin part", "made 1", "end part", "end fit"]


def test_an_outcome_is_made_inside_its_task():
    events = []
    estimator = Listing(events).set_callbacks(Noted(events))
    estimator.fit()
    assert events == PARTS
    assert estimator.made_ == [0, 1]


class Outer(CallbackSupportMixin, BaseEstimator):
    @with_callbacks
    def fit(self, inner):
        context = self._init_callback_context(max_subtasks=1)
        with propagated(context.subcontext("inner"), inner):
            inner.fit()


def test_tasks_of_an_inner_estimator_are_told_of_where_it_has_any():
    events = []
    Outer().set_callbacks(Noted(events)).fit(Listing(events))
    assert events == PARTS
    with propagated(None, Listing()), propagated(object(), BaseEstimator()):
        pass
