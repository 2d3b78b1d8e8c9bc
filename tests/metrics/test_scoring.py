import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, hamming_loss, jaccard_score, make_scorer

from sklearn_metalabel.thresholds._criteria import criterion_parts, criterion_score


@pytest.mark.parametrize("seed", range(5))
def test_criteria_equal_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    Y, D = rng.random((2, 50, 6)) < 0.3
    for average in ("micro", "macro", "samples"):
        ours = criterion_score(f"{average}_f1", Y, D)
        assert ours == pytest.approx(f1_score(Y, D, average=average, zero_division=0))
    assert criterion_score("strict_accuracy", Y, D) == accuracy_score(Y, D)
    both = criterion_score(("micro_f1", accuracy_score), Y, D)
    assert both == pytest.approx((f1_score(Y, D, average="micro") + accuracy_score(Y, D)) / 2)


def test_scorers_of_scikit_learn_are_taken_by_name_and_as_they_are():
    rng = np.random.default_rng(0)
    Y, D = rng.random((2, 50, 6)) < 0.3
    Y[:, 2], D[:, 2] = False, False  # 0/0 is 0, without a warning
    jaccard = jaccard_score(Y, D, average="macro", zero_division=0)
    assert criterion_score("jaccard_macro", Y, D) == pytest.approx(jaccard)
    assert criterion_score(make_scorer(hamming_loss, greater_is_better=False), Y, D) == -hamming_loss(Y, D)
    beta = make_scorer(fbeta_score, beta=2, average="micro")
    both = (fbeta_score(Y, D, beta=2, average="micro") + jaccard) / 2
    assert criterion_score([beta, "jaccard_macro"], Y, D) == pytest.approx(both)


def test_names_of_scikit_learn_for_our_criteria_are_ours():
    assert criterion_parts(["accuracy", "f1_micro", "f1_macro", "f1_samples"]) == [
        "strict_accuracy",
        "micro_f1",
        "macro_f1",
        "samples_f1",
    ]


@pytest.mark.parametrize(
    "criterion",
    ["roc_auc", "f_one", (), 3, ["micro_f1", "log_loss"], make_scorer(accuracy_score, response_method="predict_proba")],
)
def test_what_does_not_judge_decisions_is_refused(criterion):
    with pytest.raises(ValueError, match="criterion must be one of"):
        criterion_parts(criterion)
