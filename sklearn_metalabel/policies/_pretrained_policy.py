"""The training policy that comes trained: one small recurrent network steers the training of a network."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_metalabel.learners import LossSchedule, LossWeights, resolve_label_weight
from sklearn_metalabel.policies._fixed_weights import check_weights
from sklearn_metalabel.policies._judge import best_score, largest_error
from sklearn_metalabel.policies._prior import read_training_prior
from sklearn_metalabel.policies._proposals import EQUAL
from sklearn_metalabel.policies._runs import (
    TrialRunner,
    check_n_folds,
    folds_for,
    held_out_rows,
    pooled_rows,
    train_trials,
    trial_plan,
)
from sklearn_metalabel.policies._search_tables import table_of_proposals
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.rewards import as_reward
from sklearn_metalabel.utils import as_numbers, draw_seeds, shown, torch_settings

__all__ = ["PretrainedPolicy", "can_steer"]


class PretrainedPolicy(TrainingPolicy):
    """Steer the training of a network while it happens, by a recurrent policy that has learned on other data sets.

    Ten times in a training, one small GRU for all labels (Eq. 3 to 5 of the paper [1]_) sees how each label fares on
    held-out rows, and says how much the label and its positives weigh from now on, how much weight easy negatives lose,
    and whether the training has gone on long enough. It was trained by evolution strategies [2]_, over training
    episodes on many data sets, so that little is tried: each fold is trained once, and the final training follows the
    mean of what was done on the folds. Equal weights are trained on one fold too, and take over where they score
    better. This is the default for networks.

    Parameters
    ----------
    weights : {"uniform", "frequency", "hierarchy"}, array-like of shape (n_labels,) or callable, default="uniform"
        Weights that those of the policy multiply, as in :class:`FixedWeights`.
    n_folds : int or "auto", default="auto"
        Folds that are trained on, and whose held-out rows choose the thresholds; "auto" is all of them, or one where
        rows times labels are too many to keep all probabilities.
    fallback : bool, default=True
        Whether the first fold is trained under equal weights too, and these are taken where the user's scoring, of
        held-out rows and after thresholds, is higher under them, beyond chance. That training is given up from its half
        on where its average precision would stay below three quarters of that under the policy if it went on to grow as
        fast. False trusts the policy, for up to two thirds of a training less.
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
        where the training had ended. With `fallback` also "baseline", the reward of the first fold under equal weights,
        of the same shape; with episodes "episode_reward", of shape (n_episodes, n_steps).
    proposals_ : dict of str -> ndarray
        "proposal" ("equal" and "pretrained"), "reward" (average precision), "gain" over equal weights, "error" (its
        standard error by a paired bootstrap), and "score": the user's scoring after thresholds, all on the first fold.
        NaN where equal weights were given up before. Not there where nothing was compared.
    parameters_ : ndarray of shape (n_parameters,)
        Parameters of the policy: those that it came with, or those that it ended its episodes with.
    schedule_ : LossSchedule or LossWeights
        What the final training follows.
    length_ : float
        How long the final training is, as a share of what the base learner asks for; in (0, 1].
    best_proposal_ : str
        "pretrained", or "equal" where these scored better, beyond chance, or `y` has classes or one label.

    Raises
    ------
    ValueError
        If the base learner's loss cannot be changed while it trains.

    See Also
    --------
    PolicySearch : Tries a few weights, for any base learner; for a network that costs about four trainings.
    SharedGRUPolicy : Proposes thresholds too, and learns from nothing in every fit.

    Notes
    -----
    "Beyond chance" is by more than 1 / (4 sqrt(n)), half the largest standard error of a share of n held-out rows: most
    decisions about them are the same.

    It leaves the training alone where `y` has classes, of which the most probable one is taken, so that probabilities
    must stay as they are, or one label: it has learned from trainings of several.

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
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.datasets import make_hierarchical_multilabel
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> from sklearn_metalabel.nn import MLP
    >>> from sklearn_metalabel.policies import PretrainedPolicy
    >>> X, Y = make_hierarchical_multilabel(400, n_labels=8, random_state=0)
    >>> mlp = TorchClassifier(MLP, module__hidden=16, n_epochs=10)
    >>> clf = MetaPolicyClassifier(
    ...     mlp, training_policy=PretrainedPolicy(), random_state=0
    ... ).fit(X, Y)
    >>> clf.training_policy_.best_proposal_
    'pretrained'
    >>> clf.training_policy_.history_["weights"].shape
    (3, 10, 8)
    """

    needs_held_out = True
    keeps_classifier = True

    def __init__(self, *, weights="uniform", n_folds="auto", fallback=True, n_episodes=0, prior=None):
        self.weights = weights
        self.n_folds = n_folds
        self.fallback = fallback
        self.n_episodes = n_episodes
        self.prior = prior

    def check(self):
        """Raise where a parameter is not as described."""
        check_weights(self.weights, "weights")
        check_n_folds(self.n_folds)
        if not isinstance(self.fallback, bool | np.bool_):
            raise ValueError(f"fallback must be True or False, got {shown(self.fallback)}.")
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
        seeds = draw_seeds(task.random_state, len(folds))
        if _has_several_labels(task):
            return self._steer(task, folds, seeds, label_weight)
        self.parameters_, self.history_ = self._parameters(), {}
        return self._equal(task, folds, seeds, label_weight)

    def _steer(self, task, folds, seeds, label_weight):
        """Train each fold under the network, or under equal weights where these are better on the first; for labels."""
        from sklearn_metalabel.policies._steered_run import N_ACTIONS, STEERED, run_equal, run_steered

        folds = folds[: self._n_folds(task)]
        runner = TrialRunner(task, trial_plan(task, folds, as_reward("average_precision")))
        self.parameters_, episodes = self._start(task), {}
        if self.n_episodes:
            self.parameters_, episodes = self._learn(task, folds, runner, label_weight)
        shared = {"parameters": self.parameters_, "label_weight": label_weight}
        calls = [(N_ACTIONS, fold, {**shared, "seed": seed}) for fold, seed in zip(folds, seeds, strict=False)]
        n_first = 1 if self.fallback else len(calls)
        trials = [made[-1] for made in runner.call(run_steered, calls[:n_first])]
        equal, compared = None, []
        if self.fallback and not runner.stopped:
            rival = {"label_weight": label_weight, "target": trials[0].rewards[-1], "seed": seeds[0]}
            ((equal,),) = runner.call(run_equal, [(N_ACTIONS, folds[0], rival)])
            taken, compared = self._better_of(equal, trials[0], task.judge)
            if taken is equal:
                self.history_ = {**_history(trials, equal, N_ACTIONS), **episodes}
                return self._equal(task, folds[:1] if runner.stopped else folds, seeds, label_weight, [equal], compared)
        if not runner.stopped:
            trials += [made[-1] for made in runner.call(run_steered, calls[n_first:])]
        self.schedule_ = mean_schedule([trial.proposal.weights for trial in trials])
        self.best_proposal_ = STEERED
        self.length_ = len(self.schedule_.parts) / self.schedule_.n_parts
        self.history_ = {**_history(trials, equal, N_ACTIONS), **episodes}
        options = {"classifier": trials[-1].classifier, "compared": compared}
        return TrainingResult(self.schedule_, held_out_rows(trials), **options)

    def _better_of(self, equal, steered, judge):
        """The trial to go on with, and rows of `cv_results_`."""
        finished = [trial for trial in (equal, steered) if trial.outcome is not None]
        held_out = {trial: pooled_rows([trial.held_out]) for trial in finished}
        rows = {trial: judge.rows(trial.proposal.name, found) for trial, found in held_out.items()}
        compared = [row for found in rows.values() for row in found]
        self.proposals_ = table_of_proposals([equal, steered], None if equal.outcome is None else equal, compared)
        ahead = best_score(rows[equal]) - best_score(rows[steered]) if equal in rows else 0.0
        chance = largest_error(held_out[steered]) / 2  # most decisions are the same
        return equal if ahead > chance else steered, compared

    def _equal(self, task, folds, seeds, label_weight, made=(), compared=()):
        """Train the folds under equal weights, after those that were; what comes of it."""
        weights = LossWeights(label_weight)
        left = slice(len(made), len(folds))
        trials = [*made, *train_trials(task, weights, EQUAL, folds[left], seeds[left])]
        self.schedule_, self.best_proposal_, self.length_ = weights, EQUAL, 1.0
        options = {"classifier": trials[-1].classifier, "compared": compared}
        return TrainingResult(weights, held_out_rows(trials), **options)

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
        """One for each episode and each fold, and one under equal weights; documented in the base class."""
        if not _has_several_labels(task):
            return len(task.folds)
        return self.n_episodes + len(task.folds[: self._n_folds(task)]) + bool(self.fallback)

    def _start(self, task):
        """Parameters that the first episode is played under."""
        return task.previous.parameters_ if isinstance(task.previous, PretrainedPolicy) else self._parameters()

    def _n_folds(self, task):
        """Folds that are trained on."""
        if self.n_folds != "auto":
            return self.n_folds
        return 1 if any(fold.all_held_out is not None for fold in task.folds) else len(task.folds)

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


def _has_several_labels(task):
    """Whether labels are decided one by one: classes need probabilities as they are, and one label has no others."""
    return task.has_thresholds and task.n_labels > 1


def can_steer(base):
    """Whether a base learner can be trained under weights, of positives and negatives too, that change."""
    run = base.training_run(0)
    return run.takes_schedules and {"positive", "focus"} <= run.emphases


def _check_base(base):
    """Raise where a base learner cannot be steered."""
    if not can_steer(base):
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


def _history(trials, equal, n_parts):
    """What was done, by fold and part, and beside the first fold rewards under equal weights; NaN after the end."""
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
    if equal is not None:
        history["baseline"] = np.full((len(trials), n_parts), np.nan)
        history["baseline"][0, : len(equal.rewards)] = equal.rewards
    return {**history, "weights": of_labels[0], "positive_weights": of_labels[1]}
