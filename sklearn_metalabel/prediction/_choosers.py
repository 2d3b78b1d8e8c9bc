"""Ways to choose thresholds from out-of-fold rows, by the names that estimators take, and the choice among several."""

from functools import partial

import numpy as np

from sklearn_metalabel.prediction._search import learn_thresholds, pretrained_thresholds
from sklearn_metalabel.thresholds._compare import Comparison, compare, function_name, unique_name
from sklearn_metalabel.thresholds._resolve import RULES

__all__ = ["CHOOSERS", "choose_thresholds", "named_choosers"]


def _choose_by_rule(Y, P, fold_of, *, rule, criterion, never_empty, random_state):
    """Thresholds of a rule, which says nothing about empty instances."""
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
# These decide about empty instances themselves, so that one of them alone leaves nothing to compare.
_DECIDE_ALL = {"policy", "pretrained"}


def choose_thresholds(rule, Y, P, fold_of, *, criterion, never_empty, random_state):
    """`Comparison` of what a user passes as `rule`: the best chooser and its thresholds from all rows.

    Several rules, and the fallback for empty instances of a single one, are compared on folds that they did not see;
    the policy alone is not, since that would mean as many searches as there are folds.
    """
    options = {"criterion": criterion, "never_empty": never_empty}
    choosers = {
        name: partial(choose, random_state=random_state, **options) for name, choose in named_choosers(rule).items()
    }
    if len(choosers) > 1 or not _DECIDE_ALL.issuperset(choosers):
        return compare(choosers, Y, P, fold_of, **options)
    ((name, choose),) = choosers.items()
    thresholds, fallback = choose(Y, P, fold_of)
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
