"""The estimator: a learned loss weight and decision threshold for every label."""

from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.learners import (
    BaseLearnerWrapper,
    as_label_classifier,
    as_unweighted,
    make_folds,
    train_classifier,
)
from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.model_selection import refuse_several
from sklearn_metalabel.policies import (
    PREDICTION_POLICIES,
    TRAINING_POLICIES,
    CallbackMonitor,
    GRUPolicy,
    Judge,
    PredictionPolicy,
    TrainingPolicy,
    TrainingTask,
    as_columns,
    as_prediction_policy,
    as_rows,
    as_training_policy,
    check_kept,
    check_policies,
)
from sklearn_metalabel.thresholds import threshold_counts
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    call_training,
    check_row_weights,
    draw_seed,
    fit_context,
    has_unknown,
    label_frequencies,
    restore_on_error,
    take_rows,
    training_memory,
    warn_constant_labels,
)

__all__ = ["MetaPolicyClassifier"]


class MetaPolicyClassifier(CallbackSupportMixin, BaseLearnerWrapper, BaseEstimator):
    """Learn a loss weight and a decision threshold for every label, around any base learner.

    Two policies decide [1]_: the training policy chooses what multiplies the loss of each label while the base learner
    trains, the prediction policy turns probabilities into label sets. Both learn from rows that were held out, and
    the base learner is then trained on all rows.

    The default differs from the paper where the paper's choices hurt (see Notes); :meth:`from_paper` is the paper's
    algorithm: a recurrent network that proposes weights and thresholds at every step, and follows a policy gradient.

    Parameters
    ----------
    estimator : None, estimator, skorch net, torch module, module class or callable, default=None
        The base learner. None is :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`. A torch module, class or
        factory must return logits of shape (n, L); wrap it in :class:`~sklearn_metalabel.learners.TorchClassifier` to
        choose optimiser, epochs and device. A scikit-learn classifier needs `sample_weight` in `fit`, and
        `predict_proba`; it is cloned for each label, unless it takes label matrices, no label is unknown, and the
        training policy gives all labels the weight 1.
    training_policy : None, {"search", "uniform", "pretrained", "shared", "gru"} or TrainingPolicy, default=None
        What chooses the loss weights. "pretrained" steers the training of a network by what was learned on other data
        (:class:`~sklearn_metalabel.policies.PretrainedPolicy`); "search" tries a few proposals, and keeps one only
        where held-out rows prefer it (:class:`~sklearn_metalabel.policies.PolicySearch`); "uniform" leaves the training
        alone; "shared" and "gru" are the recurrent policies that learn in `fit`. None is "pretrained" for a
        :class:`~sklearn_metalabel.learners.TorchClassifier` with the log-loss, and "search" for all others.
    prediction_policy : None, str, PredictionPolicy, callable or sequence of these, default=None
        What chooses the thresholds, from out-of-fold probabilities. None and "learned" are
        :class:`~sklearn_metalabel.policies.LearnedThresholds`; "pretrained" is that policy as it comes with the
        package; "half", "global", "scut", "scutfbr.0", "scutfbr.1", "odr_micro", "odr_macro", "micromacro",
        "shrunken" and "plug_in" are the rules of :mod:`sklearn_metalabel.thresholds`; a function is ``(Y, P) ->
        thresholds``. Of several the best one is taken. "episode" takes the thresholds that a recurrent training policy
        ends with, as the paper does.
    scoring : str, callable or sequence of these, default=("accuracy", "f1_micro", "f1_macro")
        What you want to be good at: "accuracy" (the whole label set right), "f1_micro", "f1_macro", "f1_samples", a
        scorer of scikit-learn that reads predictions or its name, a function ``(y_true, y_pred) -> float``, or
        several, whose mean is taken. Thresholds are chosen for it, and no loss weights are taken that lower it beyond
        chance.
    allow_unlabeled : bool or "auto", default="auto"
        Whether a sample above no threshold stays without a label; else it gets the label nearest to its threshold.
        "auto" chooses that on out-of-fold rows.
    cv : int, float, splitter, iterable of splits or None, default=3
        Folds; an integer stratifies over all labels, and a float in (0, 1) is the share that one stratified split holds
        out. None holds no rows out: recurrent policies are then rewarded on the batch just trained on, as in the paper,
        and other training policies but "uniform" are refused.
    refit : bool, default=True
        Whether the base learner is trained on all rows in the end; False keeps what was trained on the only split,
        whose held-out rows chose the thresholds: with ``training_policy="uniform"`` that is the only training. It needs
        a `cv` of one split, such as 0.2.
    warm_start : bool, default=False
        Whether `fit` starts from the training policy of the last one, with the same base learner. A recurrent policy
        keeps its parameters. The search tries scales within ten times the one it took, or equal weights and the
        emphasis it took; all of them again where it took equal weights. Other policies keep nothing. The base
        learner is always trained anew.
    n_jobs : int, default=None
        Training runs at the same time; the result does not depend on it. Every run uses as many threads as torch is
        set to, and no more run at once than cores allow: lower that number first, for example with
        ``torch.set_num_threads(1)``.
    random_state : int, RandomState instance or None, default=None
        All randomness of `fit`; global random states are left as they were.
    memory : None, str or object with the joblib.Memory interface, default=None
        Folder that keeps every finished training, so that a `fit` that was killed, or failed, goes on from there when
        it is called again: with the same data, parameters and versions, which takes a `random_state`. The folder
        holds fitted models and predictions as pickles, so only use one that you trust, and may be deleted after the
        fit. None keeps nothing.
    verbose : int, default=0
        1 prints a line for each training run, with the seconds so far and what it was worth: the best reward of its
        proposals, or where there is none the score of its held-out rows at thresholds of 0.5.

    Attributes
    ----------
    weights_ : ndarray of shape (n_labels,)
        What multiplied the loss of each label in the final training, its scale included; its mean over the training
        where ``refit=False`` keeps an episode of a recurrent policy.
    positive_weights_ : ndarray of shape (n_labels,)
        Further factor of the loss of each label's positives.
    focus_ : float
        Power that takes weight from easy negatives: a negative of probability p counts ``max(p - 0.05, 0) ** focus_``,
        where `focus_` is above 0. Probabilities are corrected for this and for `positive_weights_`: from the log-odds
        goes the logarithm of a positive's weight over a negative's.
    thresholds_ : ndarray of shape (n_labels,)
        A label is predicted when its probability is strictly greater; in [0, 1], 1 is never. Of two classes it is that
        of the second one: 0.5, unless another scores higher out of fold beyond chance. Multiclass targets are decided
        by the most probable class instead.
    allow_unlabeled_ : bool
        Whether a sample may get no label.
    dependence_ : Dependence or None
        How labels depend on each other: `predict` gives a sample the best of the observed label sets and of what
        thresholds alone would give. None where each label is decided by itself.
    marginals_ : SetMarginals or None
        How the observed label sets correct what `predict_proba` returns; None where that made it no better out of fold.
        Thresholds are for the probabilities of `estimator_`.
    estimator_ : estimator
        The base learner, trained under these weights, on all rows or, with ``refit=False``, on those of the split.
    training_policy_ : TrainingPolicy
        The fitted training policy: what was proposed, and what its rewards were.
    prediction_policy_ : PredictionPolicy or None
        The fitted prediction policy; None for multiclass targets.
    cv_results_ : dict of str -> ndarray
        A row for everything that was compared by `scoring` on held-out rows: "proposal" (of the training policy),
        "prediction_policy", "allow_unlabeled", "mean_test_<name>" for each scoring, "mean_test_score",
        "rank_test_score" and, where they are known, "split<k>_test_score". The means are over all held-out rows
        together, so that rare labels count. "std_thresholds" is how far a label's thresholds of the folds lie apart, on
        average; `prediction_policy_` has it for each label.
    best_score_ : float or None
        Out-of-fold score of what was chosen; None where nothing was held out.
    threshold_counts_ : dict of str -> ndarray, or None
        What cuts would have decided on the held-out rows, for
        :class:`~sklearn_metalabel.inspection.ThresholdCurveDisplay`: "thresholds" of shape (n_thresholds,), "tps" and
        "fps" of shape (n_labels, n_thresholds), the true and false positives at or above them, by weight, and
        "positives" of shape (n_labels,). None where nothing was held out, and for multiclass targets.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    label_frequencies_ : ndarray of shape (n_labels,)
        Share of positives of each label in the training rows, by weight.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    Raises
    ------
    TypeError
        If the base learner cannot be weighted, or a policy is none.
    ValueError
        If X, y or a parameter is not as described, two policies cannot work together, or the base learner's loss is
        not finite.

    See Also
    --------
    TunedThresholdsClassifierCV : Learns thresholds alone, for classifiers that cannot be weighted too.
    LabelWeightedClassifier : Trains a base learner once, under weights you give.

    Notes
    -----
    Eq. 6 of the paper is, for a fixed classifier, linear in 1 / p for each threshold p: it has no optimum inside (0, 1)
    and no upper bound, so thresholds that follow it run to the ends; and the paper's GRU sees nothing of the data. The
    default learns both from held-out rows: the weights by a search or, for a network, by a policy that was trained on
    other data before, as the one for thresholds was. The user's scoring, out of fold and after thresholds, has the
    last word on both.

    References
    ----------
    .. [1] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> X, Y = make_multilabel_classification(n_classes=3, random_state=0)
    >>> clf = MetaPolicyClassifier(random_state=0).fit(X, Y)
    >>> clf.weights_.shape, clf.thresholds_.shape
    ((3,), (3,))
    >>> clf.predict(X[:2]).shape
    (2, 3)
    """

    # Thresholds take weights too, by a request of this estimator's own.
    __metadata_request__fit = {"sample_weight": None}
    _parameter_constraints = {
        "estimator": "no_validation",
        "training_policy": [None, StrOptions(set(TRAINING_POLICIES)), TrainingPolicy],
        "prediction_policy": [None, StrOptions(set(PREDICTION_POLICIES)), PredictionPolicy, callable, tuple, list],
        "scoring": [str, callable, tuple, list],
        "allow_unlabeled": ["boolean", StrOptions({"auto"})],
        "cv": ["cv_object", Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "memory": [None, str, HasMethods(["cache"])],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        training_policy=None,
        prediction_policy=None,
        scoring=DEFAULT_SCORING,
        allow_unlabeled="auto",
        cv=3,
        refit=True,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.training_policy = training_policy
        self.prediction_policy = prediction_policy
        self.scoring = scoring
        self.allow_unlabeled = allow_unlabeled
        self.cv = cv
        self.refit = refit
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.memory = memory
        self.verbose = verbose

    @classmethod
    def from_paper(cls, estimator=None, **params):
        """Return the paper's Algorithm 1, with what the paper leaves open as parameters.

        The policy of :meth:`~sklearn_metalabel.policies.GRUPolicy.from_paper` is rewarded on the batch just trained
        on; the thresholds are its last proposal, and decoding is plain.

        Parameters
        ----------
        estimator : None, estimator, skorch net, torch module, module class or callable, default=None
            The base learner.
        **params : dict
            Parameters that replace the paper's; those of the policy as ``training_policy__<name>``.

        Returns
        -------
        classifier : MetaPolicyClassifier
            Unfitted.

        Examples
        --------
        >>> from sklearn_metalabel import MetaPolicyClassifier
        >>> MetaPolicyClassifier.from_paper(training_policy__n_episodes=5).prediction_policy
        'episode'
        """
        policy = GRUPolicy.from_paper()
        paper = cls(estimator, training_policy=policy, prediction_policy="episode", allow_unlabeled=True, cv=None)
        return paper.set_params(**params)

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Learn weights and thresholds, and train the base learner under them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or binary or multiclass classes.
        **fit_params : dict
            `sample_weight`, array-like of shape (n_samples,), and `groups` for the splitter, or what metadata routing
            asks for. A weight says how many times a sample counts: in the loss of the base learner, the folds, rewards,
            thresholds and `scoring`; samples of weight 0 are left out. A scorer, a reward or a function ``(Y, P) ->
            thresholds`` is given the weights where it has a parameter `sample_weight`; one that has none is refused
            where weights differ. Functions that give loss weights see the labels alone. With routing, the thresholds
            follow the base learner's request unless ``set_fit_request(sample_weight=...)`` of this estimator says
            otherwise.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        X_checked, Y = self._check_training_data(X, y)
        base = as_label_classifier(self.estimator)._for_rows(X_checked)
        data = self._rows_that_count(X_checked, Y, fit_params, routed)
        rng, groups = check_random_state(self.random_state), routed.splitter.split.get("groups")
        policies = self._resolve_policies(base, data)
        base = self._without_needless_clones(base, policies.training, data.Y)
        weights = {"sample_weight": data.sample_weight, "held_out_weight": data.held_out_weight}
        folds = make_folds(self.cv, data.X, data.Y, y, **weights, kept=data.kept, groups=groups, rng=rng)
        if not self.refit:
            refuse_several(len(folds))
        task, context = self._begin(base, folds, policies, rng, X, y)
        result = policies.training.train(task)
        seeds = draw_seed(rng), draw_seed(rng)
        self._keep(policies, result, seeds[1])
        tasks = [context.subcontext("refit"), context] if self.refit else [context]
        if self.refit:
            tasks[0].call_on_fit_task_begin(estimator=self, X=X, y=y)
        trained = self._train(task, data, result, seeds[0], tasks[0]) if self.refit else result.classifier
        self.estimator_ = self._complete(trained)
        name = "training on all rows" if self.refit else "kept"
        task.monitor.line(f"{name}: {policies.training.best_proposal_}{_score_of(self.best_score_)}")
        for ended in tasks:
            ended.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=self._fitted_attributes)
        return self

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_weight` goes to the base learner and, by this estimator's own request, to the thresholds; `groups`
            go to the splitter.
        """
        return self._with_splitter(self._with_own_request(super().get_metadata_routing()))

    def _rows_that_count(self, X, Y, fit_params, routed):
        """The samples that have a weight, and their weights in training and on held-out rows."""
        sample_weight = self._check_sample_weight(routed.estimator.fit, X)
        held_out_weight = self._check_threshold_weight(fit_params, routed, Y.shape[0])
        return _Rows.of(X, Y, sample_weight, held_out_weight)

    def _resolve_policies(self, base, data):
        """The two policies and the judge, or raise where something cannot work; nothing is trained for that."""
        training = as_training_policy(self.training_policy, base)
        prediction = as_prediction_policy(self.prediction_policy)
        scoring = Scoring.resolve(self.scoring).for_target(self._target)
        Y, weight = data.Y, None if self.cv is None else data.held_out_weight
        scoring.check(Y.shape[1], weight)
        training.check_sample_weight(data.held_out_weight)
        check_policies(training, prediction, self.cv, self._target.has_thresholds)
        if not self.refit:
            check_kept(training, base, self.cv)
        if effective_n_jobs(self.n_jobs) > 1 and str(base.training_run().device).startswith(("cuda", "mps")):
            raise ValueError(
                f"n_jobs={self.n_jobs} would put several training runs on one GPU at the same time; set n_jobs=None."
            )
        prediction.check_target(self._target.kind, Y)
        if self._target.has_thresholds:
            prediction.check_labels(Y.shape[1])
            prediction.check_allow_unlabeled(self.allow_unlabeled)
            prediction.check_sample_weight(weight)
        if self._target.kind == "multilabel":
            warn_constant_labels(Y, self.label_names_)
        self.label_frequencies_ = data.frequencies()
        return _Policies(training, prediction, scoring)

    def _without_needless_clones(self, base, training, Y):
        """The base learner, trained on all labels together where it can be, and no weights or gaps ask for clones."""
        if self._target.kind != "multilabel" or training.weights_labels(base.training_run()) or has_unknown(Y):
            return base
        return as_unweighted(base, self.estimator)

    def _begin(self, base, folds, policies, rng, X, y):
        """The task of the training policy, and the context of the callbacks."""
        has_thresholds = self._target.has_thresholds
        judge = Judge(policies.prediction, policies.scoring, self._may_be_unlabeled(), has_thresholds)
        previous = getattr(self, "training_policy_", None) if self.warm_start else None
        rows = folds[0]
        weights = {"sample_weight": rows.sample_weight, "held_out_weight": rows.held_out_weight}
        memory = training_memory(self, base, X=rows.X, y=rows.Y, **weights)
        options = {"n_jobs": self.n_jobs, "random_state": rng, "previous": previous, "memory": memory}
        options["keep_classifier"] = not self.refit
        task = TrainingTask(base, folds, self.label_names_, judge, has_thresholds, **options)
        n_runs = policies.training.count_runs(task)
        context = self._init_callback_context(max_subtasks=n_runs + self.refit)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        return replace(task, monitor=CallbackMonitor(self, context, X, y, n_runs=n_runs, judge=judge)), context

    def _train(self, task, data, result, seed, refit):
        """The base learner, trained on all rows under the weights of the training policy."""
        options = {"sample_weight": data.sample_weight, "seed": seed, "solution": result.solution}
        final = train_classifier, task.base, data.X, data.Y, result.loss_weights
        return call_training(task.memory, *final, **options, same_outcome={"context": refit})

    def _keep(self, policies, result, seed):
        """Set what was learned, and choose the thresholds."""
        weights, n_labels = result.loss_weights.last, len(self.label_frequencies_)
        self.training_policy_ = policies.training
        self.weights_, self.focus_ = weights.label, float(weights.focus)
        self.positive_weights_ = np.ones(n_labels) if weights.positive is None else weights.positive
        self.prediction_policy_, rows = None, list(result.compared)
        self.thresholds_, self.allow_unlabeled_ = np.full(n_labels, 0.5), False
        self.threshold_counts_ = None
        self.dependence_ = self.marginals_ = None
        self.best_score_ = max((row["mean_test_score"] for row in rows), default=None)
        if self._target.has_thresholds:
            self._choose_thresholds(policies, result, seed)
            found = as_rows(self.prediction_policy_.cv_results_)
            rows += [{"proposal": self.training_policy_.best_proposal_, **row} for row in found]
        self.cv_results_ = as_columns(rows) if rows else {}

    def _choose_thresholds(self, policies, result, seed):
        """Fit the prediction policy, and set what predictions need of it."""
        proposed, frequency = result.proposed_thresholds, self.label_frequencies_
        proposed = np.full(len(frequency), 0.5) if policies.prediction.keeps_thresholds else proposed
        options = {"allow_unlabeled": self._may_be_unlabeled(), "proposed": proposed, "random_state": seed}
        policy = policies.prediction.fit(result.out_of_fold, policies.scoring, **options)
        two_classes = self._target.kind == "binary"
        if two_classes and not policy.keeps_thresholds:
            policy.prefer_half(result.out_of_fold, policies.scoring)
        if not policy.keeps_thresholds:
            t = np.where(frequency == 0, 1.0, np.where(frequency == 1, 0.0, policy.thresholds_))
            policy.thresholds_ = t
            if policy.needs_out_of_fold:
                policy.warn(self.label_names_, two_classes | (result.out_of_fold.highest() >= t) | (frequency == 0))
        if result.out_of_fold is not None:
            self.threshold_counts_ = threshold_counts(result.out_of_fold)
        self.prediction_policy_, self.best_score_ = policy, policy.best_score_
        self.thresholds_, self.allow_unlabeled_ = policy.thresholds_, policy.allow_unlabeled_
        policy.name_labels(self.label_names_)
        self.dependence_, self.marginals_ = policy.dependence_, policy.marginals_

    def _may_be_unlabeled(self):
        """Whether a sample may get no label: one of two classes is no label, and always may."""
        return True if self._target.kind == "binary" else self.allow_unlabeled

    def _fitted_attributes(self):
        """What a copy of this estimator needs in order to predict."""
        names = ("estimator_", "weights_", "thresholds_", "allow_unlabeled_", "dependence_", "marginals_")
        return {name: getattr(self, name) for name in names}

    def _decision_thresholds(self):
        return self.thresholds_

    def _decide(self, P):
        return decide(P, self.thresholds_, self.allow_unlabeled_, dependence=getattr(self, "dependence_", None))


@dataclass(frozen=True, eq=False)
class _Rows:
    """The samples of one fit that have a weight, and which of all they are (None for all)."""

    X: object
    Y: object
    sample_weight: np.ndarray | None  # in training
    held_out_weight: np.ndarray | None  # where thresholds are chosen and scored
    kept: np.ndarray | None = None

    @classmethod
    def of(cls, X, Y, sample_weight, held_out_weight):
        """The samples of weight above 0 in training or on held-out rows."""
        if sample_weight is None or held_out_weight is None or (sample_weight + held_out_weight).all():
            return cls(X, Y, sample_weight, held_out_weight)
        kept = np.flatnonzero(sample_weight + held_out_weight)
        rows = cls(take_rows(X, kept), Y[kept], sample_weight[kept], held_out_weight[kept], kept)
        return replace(rows, held_out_weight=check_row_weights(rows.held_out_weight, kept.size))

    def frequencies(self):
        """Share of positives of each label, (L,), by weight, among the rows in which it is known."""
        return label_frequencies(self.Y, self.held_out_weight)


@dataclass(frozen=True)
class _Policies:
    """The policies of one fit, unfitted, and what the user wants to be good at."""

    training: TrainingPolicy
    prediction: PredictionPolicy
    scoring: Scoring


def _score_of(score):
    """How a line ends on what was learned, where that is known."""
    return "" if score is None else f", out-of-fold score {score:.4f}"
