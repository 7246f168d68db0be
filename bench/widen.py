"""Make the network of an upscaler wider without changing what it paints, to train it further.

    python bench/widen.py src/ganvas/weights/upscale-4.safetensors wider.safetensors --width 96
    ganvas train PHOTOS --task upscale --scale 4 --width 96 --start-from wider.safetensors

Chen et al. 2016 (Net2Net, arXiv:1511.05641), in its plainest form: new channels of a `PlainUpscaler` have random
weights on their way in and none on their way out. Of a model with two ends the faithful one is taken. The script paints
a random picture with both networks and writes nothing if they differ. A deeper `Unet` needs no script: its blocks begin
at zero, so `ganvas train --start-from MODEL --blocks 3` does it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ganvas.model.descriptor import GeneratorSpec
from ganvas.model.photo import NAME, load_photo_model
from ganvas.model.save import save_model
from ganvas.network.image_to_image import build_image_to_image

LARGEST_DIFFERENCE = 1e-5


def widened(value: Tensor, fresh: Tensor) -> Tensor:
    """A fresh weight with the trained one in its first corner, which does not hear the new channels."""
    result = fresh.clone()
    if value.ndim > 1:
        result[: value.shape[0], value.shape[1] :] = 0
    result[tuple(slice(side) for side in value.shape)] = value
    return result


def main() -> None:
    """Widen one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, required=True, help="channels, more than the model has")
    asked = parser.parse_args()
    model = load_photo_model(asked.model, device="cpu")
    spec = model.descriptor.generators[NAME]
    if spec.architecture != "plain":
        raise SystemExit(f"'{asked.model}' is a network '{spec.architecture}'; only 'plain' can be widened here.")
    if asked.width <= spec.arguments["width"]:
        raise SystemExit(f"--width is {asked.width}, but '{asked.model}' has {spec.arguments['width']} already.")
    wider = GeneratorSpec(spec.architecture, {**spec.arguments, "width": asked.width})
    torch.manual_seed(0)
    network = build_image_to_image(wider.architecture, wider.arguments)
    fresh = network.state_dict()
    network.load_state_dict({key: widened(value, fresh[key]) for key, value in model.faithful.items()})
    given = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        off = float((network.eval()(given) - model.at(1.0)(given)).abs().max())
    if off > LARGEST_DIFFERENCE:
        raise SystemExit(f"The wider network paints something else, by {off:g}; nothing is written.")
    save_model(asked.out, replace(model.descriptor, generators={NAME: wider}), {NAME: network})


if __name__ == "__main__":
    main()
