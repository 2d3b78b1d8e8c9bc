from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
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
