"""The estimator: a learned loss weight and decision threshold for every label."""

from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.metadata_routing import MethodMapping
from sklearn.utils.validation import check_is_fitted

from sklearn_metalabel.learners._label_weight import NAMED_WEIGHTS, resolve_label_weight
from sklearn_metalabel.learners._resolve import as_label_classifier
from sklearn_metalabel.learners._wrapper import BaseLearnerWrapper
from sklearn_metalabel.meta._episode import greedy_episode
from sklearn_metalabel.meta._final import FinalTraining
from sklearn_metalabel.meta._folds import make_folds
from sklearn_metalabel.meta._monitor import EpisodeMonitor
from sklearn_metalabel.meta._plan import check_exploration
from sklearn_metalabel.meta._proposals import Proposal
from sklearn_metalabel.meta._starts import start_thresholds, start_weights
from sklearn_metalabel.meta._training import RECURRENT, prepare_training, restored_meta_learner
from sklearn_metalabel.prediction._choosers import CHOOSERS, choose_from_held_out, choose_thresholds, named_choosers
from sklearn_metalabel.rewards import RatioReward
from sklearn_metalabel.rewards._resolve import REWARDS
from sklearn_metalabel.thresholds import decide
from sklearn_metalabel.thresholds._criteria import check_criterion
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    draw_seed,
    fit_context,
    restore_on_error,
    warn_constant_labels,
)

__all__ = ["MetaPolicyClassifier"]

_POSITIVE = Interval(Integral, 1, None, closed="left")


