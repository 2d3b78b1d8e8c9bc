import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from _cases import sgd
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.utils import get_tags

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, LossWeights
from sklearn_metalabel.learners._labelwise import PartialFitRun
from sklearn_metalabel.learners._one_label import ConstantLabel
from sklearn_metalabel.learners._training_run import BatchSampler, RefitRun
from sklearn_metalabel.policies import SharedGRUPolicy

EPS = np.finfo(float).eps
# Thresholds are not what is looked at here.
QUICK = {"prediction_policy": "half", "cv": 2, "random_state": 0}


def test_each_label_is_a_clone_weighted_by_label_and_sample(multilabel_data, global_random_seed):
    X, Y = multilabel_data
    weight = np.random.RandomState(global_random_seed).rand(len(X))
    label_weight = np.array([2.0, 1.0, 0.5, 0.1])
    classifier = LabelwiseClassifier(LogisticRegression()).fit(X, Y, label_weight, sample_weight=weight)
    P = classifier.predict_proba(X)
    for j, factor in enumerate(label_weight):
        alone = LogisticRegression().fit(X, Y[:, j], sample_weight=factor * weight)
        assert_array_equal(P[:, j], alone.predict_proba(X)[:, 1])
        assert_array_equal(classifier.estimators_[j].coef_, alone.coef_)


def test_the_estimator_given_stays_unfitted(multilabel_data):
    base = LogisticRegression()
    LabelwiseClassifier(base).fit(*multilabel_data)
    assert not hasattr(base, "coef_")


def test_incremental_training_is_a_loop_of_partial_fits(multilabel_data, global_random_seed):
    X, Y = multilabel_data
    weight = np.linspace(0.5, 2, len(X))
    options = {"incremental": True, "batch_size": 30, "n_epochs": 2, "random_state": global_random_seed}
    classifier = LabelwiseClassifier(sgd(), **options)
    classifier.fit(X, Y, [2.0, 1.0, 1.0, 1.0], sample_weight=weight)
    seed = int(np.random.RandomState(global_random_seed).randint(np.iinfo(np.int32).max))
    sample, twin = BatchSampler(len(X), 30, np.random.RandomState(seed)), sgd()
    for _ in range(2 * 3):
        rows = sample()
        twin.partial_fit(X[rows], Y[rows, 0], classes=[0, 1], sample_weight=2.0 * weight[rows])
    assert_array_equal(classifier.estimators_[0].coef_, twin.coef_)
    assert classifier.estimators_[0].t_ == 2 * len(X) + 1


@pytest.mark.parametrize(("incremental", "kind"), [(True, PartialFitRun), (False, RefitRun)])
def test_incremental_says_how_it_is_trained(incremental, kind, multilabel_data):
    classifier = LabelwiseClassifier(sgd(), incremental=incremental)
    assert type(classifier.training_run()) is kind
    fitted = classifier.fit(*multilabel_data).estimators_[0]
    assert hasattr(fitted, "n_iter_")
    whole = sgd().fit(multilabel_data[0], multilabel_data[1][:, 0], sample_weight=np.ones(80))
    assert np.array_equal(fitted.coef_, whole.coef_) == (incremental is False)
    assert type(LabelwiseClassifier(sgd()).training_run()) is RefitRun


