import numpy as np
import pytest
from _policy_cases import DropoutNet, network, small_task
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_metalabel.policies import FixedWeights, GRUPolicy, SharedGRUPolicy
from sklearn_metalabel.rewards import RatioReward

KINDS = {"shared": SharedGRUPolicy, "gru": GRUPolicy}
both = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
SMALL = {"n_episodes": 3, "hidden_size": 4}


def train(policy, base=None, **options):
    policy = clone(policy)
    return policy, policy.train(small_task(base, **options))


@both
def test_the_history_has_a_row_for_each_episode_and_the_greedy_one(make):
    policy, result = train(make(**SMALL, n_steps=4))
    assert (policy.n_episodes_, policy.n_steps_, policy.best_proposal_) == (3, 4, "greedy episode")
    shapes = {name: values.shape for name, values in policy.history_.items()}
    assert shapes == {
        "reward": (3, 4),
        "baseline": (3, 4),
        "weights": (3, 4, 4),
        "thresholds": (3, 4, 4),
        "greedy_weights": (4, 4),
        "greedy_thresholds": (4, 4),
    }
    assert_array_equal(result.loss_weights.label, policy.history_["greedy_weights"][-1])
    assert_array_equal(result.proposed_thresholds, policy.history_["greedy_thresholds"][-1])
    assert (result.out_of_fold.n_samples, np.unique(result.out_of_fold.fold).size) == (90, 3)


def test_the_policy_of_the_paper_grows_with_the_labels_and_the_shared_one_does_not():
    sizes = {
        (name, L): sum(a.size for a in train(make(n_episodes=1), L=L)[0].policy_state_.values())
        for name, make in KINDS.items()
        for L in (4, 8)
    }
    assert sizes["gru", 8] > sizes["gru", 4]
    assert sizes["shared", 8] == sizes["shared", 4]


@both
def test_the_greedy_episode_can_be_played_again_from_other_starts(make):
    policy, _ = train(make(**SMALL, n_steps=3))
    again = policy.greedy_episode()
    # In float32, from the parameters as they were stored.
    assert_allclose(again.weights, policy.history_["greedy_weights"], rtol=1e-5)
    assert_allclose(again.thresholds, policy.history_["greedy_thresholds"], rtol=1e-5)
    drawn = [policy.greedy_episode("random", "random", random_state=seed) for seed in (0, 0, 1)]
    assert_array_equal(drawn[0].weights, drawn[1].weights)
    assert abs(drawn[0].weights - drawn[2].weights).max() > 0
    assert_allclose(drawn[0].weights.mean(axis=1), 1, rtol=1e-6)


@both
def test_the_greedy_episode_of_an_untrained_policy_is_refused(make):
    with pytest.raises(NotFittedError, match=f"This {make.__name__} is not trained; fit a MetaPolicyClassifier"):
        make().greedy_episode()


@both
def test_weights_start_from_their_anchor(make):
    anchor = np.array([4.0, 2.0, 1.0, 1.0])
    policy, _ = train(make(**SMALL, anchor=anchor, learning_rate=1e-9))
    assert_allclose(policy.anchor_, anchor / 2)
    assert_allclose(policy.history_["greedy_weights"][-1], anchor / 2, rtol=1e-4)
    policy, _ = train(make(n_episodes=1, anchor="frequency"))
    assert np.ptp(policy.anchor_) > 0


@both
def test_what_is_not_learned_stays_where_it_started(make):
    start = np.array([2.0, 1.0, 0.5, 0.5])
    policy, result = train(make(**SMALL, learn_weights=False, initial_weights=start))
    assert_allclose(result.loss_weights.label, start, rtol=1e-5)
    assert_allclose(policy.history_["weights"], np.broadcast_to(start, policy.history_["weights"].shape), rtol=1e-5)
    policy, result = train(make(**SMALL, learn_thresholds=False, initial_thresholds=[0.2, 0.4, 0.6, 0.8]))
    assert_allclose(result.proposed_thresholds, [0.2, 0.4, 0.6, 0.8], rtol=1e-5)


@both
def test_training_changes_the_policy(make):
    untrained, trained = (train(make(**SMALL, learning_rate=rate))[0] for rate in (1e-9, 0.05))
    moved = [abs(trained.policy_state_[name] - a).max() for name, a in untrained.policy_state_.items()]
    assert max(moved) > 0.01


def test_episodes_beyond_the_folds_play_them_again_and_fewer_leave_some_out():
    assert train(SharedGRUPolicy(n_episodes=4, hidden_size=4))[1].out_of_fold.n_samples == 30
    assert train(SharedGRUPolicy(n_episodes=2, hidden_size=4))[1].out_of_fold.n_samples == 60


