"""F1 of each label of a strip of digits, at 0.5 and as predicted, those that gained most at the top."""

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import load_multidigits
from sklearn_metalabel.inspection import LabelReportDisplay

train, test = (load_multidigits(n_samples=600, subset=subset, as_frame=True) for subset in ("train", "test"))
clf = MetaPolicyClassifier(random_state=0).fit(train.data, train.target)
LabelReportDisplay.from_estimator(clf, test.data, test.target, labels="most_gained")
