"""What a search tells of itself: a table of its proposals, and the course of its training runs."""

import numpy as np

from sklearn_metalabel.policies._judge import best_score

__all__ = ["history_of_runs", "table_of_proposals"]


def table_of_proposals(options, neutral, compared):
    """Columns for the proposals: their rewards, how far they are ahead of the user's own weights, and their scores."""
    table = {"proposal": [], "reward": [], "gain": [], "error": [], "score": []}
    for option in options:
        name = option.proposal.name
        known = option.outcome is not None and neutral is not None
        gain, error = option.outcome.gain_over(neutral.outcome) if known else (np.nan, np.nan)
        rows = [row for row in compared if row["proposal"] == name]
        values = [name, option.outcome.value if option.outcome else np.nan, gain, error]
        for column, value in zip(table, [*values, best_score(rows) if rows else np.nan], strict=True):
            table[column].append(value)
    return {name: np.array(values, dtype=object if name == "proposal" else float) for name, values in table.items()}


def history_of_runs(plan, rounds):
    """One row for each training run: a fold under a path of proposals; `rounds` hold trials that can be compared.

    Of a path for some labels, what follows is in the table of proposals alone.
    """
    rounds = rounds if plan.labels is None else rounds[:1]
    groups = [trials for tried in rounds for trials in tried]
    n_steps = len(groups[0]) if plan.is_path else 1
    trials = [trial for group in groups for trial in group]
    weights = np.array([trial.proposal.weights.label for trial in trials], dtype=np.float32)
    return {
        "reward": np.array([trial.outcome.value for trial in trials]).reshape(-1, n_steps),
        "baseline": np.concatenate([_baseline(group) for group in groups]).reshape(-1, n_steps),
        "weights": weights.reshape(-1, n_steps, weights.shape[1]),
    }


def _baseline(trials):
    """The reward of the user's own weights, or those nearest to them, for each of comparable trials."""
    neutral = np.argmin([abs(np.log(trial.proposal.scale)) for trial in trials])
    return np.full(len(trials), trials[neutral].outcome.value)
