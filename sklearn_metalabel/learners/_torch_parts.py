"""Fresh modules and optimisers, from what a user passes for them."""

import inspect

import torch

from sklearn_metalabel.utils import shown

__all__ = ["build_module", "build_optimizer"]

_OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
_SIZES = ("n_features", "n_labels", "n_tokens")
_FUSED = ("adam", "adamw", "sgd")


def build_module(source, sizes, params):
    """What a class or function returns for its parameters and for those sizes that its signature has."""
    accepted = inspect.signature(source).parameters
    for name, parameter in accepted.items():
        if name in _SIZES and name not in {**sizes, **params} and parameter.default is inspect.Parameter.empty:
            raise ValueError(
                f"The module asks for {name}, which X does not tell; pass it yourself, as module__{name}=..."
            )
    return source(**{**{name: size for name, size in sizes.items() if name in accepted}, **params})


def build_optimizer(optimizer, module, lr, options):
    """An optimiser, by its name or class, of what a module trains."""
    known = {**_OPTIMIZERS, **({} if isinstance(optimizer, str) else {optimizer: optimizer})}
    if optimizer not in known:
        raise ValueError(f"optimizer must be one of {sorted(_OPTIMIZERS)} or a class, got {shown(optimizer)}.")
    if optimizer in _FUSED and _fits_fused(module, options):
        options = {**options, "fused": True}
    return known[optimizer]([p for p in module.parameters() if p.requires_grad], lr=lr, **options)


def _fits_fused(module, options):
    """Whether torch's fused kernels can update the module, and nothing was asked that they cannot do."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    known = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    sparse = any(getattr(part, "sparse", False) for part in module.modules())
    return known and not sparse and not {"fused", "foreach", "differentiable"} & options.keys()
