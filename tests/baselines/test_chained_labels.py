import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from sklearn_metalabel.baselines._chained_labels import ChainedLabels

CHAIN = np.array([(j, k) for k in range(4) for j in range(k)])
EDGES = np.array([(2, 0), (2, 1), (0, 3), (1, 3)])


def test_a_full_order_on_true_labels_equals_a_classifier_chain(multilabel_data):
    X, Y = multilabel_data
    expected = ClassifierChain(LogisticRegression(), chain_method="predict_proba").fit(X, Y).predict_proba(X)
    assert_allclose(ChainedLabels(LogisticRegression(), CHAIN).fit(X, Y).predict_proba(X), expected)


def naive_chain(X, Y, order, folds):
    """Training features and final probabilities of LogisticRegression, one label after the other."""
    held, predicted = np.zeros(Y.shape), np.zeros(Y.shape)
    for j in order:
        parents = [parent for parent, child in EDGES.tolist() if child == j]
        features = np.hstack([X, Y[:, parents] if folds is None else held[:, parents]])
        model = LogisticRegression().fit(features, Y[:, j])
        if folds is not None:
            cv = KFold(3)
            held[:, j] = cross_val_predict(LogisticRegression(), features, Y[:, j], cv=cv, method="predict_proba")[:, 1]
        predicted[:, j] = model.predict_proba(np.hstack([X, predicted[:, parents]]))[:, 1]
    return predicted


@pytest.mark.parametrize("folds", [None, list(KFold(3).split(np.zeros(80)))], ids=["true labels", "held out"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_partial_order_equals_a_loop(folds, container, multilabel_data):
    X, Y = multilabel_data
    model = ChainedLabels(LogisticRegression(), EDGES, folds=folds).fit(container(X), Y)
    assert_allclose(model.predict_proba(container(X)), naive_chain(X, Y, [2, 0, 1, 3], folds), rtol=1e-3)
    assert [each.n_features_in_ for each in model.estimators_] == [9, 9, 8, 10]


@pytest.mark.parametrize("folds", [None, list(KFold(3).split(np.zeros(80)))], ids=["true labels", "held out"])
def test_the_number_of_jobs_changes_nothing(folds, multilabel_data):
    X, Y = multilabel_data
    chain = ChainedLabels(RandomForestClassifier(5), EDGES, folds=folds, random_state=0)
    one = chain.fit(X, Y).predict_proba(X)
    with joblib.parallel_config("threading"):
        assert_array_equal(chain.set_params(n_jobs=2).fit(X, Y).predict_proba(X), one)
    chain.set_params(n_jobs=None)
    assert not np.array_equal(chain.set_params(random_state=1).fit(X, Y).predict_proba(X), one)


def test_a_classifier_without_probabilities_hands_on_its_decision_values(multilabel_data):
    X, Y = multilabel_data
    model = ChainedLabels(LinearSVC(random_state=0), [(0, 1)]).fit(X, Y)
    first = expit(model.estimators_[0].decision_function(X))
    second = expit(model.estimators_[1].decision_function(np.column_stack([X, first])))
    assert_allclose(model.predict_proba(X)[:, :2], np.column_stack([first, second]))


def test_a_classifier_that_takes_no_weights_is_given_none(multilabel_data):
    X, Y = multilabel_data
    model = ChainedLabels(KNeighborsClassifier(), EDGES).fit(X, Y)
    assert model.predict_proba(X).shape == Y.shape
    with pytest.raises(TypeError, match="sample_weight"):
        model.fit(X, Y, sample_weight=np.ones(80))


@pytest.mark.parametrize("folds", [None, list(KFold(2, shuffle=True, random_state=0).split(np.zeros(80)))])
def test_weights_are_those_of_samples_and_labels(folds, multilabel_data):
    X, Y = multilabel_data
    chain = ChainedLabels(LogisticRegression(), EDGES, folds=folds)
    P = chain.fit(X, Y).predict_proba(X)
    assert_allclose(chain.fit(X, Y, sample_weight=np.ones(80), label_weight=np.ones(4)).predict_proba(X), P)
    heavy = chain.fit(X, Y, sample_weight=np.where(Y[:, 2] == 1, 9.0, 1.0)).predict_proba(X)
    assert heavy[:, 2].mean() > P[:, 2].mean() + 0.05
    tripled = chain.fit(X, Y, sample_weight=np.full(80, 3.0)).predict_proba(X)[:, 2]
    assert_allclose(chain.fit(X, Y, label_weight=[1, 1, 3, 1]).predict_proba(X)[:, 2], tripled)


@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
def test_a_label_of_one_value_among_the_rows_that_count_gets_a_constant(multilabel_data):
    X, Y = multilabel_data
    weight = (Y[:, 1] == 0).astype(float)
    model = ChainedLabels(LogisticRegression(), CHAIN).fit(X, Y, sample_weight=weight)
    n = weight.sum()
    assert_allclose(model.predict_proba(X)[:, 1], 0.5 / (n + 1))


def test_labels_missing_in_a_fold_are_held_out_as_constants(multilabel_data):
    X, Y = multilabel_data
    Y = Y.copy()
    Y[:, 0] = np.arange(80) < 3
    model = ChainedLabels(LogisticRegression(), [(0, 1)], folds=list(KFold(2).split(X))).fit(X, Y)
    assert model.predict_proba(X).shape == Y.shape
