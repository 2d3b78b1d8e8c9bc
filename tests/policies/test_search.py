import itertools
from functools import cache

import numpy as np
import pytest
from _policy_cases import (
    THREE,
    DropoutNet,
    RankingBase,
    RankingPath,
    Recorder,
    network,
    small_task,
    untouched_randomness,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import Fold, LabelWeightedLogistic, LossWeights, _fold, as_label_classifier
from sklearn_metalabel.learners._linear import LogisticRun
from sklearn_metalabel.learners._torch_run import TorchRun
from sklearn_metalabel.policies import (
    FixedWeights,
    Judge,
    LearnedThresholds,
    PolicySearch,
    SharedGRUPolicy,
    TrainingTask,
    _runs,
    _search,
)
from sklearn_metalabel.policies._outcomes import Outcome
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._trials import Trial
from sklearn_metalabel.thresholds import OutOfFold

X, Y = make_multilabel_classification(240, n_features=15, n_classes=6, random_state=0)
COLUMNS = ["proposal", "reward", "gain", "error", "score"]


def fit(estimator=None, **params):
    """A search, with the thresholds that proposals are judged with in the end too."""
    thresholds = LearnedThresholds(0, dependence=False)
    options = {"training_policy": "search", "prediction_policy": thresholds, "random_state": 0}
    return MetaPolicyClassifier(estimator, **{**options, **params}).fit(X, Y)


@cache
def fitted(kind):
    """A search around a base learner of a kind; not to be changed."""
    return fit(network() if kind == "alternatives" else None)


def search(estimator=None, policy="search", **params):
    """The fitted policy alone."""
    return fit(estimator, training_policy=policy, **params).training_policy_


def sameness(Y, P, thresholds):
    """A reward that ranks the scales of a path in the order that they are tried in, the first one best.

    It is the larger, the less the probabilities of a label are apart.
    """
    return np.broadcast_to(-np.std(P, axis=0), thresholds.shape)


@pytest.fixture
def many(monkeypatch):
    """So few rows count as many."""
    monkeypatch.setattr(_search, "MANY_ROWS", 200)


@pytest.fixture
def last_is_best(monkeypatch):
    """Every later trial has the larger reward, beyond chance."""
    rising = itertools.count()
    monkeypatch.setattr(_search, "is_beaten", lambda outcome, other: True)
    monkeypatch.setattr(Outcome, "value", property(lambda outcome: vars(outcome).setdefault("_value", next(rising))))


# What is proposed, and what is taken.


def test_a_linear_base_learner_gets_a_scale():
    clf = fit(LabelWeightedLogistic(C=1e3))
    policy = clf.training_policy_
    assert policy.scale_ < 1
    assert policy.best_proposal_.startswith("scale")
    assert (clf.positive_weights_ == 1).all()
    assert clf.focus_ == 0


def test_a_scale_that_does_not_help_is_not_taken():
    best = search(LabelWeightedLogistic(C=1.0)).scale_
    again = fit(LabelWeightedLogistic(C=best))
    assert again.training_policy_.scale_ == 1
    assert_allclose(again.weights_, 1)


def test_a_network_gets_an_emphasis_or_none():
    clf = fitted("alternatives")
    policy = clf.training_policy_
    equal, other = policy.proposals_["proposal"]  # what went to the end
    assert equal == "equal"
    assert other in ("positives", "hard negatives 2", "hard negatives 4")
    assert policy.best_proposal_ in policy.proposals_["proposal"]
    assert policy.scale_ == 1
    assert_allclose(clf.weights_, 1)


def test_the_network_is_the_one_that_its_emphasis_trains(last_is_best, monkeypatch):
    monkeypatch.setattr(_search, "best_score", lambda rows: 0.0)
    clf = fit(network())
    assert clf.training_policy_.best_proposal_ == "hard negatives 4"
    assert clf.focus_ == 4
    twin = network(random_state=clf.estimator_.random_state).fit(X, Y)
    assert abs(clf.predict_proba(X) - twin.predict_proba(X)).max() > 0.01
    monkeypatch.setattr(_search, "is_beaten", lambda outcome, other: False)
    assert_array_equal(fit(network()).predict_proba(X), twin.predict_proba(X))


def test_base_learners_that_train_each_label_alone_keep_equal_weights():
    clf = fit(LogisticRegression())
    policy = clf.training_policy_
    assert (policy.best_proposal_, policy.proposals_["proposal"].tolist()) == ("equal", ["equal"])
    assert policy.history_["reward"].shape == (3, 1)
    assert_allclose(clf.weights_, 1)
    assert set(clf.cv_results_["proposal"]) == {"equal"}  # no proposals were compared
    assert list(clf.cv_results_["prediction_policy"]).count("pretrained") == 1


def test_classes_get_no_emphasis():
    clf = MetaPolicyClassifier(network(), random_state=0).fit(X, Y[:, 0] + Y[:, 1])
    assert clf.training_policy_.best_proposal_ == "equal"


def test_the_proposals_multiply_the_users_own_weights():
    own = np.array([2.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    clf = fit(network(n_epochs=1), training_policy=PolicySearch(weights=own))
    assert_allclose(clf.weights_, own)
    policy, task = PolicySearch(weights=own), small_task(L=6)
    weights = policy.train(task).loss_weights.label
    assert policy.best_proposal_ != "scale of each label"
    assert_allclose(weights, policy.scale_ * own)
    counts = Y.sum(axis=0) ** -0.25
    clf = fit(LogisticRegression(), training_policy=PolicySearch(weights="frequency"))
    assert_allclose(clf.weights_, counts / counts.mean())


# Who has the last word.


def test_a_proposal_that_the_reward_prefers_is_overruled_where_the_users_scoring_says_so():
    useless = search(policy=PolicySearch(sameness))
    table = useless.proposals_
    assert np.argmax(table["reward"]) == 0  # scale 0.01, which tells no samples apart
    assert table["gain"][0] > table["error"][0]
    assert table["score"][0] < table["score"][2]
    assert useless.best_proposal_ == "scale 1"


def test_it_is_taken_where_the_users_scoring_does_not_mind():
    def nothing(y_true, y_pred):
        return 0.5

    assert search(policy=PolicySearch(sameness), scoring=nothing).best_proposal_ == "scale 0.01"


def an_option(name, reward, scale=1.0, n=400, seed=0):
    """An option whose outcome has this reward on every part, all known without doubt."""
    rows = OutOfFold(np.ones((n, 1)), np.full((n, 1), 0.5))
    proposal = Proposal(name, LossWeights(np.full(1, scale)), scale)
    counts = np.ones((10, 1))
    outcome = Outcome(np.array([reward]), np.full((10, 1), reward), np.array([10]), counts)
    return _search._Option(proposal, outcome, [Trial(proposal, outcome, rows)])


class GivenScores:
    """A judge who knows the scores by the names of the proposals."""

    def __init__(self, scores):
        self.scores, self.asked = scores, []

    def rows(self, proposal, rows):
        self.asked.append(proposal)
        return [{"proposal": proposal, "mean_test_score": score} for score in (0.0, self.scores[proposal])]


# A difference of 0.025 is chance on 400 rows.
@pytest.mark.parametrize(
    ("rewards", "preferred", "scores", "chosen", "asked"),
    [
        # What the reward prefers is taken where it scores as the user's own, and not where it scores worse.
        ({"own": 0.5, "b": 0.6}, "b", {"own": 0.7, "b": 0.7}, "b", {"own", "b"}),
        ({"own": 0.5, "b": 0.6}, "b", {"own": 0.7, "b": 0.69}, "own", {"own", "b"}),
        # What the reward has ruled out is not judged, the user's own excepted.
        ({"own": 0.5, "b": 0.6, "c": 0.55}, "b", {"own": 0.7, "b": 0.7}, "b", {"own", "b"}),
        # Another one that it has not ruled out must be clearly ahead.
        ({"own": 0.6, "b": 0.6, "c": 0.6}, "own", {"own": 0.7, "b": 0.72, "c": 0.1}, "own", {"own", "b", "c"}),
        ({"own": 0.6, "b": 0.6, "c": 0.6}, "own", {"own": 0.7, "b": 0.73, "c": 0.1}, "b", {"own", "b", "c"}),
        ({"own": 0.6, "b": 0.6}, "own", {"own": np.nan, "b": 0.1}, "b", {"own", "b"}),
    ],
)
def test_the_rule_by_which_a_proposal_is_taken(rewards, preferred, scores, chosen, asked):
    options = {name: an_option(name, reward) for name, reward in rewards.items()}
    judge = GivenScores(scores)
    found, compared = _search._choose(list(options.values()), options["own"], options[preferred], judge)
    assert found.proposal.name == chosen
    assert set(judge.asked) == asked
    assert len(judge.asked) == len(asked)
    assert len(compared) == 2 * len(asked)


def test_without_the_users_own_among_them_what_the_reward_prefers_is_taken():
    options = [an_option("a", 0.5), an_option("b", 0.6)]
    found, _ = _search._choose(options, None, options[1], GivenScores({"a": 0.9, "b": 0.1}))
    assert found is options[1]
    assert _search._choose(options[:1], options[0], options[0], None) == (options[0], [])


def ranking_task(quality):
    """A task of one feature, on which runs rank as well as they are told."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(60, 1))
    labels = (data + rng.normal(size=(60, 2)) > 0.5).astype(np.int8)
    folds = [Fold(data, labels, None, np.flatnonzero(np.arange(60) % 3 != k), np.arange(k, 60, 3)) for k in range(3)]
    judge = Judge(LearnedThresholds(n_steps=0), THREE)
    return TrainingTask(RankingBase(quality, RankingPath), folds, np.array(["0", "1"]), judge)


@pytest.mark.parametrize(
    ("quality", "n_tried", "best"),
    [
        ({0.1: 1.0, 1.0: 0.0, 10.0: 1.0}, 2, "scale 0.1"),  # worse beyond chance at the user's own, and not before
        ({0.1: 0.0, 1.0: 0.5, 10.0: 1.0}, 3, "scale 10"),
    ],
)
def test_a_path_does_not_stop_before_the_users_own_scale(quality, n_tried, best):
    policy = PolicySearch()
    result = policy.train(ranking_task(quality))
    assert policy.proposals_["proposal"].tolist() == ["scale 0.1", "scale 1", "scale 10"][:n_tried]
    assert policy.best_proposal_ == best
    assert policy.history_["reward"].shape == (3, n_tried)
    assert result.solution == f"solved {[0.1, 1, 10][int(np.argmax(policy.history_['reward'][0]))]:g}"


def test_a_path_is_compared_as_far_as_every_fold_came(monkeypatch):
    task, calls, run_trials = ranking_task({0.1: 0.5, 1.0: 0.5, 10.0: 0.5}), itertools.count(), _runs.run_trials

    def shorter(*args, **options):
        trials = run_trials(*args, **options)
        return trials[:2] if next(calls) == 1 else trials

    monkeypatch.setattr(_runs, "run_trials", shorter)
    policy = PolicySearch()
    policy.train(task)
    assert policy.history_["reward"].shape == (3, 2)


def test_a_scale_for_each_label_is_put_together_from_those_of_one():
    options = []
    for scale in (0.1, 1.0):
        proposal = Proposal(f"scale {scale:g}", LossWeights(scale * np.array([2.0, 1.0, 1.0])), scale)
        folds = [OutOfFold(np.eye(3), np.full((3, 3), scale / 2 + k / 10)) for k in range(2)]
        options.append(_search._Option(proposal, None, [Trial(proposal, None, rows) for rows in folds]))
    made = _search._of_each_label(options, np.array([1, 0, 1]))
    assert made.proposal.name == "scale of each label"
    assert_allclose(made.proposal.weights.label, [2.0, 0.1, 1.0])
    assert made.proposal.scale == pytest.approx(np.mean([2.0, 0.1, 1.0]))
    assert_allclose(made.rows.P, [[0.5, 0.05, 0.5]] * 3 + [[0.6, 0.15, 0.6]] * 3)
    assert_array_equal(made.rows.fold, [0] * 3 + [1] * 3)


# What it says of itself.


@pytest.mark.parametrize(("kind", "n_runs"), [("path", 3), ("alternatives", 6)])
def test_the_history_has_a_row_for_each_run_and_a_column_for_each_step(kind, n_runs):
    policy = fitted(kind).training_policy_
    n_steps = len([name for name in policy.proposals_["proposal"] if name != "scale of each label"])
    n_steps = n_steps if kind == "path" else 1
    shapes = {name: values.shape for name, values in policy.history_.items()}
    assert shapes == {
        "reward": (n_runs, n_steps),
        "baseline": (n_runs, n_steps),
        "weights": (n_runs, n_steps, 6),
    }
    reward, baseline = policy.history_["reward"], policy.history_["baseline"]
    if kind == "path":
        own = policy.proposals_["proposal"].tolist().index("scale 1")
        assert_array_equal(baseline, np.broadcast_to(reward[:, [own]], reward.shape))
        assert_allclose(policy.history_["weights"][0, :, 0], [0.01, 0.1, 1, 10, 100][:n_steps], rtol=1e-6)
    else:
        assert_array_equal(baseline.ravel(), [*4 * [reward[0, 0]], *2 * [reward[4, 0]]])


@pytest.mark.parametrize("kind", ["path", "alternatives"])
def test_the_table_of_proposals_says_why(kind):
    clf = fitted(kind)
    policy = clf.training_policy_
    table = policy.proposals_
    assert list(table) == COLUMNS
    assert {len(column) for column in table.values()} == {len(table["proposal"])}
    own = table["proposal"].tolist().index("scale 1" if kind == "path" else "equal")
    assert (table["gain"][own], table["error"][own]) == (0, 0)
    tried = np.isfinite(table["reward"])
    assert_allclose(table["gain"][tried], table["reward"][tried] - table["reward"][own])
    assert (table["error"][tried & (np.arange(len(tried)) != own)] > 0).all()
    results = clf.cv_results_
    for name, score in zip(table["proposal"], table["score"], strict=True):
        rows = (results["proposal"] == name) & (results["prediction_policy"] == "pretrained")
        assert np.isnan(score) != rows.any()
        if rows.any():
            assert results["mean_test_score"][rows].max() == score
    assert np.isfinite(table["score"][[own, table["proposal"].tolist().index(policy.best_proposal_)]]).all()


@pytest.mark.parametrize(
    ("policy", "base", "cv"),
    [
        (PolicySearch(), None, 3),
        (PolicySearch(n_folds=2), None, 3),
        (PolicySearch(), LogisticRegression(), 2),
        (PolicySearch(), network(n_epochs=1), 3),
        (PolicySearch(n_folds=1), network(n_epochs=1), 3),
    ],
)
@pytest.mark.parametrize("n", [90, 240])
def test_as_many_runs_are_announced_as_are_made(policy, base, cv, n, many):
    recorder = Recorder()
    base = as_label_classifier(base)
    task = small_task(base, cv=cv, n=n, monitor=recorder)
    announced = clone(policy).count_runs(task)
    clone(policy).train(task)
    assert recorder.n_begun == announced


# Many rows.


def test_many_rows_are_tried_on_one_fold_and_two_proposals_to_the_end(many):
    policy = search(network())
    rewards, baseline = policy.history_["reward"].ravel(), policy.history_["baseline"].ravel()
    assert rewards.shape == (6,)
    assert_array_equal(baseline, [*4 * [rewards[0]], *2 * [rewards[4]]])
    assert np.isfinite(rewards).all()
    assert len(policy.proposals_["proposal"]) == 2


def test_the_best_of_the_others_goes_to_the_end_beside_equal_weights(many, monkeypatch):
    ended, run_trials = [], _runs.run_trials

    def noting(*args, path, share=1.0, **options):
        ended.extend([path[0].name] if share == 1 else [])
        return run_trials(*args, path=path, share=share, **options)

    monkeypatch.setattr(_runs, "run_trials", noting)
    policy = search(network())
    names = ["positives", "hard negatives 2", "hard negatives 4"]
    assert ended == ["equal", names[int(np.argmax(policy.history_["reward"].ravel()[1:4]))]]
    assert policy.proposals_["proposal"].tolist() == ended


def test_screening_of_many_rows_makes_an_eighth_of_a_training(many, monkeypatch):
    made, run_trials = [], _runs.run_trials

    def noting(*args, share=1.0, **options):
        trials = run_trials(*args, share=share, **options)
        made.append((share, len(trials[0].paused.run.losses) if share < 1 else None))
        return trials

    monkeypatch.setattr(_runs, "run_trials", noting)
    search(network())
    # 160 rows in batches of 32, four times: 20 updates.
    assert made == [(1 / 8, 2)] * 4 + [(1.0, None)] * 2


def test_few_rows_are_screened_after_a_quarter_and_what_is_taken_is_trained_on_all_folds(monkeypatch):
    updates, step = [], TorchRun.step
    monkeypatch.setattr(TorchRun, "step", lambda run, *args: updates.append(len(run.Y)) or step(run, *args))
    clf = fit(network())
    assert len(clf.training_policy_.proposals_["proposal"]) == 2
    # Of four trainings of 20 updates on a fold a quarter, of two the rest; two other folds, and 32 updates on all rows.
    assert updates == [160] * (4 * 5 + 2 * 15 + 2 * 20) + [240] * 32


def test_a_path_for_some_labels_is_followed_by_all_labels_at_two_scales(last_is_best, monkeypatch):
    monkeypatch.setattr(_search, "_LABELS_OF_PATH", 3)
    solved, start = [], LabelWeightedLogistic._fit_labels

    def noting(self, X, Y, *, weights, **options):
        solved.append((Y.shape[1], float(weights.label[0])))
        return start(self, X, Y, weights=weights, **options)

    monkeypatch.setattr(LabelWeightedLogistic, "_fit_labels", noting)
    clf = fit(prediction_policy="half")
    policy, scales = clf.training_policy_, (0.01, 0.1, 1.0, 10.0, 100.0)
    assert policy.history_["weights"].shape == (1, 5, 6)
    assert_allclose(policy.history_["weights"][0, :, 0], scales, rtol=1e-5)
    assert policy.proposals_["proposal"].tolist()[:2] == ["scale 1", "scale 100"]
    assert solved[:7] == [*((3, scale) for scale in scales), (6, 1.0), (6, 100.0)]
    assert solved[-1] == (6, clf.weights_[0])
    assert len(solved) == 10  # two other folds, and all rows


def test_labels_of_a_path_are_spread_from_rare_to_frequent(monkeypatch):
    monkeypatch.setattr(_search, "_LABELS_OF_PATH", 3)
    assert _search._spread_labels(np.array([5, 0, 9, 1, 7, 0, 3])).tolist() == [0, 2, 3]
    assert _search._spread_labels(np.array([0, 4])).tolist() == [1]


def test_all_rows_are_for_thresholds_where_scales_are_compared_on_one_fold(monkeypatch):
    monkeypatch.setattr(_search, "MANY_ROWS", 200)
    seen = []

    class Seeing(LearnedThresholds):
        def fit(self, out_of_fold, *args, **options):
            seen.append(out_of_fold)
            return super().fit(out_of_fold, *args, **options)

    clf = fit(prediction_policy=Seeing(0))
    assert clf.training_policy_.history_["reward"].shape[0] == 1
    assert (seen[-1].n_samples, np.unique(seen[-1].fold).size) == (240, 3)
    assert search(policy=PolicySearch(n_folds=2)).history_["reward"].shape[0] == 2


@pytest.mark.usefixtures("many")
def test_others_start_from_the_solution_of_the_scale_that_was_taken(monkeypatch):
    started, start = [], LabelWeightedLogistic._fit_labels

    def noting(self, *args, solution=None, **options):
        started.append(solution)
        return start(self, *args, solution=solution, **options)

    monkeypatch.setattr(LabelWeightedLogistic, "_fit_labels", noting)
    clf = fit()
    n_scales = clf.training_policy_.history_["reward"].shape[1]
    assert clf.training_policy_.best_proposal_ == f"scale {clf.training_policy_.scale_:g}"
    assert len(started) == n_scales + 3
    ((W, b),), train = started[-1], clf.estimator_
    assert all(solution is started[n_scales] for solution in started[n_scales:-1])
    assert abs(W.T - train.coef_).max() < 0.5 * abs(train.coef_).max()
    assert b.shape == (6,)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("n_folds", ["auto", 3])
def test_the_final_training_starts_from_the_mean_of_what_the_folds_left(n_folds, monkeypatch):
    left, started = [], []
    checkpoint, train = LogisticRun.checkpoint, LabelWeightedLogistic._fit_labels

    def leaving(self):
        found = checkpoint(self)
        left.append((found[0][0].copy(), self._weights.label[0], self.X.shape[0]))
        return found

    def noting(self, X, Y, *args, solution=None, **options):
        started.append((solution, X.shape[0]))
        return train(self, X, Y, *args, solution=solution, **options)

    monkeypatch.setattr(LogisticRun, "checkpoint", leaving)
    monkeypatch.setattr(LabelWeightedLogistic, "_fit_labels", noting)
    clf = fit(training_policy=PolicySearch(n_folds=n_folds))
    assert clf.training_policy_.best_proposal_ == f"scale {clf.training_policy_.scale_:g}"
    taken = [W for W, weight, _ in left if weight == clf.weights_[0]]
    ((W, _),), n_rows = started[-1]
    assert (len(taken), n_rows) == (3, 240)
    assert_allclose(W, np.mean(taken, axis=0), rtol=1e-4, atol=1e-6)


def test_a_base_learner_that_says_nothing_of_it_starts_from_the_first_fold():
    result = PolicySearch().train(ranking_task({0.1: 0.2, 1.0: 1.0, 10.0: 0.1}))
    assert result.solution == "solved 1"
    assert RankingBase({}, RankingPath).training_run().pool("new", "old", 1) == "old"


def test_what_is_resumed_in_this_process_and_made_anew_in_others_has_the_same_bits(many):
    base = network(DropoutNet)
    alone, together = fit(base), fit(base, n_jobs=2)
    assert_array_equal(alone.thresholds_, together.thresholds_)
    assert_array_equal(alone.training_policy_.history_["reward"], together.training_policy_.history_["reward"])
    assert_array_equal(alone.predict_proba(X), together.predict_proba(X))


def test_runs_that_were_resumed_are_the_uninterrupted_ones(many, monkeypatch):
    resumed = search(network(DropoutNet))
    run_trials = _runs.run_trials

    def anew(*args, may_resume=False, **options):
        return run_trials(*args, may_resume=False, **options)

    monkeypatch.setattr(_runs, "run_trials", anew)
    uninterrupted = search(network(DropoutNet))
    for name, values in resumed.history_.items():
        assert_array_equal(values, uninterrupted.history_[name])


@pytest.mark.parametrize(
    ("estimator", "policy", "n_rows", "n_folds"),
    [
        (network(), None, 80, 3),
        (network(), PolicySearch(n_folds=3), 240, 3),
        (network(), FixedWeights(), 240, 3),
        (LogisticRegression(), None, 160, 2),
        (None, None, 240, 3),
    ],
    ids=["network", "all folds", "fixed", "labels alone", "path"],
)
def test_of_many_rows_few_folds_are_trained_unless_a_solution_starts_the_others(
    estimator, policy, n_rows, n_folds, many
):
    task_policy = PolicySearch() if policy is None else policy
    seen = []

    class Seeing(LearnedThresholds):
        def fit(self, out_of_fold, *args, **options):
            seen.append(out_of_fold)
            return super().fit(out_of_fold, *args, **options)

    fit(estimator, training_policy=task_policy, prediction_policy=Seeing(0))
    assert seen[-1].n_samples == n_rows
    # Rows of a single fold are dealt to three, for the comparison of thresholds.
    assert np.unique(seen[-1].fold).size == n_folds


def test_folds_that_start_from_a_solution_come_out_as_from_nothing(many, monkeypatch):
    warm, start = fit(), LabelWeightedLogistic._fit_labels
    monkeypatch.setattr(
        LabelWeightedLogistic,
        "_fit_labels",
        lambda self, *args, **options: start(self, *args, **{**options, "solution": None}),
    )
    cold = fit()
    assert warm.training_policy_.scale_ == cold.training_policy_.scale_
    # Both are solved as far as the stopping rule of Newton's method asks, from other sides.
    assert_allclose(warm.predict_proba(X), cold.predict_proba(X), atol=1e-5)
    assert_allclose(warm.thresholds_, cold.thresholds_, atol=1e-2)


@pytest.mark.parametrize("estimator", [None, network()], ids=["linear", "network"])
def test_too_many_probabilities_are_held_in_compact_form(estimator, monkeypatch):
    seen = []

    class Seeing(LearnedThresholds):
        def fit(self, out_of_fold, *args, **options):
            seen.append(out_of_fold)
            return super().fit(out_of_fold, *args, **options)

    whole = fit(estimator, training_policy="uniform", prediction_policy=Seeing(0))
    monkeypatch.setattr(_fold, "_HELD_OUT_ROWS", 50)
    monkeypatch.setattr(_fold, "_HELD_OUT_ENTRIES", 1000)
    compact = fit(estimator, training_policy="uniform", prediction_policy=Seeing(0))
    assert [(rows.is_complete, rows.n_samples) for rows in seen] == [(True, 240), (False, 240)]
    if estimator is None:
        # Cuts are found within the width of a bin of odds, a quarter of a power of two.
        assert_allclose(compact.thresholds_, whole.thresholds_, atol=0.04)
    searched = fit(estimator, prediction_policy=Seeing(0))
    assert not seen[-1].is_complete
    assert searched.training_policy_.best_proposal_ in searched.training_policy_.proposals_["proposal"]
    assert searched.training_policy_.best_proposal_ != "scale of each label"
    assert fit(estimator, prediction_policy="scut").prediction_policy_.name == "scut"  # of the rows that are kept


# The same again.


def test_a_splitter_of_the_user_is_used_as_it_is():
    assert search(cv=KFold(4)).history_["reward"].shape[0] == 4
    assert search(cv=KFold(4), policy=PolicySearch(n_folds=2)).history_["reward"].shape[0] == 2
    assert search(cv=2, policy=PolicySearch(n_folds=7)).history_["reward"].shape[0] == 2


def test_a_warm_start_tries_what_is_near_the_scale_it_took():
    clf = fit(LabelWeightedLogistic(C=1e-3), warm_start=True)
    tried = clf.training_policy_.history_["weights"][0, :, 0]
    assert_allclose(tried, [0.01, 0.1, 1, 10, 100][: len(tried)], rtol=1e-5)
    taken = clf.training_policy_.scale_
    assert taken >= 10
    again = clf.fit(X, Y).training_policy_.history_["weights"][0, :, 0]
    near = [scale for scale in (0.01, 0.1, 1, 10, 100) if taken / 10.1 < scale < taken * 10.1]
    assert_allclose(again, near[: len(again)], rtol=1e-5)
    fresh = clf.set_params(warm_start=False).fit(X, Y).training_policy_.history_["weights"][0, :, 0]
    assert_allclose(fresh, tried)


def test_a_warm_start_tries_the_emphasis_it_took(many):
    clf = MetaPolicyClassifier(network(), training_policy="search", warm_start=True, random_state=0).fit(X, Y)
    clf.training_policy_.best_proposal_ = "hard negatives 4"
    policy = clf.fit(X, Y).training_policy_
    assert policy.best_proposal_ in ("equal", "hard negatives 4")
    assert policy.proposals_["proposal"].tolist() == ["equal", "hard negatives 4"]
    assert policy.history_["reward"].shape == (2, 1)  # two are not worth screening
    full = search(network(), PolicySearch(n_folds=1))
    assert_array_equal(policy.history_["reward"], full.history_["reward"][[0, 3]])


def test_the_first_fit_of_a_warm_start_is_like_any():
    assert_array_equal(fit(warm_start=True).thresholds_, fitted("path").thresholds_)


def test_a_warm_start_from_another_kind_of_policy_is_like_any():
    clf = fit(training_policy=SharedGRUPolicy(n_episodes=1), warm_start=True)
    assert_array_equal(clf.set_params(training_policy=None).fit(X, Y).thresholds_, fitted("path").thresholds_)


@pytest.mark.parametrize("estimator", [None, network(DropoutNet)], ids=["path", "alternatives"])
def test_the_result_depends_on_the_seed_alone_and_global_randomness_is_left_alone(estimator):
    results = []
    for world, seed in enumerate((0, 0, 1)):
        with untouched_randomness(world):
            results.append(PolicySearch().train(small_task(estimator, random_state=seed)).out_of_fold.P)
    one, same, other = results
    assert_array_equal(one, same)
    assert np.array_equal(one, other) == (estimator is None)  # a convex problem has one solution


def test_the_number_of_jobs_changes_no_bit():
    alone, together = fitted("path"), fit(n_jobs=2)
    for name, values in alone.training_policy_.history_.items():
        assert_array_equal(values, together.training_policy_.history_[name])
    for name in ("weights_", "thresholds_"):
        assert_array_equal(getattr(alone, name), getattr(together, name))


@pytest.mark.parametrize("n_folds", [0, -1, 1.5, "all", True, None])
def test_folds_that_are_no_number_are_refused(n_folds):
    with pytest.raises(ValueError, match='n_folds must be a positive integer or "auto", got'):
        PolicySearch(n_folds=n_folds).check()


def test_other_parameters_are_refused_by_name():
    with pytest.raises(ValueError, match="reward must be one of"):
        PolicySearch("precision").check()
    with pytest.raises(ValueError, match="weights must be one of .* got 'equal'"):
        PolicySearch(weights="equal").check()


@pytest.mark.data
def test_weights_and_scale_help_on_scene(load_real):
    data = load_real("scene")
    X, X_test = data["X_train"], data["X_test"]
    Y, Y_test = data["Y_train"].toarray(), data["Y_test"].toarray()
    base = LabelWeightedLogistic(C=100)
    ours, kept = (
        MetaPolicyClassifier(base, training_policy=policy, random_state=0).fit(X, Y).predict(X_test)
        for policy in (None, "uniform")
    )
    assert accuracy_score(Y_test, ours) > accuracy_score(Y_test, kept)
