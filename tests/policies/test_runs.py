from dataclasses import replace

import numpy as np
import pytest
from _policy_cases import THREE, DropoutNet, Recorder, network, small_task
from numpy.testing import assert_array_equal

from sklearn_metalabel.learners import LossWeights, _fold
from sklearn_metalabel.policies import Judge, ThresholdRule, train_folds
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._runs import TrialRunner, folds_for, trial_plan


def test_the_held_out_rows_of_all_folds_come_in_the_order_of_the_folds():
    task = small_task()
    rows = train_folds(task, LossWeights.uniform(4))
    assert_array_equal(rows.truth(), np.concatenate([fold.Y[fold.held_out] for fold in task.folds]))
    assert_array_equal(rows.fold, np.repeat([0, 1, 2], [len(fold.held_out) for fold in task.folds]))


def test_weights_reach_the_training():
    one, other = (train_folds(small_task(), LossWeights(w)).P for w in (np.ones(4), np.full(4, 1e-3)))
    # A small weight is a strong penalty, which leaves the probabilities near the frequency.
    assert (np.std(other, axis=0) < 0.5 * np.std(one, axis=0)).all()


def test_nothing_held_out_is_none():
    assert train_folds(small_task(cv=None), LossWeights.uniform(4)) is None


def test_the_result_depends_on_the_seed_and_not_on_the_number_of_jobs():
    alone, together, other = (
        train_folds(small_task(network(DropoutNet), random_state=seed, n_jobs=n_jobs), LossWeights.uniform(4)).P
        for seed, n_jobs in ((0, None), (0, 2), (1, None))
    )
    assert_array_equal(alone, together)
    assert not np.array_equal(alone, other)


@pytest.mark.parametrize(("rule", "is_complete"), [("micromacro", False), ("scut", True)])
def test_too_many_probabilities_are_held_in_compact_form_where_that_is_enough(rule, is_complete, monkeypatch):
    monkeypatch.setattr(_fold, "_HELD_OUT_ROWS", 10)
    monkeypatch.setattr(_fold, "_HELD_OUT_ENTRIES", 1)
    task = small_task(judge=Judge(ThresholdRule(rule), THREE))
    rows = train_folds(task, LossWeights.uniform(4))
    assert (rows.is_complete, rows.n_samples) == (is_complete, 30 if is_complete else 90)
    folds = folds_for(task)
    assert (trial_plan(task, folds, None).frequency is None) == is_complete


def test_a_callback_that_asks_for_an_end_is_remembered():
    for stop_at, stopped in ((None, False), (1, True)):
        task = small_task(monitor=Recorder(stop_at))
        runner = TrialRunner(task, trial_plan(task, task.folds, None))
        path = [Proposal("given", LossWeights.uniform(4))]
        made = runner([(fold, path, 0, {"scored": False}) for fold in task.folds])
        assert len(made) == 3
        assert runner.stopped is stopped


def test_runs_are_told_of_and_handed_on_one_by_one():
    task = small_task()
    monitor = Recorder()
    runner = TrialRunner(replace(task, monitor=monitor), trial_plan(task, task.folds, None))
    path = [Proposal("given", LossWeights.uniform(4))]
    runs = runner.each([(fold, path, 0, {"scored": False}) for fold in task.folds])
    for n_seen in (1, 2, 3):
        (trial,) = next(runs)
        assert trial.held_out.n_samples == len(task.folds[n_seen - 1].held_out)
        assert monitor.ended == list(range(n_seen))
    assert next(runs, None) is None
