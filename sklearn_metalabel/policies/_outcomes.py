"""What held-out rows say of proposals: whether one beats another beyond chance, and which scale suits each label."""

from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.utils import weighted_positives

__all__ = ["Outcome", "is_beaten", "label_importance", "scale_of_labels", "scored"]

# Parts of a fold's held-out rows whose differences tell how far chance reaches.
_BLOCKS = 10
_RESAMPLES = 200
# A gain below this many standard errors is taken for chance.
_ERRORS = 1.0
# Labels this near in scaled log-frequency say much about each other.
_BANDWIDTH = 0.3
# Below every number of positives, whatever their weights.
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Outcome:
    """Rewards (L,) on held-out rows, those of parts of them (B, L), and the positives of each (L,) and (B, L).

    Positives are counted by weight.
    """

    rewards: np.ndarray
    parts: np.ndarray
    positives: np.ndarray
    positives_of_parts: np.ndarray

    @classmethod
    def of(cls, Y, P, reward, sample_weight=None):
        """Outcome of probabilities P (n, L) of rows with labels Y (n, L), by weights (n,) above 0."""
        part_of = np.arange(len(Y)) % min(_BLOCKS, len(Y))
        parts = [part_of == b for b in range(part_of.max() + 1)]
        arrays = [(Y, P, sample_weight)]
        arrays += [(Y[rows], P[rows], None if sample_weight is None else sample_weight[rows]) for rows in parts]
        rewards = np.array([scored(reward, *each) for each in arrays])
        positives = np.array([weighted_positives(y, weight) for y, _, weight in arrays])
        return cls(rewards[0], rewards[1:], positives[0], positives[1:])

    @classmethod
    def pooled(cls, outcomes):
        """One outcome of those of several folds."""
        counts = np.array([o.positives for o in outcomes], dtype=np.float64)
        total = np.maximum(counts.sum(axis=0), _TINY)
        return cls(
            (np.array([o.rewards for o in outcomes]) * counts).sum(axis=0) / total,
            np.concatenate([o.parts for o in outcomes]),
            counts.sum(axis=0),
            np.concatenate([o.positives_of_parts for o in outcomes]),
        )

    @property
    def value(self):
        """One number: half the mean over labels, half the mean over positives."""
        return float(self.rewards @ label_importance(self.positives))

    def gain_over(self, other):
        """How far this is ahead of another outcome on the same rows, and the standard error of that.

        The error is that of a paired bootstrap over parts of the rows.
        """
        differences = ((self.parts - other.parts) * label_importance(self.positives_of_parts)).sum(axis=1)
        return self.value - other.value, _bootstrap_error(differences)


def is_beaten(outcome, other):
    """Whether another outcome on the same rows is better beyond chance."""
    gain, error = other.gain_over(outcome)
    return gain > _ERRORS * error


def scale_of_labels(outcomes, neutral):
    """Which of several scales suits each label: one index (L,) into `outcomes`.

    One scale for all labels is left only for a better one, beyond chance, from `neutral`, the index of the scale that
    the base learner came with (or None where it was not tried). Single labels depart from it by their own
    rewards, shrunk to those of labels as frequent as far as chance may have made them (empirical Bayes), and only
    where that helps, beyond chance, on parts of the rows that the choice has not seen.
    """
    shared = int(np.argmax([o.value for o in outcomes]))
    if neutral is not None and not is_beaten(outcomes[neutral], outcomes[shared]):
        shared = neutral
    parts = np.array([o.parts for o in outcomes])
    counts = outcomes[0].positives_of_parts
    noise = _noise(parts - parts[shared], counts)
    gains = [_gain_of_single_scales(parts, counts, b, noise, shared) for b in range(len(counts))]
    if np.mean(gains) <= _ERRORS * _bootstrap_error(np.array(gains)):
        return np.full(counts.shape[1], shared)
    return _shrunken_choice(np.array([o.rewards for o in outcomes]), outcomes[0].positives, noise, shared)


