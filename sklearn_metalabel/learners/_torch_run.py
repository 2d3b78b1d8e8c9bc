"""Training runs of torch modules, and the predictions of a module for any number of rows."""

from contextlib import nullcontext

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from sklearn_metalabel.learners._emphasis import EMPHASES, Emphasis
from sklearn_metalabel.learners._epochs import Epochs, updates_of_epoch
from sklearn_metalabel.learners._training_run import BatchSampler, TrainingRun
from sklearn_metalabel.utils import (
    count_rows,
    has_parts,
    has_unknown,
    known_totals,
    label_rows,
    map_parts,
    positives_only,
    resolve_device,
    to_probabilities,
)

__all__ = ["TorchRun", "data_sizes", "input_dtype", "predict_module"]

# A forward pass always sees this many rows, so that a row's probability does not depend on the rows beside it.
_PREDICT_ROWS = {"cpu": 64, "cuda": 1024}
# The losses of this many updates are looked at together: each look waits for the device.
_CHECK_INTERVAL = 64


class TorchRun(TrainingRun):
    """A training run of a torch module, one mini-batch update at a time.

    The losses of its updates are in `losses`, up to the last `check`.
    """

    takes_schedules = True

    def __init__(self, classifier):
        self.classifier = classifier
        # Other losses weigh positives against negatives themselves, and their logits are not what is corrected for.
        self.emphases = EMPHASES if classifier.loss == "log_loss" else frozenset()
        self.batch_size = classifier.batch_size
        self.device = resolve_device(classifier.device)

    def n_updates(self, n_samples):
        return self.classifier.n_epochs * updates_of_epoch(self.classifier, n_samples)

    @property
    def finished(self):
        """Whether early stopping has ended the training."""
        return self.epochs.finished

    def batches(self, n_samples, rng):
        rows = None if self.epochs.stopping is None else self.epochs.stopping.train
        return BatchSampler(n_samples, self.batch_size, rng, on_epoch=self._index.take, rows=rows)

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.sizes = data_sizes(X, Y)
        self.n_samples, self.n_labels = Y.shape
        self.module = _of_full_precision(self.classifier._build(self.sizes), self.device).to(self.device).train()
        self.attach(X, Y, sample_weight)
        self.optimizer = self.classifier._build_optimizer(self.module)
        self.loss = self.classifier._build_loss(_to_tensor(_frequencies(Y), self.device))
        self.losses, self._unchecked = [], []
        self._index, self._label_weight = _EpochIndex(self.device), None
        self._emphasis, self.last_logits = Emphasis(self.device), None
        self.epochs = Epochs(self, Y, sample_weight, seed)

    def attach(self, X, Y, sample_weight=None):
        self._last_batch = None, None
        self._to_input = InputConverter(self.module, self.device, has_parts(X))
        self.X = map_parts(lambda part: part if sp.issparse(part) else self._to_input(part), X)
        self.partly = has_unknown(Y)
        self.Y = Y if sp.issparse(Y) else torch.from_numpy(np.ascontiguousarray(Y)).to(self.device)
        self.sample_weight = None if sample_weight is None else _to_tensor(sample_weight, self.device)

    def step(self, rows, weights):
        """Make one update, unless the training is finished; the loss that is returned stays on the device."""
        if self.finished:
            return None
        index, self.weights = self._index(rows), weights
        x, y = self._batch(rows, index)
        self._last_batch = rows, x
        if not self.module.training:
            self.module.train()
        logits = _forward(self.module, x, (len(rows), self.n_labels), self.classifier.precision)
        known = (y >= 0).float() if self.partly else None
        y = y if known is None else y.clamp_(min=0)
        weight = self._entry_weight(weights, logits, y)
        if known is not None:
            weight = weight * known
        if self.sample_weight is not None:
            weight = weight * self.sample_weight[index][:, None]
        loss = self.loss(logits, y, weight)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        loss, self.last_logits = loss.detach(), logits.detach()
        self._unchecked.append(loss)
        if len(self._unchecked) == _CHECK_INTERVAL:
            self.check()
        self.epochs.after_update(self)
        return loss

    def check(self):
        """Refuse losses that are no numbers, with one look at the device for all updates since the last."""
        values = torch.stack(self._unchecked).tolist() if self._unchecked else []
        self._unchecked = []
        for update, value in enumerate(values, start=len(self.losses) + 1):
            if not np.isfinite(value):
                raise ValueError(
                    f"The training loss became {value} at update {update}: lower the learning rate "
                    f"(lr={self.classifier.lr}) or scale the features."
                )
        self.losses += values

    def finish(self):
        """End the training; early stopping gives the module the parameters of the best epoch."""
        self.check()
        self.epochs.finish(self)
        self.classifier._keep_run(self)
        return self.classifier

    def log_odds(self, X):
        """Log-odds (n, L) of the module as it is now."""
        self.check()
        module = self.module.eval()
        return module_log_odds(module, X, self.n_labels, self.device, self.classifier.precision, self._emphasis)

    def predict_proba(self, X):
        return to_probabilities(self.log_odds(X))

    def predict_rows(self, X, rows):
        last, x = self._last_batch
        seen = torch.is_tensor(x) and rows is last and not x.is_sparse
        return self.predict_proba(x) if seen else super().predict_rows(X, rows)

    def _batch(self, rows, index):
        """Inputs and float targets of some rows, on the device."""
        x = map_parts(lambda part: self._to_input(part[rows]) if sp.issparse(part) else part[index], self.X)
        y = torch.from_numpy(label_rows(self.Y, rows)).to(self.device) if sp.issparse(self.Y) else self.Y[index]
        return x, y.float()

    def _entry_weight(self, weights, logits, y):
        """Weights (L,) or (B, L) of the entries of a batch, on the device; moved there when they change."""
        if not self._emphasis.is_of(weights):
            self._emphasis = Emphasis(self.device, **Emphasis.arguments(weights))
        if self._label_weight is None or not np.array_equal(weights.label, self._label_weight[0]):
            kept = np.array(weights.label)
            self._label_weight = kept, _to_tensor(kept, self.device)
        return self._emphasis.weight(self._label_weight[1], logits, y)


