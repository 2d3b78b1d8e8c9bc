"""A label too rare for an inner split of its classifier: its share stands in, and the others are fitted."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    RareLabelWarning,
    TunedThresholdsClassifierCV,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, :3] + 0.5 * RNG.normal(size=(120, 3)) > 0).astype(int)
Y[:, 1] = 0
Y[50, 1] = 1

INNER_SPLITS = {
    "calibration": CalibratedClassifierCV(LogisticRegression(), cv=5),
    "early stopping": HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
}


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("name", INNER_SPLITS)
@pytest.mark.parametrize("make", [FixedThresholdsClassifier, TunedThresholdsClassifierCV, MetaPolicyClassifier])
def test_one_rare_label_does_not_end_the_fit_of_all(make, name):
    clf = make(INNER_SPLITS[name])
    with pytest.warns(RareLabelWarning, match=r"label 1 could not be fitted to \d+ rows, 1 of them"):
        clf.fit(X, Y)
    P = clf.estimator_.predict_proba(X)
    assert_allclose(P[:, 1], 1.5 / 121)
    assert ((P[:, [0, 2]] > 0.5) == Y[:, [0, 2]]).mean() > 0.8


def test_an_error_that_is_not_of_rare_labels_is_raised():
    broken = CalibratedClassifierCV(LogisticRegression(), cv=5, method="none")
    for make in (FixedThresholdsClassifier, LabelWeightedClassifier):
        with pytest.raises(ValueError, match="method"):
            make(broken).fit(X, Y)
