import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize(
    ("base", "method"), [(LogisticRegression(), "predict_proba"), (LinearSVC(), "decision_function")]
)
def test_without_weights_it_is_scikit_learns_own(base, method, form, multilabel_data):
    X, Y = multilabel_data
    ours, theirs = WeightedOneVsRest(base).fit(X, form(Y)), OneVsRestClassifier(base).fit(X, Y)
    assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X))
    assert_array_equal(
        ours.predict(X).toarray() if sp.issparse(ours.predict(X)) else ours.predict(X), theirs.predict(X)
    )
    assert ours.n_features_in_ == 8


def test_sample_weights_reach_each_clone(multilabel_data):
    X, Y = multilabel_data
    weight = np.linspace(0.1, 3, 80)
    fitted = WeightedOneVsRest(LogisticRegression()).fit(X, Y, sample_weight=weight)
    for j, each in enumerate(fitted.estimators_):
        assert_array_equal(each.coef_, LogisticRegression().fit(X, Y[:, j], sample_weight=weight).coef_)


@pytest.mark.parametrize("base", [LogisticRegression(), LinearSVC()], ids=["probabilities", "scores"])
def test_labels_of_one_value_are_constant_without_a_warning(base, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([np.zeros(80, dtype=int), Y[:, 0], np.ones(80, dtype=int)])
    fitted = WeightedOneVsRest(base).fit(X, Y)
    assert_array_equal(fitted.predict(X)[:, [0, 2]], [[0, 1]] * 80)
    assert fitted.n_features_in_ == 8
