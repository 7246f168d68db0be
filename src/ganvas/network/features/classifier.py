"""A small classifier that is trained here, on labelled pictures of one's own: what mode counting reads samples with."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganvas.device import place
from ganvas.draw import Draw
from ganvas.errors import DataError, FileError
from ganvas.files import atomic_path
from ganvas.network.features.interface import Channels, Seen
from ganvas.network.features.state import fill_
from ganvas.tensors import Levels

FORMAT = "ganvas-classifier-1"
FIRST_WIDTH, LARGEST_WIDTH, GRID = 16, 128, 4
SMALL_PX = 7
"""Maps are halved until they are about this large."""
SIDES_PX, MOST_CLASSES, LARGEST_DIM = (8, 256), 65536, 4096

BATCH, LARGEST_SAMPLE = 32, 2048
LEARNING_RATE, WARM_UP_SHARE, WEIGHT_DECAY, SMOOTHING = 1e-2, 0.2, 0.02, 0.05
SHIFT_SHARE, STRETCH, TURN_RAD = 1 / 14, 0.1, 0.15
"""Each picture is shown shifted (2 px of 28), stretched and turned by up to this, another way each time."""


@dataclass(frozen=True)
class _Shape:
    """What a file must say about a classifier."""

    side_px: int
    classes: int
    dim: int


@final
class Classifier(nn.Module):
    """Convolutions that halve the picture, and two linear layers.

    Args:
        side_px: Side of the square pictures it takes.
        classes: Number of classes.
        dim: Length of its features: the layer before the logits.
    """

    side_px: int
    dim: int
    classes: int
    offset: Channels = (127.5, 127.5, 127.5)
    scale: Channels = (127.5, 127.5, 127.5)

    def __init__(self, side_px: int, classes: int, dim: int = 128):
        super().__init__()
        self.side_px, self.classes, self.dim = side_px, classes, dim
        halvings = max(1, round(math.log2(side_px / SMALL_PX)))
        widths = [min(FIRST_WIDTH << step, LARGEST_WIDTH) for step in range(halvings + 1)]
        self.blocks = nn.ModuleList(
            _block(before, after, 5 if before == 3 else 3)
            for before, after in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.embed = nn.Linear(widths[-1] * GRID**2, dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, images: Tensor) -> Seen:
        """Features ``(N, dim)``, none negative, and logits ``(N, classes)`` of ``(N, 3, side, side)`` in [-1, 1]."""
        grid = F.adaptive_avg_pool2d(self.stages(images)[-1], GRID)
        features = F.relu(self.embed(grid.flatten(1)))
        return Seen(features, self.head(features))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The map of each resolution: the picture's, half of it, and so on down to about 7 px."""
        maps = [self.blocks[0](images)]
        for block in self.blocks[1:]:
            maps.append(block(F.max_pool2d(maps[-1], 2)))
        return tuple(maps)


def _block(before: int, after: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())


def train_classifier(
    levels: Levels,
    labels: NDArray[np.integer[Any]],
    *,
    epochs: int = 6,
    seed: int = 0,
    side_px: int | None = None,
    dim: int = 128,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Train a classifier by cross-entropy; AdamW, warm-up and cosine, small warps, smoothed labels.

    Args:
        levels: uint8 ``(N, H, W, C)``, C 1 or 3; grey pictures are seen as RGB.
        labels: Whole numbers ``(N,)`` from 0 on; there are as many classes as the largest one says.
        epochs: How often each picture is seen.
        seed: The same seed gives the same classifier on the same machine.
        side_px: Pictures are stretched to this side; the larger side of the pictures by default, from 8 to 64.
        dim: Length of the features.
        device: Where to train.

    Returns:
        The classifier in eval mode on the CPU.

    Raises:
        DataError: The pictures and labels do not fit, or there are fewer than two classes.
    """
    targets = _checked(levels, labels)
    side_px = min(max(*levels.shape[1:3], SIDES_PX[0]), 64) if side_px is None else side_px
    with torch.random.fork_rng(devices=[]):  # torch's own initial values leave no trace
        network = Classifier(side_px, int(targets.max()) + 1, dim)
    _initialise_(network, seed)
    place(network, torch.device(device))
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-len(levels) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / steps))
    draw = Draw(seed, len(levels))
    for epoch in range(epochs):
        order = draw.named("order", epoch).uniform().argsort()
        warps = draw.named("warps", epoch).uniform(5, low=-1, high=1)
        for rows in order.split(BATCH):
            images = _warped(_input(levels[rows.numpy()], network).to(device), warps[rows].to(device))
            images = images.contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(network(images).logits, targets[rows].to(device), label_smoothing=SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    _settle_statistics_(network, levels, draw.named("statistics").uniform().argsort(), torch.device(device))
    return network.cpu().eval().requires_grad_(False)


@torch.no_grad()
def _settle_statistics_(network: Classifier, levels: Levels, order: Tensor, device: torch.device) -> None:
    """The final weights' own statistics; running averages would lag behind in a short training."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    for rows in order[:LARGEST_SAMPLE].split(BATCH):
        network(_input(levels[rows.numpy()], network).to(device))


def _checked(levels: Levels, labels: NDArray[np.integer[Any]]) -> Tensor:
    if levels.ndim != 4 or levels.shape[3] not in (1, 3) or levels.dtype != np.uint8 or min(levels.shape) < 1:
        raise DataError(
            f"A classifier learns from 8-bit pictures (N, H, W, 1 or 3), not from {levels.dtype} {levels.shape}; "
            "convert them to grey or RGB."
        )
    if labels.shape != levels.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{len(levels)} pictures need as many labels that are whole numbers, not {labels.dtype} {labels.shape}."
        )
    if labels.min() < 0 or len(np.unique(labels)) < 2 or labels.max() >= MOST_CLASSES:
        raise DataError(
            f"The labels go from {labels.min()} to {labels.max()}; a classifier needs two or more different ones from "
            f"0 to {MOST_CLASSES - 1}."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _input(levels: Levels, network: Classifier) -> Tensor:
    images = torch.from_numpy(levels).permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1)
    if images.shape[-2:] != (network.side_px, network.side_px):
        sides = (network.side_px, network.side_px)
        images = F.interpolate(images, sides, mode="bicubic", antialias=True).clamp(0, 255)
    return (images - network.offset[0]) / network.scale[0]