PARAMS_OF_BASE = {
    "max_iter": (MLPClassifier((4,), max_iter=3, random_state=0), MLPClassifier((4,), max_iter=1, random_state=0)),
    "batch_size": (MLPClassifier((4,), batch_size=8, max_iter=2, random_state=0), MLPClassifier((4,), max_iter=2)),
    "tol": (SGDClassifier("log_loss", tol=1.0, random_state=0), SGDClassifier("log_loss", tol=1e-6, random_state=0)),
    "class_weight": (SGDClassifier("log_loss", class_weight="balanced", random_state=0), sgd()),
    "early_stopping": (SGDClassifier("log_loss", early_stopping=True, max_iter=9, random_state=0), sgd()),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("training_policy", ["uniform", SharedGRUPolicy(n_episodes=2, n_steps=2, hidden_size=4)])
@pytest.mark.parametrize("name", PARAMS_OF_BASE)
def test_what_the_base_learner_was_told_counts(name, training_policy, multilabel_data):
    X, Y = multilabel_data
    base, other = PARAMS_OF_BASE[name]
    meta = MetaPolicyClassifier(base, training_policy=training_policy, **QUICK).fit(X, Y)
    if isinstance(base, MLPClassifier) and training_policy == "uniform":
        P = clone(base).fit(X, Y).predict_proba(X)  # it takes all labels together, and all weights are 1
    else:
        clones = [
            clone(base).fit(X, Y[:, j], sample_weight=np.full(len(X), weight)) for j, weight in enumerate(meta.weights_)
        ]
        P = np.column_stack([each.predict_proba(X)[:, 1] for each in clones])
    assert_array_equal(meta.estimator_.predict_proba(X), P.clip(EPS, 1 - EPS))
    unlike = clone(meta).set_params(estimator=other).fit(X, Y)
    assert not np.array_equal(unlike.predict_proba(X), meta.predict_proba(X))


def mixed_columns(library):
    """A column of categories that says all and that no number stands for, a number beside it, and labels."""
    rng = np.random.default_rng(0)
    kinds = [f"kind {k}" for k in range(10)]
    codes = rng.integers(10, size=300)
    Y = ((codes[:, None] * [1, 3, 7] % 10 < 5) ^ (rng.random((300, 3)) < 0.05)).astype(int)
    text = np.array(kinds)[codes]
    column = pd.Categorical(text, kinds) if library is pd else pl.Series(text, dtype=pl.Enum(kinds))
    return library.DataFrame({"kind": column, "x": rng.normal(size=300)}), Y


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("make", [MetaPolicyClassifier, LabelWeightedClassifier, LabelwiseClassifier])
def test_frames_reach_the_clones_as_they_are(make, library):
    X, Y = mixed_columns(library)
    booster = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)
    fitted = make(booster).set_params(random_state=0).fit(X, Y)
    alone = [clone(booster).set_params(random_state=0).fit(X, y).predict_proba(X)[:, 1] for y in Y.T]
    P = getattr(fitted, "estimator_", fitted).predict_proba(X)
    assert_allclose(P, np.column_stack(alone), rtol=1e-6)
    assert roc_auc_score(Y, fitted.predict_proba(X)) > 0.85  # numbers in place of kinds give less than 0.75
    assert fitted.feature_names_in_.tolist() == ["kind", "x"]
    with pytest.raises(ValueError, match="same order"):
        fitted.predict(X[["x", "kind"]])
    with pytest.raises(ValueError, match="has 1 features|feature names should match"):
        fitted.predict(X[["x"]])


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize(
    "make", [MetaPolicyClassifier, LabelWeightedLogistic, lambda: PredictionsAsFeaturesClassifier(LogisticRegression())]
)
def test_columns_of_categories_are_refused_by_name_where_numbers_are_needed(make, library):
    with pytest.raises(ValueError, match=r"columns \['kind'\] hold categories; encode them"):
        make().fit(*mixed_columns(library))


@pytest.mark.parametrize(
    ("base", "match"),
    [
        (sgd().set_params(early_stopping=True), "cannot follow early_stopping=True of SGDClassifier"),
        (sgd().set_params(class_weight="balanced"), "cannot follow class_weight='balanced' of SGDClassifier"),
    ],
)
def test_what_partial_fit_cannot_follow_is_refused(base, match, multilabel_data):
    learner = LabelwiseClassifier(base, incremental=True)
    for estimator in (learner, MetaPolicyClassifier(learner), MetaPolicyClassifier(learner, training_policy="shared")):
        with pytest.raises(ValueError, match=match):
            estimator.fit(*multilabel_data)


def test_a_step_weights_the_batch_of_each_label(multilabel_data):
    X, Y = multilabel_data
    weight = np.linspace(0.5, 2, len(X))
    run = LabelwiseClassifier(sgd(), incremental=True).training_run()
    run.start(X, Y, sample_weight=weight)
    rows = np.array([5, 3, 8, 20])
    run.step(rows, LossWeights(np.array([3.0, 1.0, 1.0, 1.0])))
    for j, factor in [(0, 3.0), (1, 1.0)]:
        twin = sgd().partial_fit(X[rows], Y[rows, j], classes=[0, 1], sample_weight=factor * weight[rows])
        assert_array_equal(run.estimators[j].coef_, twin.coef_)


