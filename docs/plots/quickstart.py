"""The picture of the quick start, with the scores in its title."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import load_docstrings
from sklearn_metalabel.inspection import LabelReportDisplay
from sklearn_metalabel.learners import LabelWeightedLogistic


def scores(fitted, X, Y):
    """Strict accuracy, micro-F1 and macro-F1 in words."""
    D = fitted.predict(X)
    micro, macro = (f1_score(Y, D, average=average, zero_division=0) for average in ("micro", "macro"))
    return f"strict accuracy {accuracy_score(Y, D):.3f}, micro-F1 {micro:.3f}, macro-F1 {macro:.3f}"


train, test = (load_docstrings(subset=subset, min_count=100, as_frame=True) for subset in ("train", "test"))
tfidf = TfidfVectorizer(sublinear_tf=True, min_df=3)
X_train, X_test = tfidf.fit_transform(train.data), tfidf.transform(test.data)
clf = MetaPolicyClassifier(random_state=0).fit(X_train, train.target)
plain = LabelWeightedLogistic().fit(X_train, train.target)
display = LabelReportDisplay.from_estimator(clf, X_test, test.target)
display.ax_.set_title(
    f"base learner alone: {scores(plain, X_test, test.target)}\nlearned: {scores(clf, X_test, test.target)}",
    fontsize="small",
)
