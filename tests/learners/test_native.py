import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from sklearn_metalabel import ConstantLabelWarning, LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.policies import SharedGRUPolicy


class Native(ClassifierMixin, BaseEstimator):
    """Takes a weight for each label in its own `fit`; `form` is how it gives its probabilities."""

    def __init__(self, form="array", random_state=None):
        self.form = form
        self.random_state = random_state

    def fit(self, X, Y, sample_weight=None, label_weight=None):
        self.given_ = {"Y": Y, "sample_weight": sample_weight, "label_weight": label_weight}
        self.classes_ = [0, 1]
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        columns = Y.reshape(len(Y), -1).T
        self.models_ = [LogisticRegression().fit(X, y, w * weight) for y, w in zip(columns, label_weight, strict=True)]
        return self

    def predict_proba(self, X):
        both = [model.predict_proba(X) for model in self.models_]
        if self.form == "list":
            return both
        if self.form == "classes":
            return both[0]
        P = np.column_stack([p[:, 1] for p in both])
        return P[:, :-1] if self.form == "short" else P


def by_label(X, Y, label_weight):
    fitted = [LogisticRegression().fit(X, y, np.full(len(X), w)) for y, w in zip(Y.T, label_weight, strict=True)]
    return np.column_stack([each.predict_proba(X)[:, 1] for each in fitted])


@pytest.mark.parametrize("form", ["array", "list"])
def test_weights_go_to_its_own_fit_and_either_form_of_probabilities_comes_back(form, multilabel_data):
    X, Y = multilabel_data
    classifier = LabelWeightedClassifier(Native(form), label_weight=[1.0, 3.0, 2.0, 2.0])
    P = classifier.fit(X, Y).predict_proba(X)
    assert_array_equal(P, by_label(X, Y, [0.5, 1.5, 1.0, 1.0]))
    assert_array_equal(classifier.estimator_.estimator_.given_["Y"], Y)
    assert classifier.estimator_.estimator_.given_["sample_weight"] is None


def test_sample_weights_go_along(multilabel_data):
    X, Y = multilabel_data
    weight = np.linspace(0.1, 1, len(X))
    fitted = LabelWeightedClassifier(Native()).fit(X, Y, sample_weight=weight)
    assert_array_equal(fitted.estimator_.estimator_.given_["sample_weight"], weight)


def test_a_meta_policy_weights_a_native_estimator(multilabel_data):
    X, Y = multilabel_data
    meta = MetaPolicyClassifier(
        Native(), training_policy=SharedGRUPolicy(n_episodes=2, n_steps=2), cv=2, random_state=0
    )
    meta.fit(X, Y)
    assert_array_equal(meta.predict_proba(X), by_label(X, Y, meta.weights_))
    assert np.ptp(meta.weights_) > 0


@pytest.mark.parametrize("form", ["array", "list", "classes"])
def test_binary_targets_are_given_as_a_vector(form, multilabel_data):
    X, Y = multilabel_data
    fitted = LabelWeightedClassifier(Native(form)).fit(X, np.where(Y[:, 0] == 1, "yes", "no"))
    assert fitted.estimator_.estimator_.given_["Y"].shape == (len(X),)
    expected = LogisticRegression().fit(X, Y[:, 0]).predict_proba(X)
    assert_allclose(fitted.predict_proba(X), expected)


def test_probabilities_of_another_shape_are_refused(multilabel_data):
    X, Y = multilabel_data
    with pytest.raises(ValueError, match=r"Native.predict_proba must return shape \(80, 4\), got \(80, 3\)"):
        LabelWeightedClassifier(Native("short")).fit(X, Y).predict(X)


def test_the_seed_is_handed_on_unless_the_user_gave_one():
    assert NativeLabelClassifier(Native())._clone_for_training(7).estimator.random_state == 7
    assert NativeLabelClassifier(Native(random_state=3))._clone_for_training(7).estimator.random_state == 3


def test_inputs_are_what_the_estimator_takes():
    assert not get_tags(NativeLabelClassifier(Native())).input_tags.sparse
    assert get_tags(NativeLabelClassifier(LogisticRegression())).input_tags.sparse


class Forest(ClassifierMixin, BaseEstimator):
    """Passes labels on to a forest, which gives one column for a label with one value."""

    def fit(self, X, Y, label_weight=None):
        self.forest_ = RandomForestClassifier(5, random_state=0).fit(X, Y)
        self.classes_ = self.forest_.classes_
        return self

    def predict_proba(self, X):
        return self.forest_.predict_proba(X)


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_with_one_value_is_predicted_as_it_is(value, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, :2], np.full(len(Y), value)])
    with pytest.warns(ConstantLabelWarning):
        fitted = LabelWeightedClassifier(Forest()).fit(X, Y)
    assert_allclose(fitted.predict_proba(X)[:, 2], value, atol=1e-10)
