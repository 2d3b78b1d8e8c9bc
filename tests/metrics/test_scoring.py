from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, hamming_loss, jaccard_score, make_scorer

from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring, function_name, unique_name


def decisions(seed=0):
    """Truth and decisions, with a label that is neither positive nor predicted and samples without labels."""
    Y, D = np.random.default_rng(seed).random((2, 50, 6)) < 0.3
    Y[:, 2] = D[:, 2] = False
    Y[:3] = D[:3] = False
    return Y, D


def density(y_true, y_pred):
    return y_pred.mean()


@pytest.mark.parametrize("seed", range(5))
def test_named_scores_are_those_of_scikit_learn(seed):
    Y, D = decisions(seed)
    for average in ("micro", "macro", "samples"):
        expected = f1_score(Y, D, average=average, zero_division=0)
        assert Scoring.resolve(f"f1_{average}")(Y, D) == pytest.approx(expected)
    assert Scoring.resolve("accuracy")(Y, D) == accuracy_score(Y, D)


def test_of_several_the_mean_is_taken_and_each_part_is_known_by_its_name():
    Y, D = decisions()
    scoring = Scoring.resolve(["f1_micro", accuracy_score])
    parts = {"f1_micro": f1_score(Y, D, average="micro"), "accuracy_score": accuracy_score(Y, D)}
    assert scoring.by_part(Y, D) == pytest.approx(parts)
    assert scoring(Y, D) == pytest.approx(np.mean(list(parts.values())))


def test_scorers_of_scikit_learn_are_taken_by_name_and_as_they_are():
    Y, D = decisions()  # 0/0 is 0, without a warning
    jaccard = jaccard_score(Y, D, average="macro", zero_division=0)
    assert Scoring.resolve("jaccard_macro")(Y, D) == pytest.approx(jaccard)
    loss = make_scorer(hamming_loss, greater_is_better=False)
    assert Scoring.resolve(loss)(Y, D) == -hamming_loss(Y, D)
    beta = make_scorer(fbeta_score, beta=2, average="micro")
    both = (fbeta_score(Y, D, beta=2, average="micro") + jaccard) / 2
    assert Scoring.resolve([beta, "jaccard_macro"])(Y, D) == pytest.approx(both)


def test_functions_are_given_integers():
    def kinds(y_true, y_pred):
        assert (y_true.dtype.kind, y_pred.dtype.kind) == ("i", "i")
        return 0.5

    assert Scoring.resolve(kinds)(*decisions()) == 0.5


def test_a_name_that_comes_twice_counts_twice():
    scoring = Scoring.resolve(["f1_micro", "f1_micro", "accuracy", density])
    assert list(scoring.parts) == ["f1_micro", "f1_micro-2", "accuracy", "density"]
    assert scoring.named_weights == pytest.approx({"f1_micro": 2 / 3, "accuracy": 1 / 3})
    assert not scoring.is_named


def test_where_nothing_has_a_name_the_weights_are_those_of_the_default():
    assert_allclose(list(Scoring.resolve(density).named_weights.values()), 1 / 3)
    assert tuple(Scoring.resolve(density).named_weights) == DEFAULT_SCORING
    assert Scoring.resolve(DEFAULT_SCORING).is_named


@pytest.mark.parametrize(
    "given",
    [
        "roc_auc",
        "f_one",
        "strict_accuracy",
        "micro_f1",
        (),
        [],
        3,
        None,
        ["f1_micro", "log_loss"],
        make_scorer(accuracy_score, response_method="predict_proba"),
    ],
)
def test_what_does_not_judge_decisions_is_refused(given):
    with pytest.raises(ValueError, match="scoring must be one of .*a scorer of scikit-learn that reads predictions"):
        Scoring.resolve(given)


def test_scores_of_classes_are_refused_for_label_sets():
    with pytest.raises(ValueError, match=r"scoring='f1' cannot score label sets: .*multilabel"):
        Scoring.resolve(["accuracy", "f1"]).check(3)


