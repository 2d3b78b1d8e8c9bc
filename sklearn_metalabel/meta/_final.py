"""The training on all rows."""

__all__ = ["FinalTraining"]


class FinalTraining:
    """Trains the base learner on all rows, once, when it is first asked to: its solution may start other folds.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; a copy is trained.
    X, Y, sample_weight : training rows
    seed : int
        Randomness of a base learner that has none of its own.
    """

    def __init__(self, base, X, Y, sample_weight, seed):
        self.data, self.sample_weight = (X, Y), sample_weight
        self.estimator = None
        self._untrained = base._clone_for_training(seed)

    def train(self, proposal, solution=None):
        """The base learner trained under a proposal, from a solution where there is one."""
        if self.estimator is None:
            options = dict(proposal.emphasis) if solution is None else {**proposal.emphasis, "start": solution}
            options["label_weight"] = proposal.label_weight
            self._untrained._fit_labels(*self.data, sample_weight=self.sample_weight, **options)
            self.estimator = self._untrained
        return self.estimator
