import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import DependenceDisplay
from sklearn_metalabel.policies import LearnedThresholds


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def labels(n=300, n_labels=6):
    """Labels of which the second comes with the first, and the third without the fourth."""
    rng = np.random.default_rng(0)
    Y = rng.random((n, n_labels)) < 0.4
    Y[:, 1] |= Y[:, 0]
    Y[:, 3] &= ~Y[:, 2]
    return Y.astype(int)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, lambda Y: pd.DataFrame(Y, columns=list("abcdef"))])
def test_pairs_of_a_data_set_are_drawn(form):
    display = DependenceDisplay.from_labels(form(labels()))
    strengths = display.image_.get_array().filled(np.nan)
    place = {name: k for k, name in enumerate(display.labels_)}
    first, second, third, fourth = "abcd" if "a" in place else "0123"
    assert strengths.shape == (6, 6)
    assert strengths[place[first], place[second]] > 2
    assert strengths[place[third], place[fourth]] < -2
    assert_allclose(strengths, strengths.T)
    assert np.isnan(np.diag(strengths)).all()
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == list(display.labels_)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_a_fitted_classifier_is_drawn_by_the_names_of_its_labels(make):
    rng = np.random.default_rng(0)
    Y = labels()
    X = Y + rng.normal(scale=0.8, size=Y.shape)
    policy = LearnedThresholds(dependence=True)
    est = make(LogisticRegression(), prediction_policy=policy, random_state=0)
    pipe = make_pipeline(StandardScaler(), est).fit(X, pd.DataFrame(Y, columns=list("abcdef")))
    display = DependenceDisplay.from_estimator(pipe, max_labels=4)
    assert len(display.labels_) == 4
    assert {"a", "b", "c", "d"} == set(display.labels_)
    frame = display.frame()
    assert {*frame["label"][:2], *frame["other"][:2]} == {"a", "b", "c", "d"}
    assert list(est.dependence_.label_names) == list("abcdef")


def test_at_most_forty_labels_are_drawn_and_long_names_are_cut():
    Y = (np.random.default_rng(0).random((200, 60)) < 0.3).astype(int)
    display = DependenceDisplay.from_labels(
        Y, label_names=[f"a very long name of a label, number {j}" for j in range(60)]
    )
    assert len(display.labels_) == 40
    assert max(len(tick.get_text()) for tick in display.ax_.get_xticklabels()) == 30
    assert repr(display).startswith("DependenceDisplay(60 labels")


def test_it_is_drawn_where_asked_and_two_labels_are_enough():
    _, ax = plt.subplots()
    display = DependenceDisplay.from_labels(labels()[:, :2], ax=ax)
    assert display.ax_ is ax
    assert len(display.labels_) == 2


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(
        NotFittedError, match="needs a fitted classifier; this MetaPolicyClassifier has no label_names_"
    ):
        DependenceDisplay.from_estimator(MetaPolicyClassifier())
    Y = labels()
    X = Y + np.random.default_rng(0).normal(size=Y.shape)
    apart = TunedThresholdsClassifierCV(prediction_policy="half").fit(X, Y)
    with pytest.raises(ValueError, match="decides each label by itself.*from_labels"):
        DependenceDisplay.from_estimator(apart)
    with pytest.raises(ValueError, match="No two labels have both values"):
        DependenceDisplay.from_labels(np.ones((5, 3)))
    with pytest.raises(ValueError, match="max_labels must be an integer of at least 2, got 1"):
        DependenceDisplay.from_labels(Y, max_labels=1)
    with pytest.raises(ValueError, match="one name for each of the 6 labels, got 2"):
        DependenceDisplay.from_labels(Y, label_names=["a", "b"])
