"""Makes `protocol_vectors.safetensors` and the ten pictures beside it from the tools themselves; no test runs this.

    pip download --no-deps clean-fid==0.1.35 pytorch-fid==0.3.0 torch-fidelity==0.4.0 lpips==0.1.4
    # and unzip all four in one folder TOOLS
    python tests/metric/data/make_protocol_vectors.py TOOLS [--emoji FOLDER]

Each tool's own forward pass is run from the decoded picture to the first layer of its network, which is replaced by
one that keeps its input; LPIPS likewise on random maps in place of its network's. The tools import torchvision and
requests, which none of this needs, so stand-ins are enough. `--emoji` makes the pictures anew, from the first ten
drawings of a folder of Noto Emoji (Apache-2.0).
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file
from torch import Tensor

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
VECTORS = HERE / "protocol_vectors.safetensors"
SIDE_PX = 299
SAMPLED = (0, 1, 2, 60, 97, 98, 149, 150, 201, 240, 297, 298)
"""Rows and columns that are kept as they are: both edges, and pairs of neighbours between them."""
PROJECTIONS = 8
FLAGS = "1f1"
"""Names of national flags start so."""


class Seen(Exception):
    """Carries a network's input out of a forward pass."""

    def __init__(self, images: Tensor):
        self.images = images


def stop(images: Tensor) -> Tensor:
    raise Seen(images)


def clean(forward: Any, build_resizer: Any) -> Callable[[Path], Tensor]:
    """clean-fid, mode "clean"."""
    resizer = build_resizer("clean")

    def input_of(path: Path) -> Tensor:
        resized = resizer(np.array(Image.open(path).convert("RGB")))  # float32 (299, 299, 3), 0 to 255
        forward(
            SimpleNamespace(resize_inside=False, layers=SimpleNamespace(forward=stop)),
            torch.from_numpy(resized.transpose(2, 0, 1))[None],
        )
        raise AssertionError("the network was not reached")

    return input_of


def pytorch_fid(forward: Any) -> Callable[[Path], Tensor]:
    """pytorch-fid; torchvision's ToTensor, which it calls, divides by 255."""

    def input_of(path: Path) -> Tensor:
        unit = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None].float().div(255)
        forward(SimpleNamespace(resize_input=True, normalize_input=True, blocks=[stop]), unit)
        raise AssertionError("the network was not reached")

    return input_of


def torch_fidelity(forward: Any) -> Callable[[Path], Tensor]:
    """torch-fidelity, whose resize is TensorFlow 1's."""
    network = SimpleNamespace(
        features_list=["2048"],
        feature_extractor_internal_dtype=torch.float32,
        INPUT_IMAGE_SIZE=SIDE_PX,
        Conv2d_1a_3x3=stop,
    )

    def input_of(path: Path) -> Tensor:
        forward(network, torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None])
        raise AssertionError("the network was not reached")

    return input_of


def tools(folder: Path) -> dict[str, Callable[[Path], Tensor]]:
    """What each tool's network sees of a file, by the protocol's name; packages unzipped in one folder."""
    sys.path.insert(0, str(folder))
    torchvision, blocks = ModuleType("torchvision"), ("InceptionA", "InceptionC", "InceptionE")
    inception = SimpleNamespace(**dict.fromkeys(blocks, torch.nn.Module))
    vars(torchvision)["models"] = SimpleNamespace(inception=inception)  # pytorch-fid's blocks, not run, inherit them
    sys.modules |= {"torchvision": torchvision, "requests": ModuleType("requests")}
    package = ModuleType("torch_fidelity")  # without running its __init__, which imports every extractor
    package.__path__ = [str(folder / "torch_fidelity")]
    sys.modules["torch_fidelity"] = package
    clean_network = importlib.import_module("cleanfid.inception_torchscript").InceptionV3W
    clean_resize = importlib.import_module("cleanfid.resize").build_resizer
    pytorch_network = importlib.import_module("pytorch_fid.inception").InceptionV3
    tf_network = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    return {
        "clean": clean(clean_network.forward, clean_resize),
        "pytorch-fid": pytorch_fid(pytorch_network.forward),
        "tf": torch_fidelity(tf_network.forward),
    }


