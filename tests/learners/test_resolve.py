import functools

import numpy as np
import pytest
from _cases import MLP, mlp, sgd, small_torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest
from sklearn_metalabel.learners._resolve import as_classifier, as_label_classifier, as_multilabel
from sklearn_metalabel.learners._skorch import SkorchLabelClassifier


class TakesLabelWeight(ClassifierMixin, BaseEstimator):
    def fit(self, X, Y, sample_weight=None, label_weight=None):
        return self

    def predict_proba(self, X):
        return np.full((len(X), 4), 0.5)


CASES = [
    (None, LabelWeightedLogistic, None),
    (LabelWeightedLogistic(C=3), LabelWeightedLogistic, None),
    (small_torch(), TorchClassifier, None),
    (MLP, TorchClassifier, "module"),
    (mlp, TorchClassifier, "module"),
    (functools.partial(mlp, hidden=3), TorchClassifier, "module"),
    (MLP(8, 4), TorchClassifier, "module"),
    (NeuralNet(MLP, nn.BCEWithLogitsLoss), SkorchLabelClassifier, "net"),
    (TakesLabelWeight(), NativeLabelClassifier, "estimator"),
    (LogisticRegression(C=3), LabelwiseClassifier, "estimator"),
    (sgd(), LabelwiseClassifier, "estimator"),
    (RandomForestClassifier(), LabelwiseClassifier, "estimator"),
]


@pytest.mark.parametrize(("given", "kind", "parameter"), CASES, ids=lambda value: type(value).__name__)
def test_each_kind_of_base_learner_gets_its_adapter(given, kind, parameter):
    classifier = as_label_classifier(given)
    assert type(classifier) is kind
    inner = classifier if parameter is None else getattr(classifier, parameter)
    if parameter == "module":
        assert inner is given
    elif given is not None:
        assert inner is not given
        assert type(inner) is type(given)
        own = {name for name, value in given.get_params(deep=False).items() if isinstance(value, int | float | str)}
        assert {name: getattr(inner, name) for name in own} == {name: getattr(given, name) for name in own}


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (LogisticRegression, "got the class LogisticRegression: pass an instance of it"),
        (LabelWeightedLogistic, "got the class LabelWeightedLogistic: pass an instance of it"),
        (int, "got the class int: pass a torch.nn.Module class"),
        (object(), "object cannot be a base learner: it has no fit and no predict_proba"),
        (Perceptron(), r"has no predict_proba. TunedThresholdsClassifierCV\(Perceptron\(...\)\) chooses"),
        (KNeighborsClassifier(), r"has neither. TunedThresholdsClassifierCV\(KNeighborsClassifier\(...\)\) chooses"),
        (make_pipeline(LogisticRegression()), "put transformers before MetaPolicyClassifier in the pipeline"),
        (5, "int cannot be a base learner"),
    ],
)
def test_what_cannot_be_weighted_is_refused_with_the_remedy(given, match):
    with pytest.raises(TypeError, match=match):
        as_label_classifier(given)


def test_classifiers_that_are_only_cut_at_thresholds_stay_themselves():
    for given in (KNeighborsClassifier(3), Perceptron(), make_pipeline(LogisticRegression())):
        found = as_classifier(given)
        assert type(found) is type(given)
        assert found is not given
    assert type(as_classifier(None)) is LabelWeightedLogistic
    assert type(as_classifier(MLP)) is TorchClassifier
    with pytest.raises(
        TypeError, match="KMeans cannot be cut at thresholds: it has no predict_proba or decision_function"
    ):
        as_classifier(KMeans())
    with pytest.raises(TypeError, match="got the class KMeans: pass an instance of it"):
        as_classifier(KMeans)


@pytest.mark.parametrize(
    ("classifier", "knows"),
    [
        (RandomForestClassifier(), True),
        (KNeighborsClassifier(), True),
        (LabelWeightedLogistic(), True),
        (MultiOutputClassifier(LogisticRegression()), True),
        (GridSearchCV(RandomForestClassifier(), {}), True),
        (LogisticRegression(), False),
        (Perceptron(), False),
        (GridSearchCV(LogisticRegression(), {}), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_classifiers_of_one_target_get_a_clone_for_each_label(classifier, knows):
    found = as_multilabel(classifier)
    assert (found is classifier) == knows
    assert knows or (type(found) is WeightedOneVsRest and found.estimator is classifier)
