import pickle
import warnings

import numpy as np
import pytest
from _policy_cases import (
    THREE,
    compact,
    random_rows,
    scoring,
    single_label_rows,
    uncalibrated_rows,
    untouched_randomness,
)
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import (
    BestThresholds,
    EpisodeThresholds,
    FixedThresholds,
    LearnedThresholds,
    PlugInThresholds,
    PredictionPolicy,
    SCutFBRThresholds,
    ShrunkenThresholds,
    ThresholdRule,
)
from sklearn_metalabel.thresholds import OutOfFold


class QuantileThresholds(PredictionPolicy):
    """A stranger's policy: each label is predicted for a share of the rows."""

    def __init__(self, share=0.5):
        self.share = share

    def check(self):
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie inside (0, 1), got {self.share!r}.")

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        return np.quantile(out_of_fold.P, 1 - self.share, axis=0)


class RandomThresholds(PredictionPolicy):
    """A policy that draws."""

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        return np.random.RandomState(random_state).uniform(0.2, 0.4, out_of_fold.n_labels)


EVERY = {
    "learned": LearnedThresholds(n_steps=3),
    "pretrained": LearnedThresholds(n_steps=0),
    "rule": ThresholdRule("scut"),
    "function": ThresholdRule(np.median),
    "shrunken": ShrunkenThresholds(kappa=2.0),
    "plug in": PlugInThresholds(balance=0.3),
    "scutfbr": SCutFBRThresholds(0.2, variant=0, n_folds=2),
    "fixed": FixedThresholds(0.3),
    "episode": EpisodeThresholds(),
    "best": BestThresholds(["half", ShrunkenThresholds(2.0)]),
    "a stranger's": QuantileThresholds(0.3),
}
FITTED = ["thresholds_", "allow_unlabeled_", "best_score_", "cv_results_"]


def few_labels():
    """Most samples have no label."""
    rng = np.random.default_rng(0)
    P = rng.beta(1, 15, size=(300, 4)).clip(1e-6, 1 - 1e-6)
    return OutOfFold(rng.random(P.shape) < P, P, rng.integers(3, size=300))


def slow_twin(policy, rows, given):
    """The score of each way with samples without a label, on folds that the thresholds were not found on."""
    scores = {}
    for fallback in (True, False):
        decided = np.zeros(rows.Y.shape, dtype=bool)
        for k in np.unique(rows.fold):
            t = policy.find_thresholds(rows.take(rows.fold != k), given)
            decided[rows.fold == k] = decide(rows.P[rows.fold == k], t, fallback)
        scores[fallback] = given(rows.Y, decided)
    return scores


@pytest.mark.parametrize("given", ["accuracy", "f1_micro", "f1_macro", "f1_samples"])
@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("make", [few_labels, single_label_rows, uncalibrated_rows])
def test_whether_a_sample_may_get_no_label_is_chosen_on_folds_that_the_thresholds_did_not_see(make, share, given):
    rows, policy = make(), QuantileThresholds(share)
    expected = slow_twin(policy, rows, scoring(given))
    policy.fit(rows, given)
    assert policy.allow_unlabeled_ is max(expected, key=expected.get)
    assert policy.best_score_ == pytest.approx(max(expected.values()))
    assert policy.cv_results_["mean_test_score"] == pytest.approx(list(expected.values()))
    assert_array_equal(policy.thresholds_, policy.find_thresholds(rows, THREE))


def test_both_choices_are_made_by_these_cases():
    assert QuantileThresholds(0.1).fit(few_labels(), "accuracy").allow_unlabeled_ is True
    assert QuantileThresholds(0.1).fit(single_label_rows(), "accuracy").allow_unlabeled_ is False


@pytest.mark.parametrize("given", [True, False])
def test_a_given_choice_is_kept(given):
    for make in (random_rows, single_label_rows):
        policy = QuantileThresholds(0.1).fit(make(), allow_unlabeled=given)
        assert policy.allow_unlabeled_ is given
        assert policy.cv_results_["allow_unlabeled"].tolist() == [given]


def test_predictions_are_decisions_by_what_was_learned():
    rows = single_label_rows()
    policy = QuantileThresholds(0.1).fit(rows, "accuracy")
    assert policy.allow_unlabeled_ is False
    assert_array_equal(policy.predict(rows.P), decide(rows.P, policy.thresholds_, False))
    assert policy.predict(rows.P).any(axis=1).all()


def test_a_policy_is_called_by_its_class_and_random_by_the_seed_alone():
    rows = random_rows()
    with untouched_randomness():
        one, same, other = (RandomThresholds().fit(rows, random_state=s).thresholds_ for s in (1, 1, 2))
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert RandomThresholds().name == "RandomThresholds"


def test_its_parameters_are_checked_before_anything_else():
    with pytest.raises(ValueError, match=r"share must lie inside \(0, 1\), got 2"):
        QuantileThresholds(2).fit(None)