@both
def test_without_held_out_rows_there_are_none_to_hand_on(make):
    policy, result = train(make(n_episodes=2), cv=None)
    assert result.out_of_fold is None
    assert result.proposed_thresholds.shape == (4,)
    assert policy.history_["reward"].shape == (2, 2)


@both
def test_the_result_depends_on_the_seed_and_not_on_the_number_of_jobs(make):
    base, policy = network(DropoutNet, n_epochs=2), make(**SMALL)
    one, together, other = (
        train(policy, base, random_state=seed, n_jobs=n_jobs) for seed, n_jobs in ((0, None), (0, 2), (1, None))
    )
    for name, values in one[0].history_.items():
        assert_array_equal(values, together[0].history_[name])
    assert_array_equal(one[1].out_of_fold.P, together[1].out_of_fold.P)
    assert not np.array_equal(one[1].out_of_fold.P, other[1].out_of_fold.P)


@both
def test_a_resumed_policy_starts_from_what_it_learned(make):
    first, _ = train(make(**SMALL, learning_rate=0.05))
    still, _ = train(make(**SMALL, learning_rate=1e-12), previous=first)
    for name, values in first.policy_state_.items():
        assert_allclose(still.policy_state_[name], values, rtol=1e-6)
    fresh, _ = train(make(**SMALL, learning_rate=1e-12), previous=FixedWeights())
    assert any(abs(fresh.policy_state_[name] - values).max() > 1e-3 for name, values in first.policy_state_.items())


@pytest.mark.parametrize(
    ("policy", "options"),
    [(GRUPolicy(n_episodes=1, hidden_size=5), {}), (SharedGRUPolicy(**SMALL), {}), (GRUPolicy(**SMALL), {"L": 5})],
    ids=["hidden size", "kind", "labels"],
)
def test_a_policy_of_another_shape_cannot_be_resumed(policy, options):
    first, _ = train(GRUPolicy(**SMALL))
    with pytest.raises(ValueError, match="warm_start=True resumes from the policy of the last fit.*warm_start=False"):
        train(policy, previous=first, **options)


def test_the_policy_of_the_paper_and_what_replaces_its_parameters():
    paper = GRUPolicy.from_paper()
    assert (paper.n_episodes, paper.n_steps, paper.updates_per_step, paper.update_interval) == (20, "epoch", 1, 30)
    assert (paper.hidden_size, paper.learning_rate, paper.discount, paper.credit) == (128, 1e-3, 1.0, "global")
    assert isinstance(paper.reward, RatioReward)
    assert GRUPolicy.from_paper(n_episodes=5, reward="soft_f1").reward == "soft_f1"
    with pytest.raises(TypeError, match="episodes"):
        GRUPolicy.from_paper(episodes=5)
    paper.check()


WRONG = [
    *(
        (name, wrong, f"{name} must be a positive integer, got")
        for wrong in (0, 1.5, True, "many", None)
        for name in ("n_episodes", "hidden_size", "update_epochs", "n_threshold_samples")
    ),
    *(("n_steps", wrong, 'n_steps must be a positive integer or "auto" or "epoch", got') for wrong in (0, "all", None)),
    *(("updates_per_step", wrong, 'updates_per_step must be .* or "auto", got') for wrong in (0, "epoch", None)),
    *(("update_interval", wrong, "update_interval must be a positive integer, got") for wrong in (0, "auto")),
    *(("learning_rate", wrong, r"learning_rate must be a number .* got") for wrong in (0, -1, np.nan, "fast")),
    *(("discount", wrong, r"discount must be a number in \[0, 1\], got") for wrong in (-0.1, 1.1, None)),
    *(("shrinkage", wrong, r"shrinkage must be a number in \[0, inf\), got") for wrong in (-0.1, "much", np.inf)),
    ("credit", "mine", 'credit must be "label" or "global", got \'mine\''),
    ("learn_weights", "yes", "learn_weights must be True or False, got 'yes'"),
    ("learn_thresholds", None, "learn_thresholds must be True or False, got None"),
    ("exploration", (0.3,), "exploration must be two positive deviations"),
    ("reward", "accuracy", "reward must be one of"),
    ("anchor", "equal", "anchor must be one of"),
    ("initial_weights", "uniform", "initial_weights must be None"),
    ("initial_thresholds", "half", "initial_thresholds must be None"),
]


@both
@pytest.mark.parametrize(("name", "wrong", "match"), WRONG)
def test_a_parameter_that_is_not_as_described_is_refused_by_name(make, name, wrong, match):
    with pytest.raises(ValueError, match=match):
        make(**{name: wrong}).check()