class _EpochIndex:
    """Row numbers on the device: those of an epoch are moved there together and handed out in its order."""

    def __init__(self, device):
        self.device = device
        self.take([])

    def take(self, batches):
        """Expect these batches, one after the other."""
        self.left = batches[::-1]
        self.order = torch.from_numpy(np.concatenate(batches)).to(self.device) if batches else None
        self.first = 0

    def __call__(self, rows):
        """A tensor of row numbers."""
        if not self.left or rows is not self.left[-1]:
            return torch.from_numpy(rows).to(self.device)
        self.left.pop()
        self.first += len(rows)
        return self.order[self.first - len(rows) : self.first]


def data_sizes(X, Y):
    """What modules may ask for in their signature: columns of X and Y, and numbers of tokens where X may hold them."""
    if has_parts(X):
        return {"n_labels": Y.shape[1]}
    sizes = {"n_features": X.shape[1], "n_labels": Y.shape[1]}
    return {**sizes, "n_tokens": int(X.max()) + 1} if X.dtype.kind in "iu" else sizes


def input_dtype(module):
    """int64 for a module that looks its inputs up in an embedding, elsewhere that of its parameters, or float32."""
    if any(isinstance(part, nn.Embedding | nn.EmbeddingBag) for part in module.modules()):
        return np.int64
    return np.float64 if _float_dtype(module) == torch.float64 else np.float32


def _float_dtype(module):
    """Type of the first floating parameter."""
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)


def _of_full_precision(module, device):
    """The module, or raise where its parameters are too coarse to be trained, or too fine for the device."""
    dtype = _float_dtype(module)
    if dtype == torch.float64 and device.type == "mps":
        raise ValueError('The module\'s parameters are float64, which MPS does not know; set device="cpu".')
    if dtype in (torch.float16, torch.bfloat16):
        raise ValueError(
            f"The module's parameters are {str(dtype).removeprefix('torch.')}, and updates would round to nothing; "
            'leave them in float32, and set precision="bfloat16" to compute with fewer bits.'
        )
    return module


def predict_module(module, X, n_labels, device, precision, emphasis):
    """Probabilities of all rows."""
    # By SciPy: what torch gives for a number depends on its place in the array.
    return to_probabilities(module_log_odds(module, X, n_labels, device, precision, emphasis))


def module_log_odds(module, X, n_labels, device, precision, emphasis):
    """Log-odds of all rows, in forward passes of one fixed size; corrected for the emphasis in training."""
    size = _PREDICT_ROWS.get(device.type, 1024)
    n, to_input = count_rows(X), InputConverter(module, device, has_parts(X))
    Z = np.empty((n, n_labels), dtype=np.float32)
    with torch.inference_mode(False), torch.no_grad():
        for start in range(0, n, size):
            batch = map_parts(lambda part, start=start: _block(part, start, size, to_input), X)
            logits = _forward(module, batch, (size, n_labels), precision)
            Z[start : start + size] = logits[: n - start].cpu().numpy()
    if np.isnan(Z).any():
        raise ValueError(
            "The module's logits are NaN for some rows: lower the learning rate or check the module's forward."
        )
    return emphasis.corrected(Z)


