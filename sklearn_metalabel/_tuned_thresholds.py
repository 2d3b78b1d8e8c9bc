"""The estimator that chooses thresholds for any classifier on out-of-fold rows."""

from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import check_random_state

from sklearn_metalabel.learners import (
    ThresholdedClassifier,
    as_fitted,
    by_row,
    check_label_order,
    check_prefit,
    constant_labels_are_quiet,
    fit_parts,
    label_response,
    params_taken,
    rows_that_count,
    training_parts,
)
from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.model_selection import deal_rows, refuse_several, splits_of
from sklearn_metalabel.policies import (
    PREDICTION_POLICIES,
    EpisodeThresholds,
    PartMonitor,
    PredictionPolicy,
    as_prediction_policy,
)
from sklearn_metalabel.thresholds import OutOfFold, fit_link, threshold_counts
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    boolean_rows,
    draw_seed,
    fit_context,
    has_unknown,
    label_frequencies,
    label_rows,
    positives_only,
    restore_on_error,
    runs_here,
    training_memory,
    warn_constant_labels,
)

__all__ = ["TunedThresholdsClassifierCV"]


class TunedThresholdsClassifierCV(CallbackSupportMixin, ThresholdedClassifier):
    """Choose a threshold for each label of any classifier, on rows it did not train on.

    The multi-label counterpart of :class:`~sklearn.model_selection.TunedThresholdClassifierCV`: the classifier is
    fitted once for each fold and once on all rows, and a prediction policy chooses thresholds from the out-of-fold
    responses.

    Parameters
    ----------
    estimator : None, classifier, skorch net, torch module, module class or callable, default=None
        The classifier, which may be a pipeline that starts from texts or data frames. One that takes no label matrices
        is fitted for each label, as in :class:`~sklearn.multiclass.OneVsRestClassifier`; None is
        :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`.
    prediction_policy : None, str, PredictionPolicy, callable or sequence of these, default=None
        What chooses the thresholds, from out-of-fold probabilities. None and "learned" are
        :class:`~sklearn_metalabel.policies.LearnedThresholds`; "pretrained" is that policy as it comes with the
        package; "half", "global", "scut", "scutfbr.0", "scutfbr.1", "odr_micro", "odr_macro", "micromacro",
        "shrunken" and "plug_in" are the rules of :mod:`sklearn_metalabel.thresholds`; a function is ``(Y, P) ->
        thresholds``. Of several the best one is taken.
    scoring : str, callable or sequence of these, default=("accuracy", "f1_micro", "f1_macro")
        What you want to be good at: "accuracy" (the whole label set right), "f1_micro", "f1_macro", "f1_samples", a
        scorer of scikit-learn that reads predictions or its name ("jaccard_macro"), a function ``(y_true, y_pred) ->
        float``, or several, whose mean is taken.
    allow_unlabeled : bool or "auto", default="auto"
        Whether a sample above no threshold stays without a label; else it gets the label nearest to its threshold.
        "auto" chooses that on out-of-fold rows.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What is cut; "auto" is `predict_proba` where the classifier has it, else `decision_function`.
    multi_label : bool or "auto", default="auto"
        Whether the classifier's own `fit` takes label matrices; else it is cloned for each label. "auto" asks its tags,
        through pipelines and searches, and warns where they say nothing.
    cv : int, float, splitter, iterable of splits, None or "prefit", default=3
        Folds. An integer stratifies over all labels, None is 5; a float in (0, 1) is the share that one stratified
        split holds out. "prefit" takes `estimator` as it is, fitted on other rows than those given to `fit`: a
        classifier, a skorch net, or a torch module whose logits are one a label; it needs ``refit=False``.
    refit : bool, default=True
        Whether the classifier is fitted on all rows in the end; False keeps that of the only split.
    n_jobs : int, default=None
        Fits at the same time; the result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Randomness of the folds, of the policy, and of the classifier where its own `random_state` is None.
    memory : None, str or object with the joblib.Memory interface, default=None
        Folder that keeps every fitted classifier, so that a `fit` that was killed, or failed, goes on from there when
        it is called again: with the same data, parameters and versions, which takes a `random_state`. The folder
        holds fitted models and predictions as pickles, so only use one that you trust, and may be deleted after the
        fit. None keeps nothing.
    verbose : int, default=0
        1 prints a line for each fit of the classifier, with the seconds so far and what its held-out rows score at
        thresholds of 0.5, or of 0 for decision values.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    thresholds_ : ndarray of shape (n_labels,)
        A label is predicted when its response is strictly greater: a probability (1 is never, 0 always) or a decision
        value (inf is never, -inf always). Of two classes, that of the second one, which is 0.5 (or 0) unless another
        scores higher out of fold beyond chance. Multiclass targets are predicted by the classifier instead.
    allow_unlabeled_ : bool
        Whether a sample may get no label.
    dependence_ : Dependence or None
        How labels depend on each other, for responses: `predict` gives a sample the best of the observed label sets and
        of what thresholds alone would give. None where each label is decided by itself.
    marginals_ : SetMarginals or None
        How the observed label sets correct what `predict_proba` returns; None where that made it no better out of fold,
        or where decision values are cut. Thresholds are for the probabilities of `estimator_`.
    prediction_policy_ : PredictionPolicy or None
        The fitted prediction policy; None for multiclass targets.
    cv_results_ : dict of str -> ndarray
        A row for each policy, and for each value of `allow_unlabeled` that was tried: "prediction_policy",
        "allow_unlabeled" ("auto" where the policy decides it), "mean_test_<name>" for each scoring,
        "mean_test_score", "rank_test_score" and, where they are known, "split<k>_test_score". The means are over all
        held-out rows together, so that rare labels count; they are not the means of the splits. "std_thresholds" is
        how far a label's thresholds of the folds lie apart, on probabilities and on average; `prediction_policy_` has
        it for each label. Empty for multiclass targets.
    best_score_ : float or None
        The mean out-of-fold score of what was chosen.
    response_method_ : {"predict_proba", "decision_function"}
        What is cut.
    threshold_counts_ : dict of str -> ndarray, or None
        What cuts would have decided on the held-out rows, for
        :class:`~sklearn_metalabel.inspection.ThresholdCurveDisplay`: "thresholds" of shape (n_thresholds,), "tps" and
        "fps" of shape (n_labels, n_thresholds), the true and false positives at or above them, by weight, and
        "positives" of shape (n_labels,). None for multiclass targets.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    n_features_in_ : int
        Number of features seen during `fit`, where the classifier says so.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    Raises
    ------
    TypeError
        If `estimator` is no classifier.
    ValueError
        If X, y or a parameter is not as described.
    NotFittedError
        If ``cv="prefit"`` and the estimator is not fitted.

    See Also
    --------
    FixedThresholdsClassifier : Cuts at thresholds that you give.
    MetaPolicyClassifier : Learns loss weights too.

    Notes
    -----
    Decision values reach the rules through one logistic link for all labels together, fitted on the out-of-fold
    values; it rises, so that it changes no ranking, and thresholds go back the same way. A rule is judged on a fold by
    thresholds from the other folds' out-of-fold rows; the held-out rows of a single split, and those given with
    ``cv="prefit"``, are split into 3 parts for that.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metalabel import TunedThresholdsClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=3, random_state=0)
    >>> policies = ["half", "scut", "shrunken"]
    >>> clf = TunedThresholdsClassifierCV(
    ...     LogisticRegression(), prediction_policy=policies, random_state=0
    ... )
    >>> clf.fit(X, Y).thresholds_.shape
    (3,)
    >>> clf.prediction_policy_.best_policy_.name in policies
    True
    """

    # Thresholds take weights too, by a request of this estimator's own.
    __metadata_request__fit = {"sample_weight": None}
    _parameter_constraints = {
        "estimator": "no_validation",
        "prediction_policy": [None, StrOptions(set(PREDICTION_POLICIES)), PredictionPolicy, callable, tuple, list],
        "scoring": [str, callable, tuple, list],
        "allow_unlabeled": ["boolean", StrOptions({"auto"})],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "multi_label": ["boolean", StrOptions({"auto"})],
        "cv": ["cv_object", StrOptions({"prefit"}), Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "memory": [None, str, HasMethods(["cache"])],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        prediction_policy=None,
        scoring=DEFAULT_SCORING,
        allow_unlabeled="auto",
        response_method="auto",
        multi_label="auto",
        cv=3,
        refit=True,
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.prediction_policy = prediction_policy
        self.scoring = scoring
        self.allow_unlabeled = allow_unlabeled
        self.response_method = response_method
        self.multi_label = multi_label
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.memory = memory
        self.verbose = verbose

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Fit the classifier, and choose its thresholds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, as the classifier takes them.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or binary or multiclass classes.
        **fit_params : dict
            `sample_weight`, array-like of shape (n_samples,), other metadata for the classifier and `groups` for the
            splitter, or what metadata routing asks for. A weight says how many times a sample counts: in the
            classifier, in the folds that are not yours, in thresholds and in `scoring`; samples of weight 0 are left
            out. A classifier whose `fit` has no `sample_weight` is fitted without, with a warning, and thresholds alone
            are weighted. A scorer or a function ``(Y, P) -> thresholds`` is given the weights where it has a parameter
            `sample_weight`; one that has none is refused where weights differ. Weights for one step of a pipeline
            (``<step>__sample_weight``) reach that step alone. With routing, the thresholds follow the classifier's
            request unless ``set_fit_request(sample_weight=...)`` of this estimator says otherwise.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        policy, scoring = self._check_combination()
        X, Y = self._check_training_data(X, y)
        weight = self._check_threshold_weight(fit_params, routed, Y.shape[0])
        scoring = scoring.for_target(self._target)
        policy.check_target(self._target.kind, Y)
        if self._target.has_thresholds:
            self._check_weighted(policy, scoring, Y, weight)
        rng = check_random_state(self.random_state)
        if self._is_prefit():
            monitor = PartMonitor(self, 0, X, y)
            responses, rows, fold_of = self._prefit_responses(X, Y)
        else:
            params = self._check_fit_params(routed.estimator.fit, X)
            splits = self._splits(Y, y, weight, routed.splitter.split, rng)
            monitor = PartMonitor(self, len(splits) + bool(self.refit), X, y)
            worth = partial(_untuned, scoring, Y, weight)
            responses, rows, fold_of = self._fit_parts(X, Y, splits, params, rng, monitor, worth)
        if responses is not None and weight is not None:
            responses, rows, fold_of = rows_that_count(responses, rows, fold_of, weight)
        choice = monitor.begin("thresholds")
        self._choose_thresholds(policy, scoring, responses, Y, rows, fold_of, weight, draw_seed(rng))
        monitor.finish(choice, self.best_score_, lambda: {k: v for k, v in vars(self).items() if k.endswith("_")})
        return self

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_weight` goes to the classifier and, by this estimator's own request, to the thresholds; `groups` go
            to the splitter.
        """
        return self._with_splitter(self._with_own_request(super().get_metadata_routing()))

    def _is_prefit(self):
        """Whether the estimator is fitted already."""
        return isinstance(self.cv, str) and self.cv == "prefit"

    def _check_combination(self):
        """The policy and the scoring, or raise where parameters cannot work, or not together."""
        policy, scoring = as_prediction_policy(self.prediction_policy), Scoring.resolve(self.scoring)
        if isinstance(policy, EpisodeThresholds):
            raise ValueError(
                'prediction_policy="episode" takes the thresholds of a recurrent training policy, and here there is '
                "none; set another prediction policy, or use MetaPolicyClassifier."
            )
        if self._is_prefit():
            self._check_prefit()
        return policy, scoring

    def _check_weighted(self, policy, scoring, Y, weight):
        """Refuse what does not fit the labels or cannot weight samples; name labels of one value."""
        scoring.check(Y.shape[1], weight)
        policy.check_labels(Y.shape[1])
        policy.check_allow_unlabeled(self.allow_unlabeled)
        policy.check_sample_weight(weight)
        if self._target.kind == "multilabel":
            warn_constant_labels(Y if weight is None else Y[weight > 0], self.label_names_)

    def _check_prefit(self):
        """Refuse an estimator that is not fitted, and parameters of a training."""
        if self.refit:
            raise ValueError('cv="prefit" keeps the estimator as it is, got refit=True; set refit=False.')
        if self.memory is not None:
            raise ValueError('cv="prefit" trains nothing that memory could keep; set memory=None.')
        check_prefit(self.estimator)

    def _prefit_responses(self, X, Y):
        """Responses of the given estimator for all rows, their numbers and the one fold."""
        check_label_order(self.estimator, self.label_names_)
        fitted = as_fitted(self.estimator, X, self._target)
        method = self._resolved_method(fitted)
        self._keep_estimator(fitted, method)
        rows = np.arange(Y.shape[0])
        R = label_response(fitted, X, method, Y.shape[1]) if self._target.has_thresholds else None
        return R, rows, np.zeros(len(rows), dtype=np.intp)

    def _splits(self, Y, y, weight, split_params, rng):
        """List of (train, test); empty where no split is needed."""
        if not self._target.has_thresholds and self.refit:
            return []
        splits = splits_of(self.cv, Y, y, weight, split_params, rng)
        if not self.refit:
            refuse_several(len(splits))
        return splits

    def _fit_parts(self, X, Y, splits, params, rng, monitor, worth):
        """Fit the classifier on each part, and on all rows; return responses for the held-out rows, rows and folds."""
        classifier = self._unfitted(X)
        method = self._resolved_method(classifier)
        target = self._inner_target(Y, classifier)
        params = params_taken(classifier, params)
        leaves_out = self._target.kind == "multilabel"
        parts = training_parts(splits, Y.shape[0], params.get("sample_weight") if leaves_out else None, self.refit)
        n_labels = Y.shape[1] if self._target.has_thresholds else None
        memory = training_memory(self, X=X, y=target)
        tickets = [monitor.begin("refit" if test is None else "fold") for _, test, _ in parts]
        contexts = tickets if runs_here(effective_n_jobs(self.n_jobs)) else [None] * len(parts)
        fitted = []
        with constant_labels_are_quiet():
            options = {"n_jobs": self.n_jobs, "rng": rng, "memory": memory, "contexts": contexts}
            made = fit_parts(classifier, X, target, parts, params, method, n_labels, **options)
            for ticket, part, found in zip(tickets, parts, made, strict=True):
                fitted.append(found)
                monitor.end(ticket, None if found[1] is None else partial(worth, part[1], found[1], method))
        self._keep_estimator(fitted[-1][0], method)
        if not self._target.has_thresholds:
            return None, None, None
        return by_row([R for _, R in fitted if R is not None], [test for _, test in splits])

    def _choose_thresholds(self, policy, scoring, R, Y, rows, fold_of, weight, seed):
        """Set the thresholds and how they were found; `weight` (n,) says how many times rows of Y count, or is None."""
        self.prediction_policy_, self.cv_results_, self.best_score_ = None, {}, None
        self.threshold_counts_ = None
        self.dependence_ = self.marginals_ = None
        if not self._target.has_thresholds:
            self.thresholds_ = np.full(Y.shape[1], 0.5 if self.response_method_ == "predict_proba" else 0.0)
            self.allow_unlabeled_ = False
            return
        truth = boolean_rows(positives_only(Y), rows)
        if np.ptp(fold_of) == 0:
            fold_of = deal_rows(truth, seed)
        of_rows = None if weight is None else weight[rows]
        unknown = (label_rows(Y, rows, np.int8) < 0) if has_unknown(Y) else None
        link = None if self.response_method_ == "predict_proba" else fit_link(truth, R, of_rows, unknown)
        P = R if link is None else link.probabilities(R)
        held_out = OutOfFold(truth if unknown is None else np.where(unknown, np.nan, truth), P, fold_of, of_rows)
        two_classes = self._target.kind == "binary"
        policy.fit(held_out, scoring, allow_unlabeled=two_classes or self.allow_unlabeled, random_state=seed)
        if two_classes and not policy.keeps_thresholds:
            policy.prefer_half(held_out, scoring)
        t = policy.thresholds_
        if not policy.keeps_thresholds:
            frequency = label_frequencies(Y if weight is None else Y[weight > 0])
            t = np.where(frequency == 0, 1.0, np.where(frequency == 1, 0.0, t))
            policy.warn(self.label_names_, two_classes | (held_out.highest() >= t) | (frequency == 0))
        policy.thresholds_ = t
        self.thresholds_ = t if link is None else link.score_thresholds(t, R, P)
        self.threshold_counts_ = threshold_counts(held_out, None if link is None else link.scores_of)
        self.prediction_policy_, self.allow_unlabeled_ = policy, policy.allow_unlabeled_
        policy.name_labels(self.label_names_)
        self.dependence_ = policy.dependence_
        self.marginals_ = policy.marginals_ if link is None else None  # decision values were calibrated, no more
        if link is not None and policy.dependence_ is not None:
            self.dependence_ = replace(policy.dependence_, scale=policy.dependence_.scale * link.slope)
        self.cv_results_, self.best_score_ = policy.cv_results_, policy.best_score_


def _untuned(scoring, Y, weight, rows, R, method):
    """Score of the responses of held-out rows, cut where a plain classifier would."""
    labels, weight = label_rows(Y, rows, np.int8), None if weight is None else weight[rows]
    if weight is not None and not weight.any():
        return np.nan
    return scoring(labels > 0, (R > (0.5 if method == "predict_proba" else 0.0)) & (labels >= 0), weight)
