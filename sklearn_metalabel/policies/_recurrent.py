"""Recurrent training policies: a GRU proposes weights and thresholds at every step, and follows a policy gradient."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import Bunch, check_random_state

from sklearn_metalabel.learners import LossWeights, resolve_label_weight
from sklearn_metalabel.policies._fixed_weights import check_weights
from sklearn_metalabel.policies._starts import check_starts, start_thresholds, start_weights
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.rewards import RatioReward, as_reward
from sklearn_metalabel.utils import draw_seed, draw_seeds, shown, torch_seed, torch_settings

__all__ = ["GRUPolicy", "SharedGRUPolicy"]


# What numbers must lie in, and whether they do.
_INTERVALS = {
    "learning_rate": ("(0, inf)", lambda value: 0 < value < np.inf),
    "discount": ("[0, 1]", lambda value: 0 <= value <= 1),
    "shrinkage": ("[0, inf)", lambda value: 0 <= value < np.inf),
}


class RecurrentPolicy(TrainingPolicy):
    """What both recurrent policies share; their parameters are documented there."""

    proposes_thresholds = True
    keeps_classifier = True

    def __init__(
        self,
        *,
        n_episodes=3,
        reward="soft_f1",
        hidden_size=16,
        learning_rate=0.02,
        update_epochs=5,
        n_steps="auto",
        updates_per_step="auto",
        update_interval=None,
        credit="label",
        discount=0.5,
        exploration=(0.3, 0.05),
        n_threshold_samples=4,
        learn_weights=True,
        learn_thresholds=True,
        anchor="uniform",
        shrinkage=0.01,
        initial_weights=None,
        initial_thresholds=None,
    ):
        self.n_episodes = n_episodes
        self.reward = reward
        self.hidden_size = hidden_size
        self.learning_rate = learning_rate
        self.update_epochs = update_epochs
        self.n_steps = n_steps
        self.updates_per_step = updates_per_step
        self.update_interval = update_interval
        self.credit = credit
        self.discount = discount
        self.exploration = exploration
        self.n_threshold_samples = n_threshold_samples
        self.learn_weights = learn_weights
        self.learn_thresholds = learn_thresholds
        self.anchor = anchor
        self.shrinkage = shrinkage
        self.initial_weights = initial_weights
        self.initial_thresholds = initial_thresholds

    @property
    @abstractmethod
    def _network(self):
        """Name of the policy network."""

    def check(self):
        """Raise where a parameter is not as described."""
        from sklearn_metalabel.policies._episode_plan import check_exploration

        for name in ("n_episodes", "hidden_size", "update_epochs", "n_threshold_samples"):
            _check_positive(name, getattr(self, name))
        for name, others in (("n_steps", ("auto", "epoch")), ("updates_per_step", ("auto",))):
            _check_positive(name, getattr(self, name), others)
        if self.update_interval is not None:
            _check_positive("update_interval", self.update_interval)
        for name, (interval, is_inside) in _INTERVALS.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or not is_inside(value):
                raise ValueError(f"{name} must be a number in {interval}, got {shown(value)}.")
        if not isinstance(self.credit, str) or self.credit not in ("label", "global"):
            raise ValueError(f'credit must be "label" or "global", got {shown(self.credit)}.')
        for name in ("learn_weights", "learn_thresholds"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {shown(getattr(self, name))}.")
        check_exploration(self.exploration)
        as_reward(self.reward)
        check_weights(self.anchor, "anchor")
        check_starts(self.initial_weights, self.initial_thresholds)

    def check_sample_weight(self, sample_weight):
        """Raise where the reward takes no weights; documented in the base class."""
        as_reward(self.reward).check_sample_weight(sample_weight)

    @torch_settings()
    def train(self, task):
        """Play the episodes, and take the weights that the greedy episode ends with.

        Parameters
        ----------
        task : TrainingTask
            The base learner and the folds; without held-out rows every step is rewarded on the batch just trained on.

        Returns
        -------
        result : TrainingResult
            Weights, thresholds, and the held-out rows of the last round of episodes.
        """
        from sklearn_metalabel.policies._divergence import warn_if_diverged
        from sklearn_metalabel.policies._episode import greedy_episode
        from sklearn_metalabel.policies._episode_plan import plan_episodes
        from sklearn_metalabel.policies._reinforcement import MetaLearner
        from sklearn_metalabel.policies._rounds import play_rounds

        rng, folds = task.random_state, task.folds
        options = {"name": "anchor", "sample_weight": folds[0].sample_weight}
        self.anchor_ = resolve_label_weight(self.anchor, folds[0].Y, task.label_names, **options)
        start = (
            start_weights(self.initial_weights, self.anchor_, rng),
            start_thresholds(self.initial_thresholds, task.n_labels, rng),
        )
        kept = {"keep_run": task.monitor.keeps_runs, "keep_classifier": task.keep_classifier}
        plan, sigmas = plan_episodes(self, task.base, folds, start, **kept)
        with torch_seed(draw_seed(rng)):
            meta = MetaLearner(self._settings(), self.anchor_)
        if isinstance(task.previous, RecurrentPolicy):
            _resume(meta, task.previous.policy_state_)
        rounds = play_rounds(meta, task, plan, sigmas, draw_seeds(rng, self.n_episodes))
        self._seen = rounds.seen()
        greedy = greedy_episode(rounds.meta, plan.n_steps, *start, **self._seen)
        self.history_ = {**rounds.history(), "greedy_weights": greedy[0], "greedy_thresholds": greedy[1]}
        self.policy_state_ = rounds.meta.policy_state()
        self.best_proposal_ = "last episode" if task.keep_classifier else "greedy episode"
        self.n_episodes_, self.n_steps_ = self.history_["reward"].shape
        warn_if_diverged(plan.reward, self.history_)
        last, out_of_fold = rounds.last_round[-1], rounds.out_of_fold(folds)
        weights = last.mean_weights if task.keep_classifier else greedy[0][-1]
        return TrainingResult(LossWeights(weights), out_of_fold, greedy[1][-1], classifier=last.classifier)

    def count_runs(self, task):
        """One for each episode; documented in the base class."""
        return self.n_episodes

    @torch_settings()
    def greedy_episode(self, initial_weights=None, initial_thresholds=None, *, random_state=None):
        """Play the greedy episode of the trained policy again, from other starts.

        Nothing is trained: this is what the robustness of the policy to its start is measured with.

        Parameters
        ----------
        initial_weights : None, "random" or array-like of shape (n_labels,), default=None
            Weights w_0; None is the anchor.
        initial_thresholds : None, "random", float or array-like of shape (n_labels,), default=None
            Thresholds p_0; None is 0.5.
        random_state : int, RandomState instance or None, default=None
            For starts that are drawn.

        Returns
        -------
        episode : Bunch
            `weights` and `thresholds`, ndarrays of shape (`n_steps_`, n_labels); the last rows are w_T and p_T.
        """
        if not hasattr(self, "policy_state_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not trained; fit a MetaPolicyClassifier with it, and call this method "
                "of its training_policy_."
            )
        from sklearn_metalabel.policies._episode import greedy_episode
        from sklearn_metalabel.policies._reinforcement import MetaLearner

        rng = check_random_state(random_state)
        with torch_seed(0):
            meta = MetaLearner(self._settings(), self.anchor_).load_policy_state(self.policy_state_)
        weights, thresholds = greedy_episode(
            meta,
            self.n_steps_,
            start_weights(initial_weights, self.anchor_, rng),
            start_thresholds(initial_thresholds, len(self.anchor_), rng),
            **self._seen,
        )
        return Bunch(weights=weights, thresholds=thresholds)

    def _settings(self):
        """What stays fixed while the meta-learner learns."""
        from sklearn_metalabel.policies._reinforcement import MetaSettings

        return MetaSettings(
            network=self._network,
            hidden_size=self.hidden_size,
            learning_rate=self.learning_rate,
            update_epochs=self.update_epochs,
            discount=self.discount,
            credit=self.credit,
            shrinkage=self.shrinkage,
            learn_weights=self.learn_weights,
            learn_thresholds=self.learn_thresholds,
        )


class SharedGRUPolicy(RecurrentPolicy):
    """One small recurrent network for all labels, which sees how each label fares while the base learner trains.

    At every step it sees descriptors of each label, what its held-out rows say so far and its own last proposals, and
    proposes loss weights and thresholds; the base learner makes a few updates under them, and rewards on held-out
    rows teach the network by policy gradient. It has as many parameters for ten labels as for ten thousand.

    Parameters
    ----------
    n_episodes : int, default=3
        Training episodes, M; the folds of one round are played at the same time.
    reward : {"average_precision", "soft_f1", "hamming_margin", "cost", "ratio"}, reward or callable, \
            default="soft_f1"
        What a step is rewarded by: a reward of :mod:`sklearn_metalabel.rewards`, or a function ``(Y, P, thresholds) ->
        array of shape (n_labels,)``. "ratio" is Eq. 6 of the paper.
    hidden_size : int, default=16
        Size of the policy's state.
    learning_rate : float, default=0.02
        Learning rate of the policy (Adam).
    update_epochs : int, default=5
        Gradient steps on each rollout; beyond the first the step is clipped (PPO).
    n_steps : int or {"auto", "epoch"}, default="auto"
        Actions of an episode, T. "auto" spreads at most 10 (2 for base learners that are refitted whole) over one full
        training; "epoch" is one per mini-batch of one epoch, at most 300.
    updates_per_step : int or "auto", default="auto"
        Updates of the base learner under one action; "auto" makes an episode one full training.
    update_interval : int or None, default=None
        Steps after which the policy learns; None is a whole episode.
    credit : {"label", "global"}, default="label"
        Whether the weight of a label is rewarded by the change of that label's own reward, or by the mean of all.
    discount : float in [0, 1], default=0.5
        Factor of each further step in the return (Eq. 2); 1 is undiscounted.
    exploration : tuple of float (first, last), default=(0.3, 0.05)
        Standard deviation of the exploration noise in the first and the last episode.
    n_threshold_samples : int, default=4
        Thresholds drawn at each step; with two or more, each is compared with the others.
    learn_weights : bool, default=True
        Whether weights are learned; False keeps `initial_weights` (the paper's Meta-Prediction).
    learn_thresholds : bool, default=True
        Whether thresholds are learned; False keeps `initial_thresholds` (the paper's Meta-Training).
    anchor : {"uniform", "frequency", "hierarchy"}, array-like of shape (n_labels,) or callable, default="uniform"
        Weights that the policy proposes departures from, as in :class:`FixedWeights`.
    shrinkage : float, default=0.01
        Penalty on the divergence of the weights from their anchor.
    initial_weights : None, "random" or array-like of shape (n_labels,), default=None
        Weights w_0 that an episode starts from; None is the anchor.
    initial_thresholds : None, "random", float or array-like of shape (n_labels,), default=None
        Thresholds p_0 that an episode starts from; None is 0.5.

    Attributes
    ----------
    history_ : dict of str -> ndarray
        "reward" and "baseline" of shape (`n_episodes_`, `n_steps_`), "weights" and "thresholds" of shape
        (`n_episodes_`, `n_steps_`, n_labels), and of the greedy episode "greedy_weights" and "greedy_thresholds" of
        shape (`n_steps_`, n_labels).
    policy_state_ : dict of str -> ndarray
        Parameters of the trained network.
    anchor_ : ndarray of shape (n_labels,)
        The anchor used; mean 1.
    best_proposal_ : str
        "greedy episode": every step takes the mean action of the trained policy; or, with ``refit=False``, "last
        episode", whose weights are the means over its steps.
    n_episodes_, n_steps_ : int
        Episodes played, and steps of each.

    See Also
    --------
    GRUPolicy : The paper's policy.
    PretrainedPolicy : The default for networks, which comes trained.
    PolicySearch : The default for all others, which costs about as much and is right more often.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.policies import SharedGRUPolicy
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> policy = SharedGRUPolicy(hidden_size=8)
    >>> clf = MetaPolicyClassifier(training_policy=policy, random_state=0).fit(X, Y)
    >>> fitted = clf.training_policy_
    >>> fitted.greedy_episode("random", "random", random_state=1).weights[-1].shape
    (5,)
    """

    _network = "shared"


class GRUPolicy(RecurrentPolicy):
    """The paper's policy: a GRU over all labels that sees its own last proposals alone.

    These are its Eq. 3 to 5. Nothing it sees depends on the data, and it has a number of parameters that grows with the
    number of labels. Its defaults are those of :class:`SharedGRUPolicy`; :meth:`from_paper` has the paper's.

    Parameters
    ----------
    n_episodes, reward, hidden_size, learning_rate, update_epochs, n_steps, updates_per_step : as in SharedGRUPolicy
        How many episodes and steps, what they are rewarded by, and how the network learns.
    update_interval, credit, discount, exploration, n_threshold_samples : as in SharedGRUPolicy
        When it learns, from which returns, and how actions are drawn.
    learn_weights, learn_thresholds, anchor, shrinkage : as in SharedGRUPolicy
        What is learned, and what the weights depart from.
    initial_weights, initial_thresholds : as in SharedGRUPolicy
        Where an episode starts.

    Attributes
    ----------
    history_, policy_state_, anchor_, best_proposal_, n_episodes_, n_steps_
        As in :class:`SharedGRUPolicy`.

    See Also
    --------
    SharedGRUPolicy : Sees how each label fares.
    sklearn_metalabel.MetaPolicyClassifier.from_paper : The paper's algorithm around it.

    References
    ----------
    J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
    Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`

    Examples
    --------
    >>> from sklearn_metalabel.policies import GRUPolicy
    >>> GRUPolicy.from_paper(n_episodes=5).hidden_size
    128
    """

    _network = "gru"

    @classmethod
    def from_paper(cls, **overrides):
        """Return the policy of the paper's Algorithm 1.

        It acts at every mini-batch of one epoch (at most 300), is rewarded by Eq. 6, with its threshold kept in [0.05,
        0.95] inside the reward, and learns by REINFORCE with a moving baseline every 30 steps.
        ``reward=RatioReward(clip=None)`` is Eq. 6 to the letter, which diverges.

        Parameters
        ----------
        **overrides : dict
            Parameters that replace the paper's.

        Returns
        -------
        policy : GRUPolicy
            Unfitted.
        """
        paper = {
            "n_episodes": 20,
            "reward": RatioReward(),
            "hidden_size": 128,
            "learning_rate": 1e-3,
            "update_epochs": 1,
            "n_steps": "epoch",
            "updates_per_step": 1,
            "update_interval": 30,
            "credit": "global",
            "discount": 1.0,
            "n_threshold_samples": 1,
        }
        return cls(**{**paper, **overrides})


def _check_positive(name, value, others=()):
    """Raise where a parameter is no positive integer, nor one of some names."""
    if isinstance(value, str) and value in others:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        also = "".join(f' or "{other}"' for other in others)
        raise ValueError(f"{name} must be a positive integer{also}, got {shown(value)}.")


def _resume(meta, policy_state):
    """Go on from the arrays of a trained policy, or refuse one that is not like this."""
    if {name: a.shape for name, a in policy_state.items()} != {n: a.shape for n, a in meta.policy_state().items()}:
        raise ValueError(
            "warm_start=True resumes from the policy of the last fit, and training_policy, its hidden_size or the "
            "number of labels is not what it was; set warm_start=False for this fit."
        )
    meta.load_policy_state(policy_state)
