"""skorch nets as label classifiers."""

import inspect

import numpy as np
import torch
from scipy.special import logit
from sklearn.base import MetaEstimatorMixin, clone
from torch import nn

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._emphasis import EMPHASES, Emphasis
from sklearn_metalabel.learners._torch_run import input_dtype
from sklearn_metalabel.learners._training_run import TrainingRun
from sklearn_metalabel.utils import (
    HasMethods,
    clip_probabilities,
    count_rows,
    draw_seed,
    has_parts,
    has_unknown,
    label_rows,
    map_parts,
    take_rows,
    to_probabilities,
    torch_seed,
)

__all__ = ["SkorchLabelClassifier", "SkorchRun"]

_LOG_LOSSES = (nn.BCEWithLogitsLoss, nn.BCELoss)
_LOSSES_OF_LOGITS = (nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss)
# Rows whose outputs tell whether a module gives probabilities, where its loss does not say so.
_ROWS_TO_LOOK_AT = 200


class SkorchLabelClassifier(MetaEstimatorMixin, LabelClassifier):
    """Adapter of a skorch net whose module gives one output a label: a logit, or a probability.

    The net trains as it is, by its own `fit`. Under weights, the entries of its own loss are multiplied by them; a loss
    that cannot be had entry by entry is refused.
    """

    _input_form = "tensor"
    _leaves_unknown_out = True
    _parameter_constraints = {
        "net": [HasMethods(["initialize", "train_step", "fit_loop"])],
        "random_state": ["random_state"],
    }

    def __init__(self, net, random_state=None):
        self.net = net
        self.random_state = random_state

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        _refuse_sample_weight(sample_weight)
        net = clone(self.net)
        with torch_seed(draw_seed(self.random_state), _device(net)):
            net.initialize()
            X = _inputs(X, net)
            outputs = _Outputs(net, X, Y.shape[1])
            with _WeightedLoss(net, weights, outputs, partly=has_unknown(Y)):
                _fit_initialized(net, X, label_rows(Y))
        self.net_, self._outputs = net, outputs.after_training(net, X)
        self._emphasis = Emphasis.arguments(weights)

    def _keep_trained(self, X, target):
        """Take the net as it is for trained, on the labels of `target`."""
        self.net_, self._emphasis = self.net, {}
        self._outputs = _Outputs(self.net, _inputs(X, self.net), len(target.label_names))
        self._set_target(target)
        self._check_X(X, reset=True)
        return self

    def _label_probabilities(self, X):
        return self._outputs.probabilities(self.net_, X, self._emphasis).astype(np.float64)

    def _training_run(self):
        return SkorchRun(self)


class SkorchRun(TrainingRun):
    """A training run of a skorch net; an update is an epoch of the net's own loop, callbacks included.

    Where a callback ends the training, further updates change nothing.
    """

    def __init__(self, classifier):
        self.classifier = classifier
        self.emphases = EMPHASES if _is_log_loss(classifier.net) else frozenset()
        self.device = _device(classifier.net)

    def n_updates(self, n_samples):
        return self.classifier.net.max_epochs

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        _refuse_sample_weight(sample_weight)
        self.net = clone(self.classifier.net).initialize()
        self.attach(X, Y)
        self.outputs = _Outputs(self.net, self.X, Y.shape[1])
        self.n_epochs, self.finished, self.emphasis = 0, False, {}
        self.net.notify("on_train_begin", X=self.X, y=self.Y)

    def attach(self, X, Y, sample_weight=None):
        self.X, self.Y, self.partly = _inputs(X, self.net), label_rows(Y), has_unknown(Y)
        train, valid = self.net.get_split_datasets(self.X, self.Y)
        self.datasets = {"dataset_train": train, "dataset_valid": valid}
        self.iterators = [
            None if dataset is None else self.net.get_iterator(dataset, training=training)
            for dataset, training in ((train, True), (valid, False))
        ]

    def release(self):
        super().release()
        self.datasets = self.iterators = None

    def step(self, rows, weights):
        if self.finished:
            return
        self.emphasis = Emphasis.arguments(weights)
        with _WeightedLoss(self.net, weights, self.outputs, self.partly):
            try:
                self._train_epoch()
            except KeyboardInterrupt as error:
                if not _comes_from_callback(error):
                    raise
                self.finished = True
        self.n_epochs += 1
        if self.finished or self.n_epochs == self.n_updates(len(self.Y)):
            self.finished = True
            self.net.notify("on_train_end", X=self.X, y=self.Y)

    def _train_epoch(self):
        """One turn of the loop of `fit_loop`."""
        net, (train, valid) = self.net, self.iterators
        net.notify("on_epoch_begin", **self.datasets)
        net.run_single_epoch(train, training=True, prefix="train", step_fn=net.train_step)
        net.run_single_epoch(valid, training=False, prefix="valid", step_fn=net.validation_step)
        _check_last_loss(net)
        net.notify("on_epoch_end", **self.datasets)

    def predict_proba(self, X):
        return self.outputs.probabilities(self.net, X, self.emphasis)

    def finish(self):
        if not self.finished:
            self.finished = True
            self.net.notify("on_train_end", X=self.X, y=self.Y)
        classifier = self.classifier
        classifier.net_, classifier._emphasis = self.net, self.emphasis
        classifier._outputs = self.outputs.after_training(self.net, self.X)
        return classifier


