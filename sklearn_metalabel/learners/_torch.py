"""Torch modules as label classifiers."""

import copy
import inspect
import weakref
from functools import partial
from itertools import islice
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._emphasis import Emphasis
from sklearn_metalabel.learners._epochs import updates_of_epoch
from sklearn_metalabel.learners._losses import build_loss
from sklearn_metalabel.learners._routed_params import RoutedParamsMixin
from sklearn_metalabel.learners._torch_parts import build_module, build_optimizer
from sklearn_metalabel.learners._torch_run import TorchRun, predict_module
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    draw_seed,
    has_parts,
    label_rows,
    resolve_device,
    shown,
    torch_seed,
    warn_sigmoid,
    with_callbacks,
)

__all__ = ["TorchClassifier"]

# What early stopping alone makes use of, and its defaults.
_STOPPING = {"validation_fraction": 0.1, "n_iter_no_change": 5, "tol": 1e-4, "scoring": "loss"}
# Modules rebuilt from the fitted arrays; kept here because predictions must not change the estimator.
_MODULES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class TorchClassifier(CallbackSupportMixin, RoutedParamsMixin, LabelClassifier):
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
        Passes over the training rows; with early stopping the most of them.
    scheduler : {"cosine", "exponential", "linear", "one_cycle", "plateau", "step"}, callable or None, default=None
        How the learning rate changes; None leaves it at `lr`. "linear" and "cosine" fall to 0, after a rise over the
        share ``scheduler__warmup`` of the updates (0 by default), and move after every update, as "one_cycle" does. The
        others move after every epoch: "plateau" by the validation loss or score, or without early stopping by the
        training loss. A class of :mod:`torch.optim.lr_scheduler`, or a function of the optimiser that returns a
        scheduler, moves after every update where it is `OneCycleLR` or `CyclicLR` or has a parameter `n_updates`, and
        else after every epoch. `n_updates`, `n_epochs`, and torch's `total_steps`, `T_max` (epochs), `max_lr` (`lr`)
        and the `mode` of a plateau are given to what has them in its signature; other parameters are `scheduler__*`.
    early_stopping : bool, default=False
        Whether to hold a share of the training rows out, stratified over all labels, score them after each epoch, stop
        where that gains nothing, and keep the parameters of the best epoch. Every training run of a training policy
        does so by itself, on its own rows.
    validation_fraction : float, default=0.1
        Share of the training rows that early stopping holds out.
    n_iter_no_change : int, default=5
        Epochs in a row without a gain after which early stopping ends the training.
    tol : float, default=1e-4
        The least gain of the validation score that early stopping counts as one.
    scoring : str, callable or sequence of these, default="loss"
        What early stopping scores: "loss" (that of the training, without label weights), "average_precision" (mean over
        labels that validation rows have), or what scores decisions at a probability of 0.5, as in
        :class:`~sklearn_metalabel.TunedThresholdsClassifierCV`: "f1_micro", a function ``(y_true, y_pred) -> float``.
    device : str or torch.device, default="auto"
        Where to train and predict: "auto" takes the first CUDA device where there is one, else Apple's MPS, else the
        CPU. What is kept after training is on the CPU in any case.
    precision : {"float32", "bfloat16"}, default="float32"
        Numbers that the module computes with. "bfloat16" is torch's automatic mixed precision, meant for GPUs:
        parameters, losses and probabilities stay in float32.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of batches, dropout and validation rows; torch's global generator is left as it was
        found.
    verbose : int, default=0
        1 prints a line for each epoch.
    **params : dict
        `module__*`, `optimizer__*`, `loss__*` and `scheduler__*`, for example ``module__hidden=64``,
        ``optimizer__momentum=0.9``, ``loss__gamma=1`` or ``scheduler__warmup=0.1``.

    Attributes
    ----------
    state_ : dict of str -> ndarray
        The module's trained parameters and buffers.
    n_epochs_ : int
        Epochs that were made.
    loss_curve_ : ndarray of shape (`n_epochs_`,)
        Mean training loss of each epoch.
    validation_scores_ : ndarray of shape (`n_epochs_`,) or None
        Score of the validation rows after each epoch, larger is better: a loss has a minus sign. None without early
        stopping.
    best_epoch_ : int or None
        The epoch whose parameters were kept, from 1; None without early stopping.
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
        "scheduler": [None, str, callable],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "scoring": [str, callable, tuple, list],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    _routes = ("module__", "optimizer__", "loss__", "scheduler__")

    def __init__(
        self,
        module,
        *,
        optimizer="adam",
        lr=1e-3,
        loss="log_loss",
        batch_size=64,
        n_epochs=20,
        scheduler=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        scoring="loss",
        device="auto",
        precision="float32",
        random_state=None,
        verbose=0,
        **params,
    ):
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.loss = loss
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.scheduler = scheduler
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scoring = scoring
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose
        for name, value in params.items():
            setattr(self, name, value)

    @property
    def module_(self):
        """The trained module, in evaluation mode on the device: a copy, which may be changed."""
        check_is_fitted(self)
        return self._rebuild(resolve_device(self.device))

    @with_callbacks
    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        run = self._training_run()
        seed = draw_seed(self.random_state)
        with torch_seed(seed, run.device):
            run.start(X, Y, sample_weight=sample_weight, seed=seed)
            self._train(run, X, Y, weights, np.random.RandomState(seed))
        is_calibrated = self.loss == "log_loss" and not Emphasis.arguments(weights.last)
        warn_sigmoid(run.last_logits.float().cpu().numpy(), raised=not is_calibrated)

    def _train(self, run, X, Y, weights, rng):
        """Make all updates of a run, an epoch at a time, and keep what it leaves."""
        task = {"estimator": self, "X": X, "y": partial(self._decoded, Y)}
        fit = self._init_callback_context(max_subtasks=self.n_epochs)
        fit.call_on_fit_task_begin(**task)
        sample, n_updates = run.batches(Y.shape[0], rng), updates_of_epoch(self, Y.shape[0])
        for part in _parts(weights.of_updates(run.n_updates(Y.shape[0])), n_updates):
            epoch = fit.subcontext("epoch").call_on_fit_task_begin(**task)
            for each in part:
                run.step(sample(), each)
            attributes = partial(_left_by, run.module, run.sizes, run.device, weights)
            if epoch.call_on_fit_task_end(**task, reconstruction_attributes=attributes) or run.finished:
                break
        run.finish()
        left = {name: getattr(self, name) for name in _LEFT}
        fit.call_on_fit_task_end(**task, reconstruction_attributes=left)

    def _keep_run(self, run):
        """Set what a finished run leaves."""
        stopping, n_updates = run.epochs.stopping, updates_of_epoch(self, run.n_samples)
        self.loss_curve_ = np.array([np.mean(part) for part in _parts(run.losses, n_updates)])
        self.n_epochs_ = len(self.loss_curve_)
        self.validation_scores_ = None if stopping is None else np.array(stopping.scores)
        self.best_epoch_ = None if stopping is None else stopping.best_epoch
        self._keep(_left_by(run.module, run.sizes, run.device, run.weights))

    def _decoded(self, Y):
        """Encoded labels as the user gave them, for callbacks; None inside of another estimator."""
        if not hasattr(self, "_target"):
            return None
        return self._target.decode(label_rows(Y, dtype=np.float32), lambda P: P > 0)

    def _keep(self, left):
        """Set what a trained module leaves."""
        vars(self).update(left)
        _MODULES.pop(self, None)

    def _keep_trained(self, X, target):
        """Take the module as it is for trained, on the labels of `target`."""
        device = resolve_device(self.device)
        self._keep(_left_by(self.module, {"n_labels": len(target.label_names)}, device))
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
        self._check_stopping()
        return TorchRun(self)

    def _check_stopping(self):
        """Refuse what early stopping alone makes use of where there is none."""
        for name, default in _STOPPING.items():
            value = getattr(self, name)
            if not self.early_stopping and value != default:
                raise ValueError(
                    f"{name}={shown(value)} needs validation rows; set early_stopping=True, or leave it out."
                )

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
        return build_optimizer(self.optimizer, module, self.lr, self._routed("optimizer__"))

    def _build_loss(self, frequencies):
        """The loss of a batch: a function of logits, targets and weights."""
        return build_loss(self.loss, self._routed("loss__"), frequencies)

    def __sklearn_tags__(self):
        """Tags: sparse X is taken, a batch at a time."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


# What predictions need of a trained module.
_LEFT = ("state_", "device_", "_sizes", "_emphasis")


def _left_by(module, sizes, device, weights=None):
    """What predictions need of a trained module, as arrays."""
    return {
        "state_": {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()},
        "device_": str(device),
        "_sizes": sizes,
        "_emphasis": {} if weights is None else Emphasis.arguments(weights.last),
    }


def _parts(values, length):
    """Lists of so many values, one after the other; the last may be shorter."""
    values = iter(values)
    while part := list(islice(values, length)):
        yield part
