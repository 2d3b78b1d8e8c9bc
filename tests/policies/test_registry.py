import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.thresholds import (
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    plug_in,
    scut,
    scutfbr,
    shrunken,
)
from sklearn_metalabel.thresholds._checks import check_thresholds
from sklearn_metalabel.thresholds._resolve import RULES, as_rule


def random_case(seed=0, n=60):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.05, 0.9, (n, 5))
    Y = (rng.random(P.shape) < P).astype(int)
    Y[:, 3], Y[:, 4] = 0, 1
    return Y, P


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("half", lambda Y, P: np.array([0.5, 0.5, 0.5, 1, 0])),
        ("global", global_threshold),
        ("scut", scut),
        ("scutfbr.0", lambda Y, P: scutfbr(Y, P, fbr="nested", variant=0, random_state=0)),
        ("scutfbr.1", lambda Y, P: scutfbr(Y, P, fbr="nested", variant=1, random_state=0)),
        ("odr_micro", odr_micro),
        ("odr_macro", odr_macro),
        ("micromacro", micromacro),
        ("shrunken", shrunken),
        ("plug_in", plug_in),
    ],
)
def test_a_name_stands_for_its_rule(name, rule):
    assert_array_equal(as_rule(name)(*random_case()), rule(*random_case()))


def test_the_names_are_these_in_this_order():
    assert list(RULES) == [
        *("half", "global", "scut", "scutfbr.0", "scutfbr.1"),
        *("odr_micro", "odr_macro", "micromacro", "shrunken", "plug_in"),
    ]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("n", [1, 2, 3, 60])
def test_every_rule_gives_thresholds_that_never_predict_a_label_without_positives(name, n):
    Y, P = random_case(n=n)
    t = check_thresholds(RULES[name](Y, P), 5)
    assert t[3] == 1
    assert t[4] < P[:, 4].max() or name in ("global", "odr_micro")


def test_a_callable_is_returned_as_it_is():
    def rule(Y, P):
        return P.mean(axis=0)

    assert as_rule(rule) is rule


def test_what_is_no_rule_gets_one_clear_sentence_with_the_names():
    names = re.escape(str(list(RULES)))
    with pytest.raises(ValueError, match=rf"rule must be one of {names} or a function .*, got 'best'\."):
        as_rule("best")
    with pytest.raises(TypeError, match=rf"rule must be one of {names} or a function .*, got 0.5 of type float\."):
        as_rule(0.5)
    with pytest.raises(TypeError, match="got None of type NoneType"):
        as_rule(None)
