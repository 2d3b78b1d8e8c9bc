"""What the rooms share: targets, devices, randomness, parameter validation; each has one place."""

from sklearn_metalabel.utils._callbacks import CallbackSupportMixin
from sklearn_metalabel.utils._cluster import aligned, on_cluster
from sklearn_metalabel.utils._device import resolve_device
from sklearn_metalabel.utils._hierarchy import check_hierarchy_is_used, hierarchy_edges, label_depths, longest_paths
from sklearn_metalabel.utils._label_arrays import (
    check_labels,
    check_pair,
    check_probabilities,
    check_row_weights,
    check_thresholds,
    check_weighted_pair,
    dense_labels,
    has_label_names,
    in_label_order,
    label_sums,
    row_blocks,
    settle_positives,
    total_weight,
    weighted_positives,
)
from sklearn_metalabel.utils._lazy import lazy_names
from sklearn_metalabel.utils._messages import as_numbers, shown
from sklearn_metalabel.utils._params import HasMethods, Interval, RealNotInt, StrOptions, fit_context
from sklearn_metalabel.utils._probabilities import clip_probabilities, to_logits, to_probabilities
from sklearn_metalabel.utils._random import (
    draw_seed,
    draw_seeds,
    fix_random_states,
    generator_states,
    torch_seed,
    torch_settings,
)
from sklearn_metalabel.utils._restore import restore_on_error
from sklearn_metalabel.utils._rows import (
    categorical_columns,
    check_tensor,
    count_rows,
    has_parts,
    is_frame,
    is_matrix,
    map_parts,
    refuse_masked,
    take_rows,
)
from sklearn_metalabel.utils._sample_weight import takes_sample_weight, weights_differ
from sklearn_metalabel.utils._targets import Target, encode_target, label_column, label_rows
from sklearn_metalabel.utils._threads import current_threads, use_threads
from sklearn_metalabel.utils._warnings import (
    BrokenPromiseWarning,
    ConstantLabelWarning,
    PolicyDivergenceWarning,
    RareLabelWarning,
    UnreachableThresholdWarning,
    warn_broken_promise,
    warn_constant_labels,
    warn_rare_label,
    warn_unreachable_thresholds,
)

__all__ = [
    "BrokenPromiseWarning",
    "CallbackSupportMixin",
    "ConstantLabelWarning",
    "HasMethods",
    "Interval",
    "PolicyDivergenceWarning",
    "RareLabelWarning",
    "RealNotInt",
    "StrOptions",
    "Target",
    "UnreachableThresholdWarning",
    "aligned",
    "as_numbers",
    "categorical_columns",
    "check_hierarchy_is_used",
    "check_labels",
    "check_pair",
    "check_probabilities",
    "check_row_weights",
    "check_tensor",
    "check_thresholds",
    "check_weighted_pair",
    "clip_probabilities",
    "count_rows",
    "current_threads",
    "dense_labels",
    "draw_seed",
    "draw_seeds",
    "encode_target",
    "fit_context",
    "fix_random_states",
    "generator_states",
    "has_label_names",
    "has_parts",
    "hierarchy_edges",
    "in_label_order",
    "is_frame",
    "is_matrix",
    "label_column",
    "label_depths",
    "label_rows",
    "label_sums",
    "lazy_names",
    "longest_paths",
    "map_parts",
    "on_cluster",
    "refuse_masked",
    "resolve_device",
    "restore_on_error",
    "row_blocks",
    "settle_positives",
    "shown",
    "take_rows",
    "takes_sample_weight",
    "to_logits",
    "to_probabilities",
    "torch_seed",
    "torch_settings",
    "total_weight",
    "use_threads",
    "warn_broken_promise",
    "warn_constant_labels",
    "warn_rare_label",
    "warn_unreachable_thresholds",
    "weighted_positives",
    "weights_differ",
]
