import re

import pytest
from _cases import MLP, small_torch
from numpy.testing import assert_array_equal

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners._epochs import updates_of_epoch

LINE = r"\[ *\d+\.\d s\] epoch (\d)/4: loss (\d\.\d{4})"


def test_verbose_prints_a_line_for_each_epoch_and_changes_nothing(multilabel_data, capsys):
    X, Y = multilabel_data
    quiet = small_torch(MLP, n_epochs=4, random_state=0).fit(X, Y)
    assert capsys.readouterr() == ("", "")
    told = small_torch(MLP, n_epochs=4, random_state=0, verbose=1, scheduler=None).fit(X, Y)
    assert_array_equal(told.predict_proba(X), quiet.predict_proba(X))
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(LINE + ", learning rate 0.03", line).groups() for line in lines]
    assert found == [(str(epoch), f"{loss:.4f}") for epoch, loss in enumerate(told.loss_curve_, start=1)]


@pytest.mark.parametrize(("scoring", "name"), [("loss", "loss"), ("f1_micro", "score")])
def test_the_lines_say_what_the_validation_rows_score(scoring, name, multilabel_data, capsys):
    X, Y = multilabel_data
    clf = small_torch(MLP, n_epochs=4, early_stopping=True, scoring=scoring, verbose=1, scheduler="linear").fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(LINE + rf", validation {name} (\d\.\d+), learning rate .*", line).group(3) for line in lines]
    assert found == [f"{abs(score):.4f}" for score in clf.validation_scores_]


def test_a_negative_score_keeps_its_sign(multilabel_data, capsys):
    small_torch(MLP, n_epochs=1, early_stopping=True, scoring=lambda y, d: -2.0, verbose=1).fit(*multilabel_data)
    assert "validation score -2.0000" in capsys.readouterr().out


def test_every_training_run_of_a_policy_prints_its_epochs(multilabel_data, capsys):
    X, Y = multilabel_data
    base = small_torch(MLP, n_epochs=4, verbose=1)
    MetaPolicyClassifier(base, training_policy="uniform", cv=2, random_state=0).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [re.match(LINE, line).group(1) for line in lines] == ["1", "2", "3", "4"] * 3


def test_an_epoch_has_a_batch_for_every_row_that_is_trained_on():
    assert updates_of_epoch(small_torch(MLP, batch_size=32), 65) == 3
    assert updates_of_epoch(small_torch(MLP, batch_size=32, early_stopping=True), 71) == 2
