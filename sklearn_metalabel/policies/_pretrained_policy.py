"""The training policy that comes trained: one small recurrent network steers the training of a network."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_metalabel.learners import LossSchedule, LossWeights, resolve_label_weight
from sklearn_metalabel.policies._fixed_weights import check_weights
from sklearn_metalabel.policies._prior import read_training_prior
from sklearn_metalabel.policies._proposals import EQUAL
from sklearn_metalabel.policies._runs import (
    TrialRunner,
    check_n_folds,
    folds_for,
    held_out_rows,
    train_trials,
    trial_plan,
)
from sklearn_metalabel.policies._search import MANY_ROWS
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.rewards import as_reward
from sklearn_metalabel.utils import as_numbers, draw_seeds, shown, torch_settings

__all__ = ["PretrainedPolicy"]


class PretrainedPolicy(TrainingPolicy):
    """Steer the training of a network while it happens, by a recurrent policy that has learned on other data sets.

    Ten times in a training, one small GRU for all labels (Eq. 3 to 5 of the paper [1]_) sees how each label fares on
    held-out rows, and says how much the label and its positives weigh from now on, how much weight easy negatives lose,
    and whether the training has gone on long enough. It was trained by evolution strategies [2]_, over training
    episodes on many data sets, so that nothing is tried: each fold is trained once, and the final training follows the
    mean of what was done on the folds.

    Parameters
    ----------
    weights : {"uniform", "frequency", "hierarchy"}, array-like of shape (n_labels,) or callable, default="uniform"
        Weights that those of the policy multiply, as in :class:`FixedWeights`.
    n_folds : int or "auto", default="auto"
        Folds that are trained on, and whose held-out rows choose the thresholds; "auto" is all of them, and one from
        5,000 samples on.
    n_episodes : int, default=0
        Training episodes in which the policy goes on learning before that, by policy gradient (Eq. 7), from what became
        of each label. The folds are taken in turn; each episode costs a training of one.
    prior : array-like of shape (n_parameters,), default=None
        Parameters of the policy; None takes those that come with the package. Benchmarks pass parameters that were
        trained on other sets than those it is judged on.

    Attributes
    ----------
    history_ : dict of str -> ndarray
        What was done on each fold: "weights" and "positive_weights" of shape (n_folds, n_steps, n_labels), "focus" and
        "reward" (average precision of held-out rows, half by label, half by positives) of shape (n_folds, n_steps); NaN
        where the training had ended. With episodes also "episode_reward", of shape (n_episodes, n_steps).
    parameters_ : ndarray of shape (n_parameters,)
        Parameters of the policy: those that it came with, or those that it ended its episodes with.
    schedule_ : LossSchedule or LossWeights
        What the final training follows.
    length_ : float
        How long the final training is, as a share of what the base learner asks for; in (0, 1].
    best_proposal_ : str
        "pretrained", or "equal" where `y` has single classes.

    Raises
    ------
    ValueError
        If the base learner's loss cannot be changed while it trains.

    See Also
    --------
    PolicySearch : The default, which tries a few weights, for any base learner, and for about four trainings.
    SharedGRUPolicy : Proposes thresholds too, and learns from nothing in every fit.

    Notes
    -----
    Of single classes in place of labels, the most probable one is taken, so that probabilities must stay as they are:
    the policy then leaves the training alone.

    The network's parameters, a few hundred, and what they were trained on, are in ``training_prior.json``, which
    ``benchmarks/pretrain_training_policy.py`` writes. It sees, of each label, its log-frequency, how many other labels
    come with it, the mean log-odds of held-out positives and negatives, the average precision and how it has changed;
    the means of these over labels; how far the training is; and the numbers of rows, labels and updates, as far as
    trainings of such sizes were learned from. A training goes on while the average precision of held-out rows grows,
    whatever the network asks for.

    References
    ----------
    .. [1] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`
    .. [2] T. Salimans, J. Ho, X. Chen, S. Sidor, I. Sutskever, "Evolution Strategies as a Scalable Alternative to
       Reinforcement Learning", 2017. :doi:`10.48550/arXiv.1703.03864`

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> from sklearn_metalabel.nn import MLP
    >>> from sklearn_metalabel.policies import PretrainedPolicy
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> mlp = TorchClassifier(MLP, module__hidden=16, n_epochs=10)
    >>> clf = MetaPolicyClassifier(
    ...     mlp, training_policy=PretrainedPolicy(), random_state=0
    ... ).fit(X, Y)
    >>> clf.training_policy_.history_["weights"].shape
    (3, 10, 5)
    """

    needs_held_out = True
    keeps_classifier = True

    def __init__(self, *, weights="uniform", n_folds="auto", n_episodes=0, prior=None):
        self.weights = weights
        self.n_folds = n_folds
        self.n_episodes = n_episodes
        self.prior = prior

    def check(self):
        """Raise where a parameter is not as described."""
        check_weights(self.weights, "weights")
        check_n_folds(self.n_folds)
        if not isinstance(self.n_episodes, Integral) or isinstance(self.n_episodes, bool) or self.n_episodes < 0:
            raise ValueError(f"n_episodes must be 0 or a positive integer, got {shown(self.n_episodes)}.")
        self._parameters()

    @torch_settings()
    def train(self, task):
        """Train each fold under the policy.

        Parameters
        ----------
        task : TrainingTask
            The base learner and the folds.

        Returns
        -------
        result : TrainingResult
            The schedule of the final training, and the held-out rows.
        """
        folds = folds_for(task)
        options = {"name": "weights", "sample_weight": folds[0].sample_weight}
        label_weight = resolve_label_weight(self.weights, folds[0].Y, task.label_names, **options)
        _check_base(task.base)
        if task.has_thresholds:
            return self._steer(task, folds, label_weight)
        weights = LossWeights(label_weight)  # classes need probabilities as they are
        self.parameters_ = self._parameters()
        self.schedule_, self.best_proposal_, self.length_, self.history_ = weights, EQUAL, 1.0, {}
        trials = train_trials(task, weights, EQUAL)
        return TrainingResult(weights, held_out_rows(trials), classifier=trials[-1].classifier)

    def _steer(self, task, folds, label_weight):
        """Train each fold under the network; for labels."""
        from sklearn_metalabel.policies._steered_run import N_ACTIONS, run_steered

        seeds = draw_seeds(task.random_state, len(folds))
        folds = folds[: self._n_folds(task)]
        runner = TrialRunner(task, trial_plan(task, folds, as_reward("average_precision")))
        self.parameters_, episodes = self._start(task), {}
        if self.n_episodes:
            self.parameters_, episodes = self._learn(task, folds, runner, label_weight)
        shared = {"parameters": self.parameters_, "label_weight": label_weight}
        calls = [(N_ACTIONS, fold, {**shared, "seed": seed}) for fold, seed in zip(folds, seeds, strict=False)]
        trials = [made[-1] for made in runner.call(run_steered, calls)]
        self.schedule_ = mean_schedule([trial.proposal.weights for trial in trials])
        self.best_proposal_ = "pretrained"
        self.length_ = len(self.schedule_.parts) / self.schedule_.n_parts
        self.history_ = {**_history(trials, self.schedule_.n_parts), **episodes}
        return TrainingResult(self.schedule_, held_out_rows(trials), classifier=trials[-1].classifier)

    def _learn(self, task, folds, runner, label_weight):
        """Play episodes, those of one round of the folds under the same parameters; these, and what was earned."""
        from sklearn_metalabel.policies._fine_tuning import FineTuning
        from sklearn_metalabel.policies._steered_run import N_ACTIONS, run_steered

        tuning, rewards = FineTuning(self.parameters_), np.full((self.n_episodes, N_ACTIONS), np.nan)
        seeds = draw_seeds(task.random_state, self.n_episodes)
        for first in range(0, self.n_episodes, len(folds)):
            shared = {"parameters": tuning.parameters, "label_weight": label_weight, "explores": True}
            played = zip(folds, seeds[first : first + len(folds)], strict=False)
            calls = [(N_ACTIONS, fold, {**shared, "seed": seed}) for fold, seed in played]
            for m, (trial,) in enumerate(runner.call(run_steered, calls), start=first):
                tuning.learn(trial.steps, trial.positives)
                rewards[m, : len(trial.rewards)] = trial.rewards
        return tuning.parameters, {"episode_reward": rewards}

    def count_runs(self, task):
        """One for each episode and each fold; documented in the base class."""
        if not task.has_thresholds:
            return len(task.folds)
        return self.n_episodes + len(task.folds[: self._n_folds(task)])

    def _start(self, task):
        """Parameters that the first episode is played under."""
        return task.previous.parameters_ if isinstance(task.previous, PretrainedPolicy) else self._parameters()

    def _n_folds(self, task):
        """Folds that are trained on."""
        if self.n_folds != "auto":
            return self.n_folds
        return 1 if task.folds[0].Y.shape[0] >= MANY_ROWS else len(task.folds)

    def _parameters(self):
        """Parameters of the network, (P,)."""
        expected = np.asarray(read_training_prior()["parameters"])
        if self.prior is None:
            return expected
        given = as_numbers(self.prior, "prior")
        if given.shape != expected.shape or not np.isfinite(given).all():
            raise ValueError(
                f"prior must be {expected.size} finite numbers, as benchmarks/pretrain_training_policy.py writes them, "
                f"got shape {given.shape}; leave it out for those that come with the package."
            )
        return given


def _check_base(base):
    """Raise where a base learner cannot be trained under weights, of positives and negatives too, that change."""
    run = base.training_run(0)
    if not run.takes_schedules or not {"positive", "focus"} <= run.emphases:
        raise ValueError(
            f"PretrainedPolicy changes the log-loss while the base learner trains, which {type(base).__name__} as it "
            'is here does not allow; pass a TorchClassifier with loss="log_loss", or set training_policy="search".'
        )


def mean_schedule(schedules):
    """The schedule of mean length whose parts are the means of those of several; one that has ended stays at its end.

    Means of label weights and of positives' weights are geometric.
    """
    length = max(1, round(np.mean([len(schedule.parts) for schedule in schedules])))
    parts = [_mean_weights([s.parts[min(k, len(s.parts) - 1)] for s in schedules]) for k in range(length)]
    return LossSchedule(parts, schedules[0].n_parts)


def _mean_weights(several):
    """The mean of several `LossWeights`."""
    label = np.exp(np.mean([np.log(weights.label) for weights in several], axis=0))
    positive = np.exp(np.mean([np.log(weights.positive) for weights in several], axis=0))
    return LossWeights(label, positive, float(np.mean([weights.focus for weights in several])))


def _history(trials, n_parts):
    """What was done, by fold and part; NaN after the end."""
    schedules = [trial.proposal.weights for trial in trials]
    n_labels = len(schedules[0].last.label)
    history = {name: np.full((len(trials), n_parts), np.nan) for name in ("reward", "focus")}
    of_labels = np.full((2, len(trials), n_parts, n_labels), np.nan, dtype=np.float32)
    for i, (trial, schedule) in enumerate(zip(trials, schedules, strict=True)):
        length = len(schedule.parts)
        history["reward"][i, :length] = trial.rewards
        history["focus"][i, :length] = [part.focus for part in schedule.parts]
        of_labels[0, i, :length] = [part.label for part in schedule.parts]
        of_labels[1, i, :length] = [part.positive for part in schedule.parts]
    return {**history, "weights": of_labels[0], "positive_weights": of_labels[1]}
