"""The estimator that chooses thresholds for any classifier on out-of-fold rows."""

import warnings
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from sklearn import get_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.parallel import Parallel
from sklearn.utils.validation import _check_method_params, _num_samples, check_is_fitted

from sklearn_metalabel.learners import (
    ThresholdedClassifier,
    WeightedOneVsRest,
    as_fitted,
    constant_labels_are_quiet,
    fit_label,
    innermost,
    is_skorch_net,
    is_trained_module,
    label_response,
)
from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.model_selection import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
    checked_splits,
)
from sklearn_metalabel.policies import PREDICTION_POLICIES, EpisodeThresholds, PredictionPolicy, as_prediction_policy
from sklearn_metalabel.thresholds import OutOfFold, fit_link, threshold_counts
from sklearn_metalabel.utils import (
    HasMethods,
    Interval,
    StrOptions,
    aligned,
    count_rows,
    current_threads,
    delayed_training,
    draw_seed,
    draw_seeds,
    fit_context,
    fix_random_states,
    has_unknown,
    label_frequencies,
    label_rows,
    positives_only,
    restore_on_error,
    shown,
    take_rows,
    takes_sample_weight,
    training_memory,
    use_threads,
    warn_constant_labels,
)

__all__ = ["TunedThresholdsClassifierCV"]

# Held-out rows of a single split are split again into so many parts, to compare policies on.
_COMPARISON_FOLDS = 3


