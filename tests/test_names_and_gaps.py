"""Values by the names of labels, masked and missing entries, and splits that are none."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.policies import FixedThresholds, FixedWeights

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, :3] + RNG.normal(size=(60, 3)) > 0).astype(int)
NAMES = ["a", "b", "c"]
FRAME = pd.DataFrame(Y, columns=NAMES)
FITTED = [MetaPolicyClassifier, TunedThresholdsClassifierCV, FixedThresholdsClassifier, LabelWeightedLogistic]


@pytest.mark.parametrize("form", [dict, pd.Series])
def test_thresholds_and_weights_are_read_by_the_names_of_labels(form):
    by_name = form({"c": 0.1, "a": 0.9, "b": 0.5})
    assert FixedThresholdsClassifier(thresholds=by_name).fit(X, FRAME).thresholds_.tolist() == [0.9, 0.5, 0.1]
    expected = np.array([0.9, 0.5, 0.1]) / 0.5
    weighted = LabelWeightedClassifier(label_weight=by_name).fit(X, FRAME)
    policy = MetaPolicyClassifier(training_policy=FixedWeights(by_name), random_state=0).fit(X, FRAME)
    assert_array_equal(weighted.weights_, expected)
    assert_array_equal(policy.weights_, expected)
    for estimator in (
        FixedThresholdsClassifier(thresholds=form({"a": 0.5, "b": 0.5, "z": 0.1})),
        LabelWeightedClassifier(label_weight=form({"a": 1.0, "b": 1.0, "z": 1.0})),
    ):
        with pytest.raises(ValueError, match=r"must name each label once, and \['c', 'z'\]"):
            estimator.fit(X, FRAME)


@pytest.mark.parametrize("form", [dict, pd.Series])
def test_a_policy_that_knows_no_names_refuses_them(form):
    policy = FixedThresholds(form({"c": 0.1, "a": 0.9, "b": 0.5}))
    with pytest.raises(ValueError, match="thresholds go by names, which a policy does not know"):
        TunedThresholdsClassifierCV(prediction_policy=policy).fit(X, FRAME)


def test_a_series_without_names_goes_by_place():
    given = pd.Series([0.9, 0.5, 0.1])
    assert FixedThresholdsClassifier(thresholds=given).fit(X, FRAME).thresholds_.tolist() == [0.9, 0.5, 0.1]


@pytest.mark.parametrize("make", FITTED)
def test_masks_are_not_lost(make):
    mask = np.zeros(Y.shape, dtype=bool)
    mask[3, 1] = True
    with pytest.raises(ValueError, match="X has 3 masked entries"):
        make().fit(np.ma.array(X, mask=np.pad(mask[:, :1], ((0, 0), (0, 3))) | np.eye(60, 4, k=-57, dtype=bool)), Y)
    assert make().fit(np.ma.array(X), np.ma.array(Y)).predict(X).shape == Y.shape


GAP = Y.astype(float)
GAP[5, 2] = np.nan


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("form", [lambda y: y, lambda y: pd.DataFrame(y, columns=NAMES), np.ndarray.tolist])
@pytest.mark.parametrize("make", [MetaPolicyClassifier, FixedThresholdsClassifier])
def test_missing_labels_are_not_known_in_whatever_form(make, form, missing):
    y = Y.astype(object)
    y[5, 2] = missing
    options = {"random_state": 0} if make is MetaPolicyClassifier else {}
    P, expected = (make(**options).fit(X, each).predict_proba(X) for each in (form(y), GAP))
    assert_array_equal(P, expected)


def test_missing_labels_of_nullable_columns_and_masks_are_not_known():
    nullable, expected = FRAME.astype("Int64"), MetaPolicyClassifier(random_state=0).fit(X, GAP).predict_proba(X)
    nullable.iloc[5, 2] = pd.NA
    for y in (nullable, np.ma.array(Y, mask=np.isnan(GAP)), sp.csr_array(GAP)):
        assert_array_equal(MetaPolicyClassifier(random_state=0).fit(X, y).predict_proba(X), expected)


def test_nullable_columns_without_a_gap_are_labels():
    nullable = FixedThresholdsClassifier().fit(X, FRAME.astype("Int64"))
    assert_array_equal(nullable.predict(X), FixedThresholdsClassifier().fit(X, Y).predict(X))


EVERYONE = np.arange(60)
SPLITS = {
    "none": ([], "cv gave no splits"),
    "used up": (iter([]), "cv gave no splits: it is empty, or an iterator that an earlier fit has used up"),
    "no test rows": ([(EVERYONE, [])], "an empty test part in split 0"),
    "no training rows": ([(EVERYONE[:30], EVERYONE[30:]), ([], EVERYONE)], "an empty train part in split 1"),
    "an empty mask": ([(np.ones(60, bool), np.zeros(60, bool))], "an empty test part in split 0"),
    "too many rows": ([(EVERYONE, [60])], "got row 60 in the test part of split 0"),
}


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_splits_that_are_none_are_refused(make, name):
    cv, match = SPLITS[name]
    with pytest.raises(ValueError, match=match):
        make(cv=cv).fit(X, Y)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_an_iterator_of_splits_is_used_once_and_for_the_fit(make):
    splits = list(KFold(3).split(X))
    expected = make(cv=splits, random_state=0).fit(X, Y).predict_proba(X)
    clf = make(cv=iter(splits), random_state=0)
    clf.get_metadata_routing()
    assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
    with pytest.raises(ValueError, match="used up"):
        clf.fit(X, Y)
