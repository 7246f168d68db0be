"""What repair, restoration and enlargement share: one network paints a photograph, one critic looks at patches.

Each of the three says how a clean photograph becomes a problem and how the painting is put in; everything else is here.
The budget is spent in the order of DeOldify's NoGAN: first pixels, then the critic alone, then both for a short while.
The end of the first stage is kept as the faithful end of the model; what a trained network sees counts only after it,
because it asks for detail that looks right in place of the mean of what could be there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.metric.diversity import random_feature_distance
from ganvas.model.photo import FAITHFUL
from ganvas.network.features import Loaded
from ganvas.objective.reconstruction import charbonnier, frequency, perceptual
from ganvas.tensors import Images, PerSample
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row, Stage, Stop, Term

EXACT, INVENTING = {"invention": 0.0}, {"invention": 1.0}
"""What a `GatedUnet` may do in the pixel stage and with a critic."""
CRITIC_SHARE = 0.2
"""Of what the pixel stage leaves, the part in which the critic learns alone what the generator paints."""
CELL_PX = 8
"""Side of the cells in which `detail_distance` takes the energy of detail."""
ROUNDING = (1 / 127.5) ** 2 / 12
"""Mean square error that rounding to 256 levels makes in [-1, 1]: smaller ones are nothing."""
BEST_PSNR = 58.9
"""What that leaves, decibels."""


@dataclass(frozen=True)
class Weights:
    """Of the terms of the generator's loss.

    Attributes:
        pixel: Of `charbonnier`.
        frequency: Of `frequency`.
        perceptual: Of `perceptual`, in a trained feature network; where there is a critic, beside it alone.
        adversarial: Of the critic's word. What it is multiplied by, the other terms are divided by instead: Adam does
            not see the difference, and the loop gives the critic's word the weight 1.
    """

    pixel: float = 1.0
    frequency: float = 5.0
    perceptual: float = 0.0
    adversarial: float = 1.0


@dataclass(frozen=True)
class PhotoTask:
    """One network for photographs, and a patch critic where a part of the budget is adversarial.

    Attributes:
        name: What the task is called.
        pose: From clean photographs ``(N, 3, H, W)`` to a problem: ``picture`` ``(N, 3, h, w)``, what is given;
            ``target``, what should become of it; and the planes ``mask`` and ``strength`` where there are any, at the
            size of the picture.
        plain: What a user has without us, at the target's size: for previews and as the yardstick of the gain.
        make_generator: Builds an `ImageToImage`.
        make_discriminator: Builds the critic ``(images, mask or None) -> Judgement``; None without adversarial part.
        description: What a model file must say to rebuild the generator.
        weights: Of the terms.
        pixel_share: Part of the budget in which the critic rests; 1 where there is no critic.
        patience: Evaluations without a better ``detail_distance`` that end the adversarial stage; 0 for never.
        features: A trained network that sees both pictures, for the perceptual term and score.
    """

    name: str
    pose: Callable[[Images, Draw], Problem]
    plain: Callable[[Problem], Images]
    make_generator: Callable[[], nn.Module]
    make_discriminator: Callable[[], nn.Module] | None = None
    description: Mapping[str, Any] = field(default_factory=dict)
    weights: Weights = Weights()
    pixel_share: float = 1.0
    patience: int = 0
    features: Loaded | None = None

    @property
    def terms(self) -> Sequence[Term]:
        """Pixels, frequencies and, with a feature network, what it sees."""
        found = [Term("pixel", self.weights.pixel, _pixel), Term("frequency", self.weights.frequency, _frequency)]
        if self.features is not None and self.weights.perceptual:
            found.append(Term("perceptual", self.weights.perceptual, self._perceptual))
        return tuple(term for term in found if term.weight)

    @property
    def stages(self) -> Sequence[Stage]:
        """Pixels; then, where there is a critic, the critic alone, and both."""
        if self.make_discriminator is None:
            return (Stage("pixel", critics=False, buffers=EXACT),)
        rest = 1 - self.pixel_share
        exact = {term.name: 0.0 for term in self.terms if term.name == "perceptual"}
        joint = {term.name: term.weight / self.weights.adversarial for term in self.terms}
        stop = Stop("detail_distance", self.patience) if self.patience else None
        return (
            Stage("pixel", self.pixel_share, critics=False, weights=exact, buffers=EXACT, snapshot=FAITHFUL),
            Stage("critic", rest * CRITIC_SHARE, generators=False, buffers=INVENTING),
            Stage("joint", rest * (1 - CRITIC_SHARE), weights=joint, buffers=INVENTING, stop=stop),
        )

    def players(self) -> Players:
        """The generator, the critic if there is one, and the feature network if there is one."""
        generators = {"generator": self.make_generator()}
        critics = {} if self.make_discriminator is None else {"discriminator": self.make_discriminator()}
        frozen = {} if self.features is None else {"features": _module(self.features)}
        return Players(generators, critics, frozen=frozen)

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        """What has become of clean photographs."""
        return self.pose(batch["image"], draw)

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        """The whole picture: where there is a mask, painted inside and given outside."""
        network = networks["generator"]
        names: tuple[str, ...] = network.inputs  # type: ignore[assignment]
        planes = [problem[name].to(problem["picture"]) for name in names]
        image: Tensor = network(torch.cat([problem["picture"], *planes], 1)).float()
        if "mask" in problem:
            image = torch.where(problem["mask"].bool(), image, problem["target"])
        return {"image": image}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        """The critic compares what was painted with what was there; its word counts where something was painted."""
        if self.make_discriminator is None:
            return ()
        mask = problem.get("mask")
        return (Row("discriminator", problem["target"], painted["image"], mask, mask, masked=mask is not None),)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        """Columns of three: what was given, what was painted, what it should be; ``(N, 3, 3 H, W)``."""
        problem = self.problem(batch, draw)
        return torch.cat([self.plain(problem), self.paint(networks, problem)["image"], problem["target"]], 2)

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        """How far the painted pictures are from the targets, and whether their detail is alike.

        Returns:
            ``psnr`` in RGB, decibels, mean over pictures; where there are holes inside of them alone, and without
            pictures that nothing has happened to. ``psnr_gain`` over `plain`. ``l1`` in levels of 256.
            ``detail_distance``, which falls when blur gives way to texture that could be real. ``perceptual``, where
            there is a feature network.
        """
        problem = self.problem(batch, draw.named("problem"))
        painted, target = self.paint(networks, problem)["image"].clamp(-1, 1), problem["target"]
        mask = problem.get("mask")
        ours, theirs = _psnr(painted, target, mask), _psnr(self.plain(problem), target, mask)
        harmed = theirs < BEST_PSNR
        if harmed.any():
            ours, theirs = ours[harmed], theirs[harmed]
        found = {
            "psnr": float(ours.mean()),
            "psnr_gain": float((ours - theirs).mean()),
            "l1": float(_inside((painted - target).abs(), mask).mean() * 127.5),
            "detail_distance": detail_distance(painted, target, mask),
        }
        if self.features is not None:
            found["perceptual"] = float(self._perceptual(problem, {"image": painted}, networks).mean())
        return found

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        """How to rebuild the generator."""
        return {"generator": self.description}

    def _perceptual(self, problem: Problem, painted: Painted, networks: Networks) -> Tensor:
        seen, features = self.features, networks["features"]
        assert seen is not None

        def stages(images: Images) -> Sequence[Tensor]:
            offset, scale = (images.new_tensor(part).view(1, 3, 1, 1) for part in (seen.offset, seen.scale))
            maps: Sequence[Tensor] = features.stages((images * 127.5 + 127.5 - offset) / scale)  # type: ignore[operator]
            return maps

        return perceptual(painted["image"], problem["target"], stages) / _area(problem).sqrt()


def detail_distance(painted: Images, target: Images, mask: Tensor | None = None) -> float:
    """How different the fine detail of two sets of pictures is: Fréchet distance of its energies, cell by cell.

    Of each cell of 8x8 pixels and each channel, the logarithm of the mean square of what lies between a pixel and its
    3x3 neighbourhood, and between that and its 5x5 one. Pictures are not compared one by one, so texture that is
    plausible but lies elsewhere costs nothing, and smooth surfaces or noise in its place cost much.

    Args:
        painted: ``(N, C, H, W)`` in [-1, 1].
        target: The same shape.
        mask: ``(N, 1, H, W)``; where it is given, only cells that are painted for the most part count, if there are
            any.

    Returns:
        0 for equal sets, in units of the variance of the target's energies.
    """
    ours, theirs = _energies(painted), _energies(target)
    if mask is not None:
        holed = F.avg_pool2d(mask, CELL_PX).flatten() > 0.5
        if int(holed.sum()) > 1:
            ours, theirs = ours[holed], theirs[holed]
    return random_feature_distance(ours, theirs)


def _energies(images: Images) -> Tensor:
    """Logarithms of the energy of two bands in every cell, ``(cells, 2 C)``."""
    near, far = (F.avg_pool2d(F.pad(images, (r, r, r, r), mode="replicate"), 2 * r + 1, 1) for r in (1, 2))
    bands = torch.cat([images - near, near - far], 1)
    energy = F.avg_pool2d(bands.square(), CELL_PX) + ROUNDING
    return energy.log().movedim(1, 3).flatten(0, 2)


def _pixel(problem: Problem, painted: Painted, networks: Networks) -> PerSample:
    """A small hole counts as much as a large one."""
    return charbonnier(painted["image"], problem["target"]) / _area(problem)


def _frequency(problem: Problem, painted: Painted, networks: Networks) -> PerSample:
    """A hole's difference spreads over all frequencies, which leaves the root of its area in each."""
    return frequency(painted["image"], problem["target"]) / _area(problem).sqrt()


def _area(problem: Problem) -> PerSample:
    """The part of each picture that is painted, ``(N,)``."""
    if "mask" not in problem:
        return torch.ones(len(problem["target"]), device=problem["target"].device)
    return problem["mask"].mean((1, 2, 3)).clamp(min=0.01)


def _inside(values: Tensor, mask: Tensor | None) -> PerSample:
    """The mean over the picture, or over its holes, ``(N,)``."""
    if mask is None:
        return values.flatten(1).mean(1)
    mask = mask.expand_as(values)
    return (values * mask).flatten(1).sum(1) / mask.flatten(1).sum(1).clamp(min=1)


def _psnr(painted: Images, target: Images, mask: Tensor | None) -> PerSample:
    """``10 log10(peak^2 / MSE)`` with a peak of 2, the range of images; at most what rounding leaves."""
    return 10 * (4 / _inside((painted - target).square(), mask).clamp(min=ROUNDING)).log10()


def _module(features: Loaded) -> nn.Module:
    assert isinstance(features.network, nn.Module)
    return features.network