def _warped(images: Tensor, drawn: Tensor) -> Tensor:
    """Each picture ``(N, 3, S, S)`` turned, stretched and shifted by ``drawn``, ``(N, 5)`` in [-1, 1]."""
    turn, (across, down) = drawn[:, 0] * TURN_RAD, (1 + drawn[:, 1:3] * STRETCH).unbind(1)
    shift = drawn[:, 3:] * (2 * SHIFT_SHARE)  # a grid spans 2
    columns = [torch.stack([across * turn.cos(), across * turn.sin()], 1)]
    columns += [torch.stack([-down * turn.sin(), down * turn.cos()], 1), shift]
    grid = F.affine_grid(torch.stack(columns, 2), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _rate(share: float) -> float:
    """Factor of the learning rate after a share of the steps."""
    if share < WARM_UP_SHARE:
        return 0.1 + 0.9 * share / WARM_UP_SHARE
    return 0.5 + 0.5 * math.cos(math.pi * (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))


def _initialise_(network: Classifier, seed: int) -> None:
    """He's initial weights (arXiv:1502.01852), the same on every device."""
    for name, layer in network.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            fan_in = layer.weight[0].numel()
            drawn = Draw(seed, len(layer.weight)).named("weights", name).normal(*layer.weight.shape[1:])
            with torch.no_grad():
                layer.weight.copy_(drawn * math.sqrt(2 / fan_in))
                if layer.bias is not None:
                    layer.bias.zero_()


@torch.inference_mode()
def read_levels(classifier: Classifier, levels: Levels) -> Tensor:
    """Logits ``(N, classes)`` of pictures ``(N, H, W, 1 or 3)``, on the classifier's device."""
    seen: Seen = classifier(_input(levels, classifier).to(classifier.head.weight.device))
    return seen.logits


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write a classifier as one safetensors file, its shape as JSON in the header.

    Raises:
        FileError: The file cannot be written.
    """
    shape = _Shape(classifier.side_px, classifier.classes, classifier.dim)
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in classifier.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"format": FORMAT, "classifier": json.dumps(asdict(shape))})


def load_classifier(path: Path) -> Classifier:
    """Read what `save_classifier` wrote. The file may come from anybody; nothing in it is executed.

    Returns:
        The classifier in eval mode on the CPU.

    Raises:
        FileError: The file is absent, damaged, hostile or no classifier.
    """
    if not path.is_file():
        raise FileError(f"There is no classifier file '{path}'; train one and give its file with --weights FILE.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise FileError(f"'{path}' is a safetensors file, but not a ganvas classifier ({FORMAT}).")
            shape = _shape(metadata.get("classifier", ""), path)
            with torch.device("meta"):  # shapes only: a lying header must not allocate anything
                network = Classifier(shape.side_px, shape.classes, shape.dim)
            wanted = network.state_dict()
            if {key: list(value.shape) for key, value in wanted.items()} != _shapes(file):
                raise FileError(f"'{path}' does not hold the classifier that it describes; get the file again.")
            tensors = {key: file.get_tensor(key).clone() for key in wanted}  # of its own: Windows locks mapped files
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"'{path}' is not a readable safetensors file ({error}); get it again.") from error
    fill_(network, tensors, str(path))
    return network.eval().requires_grad_(False)


def _shapes(file: Any) -> dict[str, list[int]]:
    return {key: list(file.get_slice(key).get_shape()) for key in file.keys()}


def _shape(text: str, path: Path) -> _Shape:
    """The shape in a header, within what a classifier may have."""
    limits = {"side_px": SIDES_PX, "classes": (2, MOST_CLASSES), "dim": (1, LARGEST_DIM)}
    try:
        raw = json.loads(text[:1000])
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or set(raw) != set(limits):
        raise FileError(f"The description of the classifier in '{path}' is damaged; get the file again.")
    for name, (low, high) in limits.items():
        if type(raw[name]) is not int or not low <= raw[name] <= high:
            raise FileError(f"'{path}' describes a classifier with {name} {raw[name]!r:.40}, not {low} to {high}.")
    return _Shape(raw["side_px"], raw["classes"], raw["dim"])
