"""Base learners, their training runs, and what makes one of any classifier or torch module.

Names imported as themselves are shared with other rooms; `__all__` is public. What needs torch is loaded on demand.
"""

from typing import TYPE_CHECKING

from sklearn_metalabel.learners._base import (
    LabelClassifier as LabelClassifier,
    LabelProbabilityMixin as LabelProbabilityMixin,
    check_label_weight as check_label_weight,
    train_classifier as train_classifier,
)
from sklearn_metalabel.learners._fold import Fold, make_folds as make_folds
from sklearn_metalabel.learners._held_out import (
    by_row as by_row,
    fit_parts as fit_parts,
    params_taken as params_taken,
    rows_that_count as rows_that_count,
    training_parts as training_parts,
)
from sklearn_metalabel.learners._label_weight import (
    NAMED_WEIGHTS as NAMED_WEIGHTS,
    resolve_label_weight as resolve_label_weight,
)
from sklearn_metalabel.learners._labelwise import LabelwiseClassifier
from sklearn_metalabel.learners._linear import LabelWeightedLogistic
from sklearn_metalabel.learners._loss_weights import LossSchedule, LossWeights, part_bounds as part_bounds
from sklearn_metalabel.learners._one_label import (
    fit_label as fit_label,
    positive_probability as positive_probability,
)
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest as WeightedOneVsRest
from sklearn_metalabel.learners._prefit import (
    check_label_order as check_label_order,
    check_prefit as check_prefit,
)
from sklearn_metalabel.learners._resolve import (
    as_classifier as as_classifier,
    as_fitted as as_fitted,
    as_label_classifier as as_label_classifier,
    as_multilabel as as_multilabel,
    as_unweighted as as_unweighted,
    innermost as innermost,
)
from sklearn_metalabel.learners._response import (
    check_response_method as check_response_method,
    label_response as label_response,
)
from sklearn_metalabel.learners._routed_params import RoutedParamsMixin as RoutedParamsMixin
from sklearn_metalabel.learners._thresholded import (
    ThresholdedClassifier as ThresholdedClassifier,
    constant_labels_are_quiet as constant_labels_are_quiet,
)
from sklearn_metalabel.learners._training_run import BatchSampler as BatchSampler, TrainingRun
from sklearn_metalabel.learners._wrapper import BaseLearnerWrapper as BaseLearnerWrapper
from sklearn_metalabel.utils import lazy_names

if TYPE_CHECKING:
    from sklearn_metalabel.learners._losses import asymmetric_loss, distribution_balanced_loss, focal_loss
    from sklearn_metalabel.learners._torch import TorchClassifier
    from sklearn_metalabel.learners._torch_run import data_sizes as data_sizes, input_dtype as input_dtype

__all__ = [
    "Fold",
    "LabelWeightedLogistic",
    "LabelwiseClassifier",
    "LossSchedule",
    "LossWeights",
    "TorchClassifier",
    "TrainingRun",
    "asymmetric_loss",
    "distribution_balanced_loss",
    "focal_loss",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "TorchClassifier": "sklearn_metalabel.learners._torch",
        "asymmetric_loss": "sklearn_metalabel.learners._losses",
        "data_sizes": "sklearn_metalabel.learners._torch_run",
        "distribution_balanced_loss": "sklearn_metalabel.learners._losses",
        "focal_loss": "sklearn_metalabel.learners._losses",
        "input_dtype": "sklearn_metalabel.learners._torch_run",
    },
)
