"""Policy search: ascend the expected reward on nested out-of-fold rows, then decide on all rows."""

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from sklearn_metalabel.prediction._candidates import candidates_without_folds, find_candidates
from sklearn_metalabel.prediction._policy import policy_cuts, policy_gradient
from sklearn_metalabel.prediction._prior import prior_parameters
from sklearn_metalabel.prediction._problem import DecisionProblem
from sklearn_metalabel.thresholds._checks import check_pair
from sklearn_metalabel.thresholds._criteria import check_criterion, criterion_parts, criterion_score
from sklearn_metalabel.thresholds._cuts import ALWAYS, NEVER
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.thresholds._ordered import order_entries

__all__ = ["PredictionPolicy", "learn_thresholds", "pretrained_thresholds"]

_STEPS, _LEARNING_RATE, _MEAN_DECAY, _SQUARE_DECAY = 25, 0.1, 0.9, 0.999
# Steps after which the entries with a part in the reward are looked up again.
_STEPS_NEARBY = 4
# Steps after which other rows are drawn, where not all are looked at.
_STEPS_A_PART = 12
# Pull towards the start, by the square of the number of rows: chosen on training splits, felt below a thousand rows.
_PENALTY = 2_000.0
# Entries (rows times labels, or of a `HeldOut`) that the search looks at; more do not change a few parameters.
_SEARCH_ENTRIES, _SEARCH_ENTRIES_HELD = 20_000_000, 4_000_000
_LEAST_ROWS = 500
_DEALT_FOLDS, _MOST_FOLDS = 3, 10
# Where no part of the criterion has a name, the search starts from what these ask for.
_STAND_IN = ["strict_accuracy", "micro_f1", "macro_f1"]
# Policies tried around the one found where the criterion is a function, whose gradient is not known.
_ROUNDS, _TRIED, _DEVIATION = 10, 12, 0.3


class PredictionPolicy:
    """The prediction policy on one set of out-of-fold rows; what several criteria share is computed once.

    Parameters
    ----------
    Y : {ndarray, sparse matrix} of shape (n, L)
        Truth in {0, 1}.
    P : ndarray of shape (n, L)
        Out-of-fold probabilities, strictly inside (0, 1).
    fold_of : ndarray of shape (n,), int
        Fold of each row. On a fold the policy decides with candidates from the other folds.
    random_state : int, RandomState instance or None
        Draws the rows of the search where there are very many, and policies for a criterion without a gradient.
    """

    def __init__(self, Y, P, fold_of, random_state=None):
        # Rows are read in blocks.
        self.Y, self.P = Y.tocsr() if sp.issparse(Y) else Y, P
        self._find(HeldOut.from_dense(Y, P, fold_of), random_state)

    @classmethod
    def from_held_out(cls, held, random_state=None):
        """Make the policy of rows of which only a `HeldOut` is left."""
        policy = cls.__new__(cls)
        policy.Y = policy.P = None
        policy._find(held, random_state)
        return policy

    def _find(self, held, random_state):
        """Find the candidates of all rows."""
        self.held, self.rng = held, check_random_state(random_state)
        self.fold_of = _few_folds(held.fold_of, self.rng)
        self._ordered = order_entries(held, self.fold_of)
        self.candidates, self.link = find_candidates(self._ordered)

    def learn(self, criterion, never_empty="auto", prior=None):
        """Thresholds (L,) of the policy that a search finds for `criterion`, and whether no sample stays empty.

        `prior` maps names of criteria to the parameters where the search starts; None takes those of the package.
        """
        problem, folds = self._nested, self.folds
        weights, is_named = _named_weights(criterion)
        start = prior_parameters(weights, prior)
        fallback = never_empty
        if never_empty == "auto":
            fallback = _pays(problem, _all_cuts(start, folds), criterion)
        parameters = _ascend(problem, folds, start, fallback, weights, self.rng)
        if not is_named:
            parameters = _explore(problem, folds, parameters, fallback, criterion, self.rng)
        return self._thresholds(parameters), bool(fallback)

    def propose(self, criterion, never_empty="auto", prior=None):
        """Return the same without any search; a sample may stay empty where that scores better on the rows given."""
        parameters = prior_parameters(_named_weights(criterion)[0], prior)
        fallback = never_empty
        if never_empty == "auto":
            fallback = _pays(self._whole, _all_cuts(parameters, [self.candidates]), criterion)
        return self._thresholds(parameters), bool(fallback)

    @cached_property
    def folds(self):
        """Candidates of the rows of all folds but each."""
        return candidates_without_folds(self._ordered, self.fold_of, self.candidates, self.link)

    @cached_property
    def _nested(self):
        """The problem of rows that candidates were not found on; on a fold the policy decides with those of others."""
        return self._problem(self.fold_of, self.folds, self._drawn_rows())

    @cached_property
    def _whole(self):
        """The problem of the very rows that the candidates were found on."""
        return self._problem(np.zeros_like(self.fold_of), [self.candidates])

    def _problem(self, fold_of, folds, rows=None):
        """Problem of the rows of a mask, None for all."""
        if self.P is None:
            return DecisionProblem.from_held_out(self.held, fold_of, folds, self.link, rows)
        Y, P = (self.Y, self.P) if rows is None else (self.Y[rows], self.P[rows])
        return DecisionProblem.build(Y, P, fold_of if rows is None else fold_of[rows], folds, self.link)

    def _drawn_rows(self):
        """Mask of the rows that the search looks at, or None for all."""
        n = self.held.n_samples
        if self.P is None:
            most = _SEARCH_ENTRIES_HELD * n // self.held.entries()[0].size
        else:
            most = _SEARCH_ENTRIES // self.held.n_labels
        most = max(_LEAST_ROWS, most)
        if n <= most:
            return None
        rows = np.zeros(n, dtype=bool)
        rows[self.rng.choice(n, most, replace=False)] = True
        return rows

    def candidate_score(self, number, never_empty, criterion):
        """Score of a candidate's cuts on each fold from the other folds, by a criterion of named parts."""
        cuts = np.stack([candidates.cuts[number] for candidates in self.folds])
        return self._nested.score(cuts, never_empty, _named_weights(criterion)[0])

    def candidate_thresholds(self, number):
        """Thresholds (L,) of a candidate."""
        return self._on_probabilities(self.candidates.cuts[number])

    def _thresholds(self, parameters):
        """Thresholds (L,) of a policy."""
        return self._on_probabilities(policy_cuts(parameters, self.candidates))

    def _on_probabilities(self, cuts):
        """Thresholds on P of cuts; 1 (never) and 0 (always) for labels of one value."""
        candidates, inside = self.candidates, self.link.thresholds(cuts)
        return np.where(candidates.varied, inside, np.where(candidates.constant > 0, NEVER, ALWAYS))


