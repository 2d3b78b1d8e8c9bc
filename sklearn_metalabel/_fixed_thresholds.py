"""The estimator that cuts any classifier's responses at given thresholds."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from sklearn_metalabel.learners import ThresholdedClassifier, constant_labels_are_quiet
from sklearn_metalabel.utils import (
    StrOptions,
    as_numbers,
    fit_context,
    in_label_order,
    restore_on_error,
    warn_constant_labels,
)

__all__ = ["FixedThresholdsClassifier"]


class FixedThresholdsClassifier(ThresholdedClassifier):
    """Cut the responses of any classifier at thresholds that you give.

    The multi-label counterpart of :class:`~sklearn.model_selection.FixedThresholdClassifier`.

    Parameters
    ----------
    estimator : None, classifier, skorch net, torch module, module class or callable, default=None
        The classifier. One that takes no label matrices is fitted for each label, as in
        :class:`~sklearn.multiclass.OneVsRestClassifier`; None is
        :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`. A fitted one is kept as it is inside
        :class:`~sklearn.frozen.FrozenEstimator`.
    thresholds : {"auto"}, float, array-like of shape (n_labels,) or mapping, default=0.5
        Thresholds that the response must exceed, for all labels, in their order, or by their names; in the units of the
        response: probabilities in [0, 1], or decision values, where inf is never and -inf always. "auto" is 0.5 for
        probabilities and 0 for decision values.
    allow_unlabeled : bool, default=True
        Whether a sample above no threshold stays without a label; else it gets the one nearest to its threshold.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What is cut; "auto" is `predict_proba` where the classifier has it, else `decision_function`.
    multi_label : bool or "auto", default="auto"
        Whether the classifier's own `fit` takes label matrices; else it is cloned for each label. "auto" asks its tags,
        through pipelines and searches, and warns where they say nothing.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    thresholds_ : ndarray of shape (n_labels,)
        The thresholds used; of two classes that of the second one. Multiclass targets are predicted by the classifier,
        and thresholds other than "auto" and 0.5 are refused for them.
    allow_unlabeled_ : bool
        Whether a sample may get no label.
    response_method_ : {"predict_proba", "decision_function"}
        What is cut.
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

    See Also
    --------
    TunedThresholdsClassifierCV : Chooses the thresholds on out-of-fold rows.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metalabel import FixedThresholdsClassifier
    >>> X, Y = make_multilabel_classification(n_classes=3, random_state=0)
    >>> clf = FixedThresholdsClassifier(
    ...     LogisticRegression(), thresholds=[0.5, 0.3, 0.1]
    ... ).fit(X, Y)
    >>> bool(((clf.predict_proba(X) > [0.5, 0.3, 0.1]) == clf.predict(X)).all())
    True
    """

    _parameter_constraints = {
        "estimator": "no_validation",
        "thresholds": [StrOptions({"auto"}), Real, "array-like", Mapping],
        "allow_unlabeled": ["boolean"],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "multi_label": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self, estimator=None, *, thresholds=0.5, allow_unlabeled=True, response_method="auto", multi_label="auto"
    ):
        self.estimator = estimator
        self.thresholds = thresholds
        self.allow_unlabeled = allow_unlabeled
        self.response_method = response_method
        self.multi_label = multi_label

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, as the classifier takes them.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or binary or multiclass classes.
        **fit_params : dict
            `sample_weight` and other metadata for the classifier, or what metadata routing asks for.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        X, Y = self._check_training_data(X, y)
        classifier = self._unfitted(X)
        method = self._resolved_method(classifier)
        self.thresholds_ = self._resolve_thresholds(Y.shape[1], method)
        self.allow_unlabeled_ = bool(self.allow_unlabeled) or self._target.kind == "binary"
        if self._target.has_thresholds:
            warn_constant_labels(Y, self.label_names_)
        params = self._check_fit_params(routed.estimator.fit, X)
        with constant_labels_are_quiet():
            classifier.fit(X, self._inner_target(Y, classifier), **params)
        self._keep_estimator(classifier, method)
        return self

    def _resolve_thresholds(self, n_labels, method):
        """Thresholds as an array (L,), in the units of the response."""
        usual = 0.5 if method == "predict_proba" else 0.0
        is_auto = isinstance(self.thresholds, str) and self.thresholds == "auto"
        if not self._target.has_thresholds and not is_auto and not np.array_equal(self.thresholds, 0.5):
            raise ValueError(
                f"thresholds={self.thresholds!r} cannot cut the classes of a multiclass target, of which the most "
                'probable is taken; set thresholds="auto", or pass an indicator matrix of the classes as y.'
            )
        if not self._target.has_thresholds or is_auto:
            return np.full(n_labels, usual)
        t = as_numbers(in_label_order(self.thresholds, self.label_names_, "thresholds"), "thresholds")
        t = np.full(n_labels, t) if t.ndim == 0 else t.copy()
        if t.shape != (n_labels,):
            raise ValueError(
                f"thresholds must be a number or one number for each of the {n_labels} labels, got "
                f"{len(t)} of shape {t.shape}; pass an array of length {n_labels}."
            )
        low, high = (0.0, 1.0) if method == "predict_proba" else (-np.inf, np.inf)
        # Written so that NaN fails too.
        if not ((t >= low) & (t <= high)).all():
            raise ValueError(
                f"thresholds for {method} must lie in [{low:g}, {high:g}], got {t.tolist()[:5]}; give them in the "
                "units of the response."
            )
        return t