def _gain_of_single_scales(parts, counts, b, noise, shared):
    """What scales of single labels gain on one part of the rows where they are chosen on all others."""
    others = np.arange(len(counts)) != b
    chosen = _shrunken_choice(_mean(parts[:, others], counts[others]), counts[others].sum(axis=0), noise, shared)
    gains = parts[chosen, b, np.arange(counts.shape[1])] - parts[shared, b]
    return float(gains @ label_importance(counts[b]))


def _bootstrap_error(values):
    """Standard error of the mean of values (B,)."""
    draws = np.random.RandomState(0).randint(len(values), size=(_RESAMPLES, len(values)))
    return float(values[draws].mean(axis=1).std())


def scored(reward, Y, P, sample_weight=None):
    """Reward (L,) of probabilities, at thresholds of 0.5."""
    options = {} if sample_weight is None else {"sample_weight": sample_weight}
    scored = np.asarray(reward(Y, P, np.full((1, P.shape[1]), 0.5), **options), dtype=np.float64)[0]
    if not np.isfinite(scored).all():
        raise ValueError("reward must be finite, got NaN or infinity; return 0 for a label that it cannot judge.")
    return scored


def label_importance(positives):
    """Weight of each label in the mean reward, (..., L): half by label, half by positives; 0 without positives."""
    present = positives > 0
    by_label = present / np.maximum(present.sum(axis=-1, keepdims=True), 1)
    by_positive = positives / np.maximum(positives.sum(axis=-1, keepdims=True), _TINY)
    return (by_label + by_positive) / 2


def _mean(parts, counts):
    """Rewards (T, L) of parts (T, B, L), by their positives (B, L)."""
    return (parts * counts).sum(axis=1) / np.maximum(counts.sum(axis=0), _TINY)


def _noise(differences, counts):
    """Variance (T, 1) of a label's difference (T, B, L) times its positives (B, L): their median over labels."""
    present = counts > 0
    n_parts = present.sum(axis=0)
    several = n_parts > 1
    if not several.any():
        return np.full((len(differences), 1), np.inf)
    kept, n_parts = differences[..., several], n_parts[several]
    seen = present[:, several]
    centred = (kept - (kept * seen).sum(axis=1, keepdims=True) / n_parts) * seen
    variance = (centred**2).sum(axis=1) / (n_parts - 1) / n_parts
    return np.median(variance * counts[:, several].sum(axis=0), axis=1, keepdims=True)


def _shrunken_choice(rewards, positives, noise, shared):
    """Index (L,) of the scale of largest expected reward; rewards (T, L), noise (T, 1)."""
    seen = positives > 0
    chosen = np.full(len(positives), shared)
    if seen.any():
        gains = (rewards - rewards[shared])[:, seen]
        neighbours = _neighbours(np.log(positives[seen]) / 2, gains)
        apart = gains - neighbours
        chance = noise / positives[seen]
        spread = np.maximum((apart**2).mean(axis=1, keepdims=True) - chance.mean(axis=1, keepdims=True), 0)
        trust = np.divide(spread, spread + chance, out=np.zeros_like(chance), where=np.isfinite(chance) & (spread > 0))
        chosen[seen] = np.argmax(neighbours + trust * apart, axis=0)
    return chosen


def _neighbours(x, gains):
    """Mean gains (T, L) of labels of like frequency x (L,), on a grid so that many labels cost little."""
    grid = np.arange(x.min(), x.max() + _BANDWIDTH / 2, _BANDWIDTH / 4) if np.ptp(x) else x[:1]
    near = np.exp(-0.5 * ((grid[:, None] - x) / _BANDWIDTH) ** 2)
    means = (near @ gains.T) / near.sum(axis=1, keepdims=True)
    return means[np.abs(grid[:, None] - x).argmin(axis=0)].T