def learn_thresholds(Y, P, fold_of, *, criterion, never_empty="auto", random_state=None):
    """Learn the prediction policy on out-of-fold probabilities and return what it decides.

    The policy is one small network for all labels: it mixes the cuts of eight rules (0.5, one cut, micromacro,
    shrunken and four plug-in rules) and adds an offset, both by the frequency of the label. Its few parameters start
    from those that come with the package and ascend the expected criterion on nested out-of-fold rows: on each fold it
    decides with the rules' cuts from the other folds.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from classifiers that did not train on these rows.
    fold_of : array-like of shape (n_samples,), int
        Fold of each row.
    criterion : str, callable or sequence of these
        "strict_accuracy", "micro_f1", "macro_f1", "samples_f1", a scorer of scikit-learn that reads predictions or its
        name, a function ``(y_true, y_pred) -> float`` where higher is better, or several, whose mean is taken. All but
        the four are searched for by sampling, which takes longer.
    never_empty : bool or "auto", default="auto"
        Whether a sample above no threshold gets the label of the largest margin ``logit(P) - logit(t)``; "auto"
        takes what scores better on the nested out-of-fold rows.
    random_state : int, RandomState instance or None, default=None
        Draws the rows of the search where there are very many, and the policies tried for a function.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        Float64 for the strict decision ``P > t``; 1.0 (never) without positives, 0.0 (always) without negatives.
    never_empty : bool
        What to pass to :func:`~sklearn_metalabel.thresholds.decide`.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1), or `criterion` or `never_empty` is unknown.

    See Also
    --------
    sklearn_metalabel.TunedThresholdsClassifierCV : Does the cross-validation too, around any classifier.

    Notes
    -----
    Under exploration noise of logistic distribution the decision on a sample and a label is a coin of known
    probability, so that the policy gradient (the expectation that REINFORCE samples) is computed in closed form.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_predict
    >>> from sklearn_metalabel.learners import LabelWeightedLogistic
    >>> from sklearn_metalabel.prediction import learn_thresholds
    >>> X, Y = make_multilabel_classification(n_samples=300, random_state=0)
    >>> folds = np.arange(300) % 3
    >>> splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(3)]
    >>> P = cross_val_predict(LabelWeightedLogistic(), X, Y, cv=splits, method="predict_proba")
    >>> thresholds, never_empty = learn_thresholds(Y, P, folds, criterion="macro_f1")
    >>> thresholds.shape
    (5,)
    """
    check_criterion(criterion)
    _check_never_empty(never_empty)
    Y, P, _ = check_pair(Y, P)
    return PredictionPolicy(Y, P, _checked_folds(fold_of, len(P)), random_state).learn(criterion, never_empty)


