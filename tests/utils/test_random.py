from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sklearn_metalabel.utils._random import draw_seed, draw_seeds, fix_random_states, generator_states, torch_seed


def test_one_state_draws_one_seed(global_random_seed):
    assert draw_seed(global_random_seed) == draw_seed(np.random.RandomState(global_random_seed))
    assert isinstance(draw_seed(global_random_seed), int)
    rng = np.random.RandomState(global_random_seed)
    assert draw_seed(rng) != draw_seed(rng)


def test_many_seeds_are_different_integers(global_random_seed):
    seeds = draw_seeds(global_random_seed, 50)
    assert len(set(seeds)) == 50
    assert all(isinstance(seed, int) for seed in seeds)
    assert seeds[:10] == draw_seeds(global_random_seed, 10)


def test_the_same_seed_gives_the_same_numbers_and_the_global_state_comes_back():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with torch_seed(seed, torch.device("cpu")):
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_the_state_comes_back_after_an_error():
    state = torch.get_rng_state()

    def fail():
        with torch_seed(0):
            raise RuntimeError(f"stop at {torch.rand(1)}")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert torch.equal(torch.get_rng_state(), state)


def test_seeding_for_the_cpu_reaches_no_other_device(monkeypatch):
    def forbidden(seed):
        raise AssertionError("torch.manual_seed changes the generators of all devices")

    monkeypatch.setattr(torch, "manual_seed", forbidden)
    with torch_seed(0), torch_seed(1, torch.device("cpu")):
        torch.rand(1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_generator_of_a_cuda_device_is_seeded_and_comes_back():
    state = torch.cuda.get_rng_state()
    drawn = []
    for _ in range(2):
        with torch_seed(3, torch.device("cuda")):
            drawn.append(torch.rand(3, device="cuda"))
    assert torch.equal(*drawn)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    with torch_seed(3):
        pass
    assert torch.equal(torch.cuda.get_rng_state(), state)


def test_threads_take_turns():
    def draw(seed):
        with torch_seed(seed):
            return torch.cat([torch.rand(1) for _ in range(200)])

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(draw, [1, 2, 3, 4] * 5))
    for seed, drawn in zip([1, 2, 3, 4] * 5, together, strict=True):
        assert torch.equal(drawn, draw(seed))


def test_open_random_states_are_fixed_and_given_ones_are_kept():
    nested = fix_random_states(CalibratedClassifierCV(SGDClassifier()), 3)
    assert nested.estimator.random_state == 3
    assert fix_random_states(SGDClassifier(random_state=1), 3).random_state == 1
    assert fix_random_states(CalibratedClassifierCV(LogisticRegression(random_state=2)), 3).estimator.random_state == 2


class FakeMPS:
    """What torch has of an Apple GPU: one generator."""

    def __init__(self):
        self.state = "the caller's"

    def get_rng_state(self):
        return self.state

    def set_rng_state(self, state):
        self.state = state


def test_the_generator_of_an_apple_gpu_is_seeded_and_comes_back(monkeypatch):
    fake, device = FakeMPS(), torch.device("mps")
    monkeypatch.setattr(torch, "mps", fake)
    monkeypatch.setattr(torch, "manual_seed", lambda seed: fake.set_rng_state(f"seed {seed}"))
    with torch_seed(3, device):
        assert fake.state == "seed 3"
        fake.state = "advanced"
        states = generator_states(device)
    assert fake.state == "the caller's"
    with torch_seed(3, device, states):
        assert fake.state == "advanced"
    with pytest.raises(KeyError), torch_seed(3, device):
        raise KeyError
    assert fake.state == "the caller's"
