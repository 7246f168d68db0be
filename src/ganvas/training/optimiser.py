"""One optimizer for the generators, one for the critics, and how their moments are kept."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganvas.training.config import TrainingOptions


def build_optimiser(options: TrainingOptions, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimizer the options name, fused where the device has a fused form."""
    trained = list(parameters)
    fused = bool(trained) and trained[0].device.type in ("cpu", "cuda")
    if options.optimizer == "adam":
        betas = (options.beta1, options.beta2)
        return Adam(trained or [_nothing()], lr=options.lr, betas=betas, eps=1e-8, fused=fused)
    if options.optimizer == "rmsprop":
        return RMSprop(trained or [_nothing()], lr=options.lr, alpha=options.beta2)
    return SGD(trained or [_nothing()], lr=options.lr, momentum=options.beta1)


def set_schedule_(optimiser: Optimizer, lr: float, beta2: float) -> None:
    """Write the scheduled values into an optimizer."""
    for group in optimiser.param_groups:
        group["lr"] = lr
        if "betas" in group:
            group["betas"] = (group["betas"][0], beta2)
        elif "alpha" in group:
            group["alpha"] = beta2


def moments(optimiser: Optimizer, names: Mapping[Tensor, str]) -> dict[str, Tensor]:
    """An optimizer's state as ``{"<parameter name>.<moment>": tensor}``."""
    return {
        f"{names[parameter]}.{key}": torch.as_tensor(value)
        for parameter, state in optimiser.state.items()
        for key, value in state.items()
        if value is not None
    }


@torch.no_grad()
def restore_moments_(optimiser: Optimizer, names: Mapping[Tensor, str], saved: Mapping[str, Tensor]) -> None:
    """Put saved moments back, each with the strides of its parameter.

    Fused Adam on the CPU is silently wrong when a parameter is channels_last and its moments are contiguous,
    which is what a file gives back.
    """
    optimiser.state.clear()
    parameter_of = {name: parameter for parameter, name in names.items()}
    fused = bool(optimiser.defaults.get("fused"))
    for key, value in saved.items():
        name, moment = key.rsplit(".", 1)
        parameter = parameter_of[name]
        if moment == "step":
            restored = value.to(parameter.device if fused else "cpu", copy=True)
        else:
            restored = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        optimiser.state[parameter][moment] = restored


def _nothing() -> nn.Parameter:
    """A game without critics (or generators) still has an optimizer, over nothing that trains."""
    return nn.Parameter(torch.zeros(()), requires_grad=False)
