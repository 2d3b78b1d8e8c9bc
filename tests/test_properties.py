"""Properties that hold whatever the data: rules, decisions, splits and targets against slow twins and symmetries.

Each property is tried on a few dozen generated cases; METALABEL_EXAMPLES sets another number, for a long run by hand.
"""

import os

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import f1_score

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)
from sklearn_metalabel.thresholds import (
    CompactRows,
    OutOfFold,
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    pcut,
    plug_in,
    rcut,
    scut,
    shrunken,
)
from sklearn_metalabel.utils._targets import encode_target

N_EXAMPLES = int(os.environ.get("METALABEL_EXAMPLES", "40"))
tried = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    derandomize="METALABEL_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

RULES = {
    "scut": scut,
    "global": global_threshold,
    "odr_micro": odr_micro,
    "odr_macro": odr_macro,
    "micromacro": micromacro,
    "shrunken": shrunken,
    "plug_in": plug_in,
}
# What looks at the order of the probabilities alone, and at counts without pseudo-counts.
BY_RANK = ["scut", "global"]
GRID = 64


@st.composite
def rows(draw, max_labels=5):
    """Truth and probabilities on a grid, with ties, labels of one value, and values next to 0 and 1."""
    n, n_labels = draw(st.integers(1, 40)), draw(st.integers(1, max_labels))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = rng.integers(1, GRID, (n, n_labels)) if draw(st.booleans()) else rng.integers(1, 4, (n, n_labels))
    P = levels / GRID
    if draw(st.booleans()):
        extreme = rng.random(P.shape) < 0.2
        P[extreme] = rng.choice([1e-12, 1 - 1e-12], extreme.sum())
    Y = rng.random(P.shape) < rng.choice([0.0, 0.05, 0.3, 0.9, 1.0], n_labels)
    if draw(st.booleans()):
        Y |= rng.random(P.shape) < P / 2
    return Y.astype(int), P


@st.composite
def thresholds(draw, n_labels):
    return np.array(draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), min_size=n_labels, max_size=n_labels)))


def same_decisions(P, t, other):
    assert_array_equal(decide(P, t), decide(P, other))


@pytest.mark.parametrize("name", RULES)
@tried
@given(data=rows())
def test_thresholds_are_numbers_from_0_to_1_for_each_label(name, data):
    Y, P = data
    t = np.broadcast_to(RULES[name](Y, P), Y.shape[1:])
    assert np.isfinite(t).all()
    assert t.min() >= 0
    assert t.max() <= 1


# micromacro ascends from several starts, and may end at other cuts where labels stand in another order.
@pytest.mark.parametrize("name", sorted(set(RULES) - {"micromacro"}))
@tried
@given(data=rows(), seed=st.integers(0, 1000))
def test_the_order_of_rows_and_labels_does_not_matter(name, data, seed):
    Y, P = data
    rng = np.random.default_rng(seed)
    i, j = rng.permutation(Y.shape[0]), rng.permutation(Y.shape[1])
    t = np.broadcast_to(RULES[name](Y, P), Y.shape[1:])
    moved = np.broadcast_to(RULES[name](Y[i][:, j], P[i][:, j]), Y.shape[1:])
    if name == "plug_in":
        assert_allclose(moved, t[j], atol=1e-6)  # an iteration that stops at a tolerance
    else:
        assert_allclose(moved, t[j], atol=1e-9)


def micro_f1(Y, D):
    return f1_score(Y.ravel(), D.ravel(), zero_division=0)


@pytest.mark.parametrize("name", BY_RANK)
@tried
@given(data=rows())
def test_a_transform_that_keeps_the_order_keeps_the_decisions(name, data):
    Y, P = data
    Q = np.interp(P, np.linspace(0, 1, 9), np.linspace(0, 1, 9) ** 3) * 0.9 + 0.05
    same_decisions(P, RULES[name](Y, P), threshold_back(P, Q, RULES[name](Y, Q)))


def threshold_back(P, Q, t):
    """Thresholds for P that cut it where t cuts Q."""
    t, back = np.broadcast_to(t, P.shape[1:]), np.empty(P.shape[1])
    for j, (p, q) in enumerate(zip(P.T, Q.T, strict=True)):
        above = q > t[j]
        back[j] = p[~above].max() if not above.all() else 0.0
    return back


@pytest.mark.parametrize("name", BY_RANK)
@tried
@given(data=rows(), times=st.integers(2, 4))
def test_every_row_several_times_changes_nothing(name, data, times):
    Y, P = data
    t = RULES[name](np.tile(Y, (times, 1)), np.tile(P, (times, 1)))
    same_decisions(P, RULES[name](Y, P), t)


@tried
@given(data=rows())
def test_scut_finds_the_best_f1_of_each_label(data):
    Y, P = data
    t = scut(Y, P)
    for j in range(Y.shape[1]):
        cuts = [0.0, *np.unique(P[:, j])]
        best = max(f1_score(Y[:, j], P[:, j] > cut, zero_division=0) for cut in cuts)
        if 0 < Y[:, j].sum() < len(Y):
            assert f1_score(Y[:, j], P[:, j] > t[j], zero_division=0) == pytest.approx(best, abs=1e-12)


