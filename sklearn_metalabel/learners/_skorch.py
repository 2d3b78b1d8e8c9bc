"""skorch nets as label classifiers."""

from functools import partial

import numpy as np
import torch
from sklearn.base import MetaEstimatorMixin, clone
from torch.nn import functional as F

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._emphasis import EMPHASES, Emphasis
from sklearn_metalabel.learners._torch_run import input_dtype
from sklearn_metalabel.learners._training_run import TrainingRun
from sklearn_metalabel.utils import HasMethods, draw_seed, label_rows, to_probabilities, torch_seed

__all__ = ["SkorchLabelClassifier", "SkorchRun"]


class SkorchLabelClassifier(MetaEstimatorMixin, LabelClassifier):
    """Adapter of a skorch net whose module gives one logit a label.

    The net trains by its own loop, with its own optimiser, iterators and callbacks; only its loss is replaced by the
    weighted log-loss.
    """

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
        with torch_seed(draw_seed(self.random_state), torch.device(net.device or "cpu")):
            net.initialize()
            net.get_loss = _weighted_loss(net, weights)
            net.fit_loop(_inputs(X, net), label_rows(Y))
        del net.get_loss
        self.net_ = net
        self._n_labels = Y.shape[1]
        self._emphasis = Emphasis.arguments(weights)

    def _label_probabilities(self, X):
        return _net_probabilities(self.net_, X, self._n_labels, self._emphasis).astype(np.float64)

    def _training_run(self):
        return SkorchRun(self)


class SkorchRun(TrainingRun):
    """A training run of a skorch net, one of its training steps at a time."""

    emphases = EMPHASES

    def __init__(self, classifier):
        self.classifier = classifier
        self.device = torch.device(classifier.net.device or "cpu")
        size = classifier.net.batch_size
        self.batch_size = None if size == -1 else size

    def n_updates(self, n_samples):
        return self.classifier.net.max_epochs * -(-n_samples // (self.batch_size or n_samples))

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        _refuse_sample_weight(sample_weight)
        self.net = clone(self.classifier.net).initialize()
        self.attach(X, Y)
        self.n_steps, self.n_labels, self.emphasis = 0, Y.shape[1], {}

    def attach(self, X, Y, sample_weight=None):
        self.X, self.Y = _inputs(X, self.net), label_rows(Y)

    def step(self, rows, weights):
        rows = slice(None) if rows is None else rows
        self.emphasis = Emphasis.arguments(weights)
        self.net.get_loss = _weighted_loss(self.net, weights)
        batch = torch.from_numpy(self.X[rows]), torch.from_numpy(self.Y[rows])
        self.n_steps += 1
        loss = self.net.train_step(batch)["loss"].item()
        if not np.isfinite(loss):
            raise ValueError(
                f"The training loss became {loss} at update {self.n_steps}: lower the learning rate "
                f"(lr={self.net.lr}) or scale the features."
            )
        return loss

    def predict_proba(self, X):
        return _net_probabilities(self.net, X, self.n_labels, self.emphasis)


def _refuse_sample_weight(sample_weight):
    """Skorch's loop hands the loss no row numbers to find weights by."""
    if sample_weight is not None:
        raise ValueError("A skorch net takes no sample_weight here; pass its module itself, or leave it out.")


def _inputs(X, net):
    """X as the net's module takes it."""
    return np.ascontiguousarray(X, dtype=input_dtype(net.module_))


def _weighted_loss(net, weights):
    """What is to stand for the net's own loss."""
    weight = torch.as_tensor(weights.label, dtype=torch.float32, device=net.device)
    emphasis = Emphasis(net.device, **Emphasis.arguments(weights))
    return partial(_weighted_log_loss, weight=weight, emphasis=emphasis)


def _weighted_log_loss(y_pred, y_true, X=None, training=False, *, weight, emphasis):
    """Log-loss of logits, each entry multiplied by its weight."""
    if tuple(y_pred.shape) != tuple(y_true.shape):
        raise ValueError(
            f"The module's forward must return logits of shape (batch, n_labels) = {tuple(y_true.shape)}, "
            f"got {tuple(y_pred.shape)}; give its last layer one output for each label."
        )
    target = y_true.to(y_pred.device, y_pred.dtype)
    return F.binary_cross_entropy_with_logits(y_pred, target, weight=emphasis.weight(weight, y_pred, target))


def _net_probabilities(net, X, n_labels, emphasis):
    """Probabilities from a net's logits."""
    logits = net.forward(_inputs(X, net)).numpy(force=True).reshape(-1, n_labels)
    return to_probabilities(Emphasis(None, **emphasis).corrected(logits))
