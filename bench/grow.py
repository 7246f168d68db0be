"""Make the network of a photo model larger without changing what it paints, to train it further.

    python bench/grow.py src/ganvas/weights/restore.safetensors grown.safetensors --blocks 3
    python bench/grow.py src/ganvas/weights/upscale-4.safetensors grown.safetensors --width 96
    ganvas train PHOTOS --task restore --blocks 3 --start-from grown.safetensors

Chen et al. 2016 (Net2Net, arXiv:1511.05641), in its plainest form. New residual blocks (of a `Unet`) begin at zero as
those of a fresh network do; new channels (of a `PlainUpscaler`) have random weights on their way in and none on their
way out. Of a model with two ends the faithful one is taken. The script paints a random picture with both networks and
writes nothing if they differ.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ganvas.model.descriptor import GeneratorSpec
from ganvas.model.photo import NAME, load_photo_model
from ganvas.model.save import save_model
from ganvas.network.image_to_image import build_image_to_image

GROWS = {"unet": "blocks", "plain": "width"}
"""The argument of an architecture that can grow."""
LARGEST_DIFFERENCE = 1e-5


def grown(value: Tensor, fresh: Tensor) -> Tensor:
    """A fresh weight with the trained one in its first corner, which does not hear the new channels."""
    corner = tuple(slice(side) for side in value.shape)
    result = fresh.clone()
    if value.ndim > 1:
        result[: value.shape[0], value.shape[1] :] = 0
    result[corner] = value
    return result


def main() -> None:
    """Grow one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--blocks", type=int, help="residual blocks of a unet")
    parser.add_argument("--width", type=int, help="channels of a plain upscaler")
    asked = parser.parse_args()
    model = load_photo_model(asked.model, device="cpu")
    spec = model.descriptor.generators[NAME]
    name = GROWS.get(spec.architecture)
    size = getattr(asked, name) if name else None
    if name is None or size is None or size <= spec.arguments[name]:
        can = f"its {name} are {spec.arguments[name]}; give --{name} above that" if name else "it cannot grow here"
        raise SystemExit(f"'{asked.model}' is a network '{spec.architecture}': {can}.")
    larger = GeneratorSpec(spec.architecture, {**spec.arguments, name: size})
    torch.manual_seed(0)
    network: nn.Module = build_image_to_image(larger.architecture, larger.arguments)
    fresh = network.state_dict()
    network.load_state_dict({**fresh, **{key: grown(value, fresh[key]) for key, value in model.faithful.items()}})
    given = torch.rand(1, 3 + len(model.photo.inputs), 64, 64) * 2 - 1
    with torch.inference_mode():
        off = float((network.eval()(given) - model.at(1.0)(given)).abs().max())
    if off > LARGEST_DIFFERENCE:
        raise SystemExit(f"The larger network paints something else, by {off:g}; nothing is written.")
    save_model(asked.out, replace(model.descriptor, generators={NAME: larger}), {NAME: network})


if __name__ == "__main__":
    main()
