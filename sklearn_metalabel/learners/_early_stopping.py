"""When a network has been trained long enough, by a share of its training rows that it is not trained on."""

import copy
from math import ceil

import numpy as np
import scipy.sparse as sp
import torch

from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.model_selection import MultilabelStratifiedShuffleSplit
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import (
    as_certain_negatives,
    check_row_weights,
    label_rows,
    map_parts,
    positives_only,
    shown,
    to_probabilities,
)

__all__ = ["EarlyStopping", "count_training_rows"]

# Entries whose loss is computed at once.
_BLOCK_ENTRIES = 2**22


def count_training_rows(n_samples, validation_fraction):
    """Rows that are trained on where the others are for validation, as many as scikit-learn takes for a test."""
    n_train = n_samples - ceil(validation_fraction * n_samples)
    if n_train < 1:
        raise ValueError(
            f"early_stopping=True with validation_fraction={validation_fraction} leaves no row of {n_samples} to train "
            "on; add samples, lower validation_fraction, or set early_stopping=False."
        )
    return n_train


class EarlyStopping:
    """The validation rows of one training run, their score after each epoch, and the parameters of the best one.

    Parameters
    ----------
    classifier : TorchClassifier
        Whose parameters say what is held out, how it is scored, and for how long no gain is waited for.
    Y : {ndarray, sparse array} of shape (n_samples, n_labels)
        Encoded labels of all rows that the run is given.
    sample_weight : ndarray of shape (n_samples,) or None
    seed : int
        Of the split.

    Attributes
    ----------
    train, rows : ndarray of int
        Rows to train on, and those for validation.
    scores : list of float
        By epoch, larger is better.
    best_epoch : int
        Of the best score, from 1.
    """

    def __init__(self, classifier, Y, sample_weight, seed):
        self.tol, self.patience = classifier.tol, classifier.n_iter_no_change
        n_valid = Y.shape[0] - count_training_rows(Y.shape[0], classifier.validation_fraction)
        cv = MultilabelStratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
        self.train, self.rows = next(cv.split(np.zeros(Y.shape[0]), positives_only(Y)))
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)[self.rows]
        if weight is not None and not weight.any():
            raise ValueError(
                "early_stopping=True needs validation rows of positive sample_weight, and the split found none; raise "
                "validation_fraction, or leave rows of weight 0 out."
            )
        self._score = _score_of(classifier.scoring, label_rows(Y, self.rows, dtype=np.int8), weight)
        self.scores, self.best_epoch, self._best_state, self._waited = [], 0, None, 0

    def after_epoch(self, run):
        """Score the module of a run as it is; returns whether the training is to end."""
        score = float(self._score(run, run.log_odds(self._inputs(run))))
        if np.isnan(score):
            raise ValueError("The validation score is NaN: check the loss, or set another scoring.")
        best = self.scores[self.best_epoch - 1] if self.scores else -np.inf
        self._waited = 0 if not self.scores or score >= best + self.tol else self._waited + 1
        self.scores.append(score)
        if len(self.scores) == 1 or score > best:
            self.best_epoch, self._best_state = len(self.scores), copy.deepcopy(run.module.state_dict())
        return self._waited >= self.patience

    def restore(self, run):
        """Give the module of a run the parameters of the best epoch."""
        if self._best_state is not None:
            run.module.load_state_dict(self._best_state)
            self._best_state = None

    def _inputs(self, run):
        """The validation rows as the run has them: on its device, or sparse."""
        index = torch.from_numpy(self.rows).to(run.device)
        return map_parts(lambda part: part[self.rows] if sp.issparse(part) else part[index], run.X)


def _score_of(scoring, Y, weight):
    """A function of a run and log-odds (n, L) of rows of labels Y, -1 where they are not known; larger is better."""
    if isinstance(scoring, str) and scoring == "loss":
        return _Loss(Y, weight)
    return _Probabilities(scoring, Y, weight)


class _Loss:
    """Minus the mean loss that a run is trained with, each label and each known entry counting once."""

    def __init__(self, Y, weight):
        self.Y, self.weight = Y, weight

    def __call__(self, run, Z):
        step, total, counted = max(1, _BLOCK_ENTRIES // Z.shape[1]), 0.0, 0.0
        for first in range(0, len(Z), step):
            block = slice(first, first + step)
            Y = self.Y[block]
            weight = (Y >= 0).astype(np.float32)
            if self.weight is not None:
                weight *= self.weight[block, None].astype(np.float32)
            tensors = [torch.from_numpy(part).to(run.device) for part in (Z[block], np.maximum(Y, 0), weight)]
            with torch.no_grad():
                loss = run.loss(tensors[0], tensors[1].float(), tensors[2])
            total, counted = total + float(loss) * weight.size, counted + float(weight.sum(dtype=np.float64))
        return -total / counted if counted else 0.0


class _Probabilities:
    """A score of the probabilities: average precision, or a scoring of decisions at one half."""

    def __init__(self, scoring, Y, weight):
        self.is_ranking = isinstance(scoring, str) and scoring == "average_precision"
        self.Y, self.weight = Y, check_row_weights(weight, len(Y))
        self.present = np.flatnonzero((Y > 0).any(axis=0))
        if self.is_ranking and not self.present.size:
            raise ValueError(
                'scoring="average_precision" needs validation rows that have a label, and the split found none; raise '
                'validation_fraction, or set scoring="loss".'
            )
        if not self.is_ranking:
            self.scoring = _resolved(scoring)
            self.scoring.check(Y.shape[1], self.weight)

    def __call__(self, run, Z):
        Y, P = as_certain_negatives(self.Y, to_probabilities(Z))
        if not self.is_ranking:
            return self.scoring(Y, P > 0.5, self.weight)
        options = {} if self.weight is None else {"sample_weight": self.weight}
        scores = AveragePrecisionReward()(Y, P, np.full(P.shape[1], 0.5), **options)
        return scores[self.present].mean()


def _resolved(scoring):
    """Scoring of decisions, or raise with all that may be named."""
    try:
        return Scoring.resolve(scoring)
    except ValueError as error:
        raise ValueError(
            f'scoring must be "loss", "average_precision", or what scores decisions, such as "f1_micro" or a function '
            f"(y_true, y_pred) -> float, got {shown(scoring)}."
        ) from error
