"""Classifiers of other libraries, pipelines and searches: which take label matrices, and what if nothing tells."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel import FixedThresholdsClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest

X, Y = make_multilabel_classification(150, n_features=6, n_classes=4, random_state=0)
X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)


def net():
    params = {"module__in_features": 6, "module__out_features": 4, "criterion": nn.BCEWithLogitsLoss, "lr": 0.5}
    return NeuralNet(nn.Linear, **params, max_epochs=20, train_split=None, verbose=0)


def no_score(estimator, X, y):
    return 0.0


def forest(**params):
    return RandomForestClassifier(8, random_state=0, **params)


def tuned(classifier, **params):
    """Thresholds are not what is looked at here."""
    params = {"prediction_policy": "half", "cv": 2, "random_state": 0, **params}
    return TunedThresholdsClassifierCV(classifier, **params)


several = MultiOutputClassifier(LogisticRegression())
# What is fitted on the label matrix as it is.
WHOLE = {
    "forest": forest(),
    "several outputs": several,
    "chain": ClassifierChain(LogisticRegression()),
    "pipeline": make_pipeline(StandardScaler(), several),
    "search": GridSearchCV(several, {"estimator__C": [1, 10]}, cv=2),
    "random search": RandomizedSearchCV(forest(), {"max_depth": [2, 3]}, n_iter=1, cv=2, random_state=0),
    "search in a pipeline": make_pipeline(StandardScaler(), GridSearchCV(several, {"estimator__C": [1, 10]}, cv=2)),
    "pipeline in a search": GridSearchCV(make_pipeline(StandardScaler(), several), {}, cv=2),
    "net in a pipeline": make_pipeline(StandardScaler(), net()),
    "net in a search": GridSearchCV(net(), {"lr": [0.3, 0.5]}, scoring=no_score, cv=2),
}
# What is cloned for each label, without a word: its tags say that it takes vectors.
CLONED = {
    "logistic": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "halving": HalvingGridSearchCV(forest(), {"max_depth": [2, 3]}, cv=2, min_resources=20, random_state=0),
}


@pytest.mark.parametrize("make", [FixedThresholdsClassifier, tuned])
@pytest.mark.parametrize("name", WHOLE)
def test_classifiers_of_label_matrices_are_found_inside_pipelines_and_searches(name, make):
    clf = make(WHOLE[name]).fit(X, Y)
    assert type(clf.estimator_) is type(WHOLE[name])
    assert (clf.predict(X) == Y).mean() > 0.6
    assert clf.predict_proba(X).shape == Y.shape


@pytest.mark.parametrize("name", CLONED)
def test_classifiers_of_vectors_are_cloned_for_each_label(name):
    clf = tuned(CLONED[name]).fit(X, Y)
    assert type(clf.estimator_) is WeightedOneVsRest
    assert (clf.predict(X) == Y).mean() > 0.7


class Untold(LogisticRegression):
    """A classifier whose tags say nothing of targets, as those of a class with its mixins in the wrong order."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags = tags.estimator_type = None
        return tags


UNTOLD = {
    "tags": Untold(),
    "in a pipeline": make_pipeline(StandardScaler(), Untold()),
    "stacking": StackingClassifier(
        [("forest", forest()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))], cv=2
    ),
}


@pytest.mark.parametrize("make", [FixedThresholdsClassifier, tuned])
@pytest.mark.parametrize("name", UNTOLD)
def test_clones_are_announced_where_nothing_tells_unless_the_user_does(name, make):
    with pytest.warns(UserWarning, match=r"one clone of it is fitted for each label; set (.*, or )?multi_label=False"):
        clf = make(UNTOLD[name]).fit(X, Y)
    assert type(clf.estimator_) is WeightedOneVsRest
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = make(UNTOLD[name], multi_label=False).fit(X, Y)
    assert_array_equal(same.estimator_.predict_proba(X), clf.estimator_.predict_proba(X))


