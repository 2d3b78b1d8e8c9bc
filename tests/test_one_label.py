"""One label, or two classes: thresholds that are given are used, and others chosen where they pay."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.multioutput import MultiOutputClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.policies import FixedThresholds

X, y = make_classification(1000, n_features=10, weights=[0.88], flip_y=0.08, class_sep=0.5, random_state=0)
X_test, y_test, X, y = X[500:], y[500:], X[:500], y[:500]
NAMES = np.array(["no", "yes"])

# Every way to say that there is one label.
COLUMNS = {
    "array": y[:, None],
    "floats": y[:, None].astype(float),
    "booleans": y[:, None].astype(bool),
    "list": y[:, None].tolist(),
    "pandas": pd.DataFrame({"rain": y}),
    "polars": pl.DataFrame({"rain": y}),
    "sparse": sp.csr_matrix(y[:, None]),
    "binarizer": MultiLabelBinarizer().fit_transform([["rain"] if value else [] for value in y]),
}
CLASSES = {"numbers": y, "texts": NAMES[y], "signs": 2 * y - 1, "booleans": y.astype(bool)}
FORMS = {**COLUMNS, **CLASSES}

LEARNING = {
    "meta": MetaPolicyClassifier(random_state=0),
    "uniform": MetaPolicyClassifier(LogisticRegression(), training_policy="uniform", random_state=0),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), random_state=0),
    "margins": TunedThresholdsClassifierCV(LinearSVC(), random_state=0),
    "several outputs": TunedThresholdsClassifierCV(MultiOutputClassifier(LogisticRegression()), random_state=0),
}
GIVEN = {
    "fixed": FixedThresholdsClassifier(LogisticRegression(), thresholds=0.05),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy=FixedThresholds(0.05)),
    "meta": MetaPolicyClassifier(training_policy="uniform", prediction_policy=FixedThresholds(0.05)),
}


def positive(decisions):
    """Decisions in whatever form as 0 and 1 (n,)."""
    D = decisions.toarray() if sp.issparse(decisions) else np.asarray(decisions)
    return (D.ravel() == ("yes" if D.dtype.kind == "U" else 1)).astype(int)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", GIVEN)
def test_a_threshold_that_is_given_is_used(name, form):
    clf = GIVEN[name].fit(X, FORMS[form])
    assert clf.thresholds_.tolist() == [0.05]
    P = clf.predict_proba(X_test)
    p = P[:, -1]
    assert P.shape == (500, 2 if form in CLASSES else 1)
    assert_array_equal(positive(clf.predict(X_test)), p > 0.05)
    assert_array_equal(clf.decision_function(X_test).ravel() > 0, p > 0.05)
    assert positive(clf.predict(X_test)).mean() > (p > 0.5).mean() + 0.2


@pytest.mark.parametrize("form", ["array", "pandas", "sparse", "numbers", "texts"])
@pytest.mark.parametrize("name", LEARNING)
def test_a_threshold_is_learned_where_it_pays(name, form):
    if name == "several outputs" and form in CLASSES:
        pytest.skip("MultiOutputClassifier takes no vector")
    clf = LEARNING[name].fit(X, FORMS[form])
    half = 0.0 if name == "margins" else 0.5
    assert clf.thresholds_[0] < half
    response = clf.decision_function(X_test).ravel() if name == "margins" else clf.predict_proba(X_test)[:, -1]
    cut_at_half = (response + clf.thresholds_[0] if name == "margins" else response) > half
    assert f1_score(y_test, positive(clf.predict(X_test))) > f1_score(y_test, cut_at_half) + 0.03
    assert clf.predict(X_test).shape == ((500,) if form in CLASSES else (500, 1))
    assert clf.best_score_ == max(clf.cv_results_["mean_test_score"])


@pytest.mark.parametrize("name", ["meta", "tuned"])
def test_every_way_to_say_one_label_is_the_same(name):
    fitted = [LEARNING[name].fit(X, column).thresholds_ for column in COLUMNS.values()]
    assert_array_equal(fitted, np.repeat(fitted[:1], len(fitted), axis=0))
    with_names = LEARNING[name].fit(X, COLUMNS["polars"])
    assert with_names.label_names_.tolist() == ["rain"]
    assert with_names.classes_.tolist() == [[0, 1]]
    as_classes = [LEARNING[name].fit(X, target).thresholds_ for target in CLASSES.values()]
    assert_array_equal(as_classes, np.repeat(as_classes[:1], len(as_classes), axis=0))


@pytest.mark.parametrize("name", ["meta", "tuned"])
def test_of_two_classes_half_is_kept_where_no_threshold_is_better_beyond_chance(name):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 4))
    target = NAMES[(Z[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(int)]
    clf = LEARNING[name].fit(Z, target)
    assert clf.thresholds_.tolist() == [0.5]
    assert_array_equal(clf.predict(Z), clf.classes_[clf.predict_proba(Z).argmax(axis=1)])
    assert {"half"} < set(clf.cv_results_["prediction_policy"])
    assert clf.best_score_ == clf.cv_results_["mean_test_score"][clf.cv_results_["prediction_policy"] == "half"][0]


@pytest.mark.parametrize("allow_unlabeled", [True, False, "auto"])
def test_one_of_two_classes_is_no_missing_label(allow_unlabeled):
    clf = TunedThresholdsClassifierCV(allow_unlabeled=allow_unlabeled, random_state=0).fit(X, NAMES[y])
    assert clf.allow_unlabeled_
    assert 0 < (clf.predict(X) == "yes").mean() < 1


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_scorings_of_two_classes_see_the_classes_and_those_of_one_label_a_vector(make):
    seen = []

    def score(y_true, y_pred):
        seen.append((y_true.shape[1:], *np.unique(y_true)))
        return f1_score(y_true, y_pred, pos_label=np.unique(y_true)[-1])

    expected = make(scoring="f1", random_state=0).fit(X, y).thresholds_
    for target in (NAMES[y], y[:, None]):
        assert_allclose(make(scoring=score, random_state=0).fit(X, target).thresholds_, expected)
    assert set(seen) - {((), "no", "yes"), ((), 0, 1)} <= {((), "yes"), ((), 1), ((), "no"), ((), 0)}
    by_name = make(scoring=make_scorer(f1_score, pos_label="yes"), random_state=0).fit(X, NAMES[y])
    assert_allclose(by_name.thresholds_, expected)
    with pytest.raises(ValueError, match="scoring='f1' cannot score"):
        make(scoring="f1").fit(X, NAMES[y])


def test_a_rare_class_that_a_fold_does_not_have_is_no_error():
    target = np.zeros(60, dtype=int)
    target[[3, 30]] = 1
    clf = TunedThresholdsClassifierCV(LogisticRegression(), cv=3, random_state=0).fit(X[:60], NAMES[target])
    assert set(clf.predict(X[:60])) <= {"no", "yes"}


def test_weights_and_networks_know_one_label():
    clf = LabelWeightedClassifier(label_weight="frequency").fit(X, COLUMNS["pandas"])
    assert clf.predict(X).shape == (500, 1)
    assert clf.weights_.tolist() == [1.0]
