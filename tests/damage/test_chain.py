from dataclasses import replace

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.damage import chain
from ganvas.damage.chain import (
    KINDS,
    RESTORE,
    RestoreRanges,
    ShrinkRanges,
    damaged_photograph,
    draw_severity,
    shrunk_photograph,
)
from ganvas.damage.jpeg import jpeg
from ganvas.draw import Draw
from tests.damage.photographs import photographs

NEVER = RestoreRanges(untouched=0.0, fade=0.0, blur=0.0, rescale=0.0, noise=0.0, jpeg=0.0, alone=0.0)


def test_strength_is_the_worst_severity_and_0_leaves_the_picture() -> None:
    clean, draw = photographs(40, (32, 40)), Draw(1, 40)
    damaged, strength = damaged_photograph(clean, draw)
    assert torch.equal(strength, draw_severity(draw).amax(1))
    assert damaged.shape == clean.shape
    assert damaged.abs().max() <= 1
    same = (damaged == clean).flatten(1).all(1)
    assert torch.equal(same, strength == 0)
    assert 0 < int(same.sum()) < 20


def test_strengths_are_even_and_some_pictures_untouched() -> None:
    severity = draw_severity(Draw(2, 20000))
    strength = severity.amax(1)
    assert abs(float((strength == 0).float().mean()) - RESTORE.untouched) < 0.01
    touched = strength[strength > 0]
    assert abs(float(touched.mean()) - 0.5) < 4.5 / (12 * len(touched)) ** 0.5
    assert touched.max() <= 1
    shares = (severity[strength > 0] > 0).float().mean(0)
    mixed = torch.tensor([getattr(RESTORE, kind) for kind in KINDS])
    none = float((1 - mixed).prod())
    spare = torch.tensor([0.0, 0.0, 0.0, 0.5, 0.5])
    expected = ((1 - RESTORE.alone) * (mixed + none * spare) + RESTORE.alone * spare).tolist()
    assert shares.tolist() == pytest.approx(expected, abs=0.02)
    single = float(((severity > 0).sum(1) == 1).sum() / len(touched))
    by_chance = sum(float(none * chance / (1 - chance)) for chance in mixed) + none
    assert single == pytest.approx(RESTORE.alone + (1 - RESTORE.alone) * by_chance, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_every_damage_grows_with_its_severity(kind: str) -> None:
    clean, draw = photographs(6, (64, 64)), Draw(3, 6)
    off = []
    for severity in (0.1, 0.3, 0.6, 1.0):
        damaged = chain.DAMAGES[kind](clean, torch.full((6,), severity), draw, RESTORE)
        off.append(float((damaged - clean).square().mean()))
    assert off == sorted(off)
    assert off[-1] > 4 * off[0]


def test_noise_at_full_severity_is_as_stated() -> None:
    grey, ranges = torch.zeros(4, 3, 128, 128), replace(NEVER, noise=1.0)
    noise = chain.DAMAGES["noise"](grey, torch.ones(4), Draw(4, 4), ranges)
    assert float(noise.std() * 127.5) == pytest.approx(50, rel=0.03)


def test_a_jpeg_of_full_severity_is_of_the_least_quality() -> None:
    clean, ranges = photographs(3, (64, 64)), replace(NEVER, jpeg=1.0, twice=0.0, quality=(10.0, 95.0))
    damaged = chain.DAMAGES["jpeg"](clean, torch.ones(3), Draw(5, 3), ranges)
    choices = [jpeg(clean, torch.full((3,), 10.0), torch.full((3,), halved)) for halved in (True, False)]
    for row in range(3):
        assert any(torch.equal(damaged[row], choice[row]) for choice in choices)
    double = chain.DAMAGES["jpeg"](clean, torch.ones(3), Draw(5, 3), replace(ranges, twice=1.0))
    assert not torch.equal(double, damaged)


def test_noise_comes_before_jpeg() -> None:
    clean, draw = photographs(4, (64, 64)), Draw(6, 4)
    damaged, _ = damaged_photograph(clean, draw, replace(NEVER, noise=1.0, jpeg=1.0, twice=0.0))
    severity = draw_severity(draw, replace(NEVER, noise=1.0, jpeg=1.0))
    quality = 95 - 85 * severity[:, KINDS.index("jpeg")]
    again = [jpeg(damaged, quality, torch.full((4,), halved)) for halved in (True, False)]
    for row in range(4):  # saved again on its grid, a file hardly changes; noise on top would be cut away
        off = min(float((choice[row] - damaged[row]).abs().mean()) for choice in again) * 127.5
        assert off < 1.5


def test_shrunk_photographs_have_the_size_and_look_of_the_small_picture() -> None:
    clean = photographs(12, (64, 96))
    for scale in (2, 4):
        small = shrunk_photograph(clean, scale, Draw(7, 12))
        assert small.shape == (12, 3, 64 // scale, 96 // scale)
        assert small.abs().max() <= 1
        assert (small - avg_pool2d(clean, scale)).abs().mean((1, 2, 3)).max() * 127.5 < 12


def test_without_chance_shrinking_is_bicubic() -> None:
    clean = photographs(2, (64, 64))
    small = shrunk_photograph(clean, 2, Draw(8, 2), ShrinkRanges(bicubic=1.0, blur=0.0, noise=0.0, jpeg=0.0))
    expected = interpolate(clean, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)
    assert (small - expected)[..., 4:-4, 4:-4].abs().max() < 1e-4


def test_rare_damages_of_shrinking_are_as_rare_as_stated() -> None:
    clean = torch.zeros(600, 3, 48, 48)
    small = shrunk_photograph(clean, 2, Draw(9, 600), ShrinkRanges(jpeg=0.0))
    noisy = (small.flatten(1).std(1) > 1e-4).sum()
    assert abs(int(noisy) - 120) < 4.5 * (600 * 0.2 * 0.8) ** 0.5
    assert small.std(dim=(1, 2, 3)).max() * 127.5 < 5.5


@pytest.mark.parametrize("name", ["blur", "jpeg"])
def test_other_damages_of_shrinking_are_as_frequent_as_stated(name: str) -> None:
    clean, ranges = photographs(300, (48, 48)), ShrinkRanges(noise=0.0)
    never = ShrinkRanges(noise=0.0, blur=0.0) if name == "blur" else ShrinkRanges(noise=0.0, jpeg=0.0)
    with_it, without = (shrunk_photograph(clean, 2, Draw(9, 300), one) for one in (ranges, never))
    chance = getattr(ranges, name)
    changed = (with_it - without).flatten(1).abs().amax(1) > 1e-4
    assert abs(int(changed.sum()) - 300 * chance) < 4.5 * (300 * chance * (1 - chance)) ** 0.5
    if name == "blur":
        energy = [images[changed].diff(dim=3).square().mean() for images in (with_it, without)]
        assert energy[0] < energy[1]


def test_three_blurs_in_ten_are_motions() -> None:
    """The moments of a point that was blurred: a motion is far longer than wide, a lens at most 2.5 times."""
    points = torch.full((400, 3, 33, 33), -1.0)
    points[:, :, 16, 16] = 1
    light = chain.DAMAGES["blur"](points, torch.ones(400), Draw(3, 400), RESTORE)[:, 0] + 1
    y, x = torch.meshgrid(*[torch.arange(-16.0, 17.0)] * 2, indexing="ij")
    yy, xy, xx = ((light * moment).sum((1, 2)) / light.sum((1, 2)) for moment in (y * y, x * y, x * x))
    squares = torch.linalg.eigvalsh(torch.stack([yy, xy, xy, xx], 1).view(-1, 2, 2))
    moved = int((squares[:, 0] / squares[:, 1] < 0.14).sum())
    assert abs(moved - 120) < 4.5 * (400 * 0.3 * 0.7) ** 0.5


@pytest.mark.parametrize("size", [(48, 48), (32, 72)])
def test_rows_are_those_of_the_whole_batch_and_repeat_themselves(size: tuple[int, int]) -> None:
    clean, draw = photographs(24, size), Draw(10, 24)
    damaged, strength = damaged_photograph(clean, draw)
    small = shrunk_photograph(clean, 2, draw)
    assert torch.equal(damaged, damaged_photograph(clean, draw)[0])
    for start, stop in ((0, 7), (7, 8), (8, 24)):
        part, own = damaged_photograph(clean[start:stop], draw.rows(start, stop))
        assert torch.equal(own, strength[start:stop])
        assert (part - damaged[start:stop]).abs().max() < 1e-6
        assert (shrunk_photograph(clean[start:stop], 2, draw.rows(start, stop)) - small[start:stop]).abs().max() < 1e-6


@pytest.mark.gpu
def test_a_gpu_paints_what_the_cpu_paints() -> None:
    clean = photographs(16, (64, 64))
    here, strength = damaged_photograph(clean, Draw(11, 16))
    there, own = damaged_photograph(clean.cuda(), Draw(11, 16, device="cuda"))
    assert torch.equal(own.cpu(), strength)
    off = (there.cpu() - here).abs() * 127.5
    assert off.mean() < 0.2  # a rounding of JPEG may fall otherwise
    small = shrunk_photograph(clean.cuda(), 2, Draw(11, 16, device="cuda"))
    assert (small.cpu() - shrunk_photograph(clean, 2, Draw(11, 16))).abs().mean() * 127.5 < 0.2