def test_a_stacking_of_label_matrices_is_refused_since_its_probabilities_are_those_of_zero():
    stacking = StackingClassifier([("forest", forest())], final_estimator=forest(max_depth=3), cv=2)
    with pytest.raises(ValueError, match="gives the probabilities of 0"):
        FixedThresholdsClassifier(stacking, multi_label=True).fit(X, Y)
    clf = FixedThresholdsClassifier(stacking, multi_label=False).fit(X, Y)
    assert (clf.predict(X) == Y).mean() > 0.8
    whole = stacking.fit(X, Y)
    wrong = (whole.predict_proba(X) > 0.5) != (whole.predict(X) == 1)
    assert wrong.mean() > 0.5, "scikit-learn has mended it: fit stackings on label matrices"


def test_the_user_says_that_label_matrices_are_taken():
    class Matrices(Untold):
        def fit(self, X, y):
            self.inner_ = MultiOutputClassifier(LogisticRegression()).fit(X, y)
            self.classes_ = self.inner_.classes_
            return self

        def predict_proba(self, X):
            return np.column_stack([P[:, 1] for P in self.inner_.predict_proba(X)])

    clf = FixedThresholdsClassifier(Matrices(), multi_label=True).fit(X, Y)
    assert type(clf.estimator_) is Matrices
    expected = MultiOutputClassifier(LogisticRegression()).fit(X, Y).predict(X)
    assert_array_equal(clf.predict(X), expected)
    cloned = FixedThresholdsClassifier(forest(), multi_label=False).fit(X, Y)
    assert type(cloned.estimator_) is WeightedOneVsRest


@pytest.mark.parametrize("cv", [2, 0.3])
def test_a_frozen_classifier_is_tuned_under_any_cv(cv):
    frozen = FrozenEstimator(forest().fit(X, Y))
    clf = tuned(frozen, cv=cv).fit(X, Y)
    assert clf.estimator_.estimator is frozen.estimator
    assert (clf.predict(X) == Y).mean() > 0.9


def test_labels_in_another_order_than_the_fitted_classifier_knows_are_refused():
    names = ["a", "b", "c", "d"]
    frame = pd.DataFrame(Y, columns=names)
    fitted = FixedThresholdsClassifier(LogisticRegression()).fit(X, frame)
    for given in (
        fitted,
        FrozenEstimator(fitted),
        make_pipeline(StandardScaler(), FixedThresholdsClassifier()).fit(X, frame),
    ):
        prefit = tuned(given, cv="prefit", refit=False)
        with pytest.raises(ValueError, match=r"labels of y, \['d', 'c', 'b', 'a'\], are not in the order"):
            prefit.fit(X, frame[names[::-1]])
        assert prefit.fit(X, frame).label_names_.tolist() == names
        assert prefit.fit(X, Y).predict(X).shape == Y.shape


def booster(name):
    if name == "lightgbm":
        return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=5, verbose=-1, random_state=0)
    if name == "xgboost":
        return pytest.importorskip("xgboost").XGBClassifier(n_estimators=5, random_state=0)
    if name == "catboost":
        options = {"iterations": 5, "verbose": 0, "allow_writing_files": False, "random_state": 0}
        return pytest.importorskip("catboost").CatBoostClassifier(**options)
    pytest.importorskip("imblearn")
    from imblearn.ensemble import BalancedRandomForestClassifier

    return BalancedRandomForestClassifier(8, random_state=0)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost", "imbalanced-learn"])
def test_boosters_and_forests_of_other_libraries(name):
    base = booster(name)
    for clf in (
        MetaPolicyClassifier(base, prediction_policy="half", cv=2, random_state=0),
        tuned(base),
        FixedThresholdsClassifier(base),
    ):
        assert (clf.fit(X, Y).predict(X) == Y).mean() > 0.7


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_scikit_multilearn_says_nothing_and_is_used_where_the_user_does():
    problem_transform = pytest.importorskip("skmultilearn.problem_transform")
    base = problem_transform.BinaryRelevance(LogisticRegression())
    clf = tuned(base, multi_label=True).fit(X, Y)
    assert (clf.predict(X) == Y).mean() > 0.7


@pytest.mark.filterwarnings("ignore:.*experimental", "ignore::FutureWarning")
def test_optunas_search_is_looked_through():
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {"estimator__C": optuna.distributions.FloatDistribution(0.1, 10)}
    search = integration.OptunaSearchCV(several, space, n_trials=2, cv=2, random_state=0)
    clf = tuned(search).fit(X, Y)
    assert type(clf.estimator_) is type(search)
    assert (clf.predict(X) == Y).mean() > 0.7
