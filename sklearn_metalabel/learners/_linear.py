"""The default base learner: logistic regression for all labels at once."""

from numbers import Real

import numpy as np
from sklearn.utils.extmath import safe_sparse_dot

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._newton import default_tolerance, fit_logistic
from sklearn_metalabel.learners._training_run import TrainingRun
from sklearn_metalabel.utils import Interval, fit_context, restore_on_error, to_probabilities

__all__ = ["LabelWeightedLogistic", "LogisticRun"]


class LabelWeightedLogistic(LabelClassifier):
    r"""Logistic regression for all labels at once, with a weight for each label.

    All labels are solved together by a truncated Newton method, each conjugate-gradient step one product of X with a
    matrix that has a column for each label. At equal `C` it minimises what
    ``OneVsRestClassifier(LogisticRegression(C=C))`` minimises, in a fraction of the time where labels are many.

    Parameters
    ----------
    C : float, default=1.0
        Inverse of the strength of the L2 penalty.
    fit_intercept : bool, default=True
        Whether to fit an unpenalised intercept for each label.
    tol : float, default=None
        A label is finished after a Newton step that was expected to lower its objective by at most ``tol**2 / 2`` of
        it. None is 1e-8 where X has at most 2**20 entries, zeros included, and 5e-3 where it has more.

    Attributes
    ----------
    coef_ : ndarray of shape (n_labels, n_features)
        Coefficients of the features for each label.
    intercept_ : ndarray of shape (n_labels,)
        Intercept of each label.
    n_newton_ : ndarray of shape (n_labels,)
        Newton steps taken for each label; 0 for a label that has one value only.
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
    LabelwiseClassifier : Any scikit-learn classifier, one clone for each label.
    TorchClassifier : Any torch module.

    Notes
    -----
    For label j with weight :math:`w_j` the coefficients minimise

    .. math:: \tfrac{1}{2} \|W_j\|^2 + C w_j \sum_i s_i \left[\log(1 + e^{z_{ij}}) - y_{ij} z_{ij}\right],
        \qquad z_{ij} = x_i^\top W_j + b_j,

    with :math:`s_i` the sample weights: for a linear model a label's weight is the inverse strength of its penalty.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.learners import LabelWeightedLogistic
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = LabelWeightedLogistic(C=0.1).fit(X, Y, label_weight=[2, 1, 1, 0.5, 0.5])
    >>> clf.coef_.shape
    (5, 20)
    """

    _leaves_unknown_out = True
    _parameter_constraints = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(self, C=1.0, *, fit_intercept=True, tol=None):
        self.C = C
        self.fit_intercept = fit_intercept
        self.tol = tol

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, label_weight=None):
        """Train on weighted labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Factor of each sample's loss.
        label_weight : array-like of shape (n_labels,), default=None
            Positive factor of each label's loss; None is one for all.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._fit_checked(X, y, label_weight, sample_weight)

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None, rough=False):
        W, b, self.n_newton_ = fit_logistic(
            X,
            Y,
            self.C * weights.label,
            row_weight=sample_weight,
            fit_intercept=self.fit_intercept,
            tol=default_tolerance(*X.shape, rough=True) if rough else self.tol,
            start=solution,
            dtype=np.float32 if rough else np.float64,
        )
        self.coef_, self.intercept_ = W.T, b

    def _label_probabilities(self, X):
        Z = safe_sparse_dot(X, self.coef_.T, dense_output=True)
        return to_probabilities(np.asarray(Z, dtype=np.float64) + self.intercept_)

    def _training_run(self):
        return LogisticRun(self)

    def __sklearn_tags__(self):
        """Tags: sparse X is taken as it is."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class LogisticRun(TrainingRun):
    """Full solutions under changing weights, each started from the best combination of the last two.

    A weight is the inverse strength of a label's penalty, so its scale decides how well the label is learned.
    """

    scales = (0.01, 0.1, 1.0, 10.0, 100.0)

    def __init__(self, classifier):
        self.classifier = classifier

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.attach(X, Y, sample_weight)
        self._solution = solution

    def step(self, rows, weights):
        self._weights = weights
        self._solve(rough=self.may_be_rough and self.classifier.tol is None)

    def _solve(self, rough):
        """Solve under the last weights, from the last two solutions."""
        options = {"sample_weight": self.sample_weight, "solution": self._solution, "rough": rough}
        self.classifier._fit_labels(self.X, self.Y, weights=self._weights, **options)
        latest = self.classifier.coef_.T, self.classifier.intercept_
        self._solution = [latest, *(self._solution or [])[:1]]

    def predict_proba(self, X):
        return self.classifier._label_probabilities(X)

    def checkpoint(self):
        if self._solution is None:
            return None
        return [tuple(part.astype(np.float32, copy=False) for part in self._solution[0])]  # others only start from it

    def pool(self, solution, other, n_others):
        pooled = []
        for mine, theirs in zip(solution[0], other[0], strict=True):
            mean = mine - theirs  # the one new array: others still start from the old ones
            mean /= n_others + 1
            mean += theirs
            pooled.append(mean)
        return [tuple(pooled)]

    def finish(self):
        if self.may_be_rough and self.classifier.tol is None:
            self._solve(rough=False)
        return self.classifier
