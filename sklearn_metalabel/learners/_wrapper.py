"""What estimators that wrap a base learner have in common."""

import inspect

import numpy as np
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import _check_sample_weight

from sklearn_metalabel.learners._base import LabelProbabilityMixin
from sklearn_metalabel.learners._resolve import as_label_classifier
from sklearn_metalabel.utils import check_row_weights, count_rows, shown

__all__ = ["BaseLearnerWrapper"]


# Parameters that may be None or a name, and an object to pass where its own parameters are to be set.
_REMEDIES = {
    "estimator": "estimator=LabelWeightedLogistic(), which None stands for, or TorchClassifier(module),",
    "training_policy": "a policy such as training_policy=PolicySearch() or, for a network, PretrainedPolicy(),",
    "prediction_policy": "a policy such as prediction_policy=LearnedThresholds(), which None stands for,",
}


class BaseLearnerWrapper(MetaEstimatorMixin, LabelProbabilityMixin):
    """Tags, metadata routing and predictions through `estimator` (before) and `estimator_` (after `fit`)."""

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_weight` goes to the base learner.
        """
        return MetadataRouter(owner=type(self).__name__).add(
            estimator=self._metadata_consumer(), method_mapping=MethodMapping().add(caller="fit", callee="fit")
        )

    def set_params(self, **params):
        """Set parameters of this estimator, and those of the objects it was given.

        Parameters
        ----------
        **params : dict
            Parameter names and values; ``estimator__C`` is the parameter `C` of `estimator`.

        Returns
        -------
        self : object
            This estimator.
        """
        for name, remedy in _REMEDIES.items():
            nested = next((key for key in params if key.startswith(f"{name}__")), None)
            owner = params.get(name, getattr(self, name, None))
            if nested and hasattr(self, name) and (inspect.isclass(owner) or not hasattr(owner, "set_params")):
                raise ValueError(
                    f"{nested} is a parameter of an object, and {name} is {shown(owner)}, which has no parameters; "
                    f"pass {remedy} first."
                )
        return super().set_params(**params)

    def _metadata_consumer(self):
        """The base learner whose requests count: the user's own where it can have any."""
        if hasattr(self.estimator, "get_metadata_routing") and hasattr(self.estimator, "fit"):
            return self.estimator
        consumer = as_label_classifier(self.estimator)
        return consumer.set_fit_request(sample_weight=True) if get_config()["enable_metadata_routing"] else consumer

    def _route_fit_params(self, fit_params):
        """Metadata by consumer and method: as requested with routing, `sample_weight` to the base learner without."""
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **fit_params)
        splits = getattr(self, "cv", None) is not None
        groups = {name: fit_params[name] for name in fit_params if name == "groups" and splits}
        others = {name: fit_params[name] for name in fit_params if name not in groups}
        return Bunch(estimator=Bunch(fit=others), splitter=Bunch(split=groups))

    def _check_sample_weight(self, params, X):
        """The sample weights among the base learner's metadata, checked, or None."""
        unknown = sorted(set(params) - {"sample_weight"})
        if unknown:
            raise TypeError(f"{type(self).__name__}.fit got unexpected arguments {unknown}; it takes sample_weight.")
        weights = params.get("sample_weight")
        if weights is None:
            return None
        rows = np.empty((count_rows(X), 1))  # X may be a dictionary
        return _check_sample_weight(weights, rows, dtype=np.float64, ensure_non_negative=True)

    def _check_threshold_weight(self, fit_params, routed, n_samples):
        """Weights of the samples where thresholds are chosen, checked, or None.

        With metadata routing, what this estimator's own request says; where it says nothing, the thresholds follow the
        base learner.
        """
        weights = fit_params.get("sample_weight")
        if get_config()["enable_metadata_routing"]:
            asked = self._own_request()
            if not asked:  # an alias is for the estimators that this one is inside of
                weights = routed.estimator.fit.get("sample_weight") if asked is None else None
        return check_row_weights(weights, n_samples)

    def _own_request(self):
        """What this estimator itself asks for as `sample_weight`; None where nothing was said."""
        return self._get_metadata_request().fit.requests.get("sample_weight")

    def _with_own_request(self, router):
        """The router with a request of this estimator's own, where there is one: unset, it follows the base learner."""
        return router if self._own_request() is None else router.add_self_request(self)

    def _complete(self, trained):
        """A label classifier that was trained on checked data, as if its own `fit` had checked them."""
        trained._set_target(self._target)
        for name in ("n_features_in_", "feature_names_in_", "_tensor_form"):
            if name in vars(self):
                setattr(trained, name, getattr(self, name))
        return trained

    def _with_splitter(self, router):
        """The router with the splitter that `cv` is."""
        splitter = check_cv(self.cv if hasattr(self.cv, "get_n_splits") else None)  # an iterator must not be used up
        return router.add(splitter=splitter, method_mapping=MethodMapping().add(caller="fit", callee="split"))

    @property
    def _input_form(self):
        """What the base learner takes as X beside matrices."""
        return as_label_classifier(self.estimator)._input_form

    @property
    def _leaves_unknown_out(self):
        """Whether the base learner does."""
        return as_label_classifier(self.estimator)._leaves_unknown_out

    def _label_probabilities(self, X):
        """P of the final base learner."""
        return self.estimator_._label_probabilities(X)

    def __sklearn_tags__(self):
        """Tags: inputs are what the base learner takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(as_label_classifier(self.estimator)).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags
