import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from sklearn_metalabel.learners._one_label import ConstantLabel, fit_label, positive_probability


@pytest.mark.parametrize(("value", "share"), [(0, 0.5 / 81), (1, 80.5 / 81)])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_a_label_of_one_value_gets_its_smoothed_share(value, share, form, multilabel_data):
    X = form(multilabel_data[0])
    fitted = fit_label(LogisticRegression(), X, np.full(80, value))
    assert type(fitted) is ConstantLabel
    assert_allclose(positive_probability(fitted, X), share)
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    assert_array_equal(fitted.decision_function(X), np.full(80, 2.0 * value - 1))
    assert_array_equal(fitted.classes_, [0, 1])


def test_scores_are_there_where_the_estimator_has_some():
    X, y = np.eye(3), np.zeros(3)
    assert hasattr(fit_label(LinearSVC(), X, y), "decision_function")
    assert not hasattr(fit_label(KNeighborsClassifier(), X, y), "decision_function")
    assert clone(ConstantLabel(has_scores=True)).has_scores


def test_rows_without_weight_are_not_seen(multilabel_data):
    X, Y = multilabel_data
    y = Y[:, 0]
    weight = np.where(y == 1, 2.0, 0.0)
    fitted = fit_label(LogisticRegression(), X, y, sample_weight=weight)
    assert fitted.share_ == pytest.approx((y.sum() + 0.5) / (y.sum() + 1))
    both = fit_label(LogisticRegression(), X, y, sample_weight=weight + 1)
    assert_array_equal(both.coef_, LogisticRegression().fit(X, y, sample_weight=weight + 1).coef_)


def test_the_probability_of_one_comes_from_probabilities_or_decision_values(multilabel_data):
    X, Y = multilabel_data
    logistic = fit_label(LogisticRegression(), X, Y[:, 0])
    assert_array_equal(positive_probability(logistic, X), logistic.predict_proba(X)[:, 1])
    machine = fit_label(LinearSVC(random_state=0), X, Y[:, 0])
    assert_allclose(positive_probability(machine, X), expit(machine.decision_function(X)))
    assert positive_probability(machine, X.astype(np.float32)).dtype == np.float64
