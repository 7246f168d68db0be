from typing import get_args

import pytest
import torch
from torch import Tensor

from ganvas.augment.geometric import GEOMETRIC_KINDS
from ganvas.augment.transform import KINDS, Transform, draw_transform
from ganvas.draw import Draw
from ganvas.errors import UnknownName
from ganvas.training.config import AugmentKind

CHOICES = [[kind] for kind in KINDS] + [list(KINDS)]


def pictures(count: int, channels: int = 3, size: tuple[int, int] = (16, 24)) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, channels, *size, generator=generator, dtype=torch.float64)


def drawn(kinds: list[str], probability: float, count: int, channels: int = 3) -> Transform:
    return draw_transform(kinds, probability, Draw(11, count), (16, 24), channels)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kinds", CHOICES, ids=str)
def test_probability_zero_changes_no_bit_and_one_changes_pictures(
    kinds: list[str], channels: int, dtype: torch.dtype
) -> None:
    images = pictures(16, channels).to(dtype)
    assert torch.equal(drawn(kinds, 0.0, 16, channels).apply(images), images)
    augmented = drawn(kinds, 1.0, 16, channels).apply(images)
    assert augmented.shape == images.shape
    assert augmented.dtype == dtype
    assert not torch.equal(augmented, images)


@pytest.mark.parametrize("kinds", [["scale"], ["rotate"], ["cutout"], list(KINDS)], ids=str)
def test_at_probability_one_every_picture_is_changed(kinds: list[str]) -> None:
    """Flips, shifts and colours draw the identity, too; these do not."""
    images = pictures(200)
    changed = (drawn(kinds, 1.0, 200).apply(images) != images).flatten(1).any(1)
    assert changed.all()


def test_no_kind_and_no_parameters_are_the_identity() -> None:
    images = pictures(2)
    assert Transform().apply(images) is images
    assert drawn([], 1.0, 2) == Transform()


@pytest.mark.parametrize("kinds", CHOICES, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_tangent_is_the_linear_part(kinds: list[str], channels: int) -> None:
    transform, x = drawn(kinds, 0.9, 12, channels), pictures(12, channels)
    v = x.flip(0)
    constant = transform.apply(torch.zeros_like(x))
    pairs = [
        (transform.apply(x) - constant, transform.tangent(x)),
        (transform.apply(x + v) - transform.apply(x), transform.tangent(v)),
        (transform.tangent(3 * v - x), 3 * transform.tangent(v) - transform.tangent(x)),
    ]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kinds", CHOICES, ids=str)
def test_derivatives_agree_with_finite_differences(kinds: list[str]) -> None:
    transform = draw_transform(kinds, 1.0, Draw(3, 2), (4, 5), 3)
    images = pictures(2, 3, (4, 5)).requires_grad_()
    assert torch.autograd.gradcheck(transform.apply, images, fast_mode=True)
    # An affine map has no second derivative; the square gives one that must come through it.
    assert torch.autograd.gradgradcheck(lambda x: transform.apply(x).square(), images, fast_mode=True)


@pytest.mark.parametrize("kinds", CHOICES, ids=str)
def test_slices_of_a_batch_are_augmented_as_in_the_whole(kinds: list[str]) -> None:
    images, draw = pictures(10), Draw(9, 10)
    expected = draw_transform(kinds, 0.7, draw, (16, 24), 3).apply(images)
    for start, stop in ((0, 3), (3, 4), (4, 10)):
        part = draw_transform(kinds, 0.7, draw.rows(start, stop), (16, 24), 3)
        assert torch.equal(part.apply(images[start:stop]), expected[start:stop])


def test_one_draw_treats_real_and_fake_alike_and_two_draws_do_not() -> None:
    images = pictures(8)
    transform = drawn(list(KINDS), 0.9, 8)
    assert torch.equal(transform.apply(images), transform.apply(images))
    other = draw_transform(KINDS, 0.9, Draw(12, 8), (16, 24), 3)
    assert not torch.equal(transform.apply(images), other.apply(images))


def test_samples_of_a_batch_are_drawn_apart() -> None:
    image = pictures(1).expand(20, -1, -1, -1)
    augmented = drawn(list(KINDS), 1.0, 20).apply(image)
    assert len({tuple(row.flatten().tolist()) for row in augmented}) == 20


def test_leaving_a_kind_out_does_not_change_the_others() -> None:
    everything, some = drawn(list(KINDS), 0.5, 30), drawn(["cutout", "colour"], 0.5, 30)
    assert everything.box is not None
    assert some.box is not None
    assert everything.colour is not None
    assert some.colour is not None
    assert torch.equal(everything.box, some.box)
    assert torch.equal(everything.colour, some.colour)
    assert some.affine is None


def test_a_condition_moves_with_its_picture_and_keeps_its_values() -> None:
    images, mask = pictures(30), (pictures(30, 2) > 0).double()
    moved = drawn(list(KINDS), 0.9, 30).geometric()
    only = drawn(list(GEOMETRIC_KINDS), 0.9, 30)
    assert torch.equal(moved.apply(images), only.apply(images))
    assert moved.apply(mask).shape == mask.shape
    ones = torch.ones_like(mask)
    torch.testing.assert_close(moved.apply(ones), ones, rtol=0, atol=1e-6)  # no frame, no hole, no tint


def test_pictures_in_channels_last_order_are_augmented_the_same() -> None:
    images, transform = pictures(6).float(), drawn(list(KINDS), 0.9, 6)
    last = images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(transform.apply(last), transform.apply(images))


def test_the_options_name_the_kinds_there_are() -> None:
    assert get_args(AugmentKind) == KINDS


def test_an_unknown_kind_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownName, match="'colour'"):
        drawn(["flip", "color"], 0.5, 2)
