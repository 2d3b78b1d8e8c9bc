"""Which policies, base learners and folds can work together; the others are refused before anything is trained."""

from sklearn_metalabel.learners import TrainingRun
from sklearn_metalabel.policies._threshold_rules import EpisodeThresholds

__all__ = ["check_kept", "check_policies"]


def check_kept(training, base, cv):
    """Refuse, by name, what leaves no classifier that could be kept."""
    if cv is None:
        raise ValueError(
            "refit=False keeps what was trained beside held-out rows, and cv=None holds none out; set refit=True, or "
            "hold out one part with a float cv such as cv=0.2."
        )
    if not training.keeps_classifier:
        raise ValueError(
            f"refit=False keeps what the training policy has trained, and {type(training).__name__} does not give it; "
            "set refit=True, or write keeps_classifier = True and TrainingResult(classifier=...) there."
        )
    run = type(base.training_run())
    if run.finish is TrainingRun.finish:
        raise TypeError(
            f"refit=False keeps what a training run has trained, and {run.__name__} has no method finish that gives "
            "it; write one, or set refit=True."
        )


def check_policies(training, prediction, cv, has_thresholds):
    """Refuse policies that cannot work together, or not with `cv`, by name."""
    if cv is None and training.needs_held_out:
        raise ValueError(
            f"training_policy={training!r} needs held-out rows, and cv=None holds none out; set cv=3, or a training "
            'policy that needs none, such as "gru".'
        )
    if not has_thresholds:
        return
    if cv is None and prediction.needs_out_of_fold:
        raise ValueError(
            f"prediction_policy={prediction.name!r} needs held-out rows, and cv=None holds none out; set cv=3 or "
            'prediction_policy="episode".'
        )
    if isinstance(prediction, EpisodeThresholds) and not training.proposes_thresholds:
        raise ValueError(
            'prediction_policy="episode" takes the thresholds that a recurrent training policy ends with, and '
            f"{type(training).__name__} proposes none; set another prediction policy, or "
            'training_policy="shared" or "gru".'
        )
