import numpy as np
import pytest
from _policy_cases import Recorder, small_task
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.policies import FixedWeights


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ("uniform", "uniform"),
        ("frequency", "frequency"),
        ([4.0, 2.0, 1.0, 1.0], "given"),
        (lambda Y: 1 + Y[0], "given"),
    ],
)
def test_every_fold_is_trained_under_the_weights(weights, name):
    policy, task = FixedWeights(weights), small_task()
    result = policy.train(task)
    Y = task.folds[0].Y
    expected = {
        "uniform": np.ones(4),
        "frequency": Y.sum(axis=0) ** -0.25,
        "given": weights(Y) if callable(weights) else weights,
    }[name]
    expected = np.asarray(expected, dtype=float)
    assert_allclose(result.loss_weights.label, expected / expected.mean())
    assert (policy.best_proposal_, policy.history_, result.loss_weights.positive) == (name, {}, None)
    assert (result.proposed_thresholds, list(result.compared)) == (None, [])
    for k, fold in enumerate(task.folds):
        own = result.out_of_fold.fold == k
        twin = LabelWeightedLogistic().fit(fold.X[fold.train], Y[fold.train], label_weight=result.loss_weights.label)
        # Folds are solved as far as their probabilities need, and kept in half the memory.
        assert_allclose(result.out_of_fold.P[own], twin.predict_proba(fold.X[fold.held_out]), atol=1e-3)
        assert_array_equal(result.out_of_fold.truth()[own], Y[fold.held_out])


def test_depth_in_the_hierarchy_gives_the_weights(multilabel_data):
    X, Y = multilabel_data
    policy = FixedWeights("hierarchy", hierarchy=[-1, 0, 1, 0])
    clf = MetaPolicyClassifier(training_policy=policy, random_state=0).fit(X, Y)
    assert_allclose(clf.weights_, np.array([1, 2, 3, 2]) / 2)
    assert clf.training_policy_.best_proposal_ == "hierarchy"


def test_where_nothing_is_held_out_nothing_is_trained():
    recorder, task = Recorder(), small_task(cv=None)
    result = FixedWeights().train(small_task(cv=None, monitor=recorder))
    assert (result.out_of_fold, recorder.n_begun, FixedWeights().count_runs(task)) == (None, 0, 0)
    assert FixedWeights().count_runs(small_task(cv=4)) == 4


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="weights must be one of .* an array of shape .* got 'equal'"):
        FixedWeights("equal").check()


@pytest.mark.parametrize("wrong", [[1.0, 1.0], [1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, np.nan], lambda Y: np.ones(3)])
def test_weights_that_do_not_fit_the_labels_are_refused(wrong):
    with pytest.raises(ValueError, match="weights"):
        FixedWeights(wrong).train(small_task())
