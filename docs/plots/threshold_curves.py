"""Precision, recall and F1 against the threshold, for a frequent label and a rare one."""

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import load_multidigits
from sklearn_metalabel.inspection import ThresholdCurveDisplay

train, test = (load_multidigits(n_samples=600, subset=subset, as_frame=True) for subset in ("train", "test"))
clf = MetaPolicyClassifier(random_state=0).fit(train.data, train.target)
ThresholdCurveDisplay.from_estimator(clf, test.data, test.target, labels=["/line", "/loop/9"])
