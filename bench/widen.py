"""Begin a wider network with what a narrower one has learned.

    python bench/widen.py src/ganvas/weights/restore.safetensors wide.safetensors --width 48
    ganvas train PHOTOS --task restore --start-from wide.safetensors --pixel-share 1

Channels are doubled, not made up: a new one is a copy of an old one, and whoever listened to the old one listens to
both, in shares drawn by chance that add up to what it heard before (Net2WiderNet, Chen et al. 2015, arXiv:1511.05641).
An upscaler (`plain`) paints the same as before; a restorer of depthwise blocks nearly so, because layer normalisation
counts the copies. Of a model with two ends the faithful one is taken. The card keeps what it says of training, and
loses scores and speed.
"""

import argparse
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from photographs.plain_errors import plain_errors
from torch import Tensor

from ganvas.model.photo import NAME, load_photo_model
from ganvas.model.save import write_tensors
from ganvas.network.layers.reparameterised import ReparameterisedConv

GATE = 2
"""Halves of the channels before a gate; each is widened by itself."""
PROJECTIONS = ("spatial", "4"), ("pointwise", "3")
"""The last convolutions of the two branches of a block."""
SHUFFLED = 4
"""Channels that one becomes before a pixel shuffle."""


def sources(old: int, new: int) -> Tensor:
    """Of which old channel each new one is a copy."""
    return torch.arange(new) % old


def copied(values: Tensor, origin: Tensor, repeats: int = 1) -> Tensor:
    """Rows for every new channel, which may stand as several rows together."""
    rows: Tensor = values.reshape(-1, repeats, *values.shape[1:])[origin]
    return rows.flatten(0, 1)


def shared(weight: Tensor, origin: Tensor, chance: torch.Generator) -> Tensor:
    """Columns for every new channel; the copies of one old channel share its weight."""
    shares = torch.rand((len(weight), len(origin)), generator=chance) + 0.5
    total = torch.zeros(len(weight), int(origin.max()) + 1).index_add_(1, origin, shares)
    shares = shares / total[:, origin]
    return weight[:, origin] * shares.reshape(*shares.shape, *[1] * (weight.dim() - 2))


def gated(values: Tensor, origin: Tensor) -> Tensor:
    """`copied` in each of the two halves that are multiplied."""
    return torch.cat([copied(half, origin) for half in values.chunk(GATE)])


def wider_restorer(weights: Mapping[str, Tensor], width: int, seed: int = 0) -> dict[str, Tensor]:
    """The weights of a `Unet` of depthwise blocks with more channels, at every scale by the same factor.

    Args:
        weights: Of the narrower one, by name.
        width: Channels of the finest scale of the wider one, at most twice those of the narrower.
        seed: For the shares.
    """
    chance = torch.Generator().manual_seed(seed)
    downs = sorted(key for key in weights if re.fullmatch(r"body\.downs\.\d+\.bias", key))
    old = [len(weights[key]) for key in ("from_image.bias", *downs)]
    origins = [sources(channels, channels * width // old[0]) for channels in old]
    done = {}
    for key, value in weights.items():
        match key.split("."):
            case ["from_image", _]:
                value = copied(value, origins[0])
            case ["to_image", _, "weight"]:
                value = shared(value, origins[0], chance)
            case ["body", "downs", scale, kind]:
                value = copied(value, origins[int(scale) + 1])
                value = shared(value, origins[int(scale)], chance) if kind == "weight" else value
            case ["body", "ups", scale, kind]:
                value = copied(value, origins[int(scale)], SHUFFLED)
                value = shared(value, origins[int(scale) + 1], chance) if kind == "weight" else value
            case ["body", stage, place, *_, ("spatial" | "pointwise") as branch, layer, kind] if layer != "0":
                origin = origins[-1 if stage == "bottom" else int(place)]
                value = copied(value, origin) if (branch, layer) in PROJECTIONS else gated(value, origin)
                value = shared(value, origin, chance) if kind == "weight" and value.shape[1] > 1 else value
            case ["body", stage, place, *_, "norm", _]:
                value = copied(value, origins[-1 if stage == "bottom" else int(place)])
        done[key] = value
    return done


def wider_upscaler(weights: Mapping[str, Tensor], width: int, seed: int = 0) -> dict[str, Tensor]:
    """The weights of a `PlainUpscaler` with more channels; the branches of each convolution begin as one.

    Args:
        weights: Of the narrower one, by name.
        width: Channels of the wider one, at most twice those of the narrower.
        seed: For the shares, and for what the branches start from.
    """
    old = len(weights["from_image.bias"])
    chance, origin = torch.Generator().manual_seed(seed), sources(old, width)
    done = {"to_image.bias": weights["to_image.bias"]}
    done |= {f"from_image.{kind}": copied(weights[f"from_image.{kind}"], origin) for kind in ("weight", "bias")}
    done["to_image.weight"] = shared(weights["to_image.weight"], origin, chance)
    for body in sorted({key.rsplit(".", 2)[0] for key in weights if key.startswith("body.")}):
        narrow, wide = ReparameterisedConv(old, old), _seeded(width, seed)
        narrow.load_state_dict({key: weights[f"{body}.{key}"] for key in narrow.state_dict()})
        kernel = shared(copied(narrow.kernel().detach(), origin), origin, chance)
        wide.full.weight.data += kernel - wide.kernel().detach()
        wide.full.bias = torch.nn.Parameter(copied(weights[f"{body}.full.bias"], origin))
        done |= {f"{body}.{key}": value.detach() for key, value in wide.state_dict().items()}
    return done


def _seeded(width: int, seed: int) -> ReparameterisedConv:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ReparameterisedConv(width, width)


@plain_errors()
def main() -> None:
    """Widen one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--width", type=int, required=True)
    asked = parser.parse_args()
    model = load_photo_model(asked.source, device="cpu")
    spec = model.descriptor.generators[NAME]
    plain = spec.architecture == "plain"
    if not plain and spec.arguments.get("block") != "depthwise":
        raise SystemExit(
            f"'{asked.source}' is neither a plain upscaler nor a U of depthwise blocks; only these are widened."
        )
    old = spec.arguments["width"]
    if not old < asked.width <= 2 * old:
        raise SystemExit(f"'{asked.source}' has {old} channels, so the width must be {old + 1} to {2 * old}.")
    widest = {} if plain else {"max_width": spec.arguments["max_width"] * asked.width // old}
    grown = {**spec.arguments, **widest, "width": asked.width}
    weights = (wider_upscaler if plain else wider_restorer)(model.faithful, asked.width)
    tensors = {f"{NAME}/{key}": value for key, value in weights.items()}
    card = {key: value for key, value in model.descriptor.card.items() if key not in ("scores", "speed")}
    card["config"] = {**card.get("config", {}), "width": asked.width}  # `ganvas train --start-from` reads it there
    described = replace(model.descriptor, generators={NAME: replace(spec, arguments=grown)}, card=card)
    write_tensors(asked.target, described, tensors)


if __name__ == "__main__":
    main()