class _Outputs:
    """What a net's module gives for each label: log-odds, or probabilities."""

    def __init__(self, net, X, n_labels):
        self.n_labels = n_labels
        self.are_probabilities = self._look(net, X)

    def after_training(self, net, X):
        """The same, looked at again."""
        self.are_probabilities = self._look(net, X)
        return self

    def _look(self, net, X):
        """Whether the outputs are probabilities: the loss says so, or all of some rows lie in [0, 1]."""
        criterion = _criterion(net)
        if issubclass(criterion, _LOSSES_OF_LOGITS):
            return False
        if issubclass(criterion, nn.BCELoss):
            return True
        with torch.random.fork_rng(devices=[]):  # iterators draw seeds, and looking must not change the training
            some = self._raw(net, take_rows(X, slice(0, _ROWS_TO_LOOK_AT)))
        return bool((some >= 0).all() and (some <= 1).all())

    def _raw(self, net, X):
        """Outputs (n, L) as the module gives them."""
        Z = net.forward(X)
        Z = (Z[0] if isinstance(Z, tuple | list) else Z).numpy(force=True)
        return self._checked(Z, count_rows(X))

    def _checked(self, Z, n):
        """Outputs of shape (n, L), or raise."""
        if Z.shape != (n, self.n_labels) and not (self.n_labels == 1 and Z.shape == (n,)):
            raise ValueError(
                f"The net must give one output for each row and label, in shape {(n, self.n_labels)}, got {Z.shape}; "
                "give its last layer one output for each label."
            )
        if np.isnan(Z).any():
            raise ValueError("The net's outputs are NaN for some rows: scale the features, or check its module.")
        return Z.reshape(n, self.n_labels)

    def log_odds(self, y_pred):
        """Log-odds of a batch of outputs."""
        return torch.logit(y_pred, eps=1e-6) if self.are_probabilities else y_pred

    def probabilities(self, net, X, emphasis):
        """Probabilities (n, L) of rows, corrected for the emphasis of the training."""
        X = _inputs(X, net)
        if callable(net.predict_nonlinearity):
            P = self._checked(np.asarray(net.predict_proba(X)), count_rows(X))
        elif self.are_probabilities:
            P = self._raw(net, X)
        else:
            return to_probabilities(Emphasis(None, **emphasis).corrected(self._raw(net, X)))
        if P.min(initial=0) < 0 or P.max(initial=0) > 1:
            raise ValueError(
                f"The net's probabilities must lie in [0, 1], got values from {P.min()} to {P.max()}; end its module "
                "in a sigmoid, or train it with BCEWithLogitsLoss."
            )
        P = clip_probabilities(P.copy())
        return to_probabilities(Emphasis(None, **emphasis).corrected(logit(P))) if emphasis else P