class TunedThresholdsClassifierCV(ThresholdedClassifier):
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
            responses, rows, fold_of = self._prefit_responses(X, Y)
        else:
            params = self._check_fit_params(routed.estimator.fit, X)
            splits = self._splits(Y, y, weight, routed.splitter.split, rng)
            responses, rows, fold_of = self._fit_parts(X, Y, splits, params, rng)
        if responses is not None and weight is not None:
            responses, rows, fold_of = _that_count(responses, rows, fold_of, weight)
        self._choose_thresholds(policy, scoring, responses, Y, rows, fold_of, weight, draw_seed(rng))
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
        """Refuse an estimator that is not fitted."""
        if self.refit:
            raise ValueError('cv="prefit" keeps the estimator as it is, got refit=True; set refit=False.')
        if self.memory is not None:
            raise ValueError('cv="prefit" trains nothing that memory could keep; set memory=None.')
        if is_trained_module(self.estimator):
            return
        if not hasattr(self.estimator, "fit") or isinstance(self.estimator, type):
            raise TypeError(
                f'cv="prefit" needs a fitted classifier, got {shown(self.estimator)}; fit one first, or set cv=3.'
            )
        try:
            check_is_fitted(self.estimator, "module_" if is_skorch_net(self.estimator) else None)
        except NotFittedError as error:
            raise NotFittedError(
                f'cv="prefit" needs a fitted classifier, and this {type(self.estimator).__name__} is not fitted; '
                "fit it first, on other rows, or set cv=3."
            ) from error

    def _prefit_responses(self, X, Y):
        """Responses of the given estimator for all rows, their numbers and the one fold."""
        self._check_label_order()
        fitted = as_fitted(self.estimator, X, self._target)
        method = self._resolved_method(fitted)
        self._keep_estimator(fitted, method)
        rows = np.arange(Y.shape[0])
        R = label_response(fitted, X, method, Y.shape[1]) if self._target.has_thresholds else None
        return R, rows, np.zeros(len(rows), dtype=np.intp)

    def _check_label_order(self):
        """Refuse labels in another order than the fitted estimator knows them, where both have names."""
        known = getattr(innermost(self.estimator, fitted=True), "label_names_", None)
        numbers = [str(j) for j in range(len(self.label_names_))]
        if known is None or numbers in (list(known), list(self.label_names_)):
            return
        if list(known) != list(self.label_names_):
            raise ValueError(
                f"The labels of y, {list(self.label_names_)[:9]}, are not in the order that the fitted estimator "
                f"knows, {list(known)[:9]}; pass their columns in that order."
            )

    def _splits(self, Y, y, weight, split_params, rng):
        """List of (train, test); empty where no split is needed."""
        if not self._target.has_thresholds and self.refit:
            return []
        n = Y.shape[0] if weight is None else np.count_nonzero(weight)
        cv = _splitter(self.cv, n, rng)
        if n < Y.shape[0] and isinstance(cv, MultilabelStratifiedKFold | MultilabelStratifiedShuffleSplit):
            splits = _splits_by_weight(cv, Y, weight)
        else:
            ours = self.cv is None or isinstance(self.cv, Real)
            target = positives_only(Y) if ours else y
            splits = checked_splits(cv.split(np.zeros(Y.shape[0]), target, **split_params), Y.shape[0])
        if len(splits) > 1 and not self.refit:
            raise ValueError(
                f"refit=False keeps the classifier of the only split, got {len(splits)} splits; set refit=True, or "
                "hold out one part with a float cv such as cv=0.2."
            )
        return splits

    def _fit_parts(self, X, Y, splits, params, rng):
        """Fit the classifier on each part, and on all rows; return responses for the held-out rows, rows and folds."""
        classifier = self._unfitted(X)
        method = self._resolved_method(classifier)
        target = self._inner_target(Y, classifier)
        params, kept = self._weights_for(classifier, params), None
        if params.get("sample_weight") is not None and self._target.kind == "multilabel":
            kept = np.flatnonzero(params["sample_weight"])
            kept = None if kept.size == Y.shape[0] else kept
        n_labels = Y.shape[1] if self._target.has_thresholds else None
        parts = [(_those_kept(train, kept), test, not self.refit) for train, test in splits]
        parts += [(kept, None, True)] if self.refit else []
        seeds, threads = draw_seeds(rng, len(parts)), current_threads()
        memory = training_memory(self, X=X, y=target)
        with constant_labels_are_quiet():
            fitted = Parallel(n_jobs=self.n_jobs)(
                delayed_training(memory, _fit_part)(
                    fix_random_states(clone(classifier), seed), X, target, part, params, method, n_labels, threads
                )
                for part, seed in zip(parts, seeds, strict=True)
            )
        self._keep_estimator(fitted[-1][0], method)
        if not self._target.has_thresholds:
            return None, None, None
        return _in_order([R for _, R in fitted if R is not None], [test for _, test in splits])

    def _weights_for(self, classifier, params):
        """Metadata that the classifier takes; a warning where these are not the weights of the samples."""
        inner = classifier.estimator if isinstance(classifier, WeightedOneVsRest) else classifier
        routing = get_config()["enable_metadata_routing"]
        if routing or params.get("sample_weight") is None or takes_sample_weight(inner.fit, by_name=False):
            return params
        warnings.warn(
            f"{type(inner).__name__}.fit takes no sample_weight, so the weights of the samples count in the thresholds "
            "alone; pass a classifier that takes them to weight its training too.",
            UserWarning,
            stacklevel=2,
        )
        return {name: value for name, value in params.items() if name != "sample_weight"}

    def _choose_thresholds(self, policy, scoring, R, Y, rows, fold_of, weight, seed):
        """Set the thresholds and how they were found; `weight` (n,) says how many times rows of Y count, or is None."""
        self.prediction_policy_, self.cv_results_, self.best_score_ = None, {}, None
        self.threshold_counts_ = None
        self.dependence_ = self.marginals_ = None
        if not self._target.has_thresholds:
            self.thresholds_ = np.full(Y.shape[1], 0.5 if self.response_method_ == "predict_proba" else 0.0)
            self.allow_unlabeled_ = False
            return
        truth = _boolean_rows(positives_only(Y), rows)
        if np.ptp(fold_of) == 0:
            fold_of = _dealt(truth, seed)
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


def _splitter(cv, n_samples, rng):
    """A splitter for what is accepted as `cv`."""
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        return MultilabelStratifiedShuffleSplit(1, test_size=cv, random_state=draw_seed(rng))
    if cv is not None and not isinstance(cv, Integral):
        return check_cv(cv)
    n_folds = 5 if cv is None else cv
    if n_samples < n_folds:
        raise ValueError(
            f"cv={cv} folds need at least {n_folds} samples, got n_samples={n_samples}; add samples or lower cv."
        )
    return MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=draw_seed(rng))


