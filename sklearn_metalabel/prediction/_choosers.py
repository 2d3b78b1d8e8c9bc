"""Ways to choose thresholds from out-of-fold rows, by the names that estimators take, and the choice among several."""

from functools import partial

import numpy as np

from sklearn_metalabel.prediction._candidates import CANDIDATES
from sklearn_metalabel.prediction._search import PredictionPolicy, learn_thresholds, pretrained_thresholds
from sklearn_metalabel.thresholds._compare import Comparison, as_columns, compare, function_name, unique_name
from sklearn_metalabel.thresholds._criteria import criterion_parts
from sklearn_metalabel.thresholds._resolve import RULES

__all__ = ["CHOOSERS", "choose_from_held_out", "choose_thresholds", "named_choosers", "needs_all_probabilities"]


def _choose_by_rule(Y, P, fold_of, *, rule, criterion, never_empty, random_state):
    """Thresholds of a rule, which says nothing about empty samples."""
    return rule(Y, P), None


def _choose_by_policy(Y, P, fold_of, *, criterion, never_empty, random_state):
    """What the policy learns from these rows."""
    options = {"criterion": criterion, "never_empty": never_empty, "random_state": random_state}
    return learn_thresholds(Y, P, fold_of, **options)


def _choose_by_pretrained(Y, P, fold_of, *, criterion, never_empty, random_state):
    """What the policy proposes that was trained on other data."""
    return pretrained_thresholds(Y, P, criterion=criterion, never_empty=never_empty)


# (Y, P, fold_of, *, criterion, never_empty, random_state) -> (thresholds, never_empty).
CHOOSERS = {
    "policy": _choose_by_policy,
    "pretrained": _choose_by_pretrained,
    **{name: partial(_choose_by_rule, rule=rule) for name, rule in RULES.items()},
}
# These decide about empty samples themselves, so that one of them alone leaves nothing to compare.
_DECIDE_ALL = {"policy", "pretrained"}


def choose_thresholds(rule, Y, P, fold_of, *, criterion, never_empty, random_state):
    """`Comparison` of what a user passes as `rule`: the best chooser and its thresholds from all rows.

    Several rules, and the fallback for empty samples of a single one, are compared on folds that they did not see;
    the policy alone is not, since that would mean as many searches as there are folds.
    """
    options = {"criterion": criterion, "never_empty": never_empty}
    choosers = {
        name: partial(choose, random_state=random_state, **options) for name, choose in named_choosers(rule).items()
    }
    if len(choosers) > 1 or not _DECIDE_ALL.issuperset(choosers):
        return compare(choosers, Y, P, fold_of, **options)
    ((name, choose),) = choosers.items()
    return _single(name, *choose(Y, P, fold_of))


# Rules whose cuts the policy finds too, and thus those that a `HeldOut` is enough for, by the number of the candidate.
_BY_CANDIDATE = {
    name: CANDIDATES.index("plug_in 0.6" if name == "plug_in" else name)
    for name in ("global", "micromacro", "shrunken", "plug_in")
}


def needs_all_probabilities(rule, criterion):
    """Whether `rule` or `criterion`, both as users pass them, look at more than a `HeldOut` holds, or raise."""
    named_choosers(rule)
    rules = rule if isinstance(rule, tuple | list) else [rule]
    by_name = all(isinstance(each, str) for each in [*rules, *criterion_parts(criterion)])
    known = by_name and (_BY_CANDIDATE.keys() >= set(rules) or (len(rules) == 1 and rules[0] in _DECIDE_ALL))
    return not known


def choose_from_held_out(rule, held, *, criterion, never_empty, random_state):
    """`Comparison` as of `choose_thresholds`, from a `HeldOut`, or raise where that holds too little."""
    if needs_all_probabilities(rule, criterion):
        raise ValueError(
            f"So many samples and labels leave no room for all probabilities, which rule={rule!r} and "
            f'criterion={criterion!r} need; pass rule="policy", "pretrained" or some of {sorted(_BY_CANDIDATE)}, and '
            "criteria by their names."
        )
    policy = PredictionPolicy.from_held_out(held, random_state)
    names = list(named_choosers(rule))
    if names[0] in _DECIDE_ALL:
        choose = policy.learn if names[0] == "policy" else policy.propose
        return _single(names[0], *choose(criterion, never_empty))
    fallbacks = [False, True] if never_empty == "auto" else [bool(never_empty)]
    tried = [(name, fallback) for name in names for fallback in fallbacks]
    scores = [policy.candidate_score(_BY_CANDIDATE[name], fallback, criterion) for name, fallback in tried]
    rows = [
        {"rule": name, "never_empty": fallback, "mean_test_score": score}
        for (name, fallback), score in zip(tried, scores, strict=True)
    ]
    name, fallback = tried[int(np.argmax(scores))]
    return Comparison(name, policy.candidate_thresholds(_BY_CANDIDATE[name]), fallback, as_columns(rows))


def _single(name, thresholds, fallback):
    """`Comparison` of one chooser with nothing."""
    results = {"rule": [name], "never_empty": [fallback], "rank_test_score": [1]}
    return Comparison(name, thresholds, fallback, {key: np.array(value) for key, value in results.items()})


def named_choosers(rule):
    """Choosers by name for what a user passes as `rule`, or raise."""
    choosers = {}
    for each in rule if isinstance(rule, tuple | list) else [rule]:
        if isinstance(each, str) and each in CHOOSERS:
            choosers[each] = CHOOSERS[each]
        elif callable(each):
            choosers[unique_name(function_name(each), choosers)] = partial(_choose_by_rule, rule=each)
        else:
            raise ValueError(
                f"rule must be one of {list(CHOOSERS)}, a function (Y, P) -> thresholds, or several of these, got "
                f"{each!r}."
            )
    if not choosers:
        raise ValueError(f'rule must name at least one rule, got {rule!r}; pass for example rule="shrunken".')
    return choosers
