"""The policy: a network shared by all labels, from descriptors and candidate cuts to one cut for each label."""

import numpy as np

from sklearn_metalabel.policies._candidates import CANDIDATES

__all__ = ["N_OUTPUTS", "candidate_parameters", "policy_cuts", "policy_gradient"]

# One score for each candidate, and an offset.
N_OUTPUTS = len(CANDIDATES) + 1
# A score that leaves nothing of a softmax to the others.
_CERTAIN = 1e3


def policy_cuts(parameters, candidates):
    """Cuts (L,): a mixture of the candidates and an offset, both linear in the descriptors before the softmax."""
    mixture, offset = _mixture(parameters, candidates)
    cuts = (mixture.T * candidates.cuts).sum(axis=0) + offset
    return np.where(candidates.varied, cuts, candidates.constant)


def candidate_parameters(number, n_descriptors):
    """Parameters of the policy that takes the cuts of one candidate, to the last bit."""
    parameters = np.zeros((N_OUTPUTS, n_descriptors))
    parameters[number, 0] = _CERTAIN
    return parameters


def policy_gradient(parameters, candidates, cut_gradient):
    """Gradient of a number in the parameters, from its gradient (L,) in the cuts."""
    mixture, _ = _mixture(parameters, candidates)
    mean = (mixture.T * candidates.cuts).sum(axis=0)
    outputs = np.vstack([mixture.T * (candidates.cuts - mean), np.ones(mean.size)])
    return (outputs * np.where(candidates.varied, cut_gradient, 0.0)) @ candidates.descriptors


def _mixture(parameters, candidates):
    """Weights of the candidates (L, C), rows summing to 1, and offsets (L,)."""
    outputs = candidates.descriptors @ parameters.T
    odds = np.exp(outputs[:, :-1] - outputs[:, :-1].max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), outputs[:, -1]