def pretrained_thresholds(Y, P, *, criterion, never_empty="auto"):
    """Return what the prediction policy decides that comes with the package, without any search.

    Its parameters were learned on many data sets and several base learners.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from classifiers that did not train on these rows.
    criterion : str, callable or sequence of these
        As for :func:`learn_thresholds`; a function gets the policy for strict accuracy, micro- and macro-F1.
    never_empty : bool or "auto", default="auto"
        Whether a sample above no threshold gets the label of the largest margin; "auto" takes what scores better on
        the rows given.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        Float64 for the strict decision ``P > t``; 1.0 (never) without positives, 0.0 (always) without negatives.
    never_empty : bool
        What to pass to :func:`~sklearn_metalabel.thresholds.decide`.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1), or `criterion` or `never_empty` is unknown.

    See Also
    --------
    learn_thresholds : Searches on from there.

    Examples
    --------
    >>> from sklearn_metalabel.prediction import pretrained_thresholds
    >>> Y, P = [[1, 0], [1, 1], [0, 0], [0, 1]], [[0.9, 0.2], [0.5, 0.5], [0.2, 0.1], [0.1, 0.4]]
    >>> thresholds, never_empty = pretrained_thresholds(Y, P, criterion="micro_f1")
    >>> thresholds.shape
    (2,)
    """
    check_criterion(criterion)
    _check_never_empty(never_empty)
    Y, P, _ = check_pair(Y, P)
    return PredictionPolicy(Y, P, np.zeros(len(P), dtype=np.intp)).propose(criterion, never_empty)


def _check_never_empty(never_empty):
    """Raise where this is neither "auto" nor a truth value."""
    if not (isinstance(never_empty, bool | np.bool_) or (isinstance(never_empty, str) and never_empty == "auto")):
        raise ValueError(f'never_empty must be True, False or "auto", got {never_empty!r}; "auto" chooses by the rows.')


def _checked_folds(fold_of, n):
    """Folds as an array of shape (n,), or raise."""
    fold_of = np.asarray(fold_of)
    if fold_of.shape != (n,):
        raise ValueError(
            f"fold_of must have shape ({n},), one fold for each row of P, got shape {fold_of.shape}; pass for example "
            "np.zeros(len(P), dtype=int) where there are no folds."
        )
    return fold_of


def _named_weights(criterion):
    """Weights of the named parts of a criterion, summing to 1, and whether it has no other parts."""
    parts = criterion_parts(criterion)
    named = [part for part in parts if isinstance(part, str)]
    names = named or _STAND_IN
    return {name: names.count(name) / len(names) for name in dict.fromkeys(names)}, len(named) == len(parts)


def _few_folds(fold_of, rng):
    """Folds from 0, at least two and not many: rows of one fold are dealt, and several of many folds share one."""
    names, fold_of = np.unique(fold_of, return_inverse=True)
    if names.size < 2:
        # Rows of one fold are as held out as any.
        fold_of = rng.permutation(fold_of.size) % min(_DEALT_FOLDS, fold_of.size)
    return fold_of % _MOST_FOLDS


def _all_cuts(parameters, folds):
    """Cuts (K, L) of a policy on every fold."""
    return np.stack([policy_cuts(parameters, candidates) for candidates in folds])


def _ascend(problem, folds, start, never_empty, weights, rng):
    """Parameters after a few steps up the expected reward (Adam); few rows keep them near the start."""
    penalty = _PENALTY / problem.n_rows**2
    parameters, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _STEPS + 1):
        cuts = _all_cuts(parameters, folds)
        if step % _STEPS_A_PART == 1:
            part = problem.part(cuts, never_empty, rng)
        if step % _STEPS_NEARBY == 1:
            near = part.near(cuts)
        _, by_cut = near.expected_reward(cuts, never_empty, weights)
        gradient = sum(policy_gradient(parameters, c, g) for c, g in zip(folds, by_cut, strict=True))
        gradient -= penalty * (parameters - start)
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient**2 - square)
        unit = np.sqrt(square / (1 - _SQUARE_DECAY**step)) + 1e-8
        parameters += _LEARNING_RATE * mean / (1 - _MEAN_DECAY**step) / unit
    return parameters


def _explore(problem, folds, parameters, never_empty, criterion, rng):
    """Best of the policies sampled around `parameters`, by any criterion."""
    mean, deviation = parameters, np.full(parameters.shape, _DEVIATION)
    best = _exact_score(problem, _all_cuts(mean, folds), never_empty, criterion), mean
    for _ in range(_ROUNDS):
        tried = mean + deviation * rng.standard_normal((_TRIED, *mean.shape))
        scores = [_exact_score(problem, _all_cuts(each, folds), never_empty, criterion) for each in tried]
        elite = tried[np.argsort(scores)[-_TRIED // 4 :]]
        mean, deviation = elite.mean(axis=0), 0.5 * deviation + 0.5 * elite.std(axis=0)
        best = max(best, (max(scores), tried[int(np.argmax(scores))]), key=lambda each: each[0])
    return best[1]


def _pays(problem, cuts, criterion):
    """Whether it scores better to give every sample a label."""
    weights, is_named = _named_weights(criterion)
    plain, filled = (
        problem.score(cuts, fallback, weights) if is_named else _exact_score(problem, cuts, fallback, criterion)
        for fallback in (False, True)
    )
    return bool(filled > plain)


def _exact_score(problem, cuts, never_empty, criterion):
    """Score of decisions by any criterion, from the whole indicator matrices."""
    decided = problem.decisions(problem.decide(cuts, never_empty))
    return criterion_score(criterion, problem.decisions(problem.truth), decided)
