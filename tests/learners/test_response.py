import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from sklearn_metalabel.learners import as_multilabel, check_response_method, label_response


class Giving:
    """Answers `predict_proba` with what it was given."""

    def __init__(self, response):
        self.response = response

    def predict_proba(self, X):
        return self.response


def test_probabilities_are_taken_before_decision_values_and_either_by_name():
    assert check_response_method(LogisticRegression(), "auto") == "predict_proba"
    assert check_response_method(LinearSVC(), "auto") == "decision_function"
    assert check_response_method(LogisticRegression(), "decision_function") == "decision_function"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_response_that_the_classifier_does_not_give_is_refused_by_the_name_of_the_users_own(wrapped):
    classifier = as_multilabel(LinearSVC()) if wrapped else LinearSVC()
    with pytest.raises(
        ValueError, match="'predict_proba' needs a classifier with predict_proba, and LinearSVC has none"
    ):
        check_response_method(classifier, "predict_proba")


def test_a_list_of_probabilities_of_both_values_gives_those_of_one(multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, :2], np.ones(80, dtype=int), np.zeros(80, dtype=int)])
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    R = label_response(forest, X, "predict_proba", 4)
    given = forest.predict_proba(X)
    assert_array_equal(R[:, 0], np.clip(given[0][:, 1], R.min(), R.max()))
    assert (R[:, 2] > 1 - 1e-6).all()
    assert (R[:, 3] < 1e-6).all()
    assert ((R > 0) & (R < 1)).all()


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_responses_are_floating_and_what_was_given_is_left_alone(form, dtype):
    given = form(np.array([[0, 1], [1, 0]], dtype=dtype))
    R = label_response(Giving(given), None, "predict_proba", 2)
    assert R.dtype == (np.float64 if dtype is np.int64 else dtype)
    assert ((R > 0) & (R < 1)).all()
    assert_array_equal(given.toarray() if sp.issparse(given) else given, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (np.full(3, 0.5), r"must give one value for each row and label, in shape \(n, 2\), got shape \(3,\)"),
        (np.full((3, 1), 0.5), r"in shape \(n, 2\), got shape \(3, 1\); pass a classifier for label matrices"),
        (np.array([[0.5, np.nan]]), "gave NaN or infinity, and thresholds need finite values"),
        (np.array([[0.5, np.inf]]), "Giving.predict_proba gave NaN or infinity"),
    ],
)
def test_other_responses_are_refused(given, match):
    with pytest.raises(ValueError, match=match):
        label_response(Giving(given), None, "predict_proba", 2)
