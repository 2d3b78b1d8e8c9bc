"""Pictures and tables of what a fitted classifier has learned about its labels."""

from sklearn_metalabel.inspection._dependence_display import DependenceDisplay
from sklearn_metalabel.inspection._label_confusion import label_confusion
from sklearn_metalabel.inspection._label_confusion_display import LabelConfusionDisplay
from sklearn_metalabel.inspection._label_report import label_report
from sklearn_metalabel.inspection._label_report_display import LabelReportDisplay
from sklearn_metalabel.inspection._policy_display import PolicyDisplay
from sklearn_metalabel.inspection._threshold_curve_display import ThresholdCurveDisplay
from sklearn_metalabel.inspection._training_policy_display import TrainingPolicyDisplay

__all__ = [
    "DependenceDisplay",
    "LabelConfusionDisplay",
    "LabelReportDisplay",
    "PolicyDisplay",
    "ThresholdCurveDisplay",
    "TrainingPolicyDisplay",
    "label_confusion",
    "label_report",
]
