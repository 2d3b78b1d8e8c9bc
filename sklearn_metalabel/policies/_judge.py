"""The user's judgement of out-of-fold rows: the scoring asked for, after thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies._nested import mean_scores
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.thresholds import OutOfFold

__all__ = ["Judge", "best_score", "largest_error"]


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores out-of-fold rows by what the user asked for, after the thresholds that the prediction policy would take.

    Parameters
    ----------
    prediction_policy : PredictionPolicy
        Unfitted.
    scoring : Scoring
        What decisions are scored by.
    allow_unlabeled : bool or "auto", default="auto"
        Whether a sample may get no label.
    has_thresholds : bool, default=True
        Whether labels are decided one by one; False for classes, of which the most probable is taken.
    """

    prediction_policy: PredictionPolicy
    scoring: Scoring
    allow_unlabeled: bool | str = "auto"
    has_thresholds: bool = True

    def rows(self, proposal: str, out_of_fold: OutOfFold) -> list[dict]:
        """Rows of `cv_results_` for a proposal: on each fold the policy decides with what it saw of the others."""
        if not self.has_thresholds:
            found = [
                {"prediction_policy": "most probable class", "allow_unlabeled": False, **self._classes(out_of_fold)}
            ]
        else:
            found = self.prediction_policy.compare_quickly(
                out_of_fold, self.scoring, allow_unlabeled=self.allow_unlabeled
            )
        return [{"proposal": proposal, **row} for row in found]

    def untuned(self, out_of_fold: OutOfFold) -> float:
        """Score of rows of which all probabilities are known, cut at one half; classes by the most probable."""
        Y, weight = out_of_fold.truth(), out_of_fold.sample_weight
        D = out_of_fold.P > 0.5 if self.has_thresholds else _most_probable(out_of_fold.P)
        return self.scoring(Y, D, weight)

    def needs_all_probabilities(self) -> bool:
        """Whether compact rows are not enough."""
        return not self.has_thresholds or self.prediction_policy.needs_all_probabilities(self.scoring)

    def _classes(self, out_of_fold):
        """Scores where the most probable class is taken."""
        D = _most_probable(out_of_fold.P)
        return mean_scores(self.scoring.by_part(out_of_fold.truth(), D, out_of_fold.sample_weight))


def _most_probable(P):
    """Decisions (n, L) for the most probable class."""
    return P > 0.5 if P.shape[1] == 1 else np.arange(P.shape[1]) == P.argmax(axis=1)[:, None]


def largest_error(out_of_fold):
    """The largest standard error that a share of these rows can have, 1 / (2 sqrt(n))."""
    return 0.5 / np.sqrt(out_of_fold.total_weight)


def best_score(rows):
    """The score of the best of some rows; a score of NaN is worst."""
    return max(float(np.nan_to_num(row["mean_test_score"], nan=-np.inf)) for row in rows)
