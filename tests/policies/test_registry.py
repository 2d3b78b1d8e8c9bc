import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from sklearn_metalabel import policies
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier, as_label_classifier
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import (
    BestThresholds,
    FixedWeights,
    GRUPolicy,
    LearnedThresholds,
    PolicySearch,
    PredictionPolicy,
    PretrainedPolicy,
    ShrunkenThresholds,
    ThresholdRule,
    TrainingPolicy,
)
from sklearn_metalabel.policies._registry import (
    PREDICTION_POLICIES,
    TRAINING_POLICIES,
    as_prediction_policy,
    as_training_policy,
)

LINEAR = LabelWeightedLogistic()


def test_every_name_finds_a_policy_of_its_own_and_the_prediction_policies_are_called_by_it():
    for name, policy in TRAINING_POLICIES.items():
        found = as_training_policy(name, LINEAR)
        assert repr(found) == repr(policy)
        assert found is not policy
    for name, policy in PREDICTION_POLICIES.items():
        found = as_prediction_policy(name)
        assert (repr(found), found.name) == (repr(policy), name)
        assert found is not policy


def test_every_policy_of_the_package_that_needs_nothing_of_the_user_has_a_name():
    public = [getattr(policies, name) for name in policies.__all__]
    kinds = [each for each in public if isinstance(each, type) and issubclass(each, TrainingPolicy | PredictionPolicy)]
    named = {type(policy) for policy in (*TRAINING_POLICIES.values(), *PREDICTION_POLICIES.values())}
    nameless = {BestThresholds, policies.FixedThresholds, policies.ConstrainedThresholds}
    assert set(kinds) - named == nameless | {TrainingPolicy, PredictionPolicy}


def test_nothing_is_the_default_which_for_networks_is_the_pre_trained_policy():
    assert type(as_training_policy(None, LINEAR)) is PolicySearch
    assert type(as_training_policy(None, as_label_classifier(RandomForestClassifier()))) is PolicySearch
    assert type(as_training_policy(None, TorchClassifier(MLP))) is PretrainedPolicy
    assert type(as_training_policy(None, TorchClassifier(MLP, loss="focal"))) is PolicySearch
    assert repr(as_prediction_policy(None)) == repr(LearnedThresholds())


def test_what_is_given_is_cloned_and_wrapped():
    given = FixedWeights("frequency")
    assert as_training_policy(given, LINEAR) is not given
    assert as_training_policy(given, LINEAR).weights == "frequency"
    assert as_prediction_policy(np.median).rule is np.median
    several = as_prediction_policy(["half", ShrunkenThresholds(1)])
    assert isinstance(several, BestThresholds)
    assert as_prediction_policy(("half",)).policies == ("half",)


WRONG_TRAINING = [
    ("paired", ValueError, r"None, one of \['search', 'uniform', 'pretrained', 'shared', 'gru'\] .*'paired'"),
    (3, TypeError, "or a TrainingPolicy, got 3 of type int"),
    (PolicySearch, TypeError, "or a TrainingPolicy, got <class"),
    (ThresholdRule(), TypeError, "or a TrainingPolicy, got ThresholdRule"),
    (FixedWeights("equal"), ValueError, "weights must be one of"),
    (PolicySearch(n_folds=0), ValueError, "n_folds must be"),
]
WRONG_PREDICTION = [
    ("policy", ValueError, "prediction_policy must be None, one of .*'learned', 'pretrained'.* got 'policy'"),
    (3, TypeError, "a PredictionPolicy, a function .* got 3 of type int"),
    (ThresholdRule, TypeError, "a PredictionPolicy, a function .* got <class"),
    (GRUPolicy(), TypeError, "a PredictionPolicy, a function .* got GRUPolicy"),
    ([], ValueError, "must name at least one policy"),
    (ShrunkenThresholds(-1), ValueError, "kappa must be"),
]


@pytest.mark.parametrize(("given", "error", "match"), WRONG_TRAINING)
def test_what_is_no_training_policy_is_refused(given, error, match):
    with pytest.raises(error, match=match):
        as_training_policy(given, LINEAR)


@pytest.mark.parametrize(("given", "error", "match"), WRONG_PREDICTION)
def test_what_is_no_prediction_policy_is_refused(given, error, match):
    with pytest.raises(error, match=match):
        as_prediction_policy(given)