class MetaPolicyClassifier(CallbackSupportMixin, BaseLearnerWrapper, BaseEstimator):
    """Learn a loss weight and a decision threshold for every label, around any base learner.

    A policy plays training episodes [1]_: it proposes loss weights, a fresh base learner is trained under them, and
    rows it did not train on say how well every label fares. The base learner is then trained on all rows under the
    weights that paid, and its probabilities are cut at thresholds learned from the held-out rows.

    The default differs from the paper where the paper's choices hurt (see Notes); :meth:`from_paper` is the paper's
    algorithm: a recurrent network that proposes weights and thresholds at every step, and follows a policy gradient.

    Parameters
    ----------
    estimator : None, estimator, skorch net, torch module, module class or callable, default=None
        The base learner. None is :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`. A torch module, class or
        factory must return logits of shape (n, L); wrap it in :class:`~sklearn_metalabel.learners.TorchClassifier` to
        choose optimiser, epochs and device. A scikit-learn classifier needs `sample_weight` in `fit`, and
        `predict_proba`; it is cloned for each label.
    policy : {"paired", "shared", "gru"}, default="paired"
        "paired" tries a few proposals that are functions of the labels' frequencies, each on the same folds, seeds
        and batches, and takes one only where held-out rows say that it pays beyond chance (see Notes). "shared" is one
        small recurrent network for all labels that sees descriptors of the label and the outcomes on its held-out
        rows; "gru" the paper's GRU (Eq. 3 to 5), which sees its own last proposals alone.
    reward : {"auto", "average_precision", "soft_f1", "hamming_margin", "cost", "ratio"}, reward or callable, \
            default="auto"
        What an episode or step is paid: a reward of :mod:`sklearn_metalabel.rewards`, or a function
        ``(Y, P, thresholds) -> array of shape (n_labels,)``. "auto" is "average_precision" for the paired policy and
        "soft_f1" for recurrent ones. "ratio" is Eq. 6.
    learn_weights : bool, default=True
        Whether weights are learned; False keeps `initial_weights` (the paper's Meta-Prediction).
    learn_thresholds : bool, default=True
        Whether thresholds are learned; False keeps `initial_thresholds` (the paper's Meta-Training).
    n_episodes : int or "auto", default="auto"
        Training episodes, M, of a recurrent policy, where "auto" is 3 and the folds of one round are played at the
        same time. Of the paired policy, the folds that all proposals are played on: "auto" is all of them, and from
        5,000 samples on fewer (see Notes).
    cv : int, splitter, iterable of splits or None, default=3
        Folds whose held-out rows pay, and which the thresholds are chosen on; an integer stratifies over all labels.
        None pays every step on the batch it trained on, as the paper does; the paired policy needs folds.
    n_steps : int or {"auto", "epoch"}, default="auto"
        Actions of an episode, T; this and what follows down to `policy_epochs` is for recurrent policies alone. "auto"
        spreads at most 10 (2 for base learners that are refitted whole) over one full training run; "epoch" is one per
        mini-batch of one epoch, at most 300.
    updates_per_step : int or "auto", default="auto"
        Updates of the base learner under one action; "auto" makes an episode one full training run.
    update_interval : int or None, default=None
        Steps after which the policy learns; None is a whole episode.
    credit : {"label", "global"}, default="label"
        Whether the weight of a label is paid for the change of that label's own reward, or for the mean of all labels.
    discount : float, default=0.5
        Factor of each further step in the return (Eq. 2); 1 is undiscounted.
    exploration : tuple of float (first, last), default=(0.3, 0.05)
        Standard deviation of the exploration noise in the first and the last episode.
    n_threshold_samples : int, default=4
        Thresholds drawn at each step; with two or more, each is judged against the others.
    hidden_size : int, default=16
        Size of the policy's state.
    policy_lr : float, default=0.02
        Learning rate of the policy (Adam).
    policy_epochs : int, default=5
        Gradient steps on each stretch of experience; beyond the first the step is clipped (PPO).
    weight_anchor : {"uniform", "frequency", "hierarchy"}, array-like or callable, default="uniform"
        Weights, of shape (n_labels,), that the policy proposes departures from. "frequency" is one over the fourth root
        of the label's number of positives; "hierarchy" its depth, where label names are paths such as "/person/artist".
        A callable is given the label matrix of shape (n_samples, n_labels) and returns the weights.
    weight_shrinkage : float, default=0.01
        Of recurrent policies: penalty on the divergence of the weights from their anchor.
    initial_weights : None, "random" or array-like of shape (n_labels,), default=None
        Weights w_0 that an episode starts from; None is the anchor.
    initial_thresholds : None, "random", float or array-like of shape (n_labels,), default=None
        Thresholds p_0 that an episode starts from; None is 0.5.
    rule : str, callable or sequence of these, default="policy"
        How thresholds are chosen from the episodes' out-of-fold probabilities: "policy" learns a prediction policy
        from them, "pretrained" takes one that was learned from other data, and other names and functions are rules, as
        in :class:`TunedThresholdsClassifierCV`; of several the best one is taken. "episode" takes the thresholds that
        the greedy episode ends with, as the paper does.
    criterion : str, callable or tuple of these, default=("strict_accuracy", "micro_f1", "macro_f1")
        What the prediction policy is paid for, and rules are compared by: "strict_accuracy", "micro_f1", "macro_f1",
        "samples_f1", a scorer of scikit-learn that reads predictions or its name, a function ``(y_true, y_pred) ->
        float``, or several, whose mean is taken.
    never_empty : bool or "auto", default="auto"
        Whether a sample above no threshold gets the label nearest to its threshold; "auto" chooses that on
        out-of-fold rows.
    warm_start : bool, default=False
        Whether `fit` goes on from what the last one learned with the same base learner. A recurrent policy keeps its
        parameters. The paired policy proposes scales within ten times the one it took, or equal weights and the
        emphasis it took; all of them again where it took equal weights. The base learner is always trained anew.
    n_jobs : int, default=None
        Episodes played at the same time; the result does not depend on it. Every episode uses as many threads as torch
        is set to, and no more episodes than cores allow run at once: to play several, lower that number first, for
        example with ``torch.set_num_threads(1)``.
    random_state : int, RandomState instance or None, default=None
        All randomness of `fit`; global random states are left as they were.

    Attributes
    ----------
    weights_ : ndarray of shape (n_labels,)
        Loss weight of each label; mean 1.
    scale_ : float
        Factor of all weights, for base learners whose weights set the strength of a penalty; else 1.
    positive_weights_ : ndarray of shape (n_labels,)
        Further factor of the loss of each label's positives.
    focus_ : float
        Power that takes weight from negatives which are told apart already: a negative of probability p counts
        ``max(p - 0.05, 0) ** focus_``, where `focus_` is above 0. Probabilities are corrected for this and for
        `positive_weights_`: from the log-odds goes the logarithm of a positive's weight over a negative's.
    thresholds_ : ndarray of shape (n_labels,)
        A label is predicted when its probability is strictly greater; in [0, 1], 1 is never. Binary and multiclass
        targets are decided by the most probable class instead.
    estimator_ : estimator
        The base learner, trained on all rows under `weights_`.
    never_empty_ : bool
        Whether every sample gets a label.
    best_proposal_ : str
        What the weights come from: a proposal of the paired policy, or "greedy episode".
    best_rule_ : str or None
        The rule that the thresholds come from; "initial" where none were learned, None for classes.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    label_frequencies_ : ndarray of shape (n_labels,)
        Share of positives of each label in the training rows.
    history_ : dict of str -> ndarray
        "reward" and "baseline" of shape (`n_episodes_`, `n_steps_`), "weights" and "thresholds" of shape
        (`n_episodes_`, `n_steps_`, n_labels), and of the greedy episode "greedy_weights" and "greedy_thresholds" of
        shape (steps, n_labels). For the paired policy "baseline" is the reward of equal weights on the same fold, and
        "weights" have their scale in them.
    policy_state_ : dict of str -> ndarray
        Parameters of the trained policy; the paired one has none.
    n_episodes_, n_steps_ : int
        Episodes played, and steps of each. For the paired policy an episode is a training run in which proposals were
        tried, and a step a proposal.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    Raises
    ------
    TypeError
        If the base learner cannot be weighted.
    ValueError
        If X, y or a parameter is not as described, or the base learner's loss is not finite.

    See Also
    --------
    sklearn_metalabel.learners.LabelWeightedClassifier : Trains a base learner once, under weights you give.

    Notes
    -----
    Eq. 6 is, for a fixed classifier, linear in 1 / p for each threshold p: it has no optimum inside (0, 1) and no upper
    bound, so thresholds that follow it run to the ends; and the paper's GRU sees nothing of the data. The default
    learns both from held-out rows.

    A label's threshold can be moved for nothing, so what weights are worth is the ranking of samples: they are paid
    the average precision of held-out rows, half as a mean over labels and half as a mean over positives. The paired
    policy proposes what its kind of base learner can make use of:

    - where weights set the strength of a penalty (:class:`~sklearn_metalabel.learners.LabelWeightedLogistic`), scales
      from 0.01 to 100, along a path on which each solution starts the next. A label departs from the best common
      scale by its own rewards, shrunk to those of labels as frequent (empirical Bayes), where that pays on rows
      that the choice has not seen;
    - where labels share the parameters of a network, more weight for positives, by the square root of how rare a label
      is, or less weight for easy negatives, as in the asymmetric loss [2]_;
    - elsewhere equal weights alone.

    A proposal is taken where it is ahead of equal weights by more than the standard error of a paired bootstrap. From
    5,000 samples on a network plays one fold: a third of a training under every proposal, then equal weights and the
    best of the others to the end, and thresholds are chosen on that fold's held-out rows.

    References
    ----------
    .. [1] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`
    .. [2] T. Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021.
       :doi:`10.1109/ICCV48922.2021.00015`

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> X, Y = make_multilabel_classification(n_samples=300, random_state=0)
    >>> clf = MetaPolicyClassifier(random_state=0).fit(X, Y)
    >>> clf.weights_.shape, clf.thresholds_.shape, clf.predict(X).shape
    ((5,), (5,), (300, 5))
    """

    _parameter_constraints = {
        "estimator": "no_validation",
        "policy": [StrOptions({"paired", *RECURRENT})],
        "reward": [StrOptions({"auto", *REWARDS}), callable],
        "learn_weights": ["boolean"],
        "learn_thresholds": ["boolean"],
        "n_episodes": [_POSITIVE, StrOptions({"auto"})],
        "cv": ["cv_object"],
        "n_steps": [_POSITIVE, StrOptions({"auto", "epoch"})],
        "updates_per_step": [_POSITIVE, StrOptions({"auto"})],
        "update_interval": [_POSITIVE, None],
        "credit": [StrOptions({"label", "global"})],
        "discount": [Interval(Real, 0, 1, closed="both")],
        "exploration": [tuple, list],
        "n_threshold_samples": [_POSITIVE],
        "hidden_size": [_POSITIVE],
        "policy_lr": [Interval(Real, 0, None, closed="neither")],
        "policy_epochs": [_POSITIVE],
        "weight_anchor": [StrOptions(NAMED_WEIGHTS), "array-like", callable],
        "weight_shrinkage": [Interval(Real, 0, None, closed="left")],
        "initial_weights": [None, StrOptions({"random"}), "array-like"],
        "initial_thresholds": [
            None,
            StrOptions({"random"}),
            Interval(Real, 0, 1, closed="neither"),
            "array-like",
        ],
        "rule": [StrOptions({*CHOOSERS, "episode"}), callable, tuple, list],
        "criterion": [str, callable, tuple, list],
        "never_empty": ["boolean", StrOptions({"auto"})],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        policy="paired",
        reward="auto",
        learn_weights=True,
        learn_thresholds=True,
        n_episodes="auto",
        cv=3,
        n_steps="auto",
        updates_per_step="auto",
        update_interval=None,
        credit="label",
        discount=0.5,
        exploration=(0.3, 0.05),
        n_threshold_samples=4,
        hidden_size=16,
        policy_lr=0.02,
        policy_epochs=5,
        weight_anchor="uniform",
        weight_shrinkage=0.01,
        initial_weights=None,
        initial_thresholds=None,
        rule="policy",
        criterion=("strict_accuracy", "micro_f1", "macro_f1"),
        never_empty="auto",
        warm_start=False,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.policy = policy
        self.reward = reward
        self.learn_weights = learn_weights
        self.learn_thresholds = learn_thresholds
        self.n_episodes = n_episodes
        self.cv = cv
        self.n_steps = n_steps
        self.updates_per_step = updates_per_step
        self.update_interval = update_interval
        self.credit = credit
        self.discount = discount
        self.exploration = exploration
        self.n_threshold_samples = n_threshold_samples
        self.hidden_size = hidden_size
        self.policy_lr = policy_lr
        self.policy_epochs = policy_epochs
        self.weight_anchor = weight_anchor
        self.weight_shrinkage = weight_shrinkage
        self.initial_weights = initial_weights
        self.initial_thresholds = initial_thresholds
        self.rule = rule
        self.criterion = criterion
        self.never_empty = never_empty
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state

    @classmethod
    def from_paper(cls, estimator=None, **overrides):
        """The paper's Algorithm 1, with what the paper leaves open as parameters.

        A GRU policy sees its own last proposals, acts at every mini-batch of one epoch (at most 300), is paid by Eq. 6
        on the batch just trained on, with its threshold kept in [0.05, 0.95] inside the reward, and learns by
        REINFORCE with a moving baseline every 30 steps; the thresholds are its last proposal, and decoding is plain.
        ``reward=RatioReward(clip=None)`` is Eq. 6 to the letter, which diverges.

        Parameters
        ----------
        estimator : None, estimator, skorch net, torch module, module class or callable, default=None
            The base learner.
        **overrides : dict
            Parameters that replace the paper's.

        Returns
        -------
        classifier : MetaPolicyClassifier
            Unfitted.

        Examples
        --------
        >>> from sklearn_metalabel import MetaPolicyClassifier
        >>> MetaPolicyClassifier.from_paper(n_episodes=5).policy
        'gru'
        """
        paper = {
            "policy": "gru",
            "reward": RatioReward(),
            "n_episodes": 20,
            "cv": None,
            "n_steps": "epoch",
            "updates_per_step": 1,
            "update_interval": 30,
            "credit": "global",
            "discount": 1.0,
            "n_threshold_samples": 1,
            "hidden_size": 128,
            "policy_lr": 1e-3,
            "policy_epochs": 1,
            "rule": "episode",
            "never_empty": False,
        }
        return cls(estimator, **{**paper, **overrides})

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Learn weights and thresholds, and train the base learner under them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}; or binary or multiclass classes.
        **fit_params : dict
            `sample_weight` for the base learner and `groups` for the splitter, or what metadata routing asks for.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        base = as_label_classifier(self.estimator)
        X_checked, Y = self._check_training_data(X, y)
        sample_weight = self._check_sample_weight(routed.estimator.fit, X_checked)
        self._check_combination(base)
        if self._target.has_thresholds:
            warn_constant_labels(Y, self.label_names_)
        rng = check_random_state(self.random_state)
        groups = routed.splitter.split.get("groups")
        folds = make_folds(self.cv, X_checked, Y, y, sample_weight=sample_weight, groups=groups, rng=rng)
        training = self._prepare_policy(base, folds, Y, rng)
        self._settings = training.settings
        context = self._init_callback_context(max_subtasks=training.n_episodes + 1)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        final = FinalTraining(base, X_checked, Y, sample_weight, draw_seed(rng))
        learned = training.run(EpisodeMonitor(self, context, X, y), final)
        self._keep(learned, draw_seed(rng))
        task = context.subcontext("refit")
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        self.estimator_ = final.train(learned.proposal)
        task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=self._fitted_attributes)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=self._fitted_attributes)
        return self

    def greedy_episode(self, initial_weights=None, initial_thresholds=None, *, random_state=None):
        """Play the greedy episode of the trained recurrent policy again, from other starts.

        Nothing is trained: this is what the robustness of the policy to its start is measured with. The paired policy
        proposes the same from every start.

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
        policies : Bunch
            `weights` and `thresholds`, ndarrays of shape (`n_steps_`, n_labels); the last rows are w_T and p_T.

        Examples
        --------
        >>> from sklearn.datasets import make_multilabel_classification
        >>> from sklearn_metalabel import MetaPolicyClassifier
        >>> X, Y = make_multilabel_classification(random_state=0)
        >>> clf = MetaPolicyClassifier(random_state=0).fit(X, Y)
        >>> clf.greedy_episode("random", "random", random_state=1).weights[-1].shape
        (5,)
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        L = len(self.weights_)
        if self.policy == "paired":
            return Bunch(weights=self.weights_[None], thresholds=self.history_["greedy_thresholds"])
        weights, thresholds = greedy_episode(
            restored_meta_learner(self._settings, self._anchor, self.policy_state_),
            self.n_steps_,
            start_weights(initial_weights, self._anchor, rng),
            start_thresholds(initial_thresholds, L, rng),
            **self._seen,
        )
        return Bunch(weights=weights, thresholds=thresholds)

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_weight` goes to the base learner, `groups` to the splitter.
        """
        router = super().get_metadata_routing()
        return router.add(splitter=check_cv(self.cv), method_mapping=MethodMapping().add(caller="fit", callee="split"))

    def _check_combination(self, base):
        """Refuse parameters that cannot work, or not together."""
        check_criterion(self.criterion)
        check_exploration(self.exploration)
        if self.policy == "paired" and self.cv is None:
            raise ValueError(
                'policy="paired" needs held-out rows, and cv=None holds none out; set cv=3, or policy="gru".'
            )
        if self.rule != "episode":
            named_choosers(self.rule)
            if self.cv is None and self.learn_thresholds:
                raise ValueError(
                    f'rule={self.rule!r} needs held-out rows, and cv=None holds none out; set cv=3 or rule="episode".'
                )
        if effective_n_jobs(self.n_jobs) > 1 and str(getattr(base._learner(), "device", "cpu")).startswith("cuda"):
            raise ValueError(
                f"n_jobs={self.n_jobs} would put several training runs on one CUDA device at the same time; "
                "set n_jobs=None."
            )

    def _prepare_policy(self, base, folds, Y, rng):
        """What trains the policy."""
        self.label_frequencies_ = np.asarray(Y.mean(axis=0), dtype=np.float64).ravel()
        self._anchor = resolve_label_weight(self.weight_anchor, Y, self.label_names_, name="weight_anchor")
        first_weights = start_weights(self.initial_weights, self._anchor, rng)
        start = first_weights, start_thresholds(self.initial_thresholds, Y.shape[1], rng)
        return prepare_training(
            self.get_params(deep=False),
            base,
            folds,
            start,
            self._anchor,
            rng,
            emphasise=self._target.has_thresholds,  # classes are told apart by probabilities
            keep_learner=bool(getattr(self, "_skl_callbacks", [])),
            last=self._last_policy(),
        )

    def _last_policy(self):
        """Proposal and arrays of the policy of the last fit, as far as this one starts from them."""
        if not self.warm_start or not hasattr(self, "best_proposal_"):
            return None, None
        return Proposal(self.best_proposal_, self.weights_, self.scale_), self.policy_state_

    def _keep(self, learned, seed):
        """Set what was learned."""
        proposal = learned.proposal
        self.weights_, self.scale_, self.best_proposal_ = proposal.weights, float(proposal.scale), proposal.name
        self.positive_weights_ = proposal.emphasis.get("positive_weight", np.ones(len(proposal.weights)))
        self.focus_ = float(proposal.emphasis.get("focus", 0.0))
        self.history_, self.policy_state_, self._seen = learned.history, learned.policy_state, learned.seen
        self.n_episodes_, self.n_steps_ = learned.history["reward"].shape
        self._choose_thresholds(learned.thresholds, learned.out_of_fold, seed)

    def _choose_thresholds(self, proposed, out_of_fold, seed):
        """Set the thresholds and the decoding, from the episode's proposal and the out-of-fold probabilities."""
        thresholds, self.never_empty_ = proposed, self.never_empty is True
        self.best_rule_ = self.rule if self.learn_thresholds else "initial"
        if not self._target.has_thresholds:
            self.best_rule_ = None
        elif self.learn_thresholds and self.rule != "episode":
            options = {"criterion": self.criterion, "never_empty": self.never_empty, "random_state": seed}
            if isinstance(out_of_fold, HeldOut):
                found = choose_from_held_out(self.rule, out_of_fold, **options)
            else:
                found = choose_thresholds(self.rule, *out_of_fold, **options)
            thresholds, self.never_empty_, self.best_rule_ = found.thresholds, found.never_empty, found.name
        self.thresholds_ = self._constant_labels_apart(thresholds)

    def _constant_labels_apart(self, thresholds):
        """Thresholds with 1 (never) and 0 (always) for labels of one value; 0.5 where classes are predicted."""
        if not self._target.has_thresholds:
            return np.full(len(thresholds), 0.5)
        if not self.learn_thresholds:
            return thresholds
        frequency = self.label_frequencies_
        return np.where(frequency == 0, 1.0, np.where(frequency == 1, 0.0, thresholds))

    def _fitted_attributes(self):
        """What a copy of this estimator needs in order to predict."""
        return {name: getattr(self, name) for name in ("estimator_", "weights_", "thresholds_", "never_empty_")}

    def _decision_thresholds(self):
        return self.thresholds_

    def _decide(self, P):
        return decide(P, self.thresholds_, never_empty=self.never_empty_)
