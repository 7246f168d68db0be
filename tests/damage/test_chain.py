from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from ganvas.damage.chain import RESTORE, SHRINK, compressed, damaged_photograph, shrunk_photograph
from ganvas.draw import Draw
from ganvas.tensors import Images
from tests.damage.photographs import scenes

NOTHING: dict[str, Any] = {
    f"{kind}_share": 0.0 for kind in ("blur", "noise", "jpeg", "twice", "rescale", "fade", "early")
}


def test_strength_0_is_the_picture_itself_and_strength_1_is_worse_than_a_half() -> None:
    images = scenes(40, 32, 32).repeat(10, 1, 1, 1)
    damaged, strength = damaged_photograph(images, Draw(0, 400))
    error = (damaged - images).abs().mean((1, 2, 3))
    untouched = strength == 0
    assert 0.05 < float(untouched.float().mean()) < 0.16
    assert torch.equal(damaged[untouched], images[untouched])
    assert float(strength.max()) > 0.95
    assert float(strength.max()) <= 1
    low, high = error[(strength > 0) & (strength < 0.4)].mean(), error[strength > 0.6].mean()
    assert 1.5 * low < high


@pytest.mark.parametrize("kind", ["blur", "noise", "jpeg", "rescale", "fade"])
def test_each_kind_reaches_the_picture(kind: str) -> None:
    images, draw = scenes(12, 32, 32), Draw(1, 12)
    whole, _ = damaged_photograph(images, draw, replace(RESTORE, **NOTHING))
    torch.testing.assert_close(whole, images, atol=1e-5, rtol=0)
    one, strength = damaged_photograph(images, draw, replace(RESTORE, **{**NOTHING, f"{kind}_share": 1.0}))
    error = (one - images).abs().mean((1, 2, 3))
    assert (error[strength > 0.3] > 0.002).all()


def test_a_second_compression_and_early_noise_make_a_difference() -> None:
    images, draw = scenes(12, 32, 32), Draw(2, 12)
    base = {**NOTHING, "jpeg_share": 1.0, "noise_share": 1.0, "blur_share": 1.0}
    plain, _ = damaged_photograph(images, draw, replace(RESTORE, **base))
    for share in ("twice_share", "early_share"):
        other, _ = damaged_photograph(images, draw, replace(RESTORE, **{**base, share: 1.0}))
        assert not torch.equal(other, plain)


def test_noise_of_full_strength_has_the_level_that_is_stated() -> None:
    images = torch.zeros(200, 3, 24, 24)
    ranges = replace(RESTORE, **{**NOTHING, "noise_share": 1.0}, photon=0.0, clean=0.0, jitter=(1.0, 1.0))
    damaged, strength = damaged_photograph(images, Draw(3, 200), ranges)
    levels = damaged.std((1, 2, 3)) * 127.5
    assert (levels < ranges.noise * strength * 1.1 + 0.5).all()
    assert float((levels / strength).max()) > 0.85 * ranges.noise


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_pictures_are_small_versions(scale: int) -> None:
    images = scenes(24, 48, 48)
    small = shrunk_photograph(images, scale, Draw(4, 24))
    assert small.shape == (24, 3, 48 // scale, 48 // scale)
    assert (small.abs() <= 1).all()
    area = F.avg_pool2d(images, scale)
    errors = (small - area).abs().mean((1, 2, 3))
    assert float(errors.median()) < 0.06
    assert len(errors.unique()) > 20


def test_filters_alone_are_not_the_whole_story() -> None:
    images, draw = scenes(40, 32, 32), Draw(5, 40)
    alone = shrunk_photograph(images, 2, draw, replace(SHRINK, blur_share=0.0, noise_share=0.0, jpeg_share=0.0))
    for share in ("blur_share", "noise_share", "jpeg_share"):
        shares: dict[str, Any] = {"blur_share": 0.0, "noise_share": 0.0, "jpeg_share": 0.0, share: 1.0}
        other = shrunk_photograph(images, 2, draw, replace(SHRINK, **shares))
        assert ((other - alone).abs().mean((1, 2, 3)) > 1e-4).float().mean() > 0.6


def test_only_the_chosen_are_compressed() -> None:
    images = scenes(4, 32, 32)
    which = torch.tensor([True, False, True, False])
    out = compressed(images, which, torch.full((4,), 20.0), Draw(0, 4))
    assert torch.equal(out[~which], images[~which])
    assert (out[which] != images[which]).any()
    assert compressed(images, torch.zeros(4, dtype=torch.bool), torch.zeros(4), Draw(0, 4)) is images


def test_slices_are_parts_of_the_whole() -> None:
    images, draw = scenes(9, 32, 32), Draw(6, 9)

    def both(some: Images, part: Draw) -> tuple[Images, Images]:
        return damaged_photograph(some, part)[0], shrunk_photograph(some, 2, part)

    whole, part = both(images, draw), both(images[2:7], draw.rows(2, 7))
    for ours, theirs in zip(part, whole, strict=True):
        assert float((ours - theirs[2:7]).abs().max()) < 1.5 / 127.5  # a rounding may fall to the other side
        assert float((ours != theirs[2:7]).float().mean()) < 0.001
