"""Torch modules as label classifiers."""

import copy
import inspect
import weakref
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import clone
from torch import nn

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._emphasis import Emphasis
from sklearn_metalabel.learners._losses import build_loss
from sklearn_metalabel.learners._routed_params import RoutedParamsMixin
from sklearn_metalabel.learners._torch_run import TorchRun, predict_module
from sklearn_metalabel.utils import Interval, StrOptions, draw_seed, has_parts, resolve_device, shown, torch_seed

__all__ = ["TorchClassifier", "build_module"]

_OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
_SIZES = ("n_features", "n_labels", "n_tokens")
_FUSED = ("adam", "adamw", "sgd")
# Modules rebuilt from the fitted arrays; kept here because predictions must not change the estimator.
_MODULES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class TorchClassifier(RoutedParamsMixin, LabelClassifier):
    """Multi-label classifier from any torch module that gives one logit a label.

    It trains the module with `BCEWithLogitsLoss`, or another `loss`, each label's loss multiplied by its weight and,
    with `sample_weight`, each sample's by its own; weights of one give torch's own loss exactly. It is what
    :class:`~sklearn_metalabel.MetaPolicyClassifier` makes of a torch module.

    Parameters
    ----------
    module : type, callable or torch.nn.Module
        A module class or a function that returns a module: called with the `module__*` parameters and, where its
        signature has them, with `n_features` (the second dimension of X), `n_labels` and `n_tokens` (one more than the
        largest number in X, for modules that look their inputs up in an embedding layer). An instance is deep-copied
        and never touched. Its `forward` takes a batch of X, of as many dimensions as X has, int64 where the module has
        an embedding layer and float32 elsewhere, and returns logits of shape (n, L). Where X is a dictionary, `forward`
        is called with its arrays by name, whole numbers and others as they are. Sparse X becomes dense a batch at a
        time, unless the module has an attribute `accepts_sparse` that is True: it is then given coalesced COO tensors
        of float32, as :class:`~sklearn_metalabel.nn.MLP` is.
    optimizer : {"adam", "adamw", "adadelta", "rmsprop", "sgd"} or type, default="adam"
        Optimiser, or a class of optimisers; `optimizer__*` parameters go to it. "adam", "adamw" and "sgd" use
        torch's fused kernels where it has them, unless ``optimizer__fused=False``.
    lr : float, default=1e-3
        Learning rate.
    loss : {"log_loss", "asymmetric", "focal", "distribution_balanced"} or callable, default="log_loss"
        Loss, or a function of logits and targets, both of shape (B, L), that returns the loss of each sample and
        label; `loss__*` parameters go to it, and `frequencies`, the share of the training rows that have each label,
        if its signature has them. Only "log_loss" aims at calibrated probabilities: those of other losses rank the
        samples of a label, but may be far off, and a threshold of 0.5 is arbitrary for them.
        :class:`~sklearn_metalabel.MetaPolicyClassifier` and
        :class:`~sklearn_metalabel.TunedThresholdsClassifierCV` learn thresholds that fit.
    batch_size : int, default=64
        Samples of one update.
    n_epochs : int, default=20
        Passes over the training rows.
    device : str or torch.device, default="auto"
        Where to train and predict: "auto" takes the first CUDA device where there is one. What is kept after
        training is on the CPU in any case.
    precision : {"float32", "bfloat16"}, default="float32"
        Numbers that the module computes with. "bfloat16" is torch's automatic mixed precision, meant for GPUs:
        parameters, losses and probabilities stay in float32.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of batches and dropout; torch's global generator is left as it was found.
    **params : dict
        `module__*`, `optimizer__*` and `loss__*`, for example ``module__hidden=64``, ``optimizer__momentum=0.9`` or
        ``loss__gamma=1``.

    Attributes
    ----------
    state_ : dict of str -> ndarray
        The module's trained parameters and buffers.
    loss_curve_ : ndarray of shape (n_epochs,)
        Mean training loss of each epoch.
    device_ : str
        The device that was used.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    See Also
    --------
    LabelWeightedLogistic : The linear default, for dense and sparse X.
    asymmetric_loss : Formula and parameters of ``loss="asymmetric"``.
    focal_loss : Those of ``loss="focal"``.
    distribution_balanced_loss : Those of ``loss="distribution_balanced"``.
    sklearn_metalabel.MetaPolicyClassifier : Learns the weights and a threshold for each label.

    Examples
    --------
    >>> from torch import nn
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> def mlp(n_features, n_labels, hidden=32):
    ...     return nn.Sequential(
    ...         nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels)
    ...     )
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = TorchClassifier(mlp, module__hidden=16, n_epochs=5, random_state=0).fit(
    ...     X, Y
    ... )
    >>> clf.predict_proba(X).shape
    (100, 5)
    """

    _input_form = "tensor"
    _leaves_unknown_out = True
    _parameter_constraints = {
        "module": [callable],
        "optimizer": [str, callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "loss": [str, callable],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "random_state": ["random_state"],
    }
    _routes = ("module__", "optimizer__", "loss__")

    def __init__(
        self,
        module,
        *,
        optimizer="adam",
        lr=1e-3,
        loss="log_loss",
        batch_size=64,
        n_epochs=20,
        device="auto",
        precision="float32",
        random_state=None,
        **params,
    ):
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.loss = loss
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.device = device
        self.precision = precision
        self.random_state = random_state
        for name, value in params.items():
            setattr(self, name, value)

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        run = self._training_run()
        seed = draw_seed(self.random_state)
        with torch_seed(seed, run.device):
            run.start(X, Y, sample_weight=sample_weight)
            losses = _train(run, Y.shape[0], weights, np.random.RandomState(seed))
        n_batches = run.n_updates(Y.shape[0]) // self.n_epochs
        self.loss_curve_ = np.array([np.mean(losses[k : k + n_batches]) for k in range(0, len(losses), n_batches)])
        self._keep_module(run.module, run.sizes, run.device, Emphasis.arguments(weights.last))

    def _keep_module(self, module, sizes, device, emphasis):
        """Set what a trained module leaves, on the CPU."""
        self.state_ = {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}
        self.device_ = str(device)
        self._sizes, self._emphasis = sizes, emphasis
        _MODULES.pop(self, None)

    def _keep_trained(self, X, target):
        """Take the module as it is for trained, on the labels of `target`."""
        device = resolve_device(self.device)
        self._keep_module(self.module, {"n_labels": len(target.label_names)}, device, {})
        self._set_target(target)
        self._check_X(X, reset=True)
        return self

    def _label_probabilities(self, X):
        device = resolve_device(self.device)
        cached_device, module = _MODULES.get(self, (None, None))
        if cached_device != device:
            module = self._rebuild(device)
            _MODULES[self] = (device, module)
        n_labels = self._sizes["n_labels"]
        emphasis = Emphasis(device, **self._emphasis)
        return predict_module(module, X, n_labels, device, self.precision, emphasis).astype(np.float64)

    def _rebuild(self, device):
        """The trained module from its arrays."""
        with torch_seed(0):
            module = self._build(self._sizes)
        module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in self.state_.items()})
        return module.to(device).eval()

    def _for_rows(self, X):
        """With room for the tokens of all rows: those held out may have larger numbers."""
        asks = not isinstance(self.module, nn.Module) and "n_tokens" in inspect.signature(self.module).parameters
        if not asks or hasattr(self, "module__n_tokens") or has_parts(X):
            return self
        X = X if hasattr(X, "dtype") else np.asarray(X)
        return clone(self).set_params(module__n_tokens=int(X.max()) + 1) if X.dtype.kind in "iu" else self

    def _training_run(self):
        self._routed_params()  # refuses misspelt ones
        return TorchRun(self)

    def _build(self, sizes):
        """A fresh module for these sizes."""
        if isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module)
        module = build_module(self.module, sizes, self._routed("module__"))
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"module must be a torch.nn.Module, a class of modules or a function that returns one, "
                f"got {shown(self.module)}, which gave a {type(module).__name__}."
            )
        return module

    def _build_optimizer(self, module):
        """A fresh optimiser of what the module trains."""
        known = {**_OPTIMIZERS, **({} if isinstance(self.optimizer, str) else {self.optimizer: self.optimizer})}
        if self.optimizer not in known:
            raise ValueError(f"optimizer must be one of {sorted(_OPTIMIZERS)} or a class, got {shown(self.optimizer)}.")
        options = self._routed("optimizer__")
        if self.optimizer in _FUSED and _fits_fused(module, options):
            options["fused"] = True
        return known[self.optimizer]([p for p in module.parameters() if p.requires_grad], lr=self.lr, **options)

    def _build_loss(self, frequencies):
        """The loss of a batch: a function of logits, targets and weights."""
        return build_loss(self.loss, self._routed("loss__"), frequencies)

    def __sklearn_tags__(self):
        """Tags: sparse X is taken, a batch at a time."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def build_module(source, sizes, params):
    """What a class or function returns for its parameters and for those sizes that its signature has."""
    accepted = inspect.signature(source).parameters
    for name, parameter in accepted.items():
        if name in _SIZES and name not in {**sizes, **params} and parameter.default is inspect.Parameter.empty:
            raise ValueError(
                f"The module asks for {name}, which X does not tell; pass it yourself, as module__{name}=..."
            )
    return source(**{**{name: size for name, size in sizes.items() if name in accepted}, **params})


def _fits_fused(module, options):
    """Whether torch's fused kernels can update the module, and nothing was asked that they cannot do."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    known = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    sparse = any(getattr(part, "sparse", False) for part in module.modules())
    return known and not sparse and not {"fused", "foreach", "differentiable"} & options.keys()


def _train(run, n_samples, weights, rng):
    """Make all updates of a full run, or those that a schedule has; returns the loss of each."""
    sample = run.batches(n_samples, rng)
    for each in weights.of_updates(run.n_updates(n_samples)):
        run.step(sample(), each)
    run.check()
    return run.losses
