"""A base learner trained once, under given weights."""

from collections.abc import Mapping

from sklearn.base import BaseEstimator

from sklearn_metalabel.learners import (
    NAMED_WEIGHTS,
    BaseLearnerWrapper,
    LossWeights,
    as_label_classifier,
    resolve_label_weight,
    train_classifier,
)
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    HasMethods,
    StrOptions,
    check_hierarchy_is_used,
    draw_seed,
    fit_context,
    restore_on_error,
    warn_constant_labels,
)

__all__ = ["LabelWeightedClassifier"]


class LabelWeightedClassifier(CallbackSupportMixin, BaseLearnerWrapper, BaseEstimator):
    """Train any base learner once, with a given loss weight for each label.

    Parameters
    ----------
    estimator : None, estimator, skorch net, torch module, module class or callable, default=None
        The base learner: None is :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`; a torch module must return
        logits of shape (n, L); a scikit-learn classifier needs `sample_weight` in `fit`, and `predict_proba`.
    label_weight : {"uniform", "frequency", "hierarchy"}, array-like, mapping or callable, default="uniform"
        Positive weights of shape (n_labels,), or by the names of labels, scaled to mean 1. "hierarchy" is the label's
        depth in `hierarchy` [1]_; "frequency" is one over the fourth root of the label's number of positives. A
        callable is given the label matrix of shape (n_samples, n_labels) and returns the weights.
    hierarchy : array-like, mapping or directed graph, default=None
        Where the labels stand, for ``label_weight="hierarchy"``. None: label names are paths such as "/person/artist",
        and their segments are counted. Else one of these, in which an integer is a label's index and anything else a
        name in `label_names_`:

        - the index of each label's parent, -1 at the top, shape (n_labels,);
        - pairs (parent, child);
        - a mapping from a child to its parent, to a list of its parents, or to None;
        - a graph whose `edges` go from parent to child, such as ``networkx.DiGraph``.

        A label is one deeper than its deepest parent, 1 at the top. Nodes that are no labels, for example a common
        root, do not count.
    random_state : int, RandomState instance or None, default=None
        Randomness of a base learner that has none of its own.

    Attributes
    ----------
    weights_ : ndarray of shape (n_labels,)
        The weights used; mean 1.
    estimator_ : estimator
        The trained base learner.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    See Also
    --------
    sklearn_metalabel.MetaPolicyClassifier : Learns the weights, and a threshold for each label.

    References
    ----------
    .. [1] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import LabelWeightedClassifier
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = LabelWeightedClassifier(label_weight=lambda Y: Y.sum(axis=0) ** -0.5).fit(
    ...     X, Y
    ... )
    >>> clf.weights_.round(2)
    array([1.1 , 0.92, 0.96, 0.98, 1.05])
    """

    _parameter_constraints = {
        "estimator": "no_validation",
        "label_weight": [StrOptions(NAMED_WEIGHTS), "array-like", Mapping, callable],
        "hierarchy": ["array-like", HasMethods(["edges"]), None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator=None, *, label_weight="uniform", hierarchy=None, random_state=None):
        self.estimator = estimator
        self.label_weight = label_weight
        self.hierarchy = hierarchy
        self.random_state = random_state

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Train the base learner under the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or classes.
        **fit_params : dict
            `sample_weight` for the base learner, or what its metadata routing asks for.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        check_hierarchy_is_used(self.hierarchy, "label_weight", self.label_weight)
        base = as_label_classifier(self.estimator)
        given, (X, Y) = {"estimator": self, "X": X, "y": y}, self._check_training_data(X, y)
        sample_weight = self._check_sample_weight(routed.estimator.fit, X)
        if self._target.kind == "multilabel":
            seen = Y if sample_weight is None or sample_weight.all() else Y[sample_weight > 0]
            warn_constant_labels(seen, self.label_names_)
        options = {"sample_weight": sample_weight}
        self.weights_ = resolve_label_weight(self.label_weight, Y, self.label_names_, self.hierarchy, **options)
        weights, options["seed"] = LossWeights(self.weights_), draw_seed(self.random_state)
        context = self._init_callback_context(max_subtasks=1).call_on_fit_task_begin(**given)
        training = context.subcontext("training").call_on_fit_task_begin(**given)
        self.estimator_ = self._complete(train_classifier(base, X, Y, weights, **options, context=training))
        fitted = {name: getattr(self, name) for name in ("weights_", "estimator_")}
        for ended in (training, context):
            ended.call_on_fit_task_end(**given, reconstruction_attributes=fitted)
        return self
