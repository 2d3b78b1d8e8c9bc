"""Label sets predicted as sequences, by a recurrent classifier chain."""

import weakref
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted
from torch import nn

from sklearn_metalabel.baselines._label_sequences import label_order, label_sequences, label_sets
from sklearn_metalabel.baselines._sequence_network import SequenceNetwork
from sklearn_metalabel.baselines._sequence_training import predict_sequences, train_sequences
from sklearn_metalabel.learners import LabelProbabilityMixin, RoutedParamsMixin, TorchClassifier, data_sizes
from sklearn_metalabel.utils import (
    Interval,
    StrOptions,
    check_hierarchy_is_used,
    clip_probabilities,
    draw_seed,
    fit_context,
    resolve_device,
    restore_on_error,
    torch_seed,
    warn_constant_labels,
)

__all__ = ["SubsetMaximizationClassifier"]

# Networks rebuilt from the fitted arrays; kept here because predictions must not change the estimator.
_NETWORKS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class SubsetMaximizationClassifier(RoutedParamsMixin, LabelProbabilityMixin, BaseEstimator):
    r"""Predict whole label sets, written label by label by a recurrent network.

    An encoder reads the sample; a recurrent decoder writes the labels one after the other, each in the light of
    those before it, and then an end. Beam search finds the best label set. It models how labels depend on each other
    and is the method of Nam et al. [1]_ for subset accuracy.

    Parameters
    ----------
    module : type, callable or torch.nn.Module, default=None
        The encoder: whatever :class:`~sklearn_metalabel.learners.TorchClassifier` takes, with `hidden_size` in the
        place of `n_labels`, so that its output of shape (n, `hidden_size`) represents the sample. None is a linear
        layer.
    order : {"frequent", "rare", "hierarchy", "random"} or array-like of shape (n_labels,), default="frequent"
        Order of the labels in a sequence: frequent ones first, rare ones first, the top of the hierarchy first and
        frequent ones first on each level, any order, or a permutation of the label indices.
    hierarchy : object, default=None
        Parents of the labels for ``order="hierarchy"``, in any form that
        :class:`~sklearn_metalabel.LabelWeightedClassifier` takes; None are label names that are paths.
    hidden_size : int, default=256
        Units of the decoder, and outputs of the encoder.
    embedding_dim : int, default=128
        Length of the vectors that stand for labels.
    beam_width : int, default=5
        Label sets that the search follows at the same time; 1 takes the most probable label at every step.
    length_penalty : float, default=1.0
        The search returns the set with the largest log-probability divided by (number of labels + 1) to this power.
        With 1.0, as in [1]_, larger sets are favoured; with 0.0 it is the most probable set.
    max_labels : int, default=None
        Labels of the largest set that can be predicted; None is the largest in the training rows. Labels that all
        training rows have come on top.
    optimizer : {"adam", "adamw", "adadelta", "rmsprop", "sgd"} or type, default="adam"
        Optimiser, or a class of optimisers; `optimizer__*` parameters go to it.
    lr : float, default=1e-3
        Learning rate.
    batch_size : int, default=64
        Samples of one update.
    n_epochs : int, default=20
        Passes over the training rows.
    clip_norm : float or None, default=1.0
        Largest norm of the gradient, to which longer ones are cut; None leaves them.
    device : str or torch.device, default="auto"
        Where to train and predict: "auto" takes a CUDA device, else MPS, else the CPU. What is kept after
        training is on the CPU in any case.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of batches, dropout and ``order="random"``; torch's global generator is left as it was
        found.
    **params : dict
        `module__*` and `optimizer__*`, for example ``module__hidden=64`` or ``optimizer__weight_decay=0.01``.

    Attributes
    ----------
    label_order_ : ndarray
        Indices of the labels in their order, without those that have one value in all training rows.
    max_labels_ : int
        Labels of the largest set that can be predicted, not counting those that all training rows have.
    state_ : dict of str -> ndarray
        The network's trained parameters and buffers; the encoder's start with "encoder.".
    loss_curve_ : ndarray of shape (n_epochs,)
        Mean negative log-likelihood of the training rows' label sets in each epoch, times their weights.
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
    sklearn_metalabel.learners.TorchClassifier : Trains the same modules for each label on its own.
    sklearn.multioutput.ClassifierChain : A chain that decides on every label in turn.

    Notes
    -----
    For the labels :math:`l_1, \ldots, l_k` of a set in their order, closed by the end :math:`l_{k+1}`,

    .. math:: P(\{l_1, \ldots, l_k\} \mid x) = \prod_{t=1}^{k+1} P(l_t \mid l_1, \ldots, l_{t-1}, x),

    of which training minimises the negative logarithm. As only labels later in the order can follow, every set is
    one sequence and no label comes twice; in [1]_ the order is left to the network. Samples without labels, which
    [1]_ drops, are ends at once.

    `predict` returns the best set as a whole, which need not hold exactly the labels whose probability is above one
    half. `predict_proba` adds up the probabilities of all ways to come to a label that the search looked at: at most
    the label's marginal probability, and equal to it where `beam_width` is so large that no way was left out. For
    binary and multiclass targets that is a softmax over the classes, and the most probable one is predicted.

    References
    ----------
    .. [1] J. Nam, E. Loza Mencía, H. J. Kim, J. Fürnkranz, "Maximizing Subset Accuracy with Recurrent Neural Networks
       in Multi-label Classification", NIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.baselines import SubsetMaximizationClassifier
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = SubsetMaximizationClassifier(
    ...     hidden_size=32, embedding_dim=16, n_epochs=5, random_state=0
    ... ).fit(X, Y)
    >>> clf.label_order_
    array([1, 2, 3, 4, 0])
    >>> clf.predict(X).shape
    (100, 5)
    """

    # As for every stochastic learner here: in the signature of `fit` the weights would have to equal repetitions.
    __metadata_request__fit = {"sample_weight": None}

    _parameter_constraints = {
        "module": [callable, None],
        "order": [StrOptions({"frequent", "rare", "hierarchy", "random"}), "array-like"],
        "hierarchy": "no_validation",
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "max_labels": [Interval(Integral, 1, None, closed="left"), None],
        "optimizer": [str, callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "device": [str, torch.device],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        module=None,
        *,
        order="frequent",
        hierarchy=None,
        hidden_size=256,
        embedding_dim=128,
        beam_width=5,
        length_penalty=1.0,
        max_labels=None,
        optimizer="adam",
        lr=1e-3,
        batch_size=64,
        n_epochs=20,
        clip_norm=1.0,
        device="auto",
        random_state=None,
        **params,
    ):
        self.module = module
        self.order = order
        self.hierarchy = hierarchy
        self.hidden_size = hidden_size
        self.embedding_dim = embedding_dim
        self.beam_width = beam_width
        self.length_penalty = length_penalty
        self.max_labels = max_labels
        self.optimizer = optimizer
        self.lr = lr
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.clip_norm = clip_norm
        self.device = device
        self.random_state = random_state
        for name, value in params.items():
            setattr(self, name, value)

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, **fit_params):
        """Train the network on label sequences.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, or classes.
        **fit_params : dict
            `sample_weight`, array-like of shape (n_samples,): factor of each sample's loss.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        unknown = sorted(set(fit_params) - {"sample_weight"})
        if unknown:
            raise TypeError(f"{type(self).__name__}.fit got unexpected arguments {unknown}; it takes sample_weight.")
        check_hierarchy_is_used(self.hierarchy, "order", self.order)
        X, Y = self._check_training_data(X, y)
        weight = fit_params.get("sample_weight")
        weight = _check_sample_weight(weight, X, dtype=np.float32, ensure_non_negative=True)
        if self._target.kind == "multilabel":
            warn_constant_labels(Y, self.label_names_)
        seed = draw_seed(self.random_state)
        rng = np.random.RandomState(seed)
        self._set_order(Y, rng)
        self._train(X, Y, weight, seed, rng)
        return self

    def predict(self, X):
        """Predict label sets or classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : {ndarray, sparse matrix, data frame} of shape (n_samples, n_labels) or (n_samples,)
            Multi-label targets: 1 for each label of the best set that the search found, 0 elsewhere (CSR where
            `fit` saw a sparse target). Binary and multiclass targets: the most probable class.
        """
        return self._in_output_form(self._predicted(X), X)

    def decision_function(self, X):
        """Margin of each label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        margins : {ndarray, data frame} of shape (n_samples, n_labels), (n_samples, n_classes) or (n_samples,)
            Multi-label targets: the label's probability, minus one where `predict` leaves the label out, so that
            margins are positive exactly for predicted labels. Multiclass targets: log-odds of each class. Binary
            targets: log-odds of the second class.
        """
        P, Y = self._search(X)
        margins = self._target.decision(P, 0.5 if self._target.kind == "binary" else 1 - Y)
        return self._in_output_form(margins, X)

    def _predicted(self, X):
        """What `predict` returns, as an array or a sparse matrix."""
        P, Y = self._search(X)
        return self._target.decode(P, self._decide if self._target.kind == "binary" else lambda _: Y)

    def _set_order(self, Y, rng):
        """Resolve the order of the labels that vary; note those that every row has."""
        counts = np.asarray(Y.sum(axis=0, dtype=np.int64)).ravel()
        order = label_order(self.order, counts, self.label_names_, self.hierarchy, rng)
        self.label_order_ = order[(counts[order] > 0) & (counts[order] < Y.shape[0])]
        self._always = counts == Y.shape[0]

    def _train(self, X, Y, weight, seed, rng):
        """Fit the network's parameters and keep them as arrays."""
        sequences, lengths = label_sequences(Y, self.label_order_, self.max_labels)
        self.max_labels_ = sequences.shape[1] if self.max_labels is None else min(self.max_labels, Y.shape[1])
        self._sizes = {**data_sizes(X, Y), "n_labels": self.hidden_size}
        device = resolve_device(self.device)
        with torch_seed(seed, device):
            network = self._build_network().to(device).train()
            self.loss_curve_ = train_sequences(
                network,
                self._torch_settings()._build_optimizer(network),
                X,
                sequences,
                lengths,
                weight=weight,
                batch_size=self.batch_size,
                n_epochs=self.n_epochs,
                clip_norm=self.clip_norm,
                rng=rng,
            )
        self.state_ = {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}
        self.device_ = str(device)
        _NETWORKS.pop(self, None)

    def _torch_settings(self):
        """The settings shared with :class:`TorchClassifier` as one: it builds the encoder and the optimiser."""
        source = _linear if self.module is None else self.module
        return TorchClassifier(source, optimizer=self.optimizer, lr=self.lr, **self._routed_params())

    def _build_network(self):
        """A fresh network."""
        encoder = self._torch_settings()._build(self._sizes)
        return SequenceNetwork(encoder, len(self.label_order_), self._sizes["n_labels"], self.embedding_dim)

    def _network(self):
        """The trained network on the device where predictions are made."""
        device = resolve_device(self.device)
        cached_device, network = _NETWORKS.get(self, (None, None))
        if cached_device != device:
            with torch_seed(0):
                network = self._build_network()
            network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in self.state_.items()})
            network = network.to(device).eval()
            _NETWORKS[self] = (device, network)
        return network

    def _search(self, X):
        """Checked X to the probabilities P (n, L) and the best label sets Y (n, L)."""
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        sequences, marginals = predict_sequences(
            self._network(), X, width=self.beam_width, max_labels=self.max_labels_, length_penalty=self.length_penalty
        )
        Y = label_sets(sequences, self.label_order_, len(self.label_names_))
        P = np.zeros(Y.shape)
        P[:, self.label_order_] = marginals
        Y[:, self._always] = P[:, self._always] = 1
        return clip_probabilities(P), Y

    def _probabilities(self, X):
        """Checked X to P."""
        return self._search(X)[0]

    def __sklearn_tags__(self):
        """Tags: sparse X is taken, a batch at a time."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _linear(n_features, n_labels):
    """The encoder where none is given."""
    return nn.Linear(n_features, n_labels)