def _splits_by_weight(cv, Y, weight):
    """Splits of the rows of weight above 0; the others are held out nowhere, and in every training part."""
    kept, others = np.flatnonzero(weight), np.flatnonzero(weight == 0)
    splits = cv.split(np.zeros(kept.size), positives_only(Y[kept]))
    return [(np.concatenate([kept[train], others]), kept[test]) for train, test in splits]


def _those_kept(rows, kept):
    """The rows that are among those kept; None is all."""
    return rows if kept is None else rows[np.isin(rows, kept)]


def _that_count(responses, rows, fold_of, weight):
    """Responses of held-out rows of weight above 0, these rows and their folds, or raise where there are none."""
    kept = weight[rows] > 0
    if not kept.any():
        raise ValueError("cv must hold rows of positive sample_weight out, got none; pass other splits.")
    return (responses, rows, fold_of) if kept.all() else (responses[kept], rows[kept], fold_of[kept])


def _fit_part(classifier, X, y, part, params, method, n_labels, threads):
    """Fit on the training rows of a part (all for None); return the classifier if it is kept, and the responses."""
    train, test, keep = part
    X, y = aligned(X), aligned(y)
    with use_threads(threads):
        if train is not None:
            params = _check_method_params(np.empty(count_rows(X)), params, indices=train)
        y_train = y if train is None else _safe_indexing(y, train)
        X_train = X if train is None else take_rows(X, train)
        if n_labels == 1 and y.ndim == 1 and not keep:
            classifier = fit_label(classifier, X_train, y_train, positive=np.unique(y)[-1], **params)
        else:
            classifier.fit(X_train, y_train, **params)
        R = None
        if test is not None and n_labels is not None:
            R = label_response(classifier, take_rows(X, test), method, n_labels)
            R = _without_invented_scores(R, y_train) if method == "decision_function" and y_train.ndim == 2 else R
    return (classifier if keep else None), R


def _without_invented_scores(S, y_train):
    """Decision values with those of labels that had one value in training at the lower or upper end of the others.

    What a classifier answers there is no score: 0 would count as uncertain.
    """
    # NaN, which is not known, differs from itself.
    ones, unknown = (np.asarray(marks.sum(axis=0)).ravel() for marks in (y_train == 1, y_train != y_train))
    zeros = y_train.shape[0] - ones - unknown
    varied = (ones > 0) & (zeros > 0)
    if varied.all() or S.size == 0:
        return S
    S = S.copy()
    low, high = (S[:, varied].min(), S[:, varied].max()) if varied.any() else (-1.0, 1.0)
    S[:, ones == 0] = low
    S[:, (zeros == 0) & (ones > 0)] = high
    return S


def _in_order(responses, tests):
    """Responses of all folds by ascending row, the rows, and the fold of each; a row may come several times."""
    rows = np.concatenate(tests)
    order = np.argsort(rows, kind="stable")
    place = np.empty(len(rows), dtype=np.intp)
    place[order] = np.arange(len(rows))
    R = np.empty((len(rows), responses[0].shape[1]), dtype=np.result_type(*responses))
    ends = np.cumsum([len(test) for test in tests])
    for block, end in zip(responses, ends, strict=True):
        R[place[end - len(block) : end]] = block
    return R, rows[order], np.repeat(np.arange(len(tests)), [len(test) for test in tests])[order]


def _boolean_rows(Y, rows):
    """Rows of an encoded target as a dense boolean matrix, without a copy where these are all rows."""
    everything = len(rows) == Y.shape[0] and (rows == np.arange(len(rows))).all()
    if sp.issparse(Y):
        return label_rows(Y, slice(None) if everything else rows, dtype=bool)
    return (Y if everything else Y[rows]).view(bool)


def _dealt(Y, seed):
    """Folds (n,) for held-out rows of a single split."""
    n_folds = min(_COMPARISON_FOLDS, _num_samples(Y))
    fold_of = np.zeros(len(Y), dtype=np.intp)
    if n_folds > 1:
        for k, (_, part) in enumerate(MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=seed).split(Y, Y)):
            fold_of[part] = k
    return fold_of
