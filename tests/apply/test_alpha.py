from dataclasses import replace

import pytest
import torch

from ganvas.apply.alpha import BLEED_PX, bled, enlarged, with_alpha
from ganvas.apply.filter import LocalFilter
from tests.apply.filters import IDENTITY, blur, tiles_differ_by


def layer(height: int = 24, width: int = 32) -> torch.Tensor:
    """A red disc on transparent black, ``(4, H, W)``."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shown = (y - 12) ** 2 + (x - 14) ** 2 < 64
    red = torch.tensor([1.0, -0.5, -0.5])[:, None, None].expand(3, height, width)
    colours = torch.where(shown, red, torch.full_like(red, -1))
    return torch.cat([colours, torch.where(shown, 1.0, -1.0)[None]])


def test_no_fringe_of_what_cannot_be_seen() -> None:
    picture = layer()[None]
    painted = with_alpha(blur_of_means())(picture)
    shown = picture[0, 3] > 0
    assert (painted[0, :3, shown] - picture[0, :3, shown]).abs().max() < 1e-5
    plain = blur_of_means()(picture)
    assert (plain[0, :3, shown] - picture[0, :3, shown]).abs().max() > 0.3  # the fringe there would be


def blur_of_means() -> LocalFilter:
    return replace(
        blur(2), fn=lambda given: torch.nn.functional.avg_pool2d(given[:, :3], 5, 1, 2, count_include_pad=False)
    )


def test_colours_go_so_far_and_no_farther() -> None:
    picture = torch.full((1, 4, 1, 40), -1.0)
    picture[..., 0] = 1
    out = bled(picture[:, :3], picture[:, 3:])[0, 0, 0]
    assert out[: BLEED_PX + 1].eq(1).all()
    assert out[BLEED_PX + 1 :].eq(-1).all()


def test_visible_colours_stay_as_they_are() -> None:
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(1, 3, 20, 20, generator=generator)
    alpha = torch.rand(1, 1, 20, 20, generator=generator) * 2 - 1
    alpha[alpha < 0] = -1
    shown = (alpha > -1).expand_as(colours)
    assert torch.equal(bled(colours, alpha)[shown], colours[shown])
    hidden = torch.full_like(alpha, -1)
    assert torch.equal(bled(colours, hidden), colours)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_alpha_has_the_picture_s_geometry(scale: int) -> None:
    ramp = torch.linspace(-1, 1, 16).view(1, 1, 1, 16).expand(1, 1, 16, 16)
    out = enlarged(ramp, scale)
    assert out.shape == (1, 1, 16 * scale, 16 * scale)
    middle = out[0, 0, 8 * scale, 4 * scale : -4 * scale].view(-1, scale).mean(1)
    assert torch.allclose(middle, ramp[0, 0, 8, 4:-4], atol=1e-3)  # no shift: means of output pixels are the input's
    step = torch.where(torch.arange(16) < 8, -1.0, 1.0).view(1, 1, 1, 16).expand(1, 1, 16, 16)
    assert enlarged(step, scale).abs().max() <= 1
    assert enlarged(torch.ones(1, 1, 5, 5), scale).allclose(torch.ones(()))


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_transparent_pictures_in_tiles(scale: int) -> None:
    picture = layer(37, 41)
    assert tiles_differ_by(with_alpha(blur(2, scale=scale)), picture, [5, 16]) < 1e-2
    short = replace(with_alpha(blur(2, scale=scale)), radius_px=1)
    assert tiles_differ_by(short, picture, [5]) > 0.5


def test_planes_between_colours_and_alpha_reach_the_filter() -> None:
    seen: list[torch.Tensor] = []

    def fn(given: torch.Tensor) -> torch.Tensor:
        seen.append(given)
        return given[:, :3]

    filter = with_alpha(replace(IDENTITY, fn=fn))
    given = torch.ones(1, 5, 4, 4)
    given[:, 3] = 0.25
    assert filter(given).shape == (1, 4, 4, 4)
    assert seen[0].shape[1] == 4
    assert seen[0][:, 3].eq(0.25).all()
