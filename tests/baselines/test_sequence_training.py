import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _sequences import N_LABELS, random_network
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.baselines._label_sequences import label_sequences
from sklearn_metalabel.baselines._sequence_training import predict_sequences, train_sequences
from sklearn_metalabel.learners._training_run import BatchSampler


@pytest.fixture
def sequence_data():
    rng = np.random.RandomState(0)
    X, Y = rng.randn(40, 2), (rng.rand(40, N_LABELS) < 0.4).astype(np.int8)
    return X, *label_sequences(Y, np.arange(N_LABELS))


def train(network, X, sequences, lengths, *, weight=None, clip_norm=None, lr=0.1, n_epochs=2):
    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    settings = {"batch_size": 16, "n_epochs": n_epochs, "clip_norm": clip_norm, "rng": np.random.RandomState(0)}
    weight = np.ones(len(lengths), dtype=np.float32) if weight is None else weight
    return train_sequences(network, optimizer, X, sequences, lengths, weight=weight, **settings)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix])
def test_training_is_the_loop_that_everybody_writes(weighted, container, sequence_data):
    X, sequences, lengths = sequence_data
    network, _ = random_network(0)
    twin = copy.deepcopy(network)
    weight = np.random.RandomState(1).rand(40).astype(np.float32) if weighted else np.ones(40, dtype=np.float32)
    curve = train(network, container(X), sequences, lengths, weight=weight)

    optimizer, losses = torch.optim.SGD(twin.parameters(), lr=0.1), []
    sample = BatchSampler(40, 16, np.random.RandomState(0))
    for _ in range(6):
        rows = sample()
        nll = twin(torch.tensor(X[rows], dtype=torch.float32), torch.tensor(sequences[rows]))
        loss = (nll * torch.tensor(weight[rows])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert_allclose(curve, np.reshape(losses, (2, 3)).mean(axis=1), rtol=1e-5)
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert_allclose(ours.detach(), theirs.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("clip_norm", "longest"), [(0.01, 0.01), (None, np.inf)])
def test_a_step_is_no_longer_than_the_clipped_gradient(clip_norm, longest, sequence_data):
    X, sequences, lengths = sequence_data
    network, _ = random_network(0)
    before = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    train(network, X[:16], sequences[:16], lengths[:16], clip_norm=clip_norm, lr=1.0, n_epochs=1)
    step = (torch.nn.utils.parameters_to_vector(network.parameters()).detach() - before).norm()
    assert 0.0099 < step <= longest * 1.001
    assert clip_norm is not None or step > 0.1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_stops_the_training(value, sequence_data):
    network, _ = random_network(0)
    weight = np.full(40, value, dtype=np.float32)
    with pytest.raises(ValueError, match=rf"training loss became {value}: lower the learning rate \(lr=0.1\) or scale"):
        train(network, *sequence_data, weight=weight)


def predict(network, X):
    return predict_sequences(network, X, width=3, max_labels=N_LABELS, length_penalty=1.0)


def test_one_row_is_predicted_as_among_others_up_to_rounding(global_random_seed):
    network, _ = random_network(global_random_seed)
    X = np.random.RandomState(0).randn(150, 2)
    sequences, P = predict(network, X)
    assert len(np.unique(sequences, axis=0)) > 1
    for i in (0, 1, 31, 63, 64, 127, 149):
        one_sequence, one_P = predict(network, X[[i]])
        assert_array_equal(one_sequence[0], sequences[i])
        assert_allclose(one_P[0], P[i], rtol=1e-5)
    assert_allclose(predict(network, X[::-1])[1][::-1], P, rtol=1e-5)
    assert_array_equal(predict(network, sp.csr_array(X))[1], P)


def test_probabilities_that_are_no_numbers_are_refused():
    network, _ = random_network(0)
    torch.nn.init.constant_(network.output.bias, torch.nan)
    with pytest.raises(ValueError, match="probabilities are NaN for some rows: lower the learning rate or check"):
        predict(network, np.ones((3, 2)))
