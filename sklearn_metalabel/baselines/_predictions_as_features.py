"""The baseline that gives each label the predictions of other labels as features."""

import inspect
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags

from sklearn_metalabel.baselines._chained_labels import ChainedLabels
from sklearn_metalabel.baselines._joint_logistic import JointLogistic
from sklearn_metalabel.baselines._structure import chain_edges, explicit_edges, residual_edges
from sklearn_metalabel.baselines._structured_module import structured_classifier
from sklearn_metalabel.learners import (
    BaseLearnerWrapper,
    LabelClassifier,
    LabelWeightedLogistic,
    LossWeights,
    TorchClassifier,
    as_label_classifier,
    train_classifier,
)
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold, checked_splits
from sklearn_metalabel.utils import (
    HasMethods,
    Interval,
    StrOptions,
    check_hierarchy_is_used,
    draw_seed,
    fit_context,
    hierarchy_edges,
    label_rows,
    longest_paths,
    restore_on_error,
    warn_constant_labels,
)

__all__ = ["PredictionsAsFeaturesClassifier"]

_NO_EDGES = np.empty((0, 2), dtype=np.intp)


class PredictionsAsFeaturesClassifier(BaseLearnerWrapper, BaseEstimator):
    r"""Classify each label from the features and from the predictions for other labels.

    The labels stand in a partial order, given or found in the data, and each label reads the probabilities of its
    parents [1]_. Logistic regressions and torch modules are trained jointly: a parent's prediction is what helps its
    children too. Other classifiers are chained as in :class:`~sklearn.multioutput.ClassifierChain`.

    Parameters
    ----------
    estimator : None, classifier, torch module, module class or callable, default=None
        The base learner. None is :class:`~sklearn_metalabel.learners.LabelWeightedLogistic`; a torch module must
        return logits of shape (n, L); any other classifier needs `predict_proba` or `decision_function`.
    structure : {"residual", "chain", "hierarchy"} or array-like of int of shape (n_edges, 2), default="residual"
        Who reads whom. "residual": a label reads those more frequent labels whose residuals, after a first training
        without edges, correlate most with its own. "chain": a label reads all more frequent ones, which makes
        :math:`L (L - 1) / 2` edges. "hierarchy": a label reads its parents in `hierarchy`. An array holds pairs
        (parent, child) of label indices. Labels that have one value only take no part.
    hierarchy : array-like, mapping or directed graph, default=None
        For ``structure="hierarchy"``, in any form that :class:`~sklearn_metalabel.LabelWeightedClassifier` takes;
        None reads label names as paths such as "/person/artist".
    joint : bool or "auto", default="auto"
        Whether all labels are trained together, through the parents' predictions; "auto" does so for
        `LabelWeightedLogistic` and torch modules. Else each label gets a clone of the classifier, for which the
        parents' values are ordinary features.
    max_parents : int, default=3
        Most parents of a label, for ``structure="residual"``.
    min_correlation : float, default=0.1
        What the absolute correlation of two residuals must exceed, for ``structure="residual"``.
    cv : int, splitter, iterable of splits or None, default=None
        Folds from which predictions for the training rows are held out, each row in one of them; an integer stratifies
        over all labels. They are what the residuals are taken of and, without joint training, what labels are trained
        on in place of the parents' true values. None takes the true values, and residuals on the training rows
        themselves: right for a base learner that fits them loosely, misleading for one that learns them by heart, such
        as a forest.
    n_jobs : int, default=None
        Labels fitted at the same time where training is not joint; the result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Randomness of the folds, and of base learners that have none of their own.

    Attributes
    ----------
    edges_ : ndarray of int of shape (n_edges, 2)
        Indices of parent and child, sorted.
    order_ : ndarray of int of shape (n_labels,)
        The labels in an order in which parents come before children.
    estimator_ : estimator
        The trained labels. A joint linear model has `coef_`, `intercept_` and `edge_coef_`, the coefficient of each
        parent's probability; a joint torch module has `state_`, with the latter as "edge_weight"; else there are
        `estimators_`, one for each label.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    Raises
    ------
    TypeError
        If the base learner is no classifier, or ``joint=True`` asks for gradients that it has not.
    ValueError
        If X, y or a parameter is not as described, or the edges have a cycle.

    See Also
    --------
    sklearn.multioutput.ClassifierChain : One full order, each label trained on its own.
    sklearn_metalabel.MetaPolicyClassifier : Learns loss weights and thresholds instead of a structure.

    Notes
    -----
    With :math:`f_j` the logit of the base learner, the probability of label j is

    .. math:: o_j = \sigma\left(f_j(x) + \sum_{k \in pa(j)} b_{jk} o_k\right),

    and joint training minimises the log-losses of all labels, summed, with the gradient flowing from later labels to
    earlier ones. The linear model adds :math:`\tfrac{1}{2} (\|A\|^2 + \|b\|^2)` to `C` times the loss, and starts
    L-BFGS from its independent solution; the problem is not convex. A torch module is trained by its own optimiser,
    with the coefficients b starting from 0. A classifier without probabilities hands on the logistic function of its
    decision values. A label is predicted where its probability exceeds 0.5.

    References
    ----------
    .. [1] L. Li, H. Wang, X. Sun, B. Chang, S. Zhao, L. Sha, "Multi-label Text Categorization with Joint Learning
       Predictions-as-Features Method", EMNLP 2015.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> clf = PredictionsAsFeaturesClassifier(structure=[(0, 1), (0, 2), (2, 3)]).fit(
    ...     X, Y
    ... )
    >>> clf.order_
    array([0, 1, 2, 3])
    >>> clf.estimator_.edge_coef_.shape
    (3,)
    """

    _leaves_unknown_out = False
    _input_form = "matrix"  # predictions of labels are appended to the columns
    _parameter_constraints = {
        "estimator": "no_validation",
        "structure": [StrOptions({"residual", "chain", "hierarchy"}), "array-like"],
        "hierarchy": ["array-like", HasMethods(["edges"]), None],
        "joint": ["boolean", StrOptions({"auto"})],
        "max_parents": [Interval(Integral, 1, None, closed="left")],
        "min_correlation": [Interval(Real, 0, 1, closed="left")],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        structure="residual",
        hierarchy=None,
        joint="auto",
        max_parents=3,
        min_correlation=0.1,
        cv=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.structure = structure
        self.hierarchy = hierarchy
        self.joint = joint
        self.max_parents = max_parents
        self.min_correlation = min_correlation
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Find the structure, and train all labels in it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, or classes.
        **fit_params : dict
            `sample_weight` for the base learner and `groups` for the splitter, or what metadata routing asks for.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        routed = self._route_fit_params(fit_params)
        check_hierarchy_is_used(self.hierarchy, "structure", self.structure)
        X, Y = self._check_training_data(X, y)
        sample_weight = self._check_sample_weight(routed.estimator.fit, X)
        if self._target.kind == "multilabel":
            warn_constant_labels(Y, self.label_names_)
        rng = check_random_state(self.random_state)
        folds = self._folds(Y, y, routed.splitter.split, rng)
        self.edges_ = self._find_edges(X, Y, sample_weight, folds, rng)
        self.order_ = np.argsort(longest_paths(self.label_names_, self.edges_), kind="stable")
        self.estimator_ = self._complete(self._trained(X, Y, sample_weight, self.edges_, folds, draw_seed(rng)))
        return self

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_weight` goes to the base learner; `groups` go to the splitter.
        """
        return self._with_splitter(super().get_metadata_routing())

    def _folds(self, Y, y, split_params, rng):
        """List of (train, test) in which each row is held out once, or None."""
        n = Y.shape[0]
        if self.cv is None:
            return None
        splitter, target = check_cv(self.cv), y
        if isinstance(self.cv, Integral):
            if n < self.cv:
                raise ValueError(
                    f"cv={self.cv} folds need at least {self.cv} samples, got n_samples={n}; add samples or lower cv."
                )
            splitter, target = MultilabelStratifiedKFold(self.cv, shuffle=True, random_state=draw_seed(rng)), Y
        splits = checked_splits(splitter.split(np.zeros(n), target, **split_params), n)
        times = np.bincount(np.concatenate([test for _, test in splits]), minlength=n)
        if (times != 1).any():
            raise ValueError(
                f"cv must hold out each sample once, since labels read held-out predictions of others, got "
                f"{np.count_nonzero(times != 1)} of {n} samples held out otherwise; pass a K-fold splitter."
            )
        return splits

    def _find_edges(self, X, Y, sample_weight, folds, rng):
        """Edges among the labels that have both values."""
        s = np.ones(Y.shape[0]) if sample_weight is None else sample_weight
        used, support = (s > 0).astype(np.float64), np.asarray(Y.T @ s).ravel()
        varied = (support > 0) & (np.asarray(Y.T @ used).ravel() < used.sum())
        if not isinstance(self.structure, str):
            edges = explicit_edges(self.structure, Y.shape[1])
        elif self.structure == "hierarchy":
            edges = hierarchy_edges(self.label_names_, self.hierarchy)
        elif self.structure == "chain":
            edges = chain_edges(support)
        else:
            edges = self._residual_edges(X, Y, sample_weight, folds, support, draw_seed(rng))
        longest_paths(self.label_names_, edges)  # refuses cycles, those through labels of one value too
        return np.unique(edges[varied[edges].all(axis=1)], axis=0)

    def _residual_edges(self, X, Y, sample_weight, folds, support, seed):
        """Edges from the residuals of a training without edges."""
        if Y.shape[1] == 1:
            return _NO_EDGES
        R = label_rows(Y, dtype=np.float64)
        for train, test in [(slice(None), slice(None))] if folds is None else folds:
            weight = None if sample_weight is None else sample_weight[train]
            independent = self._trained(X[train], Y[train], weight, _NO_EDGES, None, seed, sized_by=X)
            R[test] -= independent._label_probabilities(X[test])
        limits = {"max_parents": self.max_parents, "min_correlation": self.min_correlation}
        return residual_edges(R, support, sample_weight=sample_weight, **limits)

    def _trained(self, X, Y, sample_weight, edges, folds, seed, *, sized_by=None):
        """The base learner trained with these edges; `sized_by` are all rows, where X is a part of them."""
        base = self._with_edges(edges, folds)._for_rows(X if sized_by is None else sized_by)
        weights = LossWeights.uniform(Y.shape[1])
        return train_classifier(base, X, Y, weights, sample_weight=sample_weight, seed=seed)

    def _with_edges(self, edges, folds):
        """An unfitted classifier of all labels that reads the parents by these edges."""
        base = _as_base(self.estimator)
        if not self._is_joint(base):
            return ChainedLabels(base, edges, folds=folds, n_jobs=self.n_jobs)
        if isinstance(base, TorchClassifier):
            return structured_classifier(base, edges)
        return JointLogistic(edges, base.C, fit_intercept=base.fit_intercept, tol=base.tol)

    def _is_joint(self, base):
        """Whether all labels are trained together."""
        able = isinstance(base, LabelWeightedLogistic | TorchClassifier)
        if isinstance(self.joint, str):
            return able
        if self.joint and not able:
            raise TypeError(
                f"joint=True needs LabelWeightedLogistic or a torch module, whose gradients can flow from label to "
                f"label, got {type(base).__name__}; set joint=False."
            )
        return self.joint

    def __sklearn_tags__(self):
        """Tags: inputs are what the base learner takes."""
        # Beyond the parent, which knows only base learners that can be weighted.
        tags = super(BaseLearnerWrapper, self).__sklearn_tags__()
        inner = get_tags(_as_base(self.estimator)).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


def _as_base(estimator):
    """An unfitted classifier for what a user passes."""
    if inspect.isclass(estimator) or not hasattr(estimator, "fit") or isinstance(estimator, LabelClassifier):
        return as_label_classifier(estimator)
    if not any(hasattr(estimator, method) for method in ("predict_proba", "decision_function")):
        raise TypeError(
            f"{type(estimator).__name__} cannot be a base learner: it has no predict_proba and no decision_function; "
            "pass a classifier, for example LogisticRegression()."
        )
    return clone(estimator)