def make_pictures(folder: Path) -> None:
    """Ten small files: PNG and JPEG, odd sizes, larger and smaller than the network's, its own, grey."""
    with os.scandir(folder) as entries:
        drawings = (entry.path for entry in entries if entry.name.endswith(".png") and not entry.name.startswith(FLAGS))
        names = sorted(islice(drawings, 10))
    PICTURES.mkdir(exist_ok=True)
    on_white = []
    for name in names:
        drawing = Image.open(name).convert("RGBA")
        on_white.append(Image.alpha_composite(Image.new("RGBA", drawing.size, "white"), drawing).convert("RGB"))
    cubic = Image.Resampling.BICUBIC
    on_white[0].save(PICTURES / "0-64.png")
    on_white[1].save(PICTURES / "1-64-q75.jpg", quality=75)
    on_white[2].save(PICTURES / "2-64-q90.jpg", quality=90)
    on_white[3].crop((5, 9, 58, 46)).save(PICTURES / "3-odd.png")
    on_white[4].crop((2, 3, 49, 64)).save(PICTURES / "4-odd-q75.jpg", quality=75)
    on_white[5].resize((331, 307), cubic).save(PICTURES / "5-large-q90.jpg", quality=90)
    on_white[6].convert("L").save(PICTURES / "6-grey.png")
    on_white[7].resize((SIDE_PX, SIDE_PX), cubic).save(PICTURES / "7-same-q75.jpg", quality=75)
    on_white[8].resize((640, 481), cubic).save(PICTURES / "8-larger-q75.jpg", quality=75)
    on_white[9].crop((26, 30, 31, 33)).save(PICTURES / "9-tiny.png")


def lpips_vectors() -> dict[str, NDArray[Any]]:
    """Random maps of two layers, channel weights, and what LPIPS's own forward pass makes of them, with and without."""
    sys.modules["lpips.trainer"] = ModuleType("lpips.trainer")
    forward = importlib.import_module("lpips").LPIPS.forward
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 4, 5, 6), (2, 7, 3, 2))
    maps = [[torch.randn(shape, generator=generator).relu() for shape in shapes] for _ in "ab"]
    weights = [torch.rand(1, shape[1], 1, 1, generator=generator) for shape in shapes]
    vectors: dict[str, NDArray[Any]] = {}
    for name, weighted in (("weighted", True), ("plain", False)):
        seen = iter(maps)
        network = SimpleNamespace(
            version="0.1",
            scaling_layer=lambda images: images,
            net=SimpleNamespace(forward=lambda images, seen=seen: next(seen)),
            L=len(shapes),
            lpips=weighted,
            spatial=False,
            lins=[lambda map_, weight=weight: (map_ * weight).sum(1, keepdim=True) for weight in weights],
        )
        vectors[f"lpips.{name}"] = forward(network, torch.zeros(2, 3), torch.zeros(2, 3)).numpy()
    for layer, weight in enumerate(weights):
        vectors[f"lpips.weights.{layer}"] = weight.numpy()
        vectors |= {f"lpips.{side}.{layer}": maps[row][layer].numpy() for row, side in enumerate("ab")}
    return vectors


def digest(images: Tensor, signs: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Few numbers that any change of an input ``(1, 3, 299, 299)`` would move: sampled pixels and projections."""
    picture = images[0].double().numpy()
    chosen = picture[:, SAMPLED][:, :, SAMPLED].astype(np.float32)
    weighted = np.tensordot([1.0, -2.0, 3.0], picture, 1)
    return chosen, (signs @ weighted @ signs.T / SIDE_PX).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path)
    parser.add_argument("--emoji", type=Path)
    request = parser.parse_args()
    if request.emoji:
        make_pictures(request.emoji)
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (PROJECTIONS, SIDE_PX))
    vectors: dict[str, NDArray[Any]] = {"signs": signs, "sampled": np.array(SAMPLED)}
    for protocol, input_of in tools(request.tools).items():
        digests = []
        for path in sorted(PICTURES.iterdir()):
            try:
                input_of(path)
            except Seen as seen:
                digests.append(digest(seen.images, signs))
        vectors[f"{protocol}.pixels"] = np.stack([pixels for pixels, _ in digests])
        vectors[f"{protocol}.projections"] = np.stack([projections for _, projections in digests])
    vectors |= lpips_vectors()
    save_file({name: np.ascontiguousarray(vector) for name, vector in vectors.items()}, VECTORS)


if __name__ == "__main__":
    main()