def test_a_function_that_returns_many_numbers_is_refused():
    with pytest.raises((TypeError, ValueError), match="scoring='by_label' (must return one number|cannot score)"):
        Scoring.resolve(by_label).check(3)


def by_label(y_true, y_pred):
    return (y_true == y_pred).mean(axis=0)


@pytest.mark.parametrize("n_labels", [1, 2, 7])
@pytest.mark.parametrize("given", [DEFAULT_SCORING, "f1_samples", "jaccard_macro", density])
def test_what_can_score_label_sets_is_let_through(given, n_labels):
    Scoring.resolve(given).check(n_labels)


def test_functions_partials_and_objects_have_names():
    class Measure:
        def __call__(self, y_true, y_pred):
            return 0.0

    assert [function_name(each) for each in (density, partial(density), Measure())] == ["density", "density", "Measure"]
    assert [unique_name("a", taken) for taken in ([], ["a"], ["a", "a-2"])] == ["a", "a-2", "a-3"]


def copied(Y, D, weight):
    rows = np.repeat(np.arange(len(Y)), weight)
    return Y[rows], D[rows]


def weighted_density(y_true, y_pred, sample_weight=None):
    return float(np.average(y_pred.mean(axis=1), weights=sample_weight))


fbeta = make_scorer(fbeta_score, beta=2, average="macro")


@pytest.mark.parametrize(
    "given", ["accuracy", "f1_micro", "f1_macro", "f1_samples", "jaccard_macro", fbeta, weighted_density]
)
def test_a_weight_is_a_number_of_copies(given):
    (Y, D), weight, scoring = decisions(), np.random.default_rng(1).integers(0, 4, 50), Scoring.resolve(given)
    assert scoring(Y, D, weight.astype(float)) == pytest.approx(scoring(*copied(Y, D, weight)))
    assert scoring(Y, D, 0.1 * weight) == pytest.approx(scoring(Y, D, weight.astype(float)))
    assert scoring(Y, D, np.full(50, 0.3)) == scoring(Y, D)


@pytest.mark.parametrize("given", ["accuracy", "f1_micro", "f1_macro", "f1_samples", "jaccard_samples"])
def test_named_weighted_scores_are_those_of_scikit_learn(given):
    (Y, D), weight = decisions(), np.random.default_rng(1).random(50)
    metric, average = given.split("_") if "_" in given else (given, None)
    functions = {"accuracy": accuracy_score, "f1": f1_score, "jaccard": jaccard_score}
    options = {} if average is None else {"average": average, "zero_division": 0}
    expected = functions[metric](Y, D, sample_weight=weight, **options)
    assert Scoring.resolve(given)(Y, D, weight) == pytest.approx(expected)


def test_a_function_without_sample_weight_is_refused_by_name_where_weights_differ():
    (Y, D), weight, scoring = decisions(), 1.0 * (np.arange(50) % 2), Scoring.resolve(["f1_micro", density])
    assert scoring.by_part(Y, D, weight)["density"] == D[1::2].mean()
    scoring.check(6, weight)
    weight[1] = 2
    for refusing in (lambda: scoring.check(6, weight), lambda: scoring(Y, D, weight)):
        with pytest.raises(ValueError, match="scoring='density' takes no sample_weight, and the weights .* differ"):
            refusing()
    Scoring.resolve(partial(fbeta_score, beta=2, average="macro")).check(6, weight)


def test_a_scorer_may_refuse_weights_by_metadata_routing():
    (Y, D), weight = decisions(), np.random.default_rng(1).random(50)
    with config_context(enable_metadata_routing=True):
        scorers = [make_scorer(accuracy_score).set_score_request(sample_weight=asked) for asked in (True, False, "w")]
        assert Scoring.resolve(scorers[0])(Y, D, weight) == accuracy_score(Y, D, sample_weight=weight)
        assert Scoring.resolve(scorers[1])(Y, D, weight) == accuracy_score(Y, D)
        with pytest.raises(ValueError, match="'accuracy_score' asks for the metadata 'w' as sample_weight"):
            Scoring.resolve(scorers[2])
