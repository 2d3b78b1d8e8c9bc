"""What base learners are trained as they are, and what messages say of the class or the line to write."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier
from sklearn_metalabel.policies import FixedWeights, LearnedThresholds, PolicySearch, SharedGRUPolicy

X, Y = make_multilabel_classification(90, n_classes=4, random_state=0)
WITH_A_GAP = np.where(np.arange(Y.size).reshape(Y.shape) == 5, np.nan, Y)


class CountedTree(DecisionTreeClassifier):
    """A tree that counts how often any of its kind was fitted."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountedTree.n_fits += 1
        return super().fit(X, y, sample_weight)


def fits_of(classifier, y=Y):
    CountedTree.n_fits = 0
    fitted = classifier.fit(X, y)
    return CountedTree.n_fits, fitted


@pytest.mark.parametrize("training_policy", [None, "search", "uniform"])
def test_a_tree_is_fitted_as_often_as_for_thresholds_alone(training_policy):
    tree = CountedTree(max_depth=3)
    n_fits, fitted = fits_of(MetaPolicyClassifier(tree, training_policy=training_policy, random_state=0))
    assert n_fits == fits_of(TunedThresholdsClassifierCV(tree, random_state=0))[0] == 4
    assert isinstance(fitted.estimator_.estimator_, CountedTree)
    assert fitted.estimator_.estimator_.n_outputs_ == 4
    assert_array_equal(fitted.weights_, np.ones(4))


def test_its_probabilities_are_those_of_the_tree():
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    fitted = MetaPolicyClassifier(tree, prediction_policy="half", random_state=0).fit(X, Y)
    alone = np.column_stack([p[:, 1] for p in tree.fit(X, Y).predict_proba(X)])
    assert np.abs(fitted.predict_proba(X) - alone).max() < 1e-6


@pytest.mark.parametrize(
    ("estimator", "params", "y"),
    [
        (CountedTree(max_depth=3), {"training_policy": FixedWeights([1.0, 2.0, 1.0, 1.0])}, Y),
        (CountedTree(max_depth=3), {"training_policy": FixedWeights("frequency")}, Y),
        (CountedTree(max_depth=3), {"training_policy": PolicySearch(weights=[1.0, 2.0, 1.0, 1.0])}, Y),
        (CountedTree(max_depth=3), {"training_policy": SharedGRUPolicy(n_episodes=1, n_steps=1)}, Y),
        (CountedTree(max_depth=3), {}, WITH_A_GAP),
        (LabelwiseClassifier(CountedTree(max_depth=3)), {}, Y),
    ],
    ids=["weights", "named weights", "a search of weights", "recurrent", "unknown entries", "clones asked for"],
)
def test_clones_are_kept_where_weights_gaps_or_the_user_ask_for_them(estimator, params, y):
    n_fits, fitted = fits_of(MetaPolicyClassifier(estimator, random_state=0, **params), y)
    assert n_fits >= 2 * 4
    assert len(fitted.estimator_.estimators_) == 4


def test_classifiers_of_single_targets_and_of_classes_keep_their_clones():
    assert isinstance(
        MetaPolicyClassifier(LogisticRegression(), random_state=0).fit(X, Y).estimator_, LabelwiseClassifier
    )
    classes = MetaPolicyClassifier(CountedTree(max_depth=3), random_state=0).fit(X, Y[:, 0] + Y[:, 1])
    assert isinstance(classes.estimator_, LabelwiseClassifier)


def test_what_takes_label_matrices_alone_can_be_a_base_learner():
    outputs = MultiOutputClassifier(LogisticRegression())
    fitted = MetaPolicyClassifier(outputs, random_state=0).fit(X, Y)
    assert len(fitted.estimator_.estimator_.estimators_) == 4


def test_a_base_learner_that_was_trained_as_it_is_takes_no_weights_afterwards():
    fitted = MetaPolicyClassifier(CountedTree(max_depth=3), random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match=r"weights must be 1, got weights from 1.0 to 2.0; wrap it as Labelwise"):
        fitted.estimator_.fit(X, Y, label_weight=[1, 1, 1, 2])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator__C": 10}, r"estimator__C is .* estimator is None.*pass estimator=LabelWeightedLogistic\(\)"),
        ({"training_policy__n_folds": 2}, r"training_policy is None.*training_policy=PolicySearch\(\)"),
        ({"prediction_policy__kappa": 2}, r"prediction_policy is None.*prediction_policy=LearnedThresholds\(\)"),
        ({"prediction_policy": "half", "prediction_policy__kappa": 2}, "prediction_policy is 'half'"),
        ({"estimator": LogisticRegression, "estimator__C": 10}, "estimator is <class .*LogisticRegression'>"),
    ],
)
def test_parameters_of_what_was_not_passed_say_what_to_pass(params, match):
    with pytest.raises(ValueError, match=match):
        MetaPolicyClassifier().set_params(**params)


@pytest.mark.parametrize(
    "classifier",
    [
        MetaPolicyClassifier(),
        TunedThresholdsClassifierCV(),
        FixedThresholdsClassifier(thresholds=0.3),
        LabelWeightedClassifier(),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_grid_over_the_default_base_learner_says_what_to_pass(classifier):
    with pytest.raises(ValueError, match=r"pass estimator=LabelWeightedLogistic\(\)"):
        GridSearchCV(classifier, {"estimator__C": [1, 10]}).fit(X, Y)


def test_parameters_of_what_is_passed_at_the_same_time_are_set():
    classifier = MetaPolicyClassifier().set_params(
        estimator=LabelWeightedLogistic(), estimator__C=7, prediction_policy=LearnedThresholds()
    )
    assert classifier.set_params(prediction_policy__n_steps=0).estimator.C == 7
    assert classifier.prediction_policy.n_steps == 0
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        classifier.set_params(colour__hue=1)


@pytest.mark.parametrize("form", [list, tuple, np.array, pd.Series])
@pytest.mark.parametrize(
    "classifier",
    [
        MetaPolicyClassifier(),
        MetaPolicyClassifier(RandomForestClassifier()),
        TunedThresholdsClassifierCV(),
        TunedThresholdsClassifierCV(KNeighborsClassifier()),
        LabelWeightedClassifier(),
        LabelWeightedLogistic(),
    ],
    ids=str,
)
def test_raw_texts_are_answered_with_the_line_to_write(classifier, form, small_texts):
    texts, labels = small_texts
    name = type(classifier).__name__
    with pytest.raises(ValueError, match=rf"raw texts.*make_pipeline\(TfidfVectorizer\(\), {name}\(...\)\)"):
        classifier.fit(form(texts), labels)


@pytest.mark.parametrize(
    "inside", [make_pipeline(TfidfVectorizer(), LogisticRegression()), DummyClassifier()], ids=["pipeline", "dummy"]
)
def test_classifiers_that_take_texts_are_given_them(inside, small_texts):
    texts, labels = small_texts
    cut = FixedThresholdsClassifier(inside, thresholds=0.5, multi_label=False).fit(texts, labels)
    assert cut.predict(texts).shape == labels.shape


def test_the_line_that_the_message_shows_works(small_texts):
    texts, labels = small_texts
    pipeline = make_pipeline(TfidfVectorizer(), MetaPolicyClassifier(random_state=0)).fit(texts, labels)
    assert pipeline.predict(texts).shape == labels.shape
    with pytest.raises(ValueError, match="raw texts"):
        pipeline[-1].predict(texts)
