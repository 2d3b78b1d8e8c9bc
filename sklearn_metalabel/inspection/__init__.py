"""Pictures and tables of what a fitted classifier has learned about its labels."""

from sklearn_metalabel.inspection._dependence_display import DependenceDisplay
from sklearn_metalabel.inspection._label_report import label_report
from sklearn_metalabel.inspection._label_report_display import LabelReportDisplay
from sklearn_metalabel.inspection._policy_display import PolicyDisplay

__all__ = ["DependenceDisplay", "LabelReportDisplay", "PolicyDisplay", "label_report"]
