"""Episodes as tasks of scikit-learn's callbacks."""

__all__ = ["EpisodeMonitor"]


class EpisodeMonitor:
    """Reports the episodes of `estimator` to its callbacks, with the learner of each as a snapshot to score."""

    def __init__(self, estimator, context, X, y):
        self.estimator, self.context, self.X, self.y = estimator, context, X, y

    def begin(self):
        """Report that an episode begins; returns its task."""
        task = self.context.subcontext("episode")
        return task.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def end(self, task, episode):
        """Report that an episode ended; returns whether a callback asks for an end of the training."""
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            X=self.X,
            y=self.y,
            reconstruction_attributes=lambda: _snapshot(episode),
        )


class _EpisodeClassifier:
    """The base learner of an episode, as far as predictions go."""

    def __init__(self, learner):
        self._label_probabilities = learner.predict_proba


def _snapshot(episode):
    """Attributes that make the estimator predict as the episode's base learner would."""
    return {
        "estimator_": _EpisodeClassifier(episode.learner),
        "weights_": episode.weights[-1],
        "thresholds_": episode.thresholds[-1],
        "never_empty_": False,
    }
