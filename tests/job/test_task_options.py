from typing import Any

import pytest

from ganvas.errors import UsageError
from ganvas.job.task_options import GENERATE, PHOTO, refuse_meaningless


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scale": 2}, "--scale does nothing for --task generate"),
        ({"pixel_share": 0.5}, "--pixel-share does nothing for --task generate"),
        ({"kind": "repair", "scale": 4}, r"--scale does nothing for --task repair \(it is for upscale\)"),
        ({"kind": "upscale", "latent_dim": 9}, "--latent-dim does nothing for --task upscale"),
        ({"kind": "restore", "labels": "none"}, "--labels does nothing"),
        ({"kind": "find-scratches", "adversarial_weight": 1.0}, "--adversarial-weight does nothing"),
        ({"kind": "find-scratches", "gamma": 1.0}, "--gamma does nothing"),
        ({"kind": "upscale", "fit": "crop"}, "--fit crop is not for --task upscale"),
        ({"fit": "tiles"}, "--fit tiles is not for --task generate"),
        (
            {"penalty": "none", "gamma": 1.0},
            "--gamma does nothing with --penalty none, which looks at no gradient; leave it out",
        ),
        ({"penalty": "clip", "gamma_final": 1.0}, "--gamma-final does nothing with --penalty clip"),
        ({"kind": "upscale", "pixel_share": 1.0, "gamma": 1.0}, "--gamma does nothing with --pixel-share 1"),
        ({"kind": "repair", "pixel_share": 1.0, "patience": 2}, "--patience does nothing with --pixel-share 1"),
        ({"kind": "restore", "perceptual_weight": 0.1}, "random features see no fine detail.*--features"),
    ],
)
def test_what_would_do_nothing_is_refused_by_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        refuse_meaningless(given)


@pytest.mark.parametrize("kind", [GENERATE, *PHOTO])
def test_what_means_something_everywhere_passes(kind: str) -> None:
    refuse_meaningless(
        {"kind": kind, "kimg": 3.0, "lr": 1e-3, "size": (64, 64), "network": "unet", "width": 8, "seed": 1}
    )


def test_what_means_something_for_a_task_passes() -> None:
    refuse_meaningless({"latent_dim": 9, "labels": "none", "mirror": True, "gamma": 1.0, "fit": "pad"})
    refuse_meaningless({"kind": "upscale", "scale": 4, "pixel_share": 0.5, "gamma": 1.0, "augment": ("flip",)})
    refuse_meaningless({"kind": "upscale", "pixel_share": 1.0, "fit": "tiles", "features": "mobilenet-v2"})
    refuse_meaningless({"kind": "restore", "perceptual_weight": 0.1, "features": "efficientnet-lite0"})
