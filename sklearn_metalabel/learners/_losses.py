"""Losses of the logits of many labels, before weights and means: one number for each sample and label."""

import inspect
from functools import partial

import torch
from torch.nn import functional as F

from sklearn_metalabel.utils import shown

__all__ = ["asymmetric_loss", "build_loss", "distribution_balanced_loss", "focal_loss", "shifted_probabilities"]


def asymmetric_loss(logits, targets, gamma_neg=4.0, gamma_pos=0.0, clip=0.05):
    r"""Asymmetric loss: easy negatives hardly count, and the easiest not at all.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels)
        Log-odds.
    targets : Tensor of shape (n_samples, n_labels)
        0 or 1.
    gamma_neg : float, default=4.0
        Focus on hard negatives; 0 is none.
    gamma_pos : float, default=0.0
        Focus on hard positives; 0 is none.
    clip : float, default=0.05
        Probability below which a negative costs nothing.

    Returns
    -------
    losses : Tensor of shape (n_samples, n_labels)
        Loss of each sample and label.

    See Also
    --------
    TorchClassifier : Trains with it under ``loss="asymmetric"``.

    Notes
    -----
    With the probability p and :math:`p_m = \max(p - m, 0)`, m being `clip`, Ridnik et al. [1]_ lose
    :math:`-(1 - p)^{\gamma_+} \log p` on positives and :math:`-p_m^{\gamma_-} \log(1 - p_m)` on negatives. The
    defaults are those of their experiments on MS-COCO. As in their training, no gradient passes through the factors
    before the logarithms.

    References
    ----------
    .. [1] T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter, L. Zelnik-Manor, "Asymmetric Loss For
       Multi-Label Classification", ICCV 2021. :doi:`10.1109/ICCV48922.2021.00015`

    Examples
    --------
    >>> import torch
    >>> from sklearn_metalabel.learners import asymmetric_loss
    >>> asymmetric_loss(
    ...     torch.tensor([[0.0, 0.0, -1.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    ... ).round(decimals=3)
    tensor([[0.6930, 0.0250, 0.0010]])
    """
    if clip > 0:
        negative = torch.log(torch.clamp(torch.sigmoid(-logits) + clip, max=1.0))
    else:
        negative = F.logsigmoid(-logits)
    with torch.no_grad():
        of_negatives = shifted_probabilities(logits, clip) ** gamma_neg
        focus = torch.where(targets > 0, torch.sigmoid(-logits) ** gamma_pos, of_negatives)
    return -focus * torch.where(targets > 0, F.logsigmoid(logits), negative)


def shifted_probabilities(logits, margin):
    """max(p - margin, 0) for the probability p of each logit, without a gradient; a fresh tensor."""
    return torch.sigmoid(logits.detach()).sub_(margin).clamp_(min=0)


def focal_loss(logits, targets, gamma=2.0):
    r"""Focal loss: what is already well predicted hardly counts.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels)
        Log-odds.
    targets : Tensor of shape (n_samples, n_labels)
        0 or 1.
    gamma : float, default=2.0
        Focus on what is predicted badly; 0 gives the log-loss.

    Returns
    -------
    losses : Tensor of shape (n_samples, n_labels)
        Loss of each sample and label.

    See Also
    --------
    TorchClassifier : Trains with it under ``loss="focal"``.

    Notes
    -----
    With q the probability of the true value, Lin et al. [1]_ lose :math:`-(1 - q)^\gamma \log q`. Their factor for
    the rarity of a class is left out: label weights do that.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017.
       :doi:`10.1109/ICCV.2017.324`

    Examples
    --------
    >>> import torch
    >>> from sklearn_metalabel.learners import focal_loss
    >>> focal_loss(
    ...     torch.tensor([[0.0, 2.0, -2.0]]), torch.tensor([[1.0, 1.0, 1.0]])
    ... ).round(decimals=3)
    tensor([[0.1730, 0.0020, 1.6500]])
    """
    margins = torch.where(targets > 0, logits, -logits)
    return -torch.exp(gamma * F.logsigmoid(-margins)) * F.logsigmoid(margins)


