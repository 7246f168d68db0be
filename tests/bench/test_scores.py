"""Scores of results of which the answer is known, and our networks as competitors."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from photographs import ours
from photographs.crops import Crop, square, text
from photographs.damage import DAMAGES, reduced
from photographs.masks import thick_strokes
from photographs.measure import repairing, restoring, solve, upscaling
from photographs.method import Mask, Method
from photographs.scores import EQUAL_DB, Found, found, scored, seam, worst_tenth
from torch import Tensor, nn

from ganvas.apply.guess import guessed
from ganvas.model.descriptor import PhotoSpec

Picture = NDArray[np.uint8]
REPAIRS = PhotoSpec(scale=1, stride_px=1, radius_px=0, inputs=("mask",))


def picture(side_px: int = 64) -> Picture:
    y, x = np.mgrid[:side_px, :side_px]
    planes = [96 + 60 * np.sin(x / 7 + shift) * np.cos(y / 9) for shift in (0, 1, 2)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def mean_difference(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(float) - b).mean())


class Identity(nn.Module):
    """Gives back the picture and leaves its further planes."""

    def forward(self, given: Tensor) -> Tensor:
        return given[:, :3]


class Nearest(nn.Module):
    """Repeats every pixel."""

    def forward(self, given: Tensor) -> Tensor:
        return F.interpolate(given[:, :3], scale_factor=2.0, mode="nearest")


def test_equal_pictures_have_the_best_scores() -> None:
    one = scored(picture(), picture(), np.zeros((64, 64), bool), 0, mean_difference)
    assert (one.psnr_y, one.perceptual, one.colour, one.seam) == (EQUAL_DB, 0, 0, 1)
    assert one.ssim == pytest.approx(1)


def test_a_shift_of_all_levels_is_worth_what_the_formula_says() -> None:
    darker = (picture() - 10).astype(np.uint8)
    one = scored(darker, picture(), np.zeros((64, 64), bool), 2, mean_difference)
    luma_step = 10 * (65.481 + 128.553 + 24.966) / 255
    assert one.psnr_y == pytest.approx(20 * math.log10(255 / luma_step))
    assert one.colour == pytest.approx(10)
    assert one.perceptual == pytest.approx(10)


def test_an_identity_network_returns_what_it_was_given() -> None:
    crops = [Crop("a", picture()), Crop("text-b", text(64, (0, 0, 0), (255, 255, 255)))]
    method = Method(
        "ours", ours.painter(Identity(), PhotoSpec(scale=1, stride_px=8, radius_px=0, inputs=("strength",)))
    )
    raw = Method("input", lambda given, mask: given)
    results = solve(restoring(crops), [method, raw], mean_difference)
    assert len(results) == 2 * len(DAMAGES) * len(crops)
    for mine, its in zip(results[::2], results[1::2], strict=True):
        assert (mine.method, its.method) == ("ours", "input")
        assert mine.scores == its.scores
        assert (mine.scores.psnr_y == EQUAL_DB) == (mine.problem.damage == "clean")


def test_odd_sides_are_padded_and_cut_again() -> None:
    given = picture(61)[:, :47]
    run = ours.painter(Nearest(), PhotoSpec(scale=2, stride_px=16, radius_px=0, inputs=()))
    expected = given.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(run(given, np.zeros((61, 47), bool)), expected)


def test_a_repairer_sees_a_guess_and_the_mask_and_changes_nothing_outside() -> None:
    seen = []

    class Watching(nn.Module):
        def forward(self, given: Tensor) -> Tensor:
            seen.append(given)
            return torch.ones_like(given[:, :3])

    crop = Crop("a", picture(128))
    run = ours.painter(Watching(), REPAIRS)
    results = solve(repairing([crop]), [Method("ours", run)], mean_difference)
    for result, given in zip(results, seen, strict=True):
        mask = torch.from_numpy(result.problem.mask)
        assert torch.equal(given[0, 3], mask.float())
        hidden = np.where(result.problem.mask[..., None], 0, crop.pixels)
        assert torch.equal(given[:, :3], guessed(ours.images(hidden), given[:, 3:]))
        assert (result.picture[result.problem.mask] == 255).all()
        np.testing.assert_array_equal(result.picture[~result.problem.mask], crop.pixels[~result.problem.mask])


def test_the_verb_is_the_network_where_no_hole_is_deep_and_more_where_one_is() -> None:
    crop = Crop("a", picture(256))
    alone, verb = ours.painter(Identity(), REPAIRS), ours.repairer(Identity(), REPAIRS, fidelity=0.0)
    for problem in repairing([crop]):
        if problem.damage != "boxes":
            np.testing.assert_array_equal(verb(problem.given, problem.mask), alone(problem.given, problem.mask))
    hole = np.zeros((256, 256), bool)
    hole[60:160, 60:160] = True
    errors = [mean_difference(run(picture(256), hole), picture(256)) for run in (verb, alone)]
    assert errors[0] < 0.2 * errors[1]


def test_upscaling_asks_for_the_size_that_was() -> None:
    crops = [Crop("a", picture(96))]
    for scale in (2, 4):
        (problem,) = upscaling(crops, scale, "box")
        blocks = crops[0].pixels.reshape(96 // scale, scale, 96 // scale, scale, 3).mean((1, 3))
        assert np.abs(problem.given - blocks).max() <= 1  # rounded once a direction
        assert problem.border_px == scale
    assert reduced(picture(), 2, "bicubic").shape == (32, 32, 3)


def test_a_hole_left_grey_shows_a_seam() -> None:
    target = np.full((64, 64, 3), 200, np.uint8)
    target[::2] -= 4
    mask = thick_strokes(64, np.random.default_rng(0))
    grey = np.where(mask[..., None], np.uint8(128), target)
    assert seam(target, target, mask) == 1
    assert seam(grey, target, mask) > 10


def box(top: int, left: int) -> Mask:
    mask = np.zeros((40, 40), bool)
    mask[top : top + 20, left : left + 3] = True
    return mask


@pytest.mark.parametrize(
    ("marked", "precision", "recall"),
    [(box(10, 10), 1, 1), (box(10, 12), 1, 1), (box(10, 30), 0, 0), (box(10, 10) | box(10, 30), 0.5, 1)],
)
def test_scratches_are_found_within_two_pixels(marked: Mask, precision: float, recall: float) -> None:
    one = found(marked, box(10, 10))
    assert (one.precision, one.recall) == (precision, recall)


def test_counts_add_up_and_nothing_marked_has_no_precision() -> None:
    nothing = np.zeros((40, 40), bool)
    both = found(box(10, 10), box(10, 10)) + found(nothing, box(0, 0))
    assert (both.precision, both.recall, both.pixels) == (1, 0.5, 3200)
    assert math.isnan(found(nothing, nothing).precision)
    assert found(box(0, 0), nothing).marked_share == 60 / 1600
    assert Found(0, 0, 0, 0, 0) + both == both


def test_the_worst_tenth_is_low_or_high_by_score() -> None:
    values = [float(value) for value in range(20)]
    assert worst_tenth("psnr_y", values) == 0.5
    assert worst_tenth("perceptual", values) == 18.5
    assert worst_tenth("psnr_y", values[3:4]) == 3


def test_the_square_taken_has_much_detail_but_not_the_most() -> None:
    chance = np.random.default_rng(1)
    field = np.full((64, 640, 3), 128, np.uint8)
    for place in range(10):
        noise = chance.normal(0, place, (64, 64, 3))
        field[:, 64 * place : 64 * place + 64] = np.clip(128 + noise, 0, 255)
    np.testing.assert_array_equal(square(field, 64), field[:, 512:576])
