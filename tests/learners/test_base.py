import numpy as np
import pytest
from _cases import small_torch
from numpy.testing import assert_array_equal

from sklearn_metalabel.learners import (
    LabelWeightedLogistic,
    LossWeights,
    TorchClassifier,
    check_label_weight,
    train_classifier,
)


def test_label_weights_are_floats_and_ones_where_none_are_given():
    assert_array_equal(check_label_weight(None, 3), np.ones(3))
    assert check_label_weight([1, 2, 3], 3).dtype == np.float64


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([1.0], r"anchor must have one weight for each of the 3 labels, got shape \(1,\)"),
        ([[1.0, 1.0, 1.0]], r"anchor must have one weight for each of the 3 labels, got shape \(1, 3\)"),
        ([1.0, 0.0, 2.0], "anchor must be finite and positive, got values from 0.0 to 2.0"),
        ([1.0, np.nan, 2.0], "anchor must be finite and positive, got values from nan to nan"),
        ([1.0, np.inf, 2.0], "anchor must be finite and positive, got values from 1.0 to inf"),
    ],
)
def test_other_label_weights_are_refused_by_the_name_of_the_parameter(given, match):
    with pytest.raises(ValueError, match=match):
        check_label_weight(given, 3, "anchor")


def test_fit_takes_label_and_sample_weights_alone(multilabel_data):
    with pytest.raises(
        TypeError, match=r"TorchClassifier.fit got unexpected arguments \['groups'\]; it takes sample_w"
    ):
        small_torch().fit(*multilabel_data, groups=np.ones(80))


@pytest.mark.parametrize("base", [LabelWeightedLogistic(C=3), small_torch()], ids=["logistic", "torch"])
def test_a_trained_copy_is_what_fit_makes_and_the_base_stays_unfitted(base, multilabel_data):
    X, Y = multilabel_data
    before, weights = dict(vars(base)), np.array([2.0, 1.0, 0.5, 0.5])
    trained = train_classifier(base, X, Y.astype(np.int8), LossWeights(weights), seed=5)
    assert vars(base) == before
    expected = base._clone_for_training(5).fit(X, Y, label_weight=weights).predict_proba(X)
    assert_array_equal(trained._label_probabilities(X), expected)
    assert not isinstance(base, TorchClassifier) or trained.random_state == 5
