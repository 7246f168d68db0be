from typing import Any

import pytest
import torch

from ganvas.data.labels import no_labels
from ganvas.errors import UnknownName, UsageError
from ganvas.job.networks import build_task
from ganvas.job.photo_plan import NETWORKS, best_by
from ganvas.job.plan import Pictures, complete
from ganvas.training.aim import Aim
from ganvas.training.config import TrainConfig

KINDS = list(NETWORKS)


def planned(kind: str, short_px: int = 2000, device: str = "cpu", **given: Any) -> TrainConfig:
    pictures = Pictures(100, (64, 64), 1, short_px=short_px)
    return complete({"kind": kind, **given}, pictures, torch.device(device))


@pytest.fixture(autouse=True)
def any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.device.gains_from_bfloat16", lambda device: device.type == "cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_filled_in(kind: str, device: str) -> None:
    config = planned(kind, device=device)
    assert config.task.kind == kind
    assert (config.data.fit, config.data.channels, config.data.labels) == ("tiles", 3, "none")
    assert config.network.generator == NETWORKS[kind][0]
    assert config.network.discriminator == ("none" if kind == "find-scratches" else "patch")
    options = config.training
    pixels = 1.0 if kind == "find-scratches" else 0.8
    assert (options.lr, options.lr_final) == (1e-3, 1e-6 if pixels == 1 else 1e-4)
    assert options.burn_in_kimg == pytest.approx(pixels * options.kimg)
    assert options.gamma == options.gamma_final > 0
    assert options.micro_batch == options.batch
    assert 0 < options.ema_kimg < options.kimg / 10


@pytest.mark.parametrize("kind", KINDS)
def test_two_crops_fit_into_most_photographs(kind: str) -> None:
    for short_px in (40, 100, 130, 200, 5000):
        height, width = planned(kind, short_px).data.size
        assert height == width
        assert 2 * height <= short_px
        assert height % 8 == 0
    assert planned("upscale", 100, scale=3).data.size == (48, 48)


def test_what_is_given_wins_and_what_follows_from_it_follows() -> None:
    config = planned("upscale", size=(48, 64), kimg=10.0, batch=4, gamma=0.5, checkpoint_every_kimg=3.0, width=16)
    assert (config.data.size, config.network.width) == ((48, 64), 16)
    options = config.training
    assert (options.burn_in_kimg, options.micro_batch, options.gamma_final, options.evaluate_every_kimg) == (
        8,
        4,
        0.5,
        3,
    )


def test_pixels_alone_learn_at_a_falling_rate_to_the_end() -> None:
    options = planned("restore", pixel_share=1.0, kimg=10.0).training
    assert (options.burn_in_kimg, options.lr_final) == (10, 1e-6)


def test_a_wider_enlargement_has_a_deeper_network() -> None:
    assert [planned("upscale", scale=scale).network.blocks for scale in (2, 4)] == [6, 10]


def test_a_network_of_another_task_is_named() -> None:
    with pytest.raises(UnknownName, match=r"no network for --task repair 'plain'. .*gated-unet, unet"):
        planned("repair", network="plain")


@pytest.mark.parametrize(("kind", "network"), [(kind, network) for kind in KINDS for network in NETWORKS[kind]])
def test_networks_that_cannot_be_built_are_refused_by_their_flags(kind: str, network: str) -> None:
    most = 5 if network == "gated-unet" else 32
    build_task(planned(kind, network=network, width=4, blocks=most), no_labels(1, ""))
    with pytest.raises(UsageError, match=rf"^--blocks is {most + 1}, but '{network}' takes at most {most}; give"):
        planned(kind, network=network, width=4, blocks=most + 1)
    with pytest.raises(UsageError, match=rf"^--width is 8193, but '{network}' takes at most (2048|8192); give"):
        planned(kind, network=network, width=8193)


@pytest.mark.parametrize(
    ("kind", "alone", "features", "score"),
    [
        ("upscale", True, "random", "psnr:higher"),
        ("upscale", True, "mobilenet-v2", "psnr:higher"),
        ("restore", False, "random", "detail_distance"),
        ("repair", False, "efficientnet-lite0", "perceptual"),
        ("find-scratches", True, "random", "f1:higher"),
    ],
)
def test_what_the_best_is_chosen_by(kind: str, alone: bool, features: str, score: str) -> None:
    assert best_by(kind, alone, features) == score
    assert Aim.parse(score).higher_is_better is score.endswith("higher")


def test_without_a_critic_pixels_decide() -> None:
    config = planned("restore", pixel_share=1.0)
    assert (config.network.discriminator, config.training.best_by) == ("none", "psnr:higher")
    assert planned("restore").training.best_by == "detail_distance"