def distribution_balanced_loss(
    logits, targets, frequencies, alpha=0.1, beta=10.0, mu=0.9, kappa=0.05, negative_scale=2.0, gamma=0.0
):
    r"""Distribution-balanced loss: labels count by their rarity among those of the sample, and negatives less.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels)
        Log-odds.
    targets : Tensor of shape (n_samples, n_labels)
        0 or 1.
    frequencies : Tensor of shape (n_labels,)
        Share of the training rows that have each label, strictly between 0 and 1; `TorchClassifier` gives it.
    alpha : float, default=0.1
        Least weight of a label.
    beta : float, default=10.0
        How sharply the weight follows the rarity.
    mu : float, default=0.9
        Relative rarity at which the weight is halfway.
    kappa : float, default=0.05
        How far the logits of rare labels are lowered while training.
    negative_scale : float, default=2.0
        How much faster the loss of a negative falls with its logit.
    gamma : float, default=0.0
        Focus, as in :func:`focal_loss`.

    Returns
    -------
    losses : Tensor of shape (n_samples, n_labels)
        Loss of each sample and label.

    See Also
    --------
    TorchClassifier : Trains with it under ``loss="distribution_balanced"``.
    focal_loss : The focus alone.

    Notes
    -----
    With the frequencies :math:`f_j` of the labels, Wu et al. [1]_ weight label j of a sample by
    :math:`\alpha + \sigma(\beta (r_j - \mu))`, where :math:`r_j` is :math:`1 / f_j` over the sum of :math:`1 / f_k`
    for the labels k that the sample has, and lower its logit by :math:`\kappa \log(1 / f_j - 1)`. The lowered
    logit z of a negative costs :math:`\log(1 + e^{\lambda z}) / \lambda`, λ being `negative_scale`. The three
    constants of the weight are those of Huang et al. [2]_ for text; ``gamma=2`` adds their focus. A sample without
    labels has the largest weight for each label.

    References
    ----------
    .. [1] T. Wu, Q. Huang, Z. Liu, Y. Wang, D. Lin, "Distribution-Balanced Loss for Multi-Label Classification in
       Long-Tailed Datasets", ECCV 2020. :doi:`10.1007/978-3-030-58548-8_10`
    .. [2] Y. Huang, B. Giledereli, A. Köksal, A. Özgür, E. Ozkirimli, "Balancing Methods for Multi-label Text
       Classification with Long-Tailed Class Distribution", EMNLP 2021. :doi:`10.18653/v1/2021.emnlp-main.643`

    Examples
    --------
    >>> import torch
    >>> from sklearn_metalabel.learners import distribution_balanced_loss
    >>> targets, frequencies = (
    ...     torch.tensor([[1.0, 1.0, 0.0]]),
    ...     torch.tensor([0.5, 0.01, 0.5]),
    ... )
    >>> distribution_balanced_loss(torch.zeros(1, 3), targets, frequencies).round(
    ...     decimals=3
    ... )
    tensor([[0.0690, 0.6440, 0.0350]])
    """
    rarity = 1.0 / frequencies
    relative = rarity / (targets @ rarity).clamp(min=1e-30)[:, None]
    weight = alpha + torch.sigmoid(beta * (relative - mu))
    scale = torch.where(targets > 0, 1.0, negative_scale)
    lowered = logits - kappa * torch.log(rarity - 1.0)
    return weight / scale * focal_loss(scale * lowered, targets, gamma)


_LOSSES = {
    "asymmetric": asymmetric_loss,
    "distribution_balanced": distribution_balanced_loss,
    "focal": focal_loss,
    "log_loss": F.binary_cross_entropy_with_logits,
}


def build_loss(loss, params, frequencies):
    """A function of logits, targets and weights (L,) or (B, L) that returns the mean loss of a batch.

    `frequencies` (L,) goes to losses that have it in their signature.
    """
    known = {**_LOSSES, **({} if isinstance(loss, str) else {loss: loss})}
    if loss not in known:
        raise ValueError(
            f"loss must be one of {sorted(_LOSSES)} or a function of logits and targets, got {shown(loss)}."
        )
    if loss == "log_loss":
        _refuse_params("log_loss", params, [])
        return _log_loss
    accepted = inspect.signature(known[loss]).parameters
    if not any(parameter.kind == parameter.VAR_KEYWORD for parameter in accepted.values()):
        _refuse_params(loss, params, list(accepted)[2:])
    given = {"frequencies": frequencies} if "frequencies" in accepted else {}
    return partial(_weighted_mean, partial(known[loss], **{**given, **params}))


def _log_loss(logits, targets, weight):
    """Torch's own loss, to the bit."""
    return F.binary_cross_entropy_with_logits(logits, targets, weight=weight)


def _weighted_mean(loss, logits, targets, weight):
    """Weighted mean of a loss of each sample and label."""
    losses = loss(logits, targets)
    if not torch.is_tensor(losses) or losses.shape != logits.shape:
        got = tuple(losses.shape) if torch.is_tensor(losses) else type(losses).__name__
        raise ValueError(
            f"The loss must return a number for each sample and label, of shape {tuple(logits.shape)}, got {got}; "
            "leave the mean to the classifier, which weights them first."
        )
    return (losses * weight).mean()


def _refuse_params(loss, params, accepted):
    """Name parameters that the loss does not take."""
    unknown = sorted(set(params) - set(accepted))
    if unknown:
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
        raise TypeError(f"The loss {name} takes no {', '.join(unknown)}; its parameters are {accepted}.")