class _WeightedLoss:
    """Within a block, the entries of a net's own loss are multiplied by weights; weights of one leave the net alone.

    Of labels that are `partly` known, the other entries (-1) count nothing.
    """

    def __init__(self, net, weights, outputs, partly):
        self.net, self.outputs = net, outputs
        self.is_plain = not weights.asks_for and (weights.label == 1).all() and not partly
        self.label = torch.as_tensor(weights.label, dtype=torch.float32, device=net.device)
        self.emphasis = Emphasis(net.device, **Emphasis.arguments(weights))

    def __enter__(self):
        if not self.is_plain:
            self.net.get_loss = self

    def __exit__(self, *_):
        vars(self.net).pop("get_loss", None)

    def __call__(self, y_pred, y_true, *args, **kwargs):
        """The weighted loss of a batch, reduced as the net's own criterion reduces it."""
        criterion, own = self.net.criterion_, type(self.net).get_loss
        reduction = getattr(criterion, "reduction", None)
        if reduction not in ("mean", "sum"):
            raise ValueError(self._refusal("has no reduction that can be left out"))
        known, y_true = y_true >= 0, y_true.clamp(min=0)
        criterion.reduction = "none"
        try:
            entries = own(self.net, y_pred, y_true, *args, **kwargs)
        finally:
            criterion.reduction = reduction
        if entries.shape != y_true.shape:
            raise ValueError(self._refusal(f"gives a loss of shape {tuple(entries.shape)} for {tuple(y_true.shape)}"))
        y_pred = y_pred[0] if isinstance(y_pred, tuple | list) else y_pred
        targets = y_true.to(entries.device, torch.float32)
        logits = self.outputs.log_odds(y_pred.reshape(targets.shape)).detach()
        loss = entries * self.emphasis.weight(self.label, logits, targets) * known.to(targets)
        return loss.mean() if reduction == "mean" else loss.sum()

    def _refusal(self, reason):
        return (
            f"The criterion {type(self.net.criterion_).__name__} of the skorch net cannot be weighted by label: it "
            f'{reason}. Use BCEWithLogitsLoss, or one that gives a loss for each row and label with reduction="none"; '
            'training_policy="uniform" needs no weights where y has no missing values.'
        )


def _fit_initialized(net, X, y):
    """`net.fit` without a second initialisation; an interrupt by hand, which skorch passes over, is raised again."""
    interrupts, loop, warm_start = [], net.fit_loop, net.warm_start

    def fit_loop(*args, **kwargs):
        try:
            return loop(*args, **kwargs)
        except KeyboardInterrupt as error:
            interrupts.append(error)
            raise

    net.fit_loop, net.warm_start = fit_loop, True
    try:
        net.fit(X, y)
    finally:
        del net.fit_loop
        net.warm_start = warm_start
    if interrupts and not _comes_from_callback(interrupts[0]):
        raise interrupts[0]
    _check_last_loss(net)


def _check_last_loss(net):
    """Refuse a training that ended with losses that are no numbers."""
    losses = [batch.get("train_loss", 0.0) for batch in net.history[-1]["batches"]] if len(net.history) else []
    wrong = [value for value in losses if not np.isfinite(value)]
    if wrong:
        raise ValueError(
            f"The training loss became {wrong[0]} in epoch {len(net.history)}: lower the learning rate (lr={net.lr}) "
            "or scale the features."
        )


def _comes_from_callback(error):
    """Whether a callback of the net has ended the training, as early stopping does."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "notify":
            return True
        trace = trace.tb_next
    return False


def _criterion(net):
    """Class of the net's loss."""
    return net.criterion if inspect.isclass(net.criterion) else type(net.criterion)


def _is_log_loss(net):
    """Whether the loss is skorch's use of torch's log-loss, whose entries the emphasis corrects for."""
    is_own = type(net).get_loss.__module__.startswith("skorch")
    return is_own and issubclass(_criterion(net), _LOG_LOSSES)


def _device(net):
    """Where the net computes."""
    return torch.device(net.device or "cpu")


def _refuse_sample_weight(sample_weight):
    """Skorch's loop hands the loss no row numbers to find weights by."""
    if sample_weight is not None:
        raise ValueError("A skorch net takes no sample_weight here; pass its module itself, or leave it out.")


def _inputs(X, net):
    """X as the net's module takes it; inputs of a dictionary stay whole numbers or not."""
    dtype, is_many = input_dtype(net.module_), has_parts(X)

    def convert(part):
        if not hasattr(part, "toarray"):
            kept = is_many and dtype == np.int64 and part.dtype.kind == "f"
            return np.ascontiguousarray(part, dtype=np.float32 if kept else dtype)
        return part.astype(np.float32)

    return map_parts(convert, X)
