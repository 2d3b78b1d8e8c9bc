import numpy as np
import pytest
import torch
from _sequences import N_LABELS, naive_log_p, random_network
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.baselines._beam_search import beam_search, best_sequences

END = N_LABELS + 1


def search(network, x, width, max_labels=N_LABELS):
    """For each row its found label sets with their log-probabilities, best first; and the marginals."""
    with torch.no_grad():
        sequences, scores, marginals = beam_search(network, x, width, max_labels)
    found = []
    for row, row_scores in zip(sequences.tolist(), scores.tolist(), strict=True):
        sets = [tuple(symbol for symbol in each if symbol != END) for each in row]
        found.append([pair for pair in zip(sets, row_scores, strict=True) if np.isfinite(pair[1])])
    return found, marginals.numpy()


def every_set(network, x, max_labels=N_LABELS):
    """Log-probability of each set of at most `max_labels` labels, by going through all of them."""
    log_p = {}
    for code in range(2**N_LABELS):
        labels = [j + 1 for j in range(N_LABELS) if code >> j & 1]
        steps = [*labels, END][:max_labels]  # the largest sets need no end
        if len(labels) <= max_labels:
            log_p[tuple(labels)] = sum(naive_log_p(network, x, labels[:t])[s] for t, s in enumerate(steps))
    return log_p


@pytest.mark.parametrize("max_labels", [1, 2, N_LABELS, 9])
def test_a_wide_beam_finds_every_set_and_the_exact_marginals(max_labels, global_random_seed):
    network, x = random_network(global_random_seed)
    found, marginals = search(network, x, 2**N_LABELS, max_labels)
    for row, row_found, row_marginals in zip(x.double().numpy(), found, marginals, strict=True):
        expected = every_set(network, row, max_labels)
        assert len(row_found) == len(expected)
        assert_allclose([expected[labels] for labels, _ in row_found], [score for _, score in row_found], rtol=1e-4)
        assert row_found[0][0] == max(expected, key=expected.get)
        exact = [sum(np.exp(p) for labels, p in expected.items() if j in labels) for j in range(1, END)]
        assert_allclose(row_marginals, exact, rtol=1e-4)


def naive_beam(network, x, width, max_labels):
    """The same search with lists; returns the beam and the marginals."""
    beam, marginals = [([], 0.0)], np.zeros(N_LABELS)
    for _ in range(max_labels):
        candidates = [each for each in beam if END in each[0]]
        for labels, score in (each for each in beam if END not in each[0]):
            for symbol, log_p in naive_log_p(network, x, labels).items():
                candidates.append(([*labels, symbol], score + log_p))
                if symbol != END:
                    marginals[symbol - 1] += np.exp(score + log_p)
        beam = sorted(candidates, key=lambda each: -each[1])[:width]
    return [(tuple(symbol for symbol in labels if symbol != END), score) for labels, score in beam], marginals


@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("max_labels", [2, N_LABELS])
def test_a_narrow_beam_follows_the_hypotheses_that_a_loop_follows(width, max_labels, global_random_seed):
    network, x = random_network(global_random_seed)
    found, marginals = search(network, x, width, max_labels)
    for row, row_found, row_marginals in zip(x.double().numpy(), found, marginals, strict=True):
        expected, expected_marginals = naive_beam(network, row, width, max_labels)
        assert [labels for labels, _ in row_found] == [labels for labels, _ in expected]
        assert_allclose([score for _, score in row_found], [score for _, score in expected], rtol=1e-4)
        assert_allclose(row_marginals, expected_marginals, rtol=1e-4)


def test_a_beam_of_one_takes_the_most_probable_label_at_every_step(global_random_seed):
    network, x = random_network(global_random_seed)
    found, _ = search(network, x, 1)
    for row, [(labels, _)] in zip(x.double().numpy(), found, strict=True):
        greedy = []
        while END not in greedy:
            log_p = naive_log_p(network, row, greedy)
            greedy.append(max(log_p, key=log_p.get))
        assert labels == tuple(greedy[:-1])


def test_a_narrow_beam_never_finds_more_than_the_exact_marginals(global_random_seed):
    network, x = random_network(global_random_seed)
    exact = search(network, x, 2**N_LABELS)[1]
    for width in (1, 2, 4):
        assert (search(network, x, width)[1] <= exact + 1e-5).all()
    assert (exact <= 1 + 1e-5).all()


def test_the_best_sequence_is_that_of_the_largest_log_probability_for_its_length():
    sequences = torch.tensor([[[1, 5], [2, 3], [5, 5]]])
    scores = torch.tensor([[-1.0, -1.2, -0.8]])
    # Lengths with the end are 2, 3 and 1: divided by them, the scores are -0.5, -0.4 and -0.8.
    assert_array_equal(best_sequences(sequences, scores, 5, 1.0), [[2, 3]])
    assert_array_equal(best_sequences(sequences, scores, 5, 0.0), [[5, 5]])
    assert_array_equal(best_sequences(sequences, scores, 5, 0.4), [[1, 5]])


def test_without_labels_there_is_nothing_but_the_end():
    network, x = random_network(0, n_labels=0)
    with torch.no_grad():
        sequences, scores, marginals = beam_search(network, x, 3, 1)
    assert_array_equal(sequences[:, 0], [[1]] * 6)
    assert_array_equal(scores[:, 0], np.zeros(6))
    assert marginals.shape == (6, 0)