@tried
@given(data=rows())
def test_the_global_cut_is_the_best_of_all_common_ones(data):
    Y, P = data
    varied = [j for j in range(Y.shape[1]) if 0 < Y[:, j].sum() < len(Y)]
    if not varied:
        return
    Y, P = Y[:, varied], P[:, varied]
    found = micro_f1(Y, decide(P, global_threshold(Y, P)))
    best = max(micro_f1(Y, (cut < P).astype(int)) for cut in [0.0, *np.unique(P)])
    assert found == pytest.approx(best, abs=1e-12)


@tried
@given(data=rows(), draw=st.data())
def test_decisions_are_those_of_a_loop(data, draw):
    _, P = data
    t, allow = draw.draw(thresholds(P.shape[1])), draw.draw(st.booleans())
    expected = (t < P).astype(int)
    for i, row in enumerate(P):
        if not allow and not expected[i].any():
            can = [j for j in range(len(t)) if t[j] < 1] or range(len(t))
            if (t == 1).all():
                margins = row
            else:
                with np.errstate(divide="ignore"):
                    margins = np.log(row / (1 - row)) - np.log(t / (1 - np.minimum(t, 1 - 1e-300)))
            expected[i, max(can, key=lambda j: (margins[j], -j))] = 1
    D = decide(P, t, allow)
    assert_array_equal(D.any(axis=1), expected.any(axis=1))
    ties = (D != expected).any(axis=1)
    assert ties.mean() < 0.5 or len(P) < 4  # margins that rounding alone tells apart


@tried
@given(data=rows(), draw=st.data())
def test_a_row_is_decided_as_it_is_among_others(data, draw):
    _, P = data
    t, allow = draw.draw(thresholds(P.shape[1])), draw.draw(st.booleans())
    D = decide(P, t, allow)
    for i in range(len(P)):
        assert_array_equal(decide(P[i : i + 1], t, allow)[0], D[i])


@tried
@given(data=rows(), share=st.integers(1, 3))
def test_rank_rules_predict_as_many_as_they_should(data, share):
    Y, P = data
    k = min(share, P.shape[1])
    assert (rcut(P, k).sum(axis=1) == k).all()
    assert_array_equal(pcut(Y, P).sum(axis=0), Y.sum(axis=0))


@pytest.mark.parametrize("name", ["global", "micromacro", "shrunken"])
@tried
@given(data=rows(), n_folds=st.integers(1, 3))
def test_out_of_fold_rows_survive_parts_joins_and_the_compact_form(name, data, n_folds):
    Y, P = data
    fold = np.arange(len(Y)) % n_folds
    whole = OutOfFold(Y, P, fold)
    parts = [OutOfFold(Y[fold == k], P[fold == k]) for k in np.unique(fold)]
    joined = OutOfFold.concatenate(parts)
    order = np.argsort(fold, kind="stable")
    assert_array_equal(joined.truth(), whole.truth()[order])
    assert_array_equal(joined.fold, np.sort(fold))
    compact = CompactRows(Y.mean(axis=0), None)
    for k in np.unique(fold):
        compact.add(P[fold == k], Y[fold == k], k)
    assert_array_equal(OutOfFold.from_compact(compact).highest() > 0.5, P.max(axis=0) > 0.5)


@tried
@given(data=rows(), n_splits=st.integers(2, 5), seed=st.integers(0, 99))
def test_folds_are_a_partition_of_even_sizes_and_labels(data, n_splits, seed):
    Y, _ = data
    if len(Y) < n_splits:
        return
    folds = [test for _, test in MultilabelStratifiedKFold(n_splits, shuffle=True, random_state=seed).split(Y, Y)]
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(len(Y)))
    assert np.ptp([len(test) for test in folds]) <= 1
    if Y.shape[1] == 1:
        assert np.ptp([Y[test].sum() for test in folds]) <= 1


@tried
@given(data=rows(), share=st.sampled_from([0.2, 0.5, 0.75]), seed=st.integers(0, 99))
def test_shuffle_splits_hold_out_the_share_asked_for(data, share, seed):
    Y, _ = data
    if len(Y) < 5:
        return
    splitter = MultilabelStratifiedShuffleSplit(2, test_size=share, random_state=seed)
    for train, test in splitter.split(Y, Y):
        assert not set(train) & set(test)
        assert abs(len(test) - share * len(Y)) <= 1


@tried
@given(data=rows(), n_splits=st.integers(2, 4), n_groups=st.integers(4, 12), seed=st.integers(0, 99))
def test_groups_are_whole_and_no_fold_is_empty(data, n_splits, n_groups, seed):
    Y, _ = data
    group = np.random.default_rng(seed).integers(n_groups, size=len(Y))
    if len(np.unique(group)) < n_splits:
        return
    for train, test in MultilabelStratifiedGroupKFold(n_splits).split(Y, Y, group):
        assert len(test) > 0
        assert not set(group[train]) & set(group[test])


@tried
@given(data=rows())
def test_every_container_of_labels_is_encoded_alike_and_decoded_back(data):
    Y, _ = data
    containers = [Y, Y.tolist(), Y.astype(float), Y.astype(bool), Y.astype(object), sp.csc_matrix(Y), pd.DataFrame(Y)]
    for container in containers:
        encoded, target = encode_target(container, n_samples=len(Y))
        assert_array_equal(encoded, Y)
        decoded = target.decode(np.where(Y, 0.9, 0.1), lambda P: P > 0.5)
        assert_array_equal(decoded.toarray() if target.sparse else decoded, Y)
