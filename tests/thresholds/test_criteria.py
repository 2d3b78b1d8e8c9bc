import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from sklearn_metalabel.thresholds._criteria import criterion_score


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