def test_a_refit_run_starts_again_at_every_step(multilabel_data):
    X, Y = multilabel_data
    run = LabelwiseClassifier(LogisticRegression()).training_run()
    run.start(X, Y)
    assert run.n_updates(1000) == 1
    for weights in ([5.0, 1, 1, 1], [1.0, 1, 1, 1]):
        run.step(None, LossWeights(np.array(weights)))
    expected = LabelwiseClassifier(LogisticRegression()).fit(X, Y).predict_proba(X)
    assert_array_equal(run.predict_proba(X), expected)


def test_the_seed_reaches_clones_and_what_is_inside_them(multilabel_data):
    X, Y = multilabel_data
    for base in (RandomForestClassifier(3), CalibratedClassifierCV(SGDClassifier(loss="log_loss"), cv=2)):
        first, second, other = (
            LabelwiseClassifier(base, random_state=seed).fit(X, Y).predict_proba(X) for seed in (0, 0, 1)
        )
        assert_array_equal(first, second)
        assert not np.array_equal(first, other)


def test_all_randomness_of_the_base_learner_hangs_on_the_outer_seed(multilabel_data):
    X, Y = multilabel_data
    meta = MetaPolicyClassifier(RandomForestClassifier(3), training_policy="uniform", **QUICK)
    assert_array_equal(clone(meta).fit(X, Y).predict_proba(X), meta.fit(X, Y).predict_proba(X))


def test_labels_get_different_seeds_but_a_seed_given_is_kept(multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, 0], Y[:, 0]])
    P = LabelwiseClassifier(RandomForestClassifier(2), random_state=0).fit(X, Y).predict_proba(X)
    assert not np.array_equal(P[:, 0], P[:, 1])
    P = LabelwiseClassifier(RandomForestClassifier(2, random_state=3), random_state=0).fit(X, Y).predict_proba(X)
    assert_array_equal(P[:, 0], P[:, 1])


@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
@pytest.mark.parametrize("incremental", [False, True])
def test_constant_labels_get_their_smoothed_share_and_no_clone(incremental, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, 0], np.zeros(80, dtype=int), np.ones(80, dtype=int)])
    classifier = LabelwiseClassifier(sgd(), incremental=incremental).fit(X, Y)
    assert [type(each) is ConstantLabel for each in classifier.estimators_] == [False, True, True]
    assert_allclose(classifier.predict_proba(X)[:, 1:], [[0.5 / 81, 80.5 / 81]] * 80)


def test_a_label_that_is_constant_where_weights_are_positive_is_constant(multilabel_data):
    X, Y = multilabel_data
    weight = (Y[:, 0] == 0).astype(float)
    classifier = LabelwiseClassifier(LogisticRegression()).fit(X, Y, sample_weight=weight)
    assert classifier.estimators_[0].share_ == pytest.approx(0.5 / (weight.sum() + 1))
    assert not isinstance(classifier.estimators_[1], ConstantLabel)


@pytest.mark.parametrize("incremental", [False, True])
def test_labels_kept_sparse_are_fitted_as_dense_ones(incremental, multilabel_data, monkeypatch):
    X, Y = multilabel_data
    classifier = LabelwiseClassifier(sgd(), incremental=incremental, random_state=0)
    dense = clone(classifier).fit(X, Y).predict_proba(X)
    monkeypatch.setattr("sklearn_metalabel.utils._targets._DENSE_LABELS_AT_MOST", 3)
    assert_array_equal(classifier.fit(X, sp.csc_array(Y)).predict_proba(X), dense)


def test_inputs_are_what_the_wrapped_classifier_takes(multilabel_data):
    assert get_tags(LabelwiseClassifier(LogisticRegression())).input_tags.sparse
    tags = get_tags(LabelwiseClassifier(HistGradientBoostingClassifier())).input_tags
    assert (tags.sparse, tags.allow_nan) == (False, True)
    X, Y = multilabel_data
    X[0, 0] = np.nan
    booster = HistGradientBoostingClassifier(max_iter=2)
    assert MetaPolicyClassifier(booster, training_policy="uniform", cv=2).fit(X, Y).predict(X).shape == Y.shape