def _block(part, start, size, to_input):
    """As many rows of an input as a forward pass sees, on the device."""
    block = _padded(part[start : start + size], size)
    return block if torch.is_tensor(block) else to_input(block)


def _forward(module, x, shape, precision):
    """Logits as the module gave them, or one sentence on what is wrong with them."""
    half = precision == "bfloat16"
    device = next(iter(x.values())).device if has_parts(x) else x.device
    with torch.autocast(device.type, dtype=torch.bfloat16) if half else nullcontext():
        try:
            logits = module(**x) if has_parts(x) else module(x)
        except IndexError as error:
            raise ValueError(_too_large(x)) from error
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError) as error:
            seen = map_parts(lambda part: tuple(part.shape), x)
            raise ValueError(
                f"The module's forward failed on a batch of X of shape {seen}: {error} Pass a module that takes X in "
                "this form, or X in another."
            ) from error
    if not torch.is_tensor(logits) or tuple(logits.shape) != shape:
        got = tuple(logits.shape) if torch.is_tensor(logits) else type(logits).__name__
        raise ValueError(
            f"The module's forward must return logits of shape (batch, n_labels) = {shape}, got {got}; "
            "give its last layer one output for each label."
        )
    return logits.float()


def _too_large(x):
    """One sentence on numbers that a module has no place for."""
    parts = [part for part in (x.values() if has_parts(x) else [x]) if not part.is_floating_point()]
    largest = max((int(part.max()) for part in parts), default=None)
    return (
        f"The module has no place for some numbers of X, of which the largest is {largest}; give its embedding more "
        f"rows, for example module__n_tokens={0 if largest is None else largest + 1} where it takes n_tokens."
    )


def _frequencies(Y):
    """Share of the rows that have each label, strictly between 0 and 1: half a row off where all or none have it."""
    n = np.maximum(known_totals(Y), 1)
    positives = np.asarray(positives_only(Y).sum(axis=0, dtype=np.float64)).ravel()
    return np.clip(positives, 0.5, n - 0.5) / n


def _padded(batch, size):
    """Rows to predict and, after them, copies of the last or empty rows."""
    missing = size - batch.shape[0]
    if missing == 0:
        return batch
    if torch.is_tensor(batch):
        return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])])
    if sp.issparse(batch):
        ends = np.pad(batch.indptr, (0, missing), mode="edge")
        return sp.csr_array((batch.data, batch.indices, ends), shape=(size, batch.shape[1]))
    return np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])


class InputConverter:
    """Makes of rows of X what a module takes, on a device: sparse where the module says so, dense elsewhere.

    Among several inputs (`is_one_of_many`) whole numbers may stand beside others, and each is taken as what it is.
    """

    def __init__(self, module, device, is_one_of_many):
        self.module, self.device, self.is_one_of_many = module, device, is_one_of_many
        self.dtype = input_dtype(module)

    def __call__(self, part):
        """Rows of one input."""
        takes_sparse = getattr(self.module, "accepts_sparse", False) and self.device.type != "mps"  # which has none
        if sp.issparse(part) and takes_sparse:
            return _to_sparse_tensor(part, self.device)
        is_number = self.is_one_of_many and self.dtype == np.int64 and part.dtype.kind == "f"
        return _to_tensor(part, self.device, np.float32 if is_number else self.dtype)


def _to_tensor(X, device, dtype=np.float32):
    """Rows of X as a dense tensor on the device."""
    array = X.astype(dtype, copy=False).toarray() if sp.issparse(X) else np.ascontiguousarray(X, dtype=dtype)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)


def _to_sparse_tensor(X, device):
    """Rows of X as a coalesced COO tensor: torch calls its CSR tensors unfinished, with a warning.

    They are not checked; where nobody says so, torch warns of that when a tensor is moved to a device.
    """
    X = sp.csr_array(X, dtype=np.float32)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    entries = torch.from_numpy(np.stack([rows, X.indices])), torch.from_numpy(X.data)
    with torch.sparse.check_sparse_tensor_invariants(enable=False):
        return torch.sparse_coo_tensor(*entries, X.shape, is_coalesced=True).to(device)
