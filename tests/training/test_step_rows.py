"""What critics are shown of the rows of a step, under which conditions, and what of it counts."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.device import autocast
from ganvas.draw import Draw
from ganvas.tensors import Judgement
from ganvas.training.step import Log, critic_loss, generator_loss
from ganvas.training.task import Row
from tests.training.games import SIDE, N, game, pictures


class Spy(nn.Module):
    """Remembers what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.images: list[Tensor] = []
        self.conditions: list[Tensor | None] = []
        self.in_bfloat16: list[bool] = []

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Judgement:
        self.images.append(images.detach())
        self.conditions.append(condition)
        self.in_bfloat16.append(torch.is_autocast_enabled("cpu"))
        return Judgement((self.weight * images.mean((1, 2, 3)),))


def shown(rows: Sequence[Row], generator: bool = False, **changes: Any) -> Spy:
    """What the critic sees, with strong augmentation."""
    spy, rules = Spy(), game("hinge", **{"augment": ("flip", "shift"), "augment_p": 1.0, **changes})
    if generator:
        generator_loss({}, {}, rows, {}, {"d": spy}, rules, Draw(0, N))
    else:
        critic_loss(rows, {"d": spy}, rules, Draw(0, N))
    return spy


def test_real_and_fake_share_a_draw_or_do_not() -> None:
    same = pictures(1)
    real, fake = shown([Row("d", same, same)], augment_shared=True).images
    assert torch.equal(real, fake)
    assert not torch.equal(real, same)
    real, fake = shown([Row("d", same, same)], augment_shared=False).images
    assert not torch.equal(real, fake)


def test_rows_of_one_group_share_a_draw_and_others_do_not() -> None:
    same = pictures(1)
    grouped, alone = Row("d", same, same, group="clip"), Row("d", same, same)
    for rows, equal in (([grouped, grouped], True), ([alone, alone], False), ([grouped, alone], False)):
        first, _, second, _ = shown(rows).images
        assert torch.equal(first, second) is equal


def test_strength_zero_or_no_kinds_shows_pictures_as_they_are() -> None:
    row = Row("d", pictures(1), pictures(2))
    for changes in ({"augment_p": 0.0}, {"augment": ()}):
        real, fake = shown([row], **changes).images
        assert torch.equal(real, row.real)
        assert torch.equal(fake, row.fake)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("generator", [True, False])
def test_an_image_condition_goes_where_its_picture_goes(shared: bool, generator: bool) -> None:
    real, fake = pictures(1), pictures(2)
    row = Row("d", real, fake, real_condition=real, fake_condition=fake)
    spy = shown([row], generator, augment_shared=shared)
    for images, condition in zip(spy.images, spy.conditions, strict=True):
        assert condition is not None
        torch.testing.assert_close(condition, images)
    assert not torch.equal(spy.images[0], real if not generator else fake)


class Pixels(nn.Module):
    """Judges every pixel, and the mask not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, images: Tensor, condition: Tensor) -> Judgement:
        return Judgement((self.weight * images[:, 0],))


@pytest.mark.parametrize("augment", [(), ("flip", "shift")])
@pytest.mark.parametrize("directional", [True, False])
def test_in_a_masked_row_only_what_the_mask_marks_is_judged_and_penalised(
    directional: bool, augment: Sequence[str]
) -> None:
    def played(scale: float, masked: bool) -> tuple[Tensor, Log, Tensor]:
        """The losses where everything outside of the mask is so many times larger."""
        mask = torch.zeros(N, 1, SIDE, SIDE)
        mask[:, :, 3:5, 2:6] = 1
        real, fake = (torch.where(mask > 0, seen, scale * seen) for seen in (pictures(1), pictures(2)))
        row = Row("d", real, fake.requires_grad_(), mask, mask, masked=masked)
        rules = game(penalty="r1+r2", directional=directional, augment=augment, augment_p=1.0)
        loss, log = critic_loss([row], {"d": Pixels()}, rules, Draw(0, N))
        word, _ = generator_loss({}, {}, [row], {}, {"d": Pixels()}, rules, Draw(0, N))
        (gradient,) = torch.autograd.grad(word, fake)
        assert bool((gradient * (1 - mask)).any()) is not masked
        return loss, log, word

    for one, other in zip(played(1, True), played(3, True), strict=True):
        torch.testing.assert_close(one, other)
    assert played(1, False)[0] != played(3, False)[0]
    if not augment and not directional:
        assert float(played(1, True)[1]["d/r1"]) == pytest.approx(2**2 / 8)  # of the mean of eight pixels


def test_colour_and_cutout_leave_an_image_condition_alone() -> None:
    same = pictures(1)
    row = Row("d", same, same, real_condition=same, fake_condition=same)
    moved = shown([row], augment=("flip",)).images[0]
    spy = shown([row], augment=("flip", "colour", "cutout"))
    assert spy.conditions[0] is not None
    assert torch.equal(spy.conditions[0], moved)
    assert not torch.equal(spy.images[0], moved)


def test_numbers_as_a_condition_are_left_alone() -> None:
    condition = Draw(5, N).normal(3)
    spy = shown([Row("d", pictures(1), pictures(2), real_condition=condition, fake_condition=condition)])
    assert all(seen is condition for seen in spy.conditions)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_critics_judge_in_the_precision_of_the_run(precision: str) -> None:
    row = Row("d", pictures(1), pictures(2).bfloat16())
    for generator in (False, True):
        spy = shown([row], generator, autocast=lambda: autocast(torch.device("cpu"), precision))
        assert set(spy.in_bfloat16) == {precision == "bfloat16"}
        assert {images.dtype for images in spy.images} == {torch.float32}