def test_thresholds_outside_are_refused():
    class Wrong(QuantileThresholds):
        def find_thresholds(self, out_of_fold, scoring, random_state=None):
            return np.full(out_of_fold.n_labels, 2.0)

    with pytest.raises(ValueError, match="thresholds must"):
        Wrong().fit(random_rows())


def test_a_policy_without_thresholds_cannot_be_made():
    class Nothing(PredictionPolicy):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


def test_what_needs_all_rows_says_so_and_without_rows_what_to_do():
    assert QuantileThresholds().needs_all_probabilities(THREE)
    with pytest.raises(ValueError, match="too many to keep all probabilities"):
        QuantileThresholds().fit(compact(random_rows()))
    with pytest.raises(
        ValueError, match="QuantileThresholds needs held-out rows, and cv=None holds none out; set cv=3"
    ):
        QuantileThresholds().fit(None, proposed=[0.5])


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_a_strangers_policy_works_in_the_estimators(make, multilabel_data):
    X, Y = multilabel_data
    clf = make(prediction_policy=QuantileThresholds(0.25), random_state=0).fit(X, Y)
    assert type(clf.prediction_policy_) is QuantileThresholds
    assert set(clf.cv_results_["prediction_policy"]) == {"QuantileThresholds"}
    assert clf.best_score_ == clf.cv_results_["mean_test_score"][-2:].max()
    assert clf.set_params(prediction_policy__share=0.75).fit(X, Y).predict(X).mean() > 0.5
    with pytest.raises(ValueError, match="share must lie inside"):
        clf.set_params(prediction_policy__share=7).fit(X, Y)


@pytest.mark.parametrize("name", EVERY)
def test_every_policy_can_be_cloned_and_its_parameters_set(name):
    policy = clone(EVERY[name]).fit(random_rows(), proposed=np.full(4, 0.5)) if name != "function" else EVERY[name]
    copy = clone(policy)
    assert vars(copy).keys() == policy.get_params(deep=False).keys()
    assert repr(copy) == repr(EVERY[name])
    bare = type(copy)(policies=["half"]) if name == "best" else type(copy)()
    assert repr(bare.set_params(**copy.get_params(deep=False))) == repr(copy)
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        copy.set_params(nothing=1)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "function"])
def test_a_fitted_policy_can_be_stored(name):
    rows = random_rows()
    policy = clone(EVERY[name]).fit(rows, proposed=np.full(4, 0.4), random_state=0)
    restored = pickle.loads(pickle.dumps(policy))
    for attribute in FITTED:
        np.testing.assert_equal(getattr(restored, attribute), getattr(policy, attribute))
    assert_array_equal(restored.predict(rows.P), policy.predict(rows.P))
    assert len(pickle.dumps(policy)) < 20_000  # not the rows


@pytest.mark.parametrize("name", [name for name in EVERY if name != "function"])
def test_fits_leave_global_randomness_alone_and_have_the_same_bits(name):
    fits = []
    for world in range(2):
        with untouched_randomness(world):
            fits.append(clone(EVERY[name]).fit(random_rows(), proposed=np.full(4, 0.4), random_state=0))
    assert_array_equal(fits[0].thresholds_, fits[1].thresholds_)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("function", "episode")])
def test_every_policy_copes_with_a_label_of_one_value_and_a_single_fold(name):
    rows = random_rows()
    Y = rows.truth()
    Y[:, 0] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy = clone(EVERY[name]).fit(OutOfFold(Y, rows.P), random_state=0)
    assert ((policy.thresholds_ >= 0) & (policy.thresholds_ <= 1)).all()
    assert np.isfinite(policy.best_score_)


def test_half_is_exceeded_strictly_where_one_label_may_prefer_it():
    Y, P = np.array([[1], [0], [0], [1]] * 5), np.array([[0.9], [0.5], [0.2], [0.6]] * 5)
    rows = OutOfFold(Y, P, np.arange(20) % 4)
    policy = (
        ThresholdRule("global")
        .fit(rows, "accuracy", allow_unlabeled=True)
        .prefer_half(rows, Scoring.resolve("accuracy"))
    )
    assert policy.cv_results_["prediction_policy"].tolist() == ["global", "half"]
    assert policy.cv_results_["mean_test_score"][1] == 1.0


def test_a_policy_with_a_fit_of_its_own_need_not_know_of_dependence():
    class Own(PredictionPolicy):
        def find_thresholds(self, out_of_fold, scoring, random_state=None):
            return np.full(out_of_fold.n_labels, 0.4)

        def fit(self, out_of_fold, scoring=None, *, allow_unlabeled="auto", proposed=None, random_state=None):
            self.thresholds_, self.allow_unlabeled_ = np.full(out_of_fold.n_labels, 0.4), True
            self.best_score_, self.cv_results_ = 0.5, {}
            return self

    X, Y = make_multilabel_classification(120, n_classes=3, random_state=0)
    for make in (MetaPolicyClassifier, TunedThresholdsClassifierCV):
        clf = make(prediction_policy=Own(), random_state=0).fit(X, Y)
        assert_array_equal(clf.predict(X), clf.predict_proba(X) > 0.4)
