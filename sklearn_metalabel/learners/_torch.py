"""Torch modules as label classifiers."""

import copy
import inspect
import weakref
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._protocol import BatchSampler, Learner
from sklearn_metalabel.learners._routed_params import RoutedParamsMixin
from sklearn_metalabel.utils._device import resolve_device
from sklearn_metalabel.utils._params import Interval
from sklearn_metalabel.utils._probabilities import to_probabilities
from sklearn_metalabel.utils._random import draw_seed, torch_seed
from sklearn_metalabel.utils._targets import label_rows

__all__ = ["TorchClassifier", "TorchLearner", "build_module", "data_sizes", "input_dtype"]

_OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
# A forward pass always sees this many rows, so that a row's probability does not depend on the rows beside it.
_PREDICT_ROWS = {"cpu": 64, "cuda": 1024}
# Modules rebuilt from the fitted arrays; kept here because predictions must not change the estimator.
_MODULES = weakref.WeakKeyDictionary()


class TorchClassifier(RoutedParamsMixin, LabelClassifier):
    """Multi-label classifier from any torch module that gives one logit a label.

    It trains the module with `BCEWithLogitsLoss`, each label's loss multiplied by its weight and, with
    `sample_weight`, each instance's by its own; weights of one give torch's own loss exactly. It is what
    :class:`~sklearn_metalabel.MetaPolicyClassifier` makes of a torch module.

    Parameters
    ----------
    module : type, callable or torch.nn.Module
        A module class or a function that returns a module: called with the `module__*` parameters and, where its
        signature has them, with `n_features`, `n_labels` and `n_tokens` (one more than the largest number in X, for
        modules that look their inputs up in an embedding layer). An instance is deep-copied and never touched. Its
        `forward` takes a batch of shape (n, d), int64 where the module has an embedding layer and float32
        elsewhere, and returns logits of shape (n, L).
    optimizer : {"adam", "adamw", "adadelta", "rmsprop", "sgd"} or type, default="adam"
        Optimiser, or a class of optimisers; `optimizer__*` parameters go to it.
    lr : float, default=1e-3
        Learning rate.
    batch_size : int, default=64
        Instances of one update.
    n_epochs : int, default=20
        Passes over the training rows.
    device : str or torch.device, default="auto"
        Where to train and predict: "auto" takes the first CUDA device where there is one. What is kept after
        training is on the CPU in any case.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of batches and dropout; torch's global generator is left as it was found.
    **params : dict
        `module__*` and `optimizer__*`, for example ``module__hidden=64`` or ``optimizer__momentum=0.9``.

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
    sklearn_metalabel.MetaPolicyClassifier : Learns the weights and a threshold for each label.

    Examples
    --------
    >>> from torch import nn
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> def mlp(n_features, n_labels, hidden=32):
    ...     return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = TorchClassifier(mlp, module__hidden=16, n_epochs=5, random_state=0).fit(X, Y)
    >>> clf.predict_proba(X).shape
    (100, 5)
    """

    _parameter_constraints = {
        "module": [callable],
        "optimizer": [str, callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        module,
        *,
        optimizer="adam",
        lr=1e-3,
        batch_size=64,
        n_epochs=20,
        device="auto",
        random_state=None,
        **params,
    ):
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.device = device
        self.random_state = random_state
        for name, value in params.items():
            setattr(self, name, value)

    def _fit_labels(self, X, Y, *, label_weight, sample_weight=None):
        learner = self._learner()
        seed = draw_seed(self.random_state)
        with torch_seed(seed, learner.device):
            learner.start(X, Y, sample_weight=sample_weight)
            losses = _train(learner, X.shape[0], label_weight, np.random.RandomState(seed))
        self.state_ = {name: value.detach().cpu().numpy().copy() for name, value in learner.module.state_dict().items()}
        self.loss_curve_ = np.asarray(losses).reshape(self.n_epochs, -1).mean(axis=1)
        self.device_ = str(learner.device)
        self._sizes = learner.sizes
        _MODULES.pop(self, None)

    def _label_probabilities(self, X):
        device = resolve_device(self.device)
        cached_device, module = _MODULES.get(self, (None, None))
        if cached_device != device:
            module = self._rebuild(device)
            _MODULES[self] = (device, module)
        return _predict(module, X, self._sizes["n_labels"], device).astype(np.float64)

    def _rebuild(self, device):
        """The trained module from its arrays."""
        with torch_seed(0):
            module = self._build(self._sizes)
        module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in self.state_.items()})
        return module.to(device).eval()

    def _learner(self):
        self._routed_params()  # refuses misspelt ones
        return TorchLearner(self)

    def _build(self, sizes):
        """A fresh module for these sizes."""
        if isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module)
        module = build_module(self.module, sizes, self._routed("module__"))
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"module must be a torch.nn.Module, a class of modules or a function that returns one, "
                f"got {self.module!r}, which gave a {type(module).__name__}."
            )
        return module

    def _build_optimizer(self, parameters):
        """A fresh optimiser."""
        known = {**_OPTIMIZERS, **({} if isinstance(self.optimizer, str) else {self.optimizer: self.optimizer})}
        if self.optimizer not in known:
            raise ValueError(f"optimizer must be one of {sorted(_OPTIMIZERS)} or a class, got {self.optimizer!r}.")
        return known[self.optimizer](parameters, lr=self.lr, **self._routed("optimizer__"))

    def __sklearn_tags__(self):
        """Tags: sparse X is taken, a batch at a time."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class TorchLearner(Learner):
    """A training run of a torch module, one mini-batch update at a time."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.batch_size = classifier.batch_size
        self.device = resolve_device(classifier.device)

    def n_updates(self, n_instances):
        return self.classifier.n_epochs * -(-n_instances // self.batch_size)

    def start(self, X, Y, *, sample_weight=None, seed=0):
        self.sizes = data_sizes(X, Y)
        self.n_labels = Y.shape[1]
        self.module = self.classifier._build(self.sizes).to(self.device).train()
        self.X = X if sp.issparse(X) else _to_tensor(X, self.device, input_dtype(self.module))
        self.Y = Y if sp.issparse(Y) else torch.from_numpy(np.ascontiguousarray(Y)).to(self.device)
        self.sample_weight = None if sample_weight is None else _to_tensor(sample_weight, self.device)
        trainable = [p for p in self.module.parameters() if p.requires_grad]
        self.optimizer = self.classifier._build_optimizer(trainable)
        self.n_steps = 0

    def step(self, rows, label_weight):
        x, y = self._batch(rows)
        self.last_batch = rows, x
        weight = _to_tensor(label_weight, self.device)
        if self.sample_weight is not None:
            weight = weight * self.sample_weight[torch.from_numpy(rows)][:, None]
        self.module.train()
        logits = _check_logits(self.module(x), (len(rows), self.n_labels))
        loss = F.binary_cross_entropy_with_logits(logits, y, weight=weight)
        value = loss.item()
        if not np.isfinite(value):
            raise ValueError(
                f"The training loss became {value} at update {self.n_steps + 1}: lower the learning rate "
                f"(lr={self.classifier.lr}) or scale the features."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.n_steps += 1
        return value

    def predict_proba(self, X):
        return _predict(self.module.eval(), X, self.n_labels, self.device)

    def predict_rows(self, X, rows):
        last, x = self.last_batch
        return self.predict_proba(x) if rows is last else super().predict_rows(X, rows)

    def _batch(self, rows):
        """Inputs and float targets of some rows, on the device."""
        index = torch.from_numpy(rows).to(self.device)
        x = _to_tensor(self.X[rows], self.device, input_dtype(self.module)) if sp.issparse(self.X) else self.X[index]
        y = torch.from_numpy(label_rows(self.Y, rows)).to(self.device) if sp.issparse(self.Y) else self.Y[index]
        return x, y.float()


def data_sizes(X, Y):
    """What modules may ask for in their signature: columns of X and Y, and numbers of tokens where X may hold them."""
    sizes = {"n_features": X.shape[1], "n_labels": Y.shape[1]}
    return {**sizes, "n_tokens": int(X.max()) + 1} if X.dtype.kind in "iu" else sizes


def build_module(source, sizes, params):
    """What a class or function returns for its parameters and for those sizes that its signature has."""
    accepted = inspect.signature(source).parameters
    return source(**{**{name: size for name, size in sizes.items() if name in accepted}, **params})


def _train(learner, n_instances, label_weight, rng):
    """Make all updates of a full run; returns the loss of each."""
    sample = BatchSampler(n_instances, learner.batch_size, rng)
    return [learner.step(sample(), label_weight) for _ in range(learner.n_updates(n_instances))]


def input_dtype(module):
    """int64 for a module that looks its inputs up in an embedding, float32 elsewhere."""
    looks_up = any(isinstance(part, nn.Embedding | nn.EmbeddingBag) for part in module.modules())
    return np.int64 if looks_up else np.float32


def _to_tensor(X, device, dtype=np.float32):
    """Rows of X as a dense tensor on the device."""
    array = X.astype(dtype, copy=False).toarray() if sp.issparse(X) else np.ascontiguousarray(X, dtype=dtype)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)


def _check_logits(logits, shape):
    """Logits as the module gave them, or one sentence on what is wrong with them."""
    if not torch.is_tensor(logits) or tuple(logits.shape) != shape:
        got = tuple(logits.shape) if torch.is_tensor(logits) else type(logits).__name__
        raise ValueError(
            f"The module's forward must return logits of shape (batch, n_labels) = {shape}, got {got}; "
            "give its last layer one output for each label."
        )
    return logits


def _predict(module, X, n_labels, device):
    """Probabilities of all rows, in forward passes of one fixed size."""
    size = _PREDICT_ROWS.get(device.type, 1024)
    Z = np.empty((X.shape[0], n_labels), dtype=np.float32)
    dtype = input_dtype(module)
    with torch.no_grad():
        for start in range(0, X.shape[0], size):
            batch = X[start : start + size]
            batch = batch if torch.is_tensor(batch) else _to_tensor(batch, device, dtype)
            n = len(batch)
            if n < size:
                batch = torch.cat([batch, batch[-1:].expand(size - n, *batch.shape[1:])])
            Z[start : start + n] = _check_logits(module(batch), (size, n_labels))[:n].cpu().numpy()
    if np.isnan(Z).any():
        raise ValueError(
            "The module's logits are NaN for some rows: lower the learning rate or check the module's forward."
        )
    return to_probabilities(Z)  # by SciPy: what torch gives for a number depends on its place in the array
