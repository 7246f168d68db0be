"""The three tasks that paint photographs, and what they share."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.guess import guessed
from ganvas.damage.chain import damaged_photograph
from ganvas.draw import Draw
from ganvas.network.features import load_feature_network
from ganvas.objective.reconstruction import charbonnier, frequency
from ganvas.task.photo import PhotoTask, Weights, detail_distance
from ganvas.task.repair import Repairing
from ganvas.task.restore import Restoring
from ganvas.task.upscale import Enlarging
from ganvas.training.task import Problem
from tests.task.photos import Critic, Painter
from tests.task.scenes import scenes

CLEAN = scenes(6, 32, 32)
BATCH = {"image": CLEAN}
DRAW = Draw(1, 6)


def task(name: str, **changes: Any) -> PhotoTask:
    problems: dict[str, Enlarging | Restoring | Repairing] = {
        "upscale": Enlarging(2), "restore": Restoring(), "repair": Repairing(),
    }  # fmt: skip
    problem = problems[name]
    inputs = {"restore": ("strength",), "repair": ("mask",)}.get(name, ())
    scale, planes = (2, 0) if name == "upscale" else (1, int(name == "repair"))
    make = {"make_generator": lambda: Painter(scale, inputs), "make_discriminator": lambda: Critic(planes)}
    return PhotoTask(name, problem.pose, problem.plain, **{**make, "pixel_share": 0.5, **changes})


every = pytest.mark.parametrize("name", ["upscale", "restore", "repair"])


@every
def test_a_problem_is_a_function_of_batch_and_draw_and_can_be_cut(name: str) -> None:
    one = task(name)
    whole, part = one.problem(BATCH, DRAW), one.problem({"image": CLEAN[2:5]}, DRAW.rows(2, 5))
    assert torch.equal(whole["target"], CLEAN)
    for key in whole:
        torch.testing.assert_close(part[key], whole[key][2:5], atol=1.5 / 127.5, rtol=0)
    assert not torch.equal(one.problem(BATCH, DRAW.named("x"))["picture"], whole["picture"])


def test_what_is_given() -> None:
    small = task("upscale").problem(BATCH, DRAW)
    assert small["picture"].shape == (6, 3, 16, 16)
    worn = task("restore").problem(BATCH, DRAW)
    assert worn["strength"].shape == (6, 1, 32, 32)
    assert torch.equal(worn["strength"].amax((1, 2, 3)), worn["strength"].amin((1, 2, 3)))
    holed = task("repair").problem(BATCH, DRAW)
    assert torch.equal(holed["picture"], guessed(CLEAN, holed["mask"]))
    assert torch.equal(guessed(CLEAN * (1 - holed["mask"]), holed["mask"]), holed["picture"])  # nothing shines through
    assert 0 < holed["mask"].mean() < 0.5


def test_half_of_the_restored_are_told_nothing_and_nobody_less_than_the_truth() -> None:
    clean = CLEAN[:1, :, :16, :16].expand(2000, -1, -1, -1)
    draw = Draw(3, 2000)
    told = Restoring().pose(clean, draw)["strength"][:, 0, 0, 0]
    true = damaged_photograph(clean, draw)[1]
    assert bool((told >= true).all())
    assert abs(float((told == 1).float().mean()) - 0.5) < 0.04
    assert bool((told[(true == 0)] == 1).any())
    share = ((told - true) / (1 - true))[told < 1]  # even between the truth and 1
    assert abs(float(share.mean()) - 0.5) < 0.04


class Whole(Painter):
    """Paints everything white, and remembers what it was given."""

    def forward(self, given: Tensor) -> Tensor:
        self.given = given
        return torch.ones(len(given), 3, given.shape[2] * self.scale, given.shape[3] * self.scale)


@pytest.mark.parametrize(("name", "plane"), [("upscale", None), ("restore", "strength"), ("repair", "mask")])
def test_the_network_is_given_picture_and_plane_and_paints_only_where_it_may(name: str, plane: str | None) -> None:
    one = task(name)
    problem = one.problem(BATCH, DRAW)
    network = Whole(2 if name == "upscale" else 1, (plane,) if plane else ())
    image = one.paint({"generator": network}, problem)["image"]
    wanted = [problem["picture"], *([problem[plane]] if plane else [])]
    assert torch.equal(network.given, torch.cat(wanted, 1))
    if name == "repair":
        assert torch.equal(image, torch.where(problem["mask"].bool(), 1.0, CLEAN))
    else:
        assert (image == 1).all()


@every
def test_the_row_compares_the_composite_with_what_was_there(name: str) -> None:
    one = task(name)
    problem = one.problem(BATCH, DRAW)
    painted = {"image": torch.zeros_like(CLEAN)}
    (row,) = one.rows(problem, painted)
    assert (row.critic, row.real, row.fake) == ("discriminator", problem["target"], painted["image"])
    assert row.real_condition is row.fake_condition is problem.get("mask")
    assert (row.real_condition is None) == (name != "repair") == (not row.masked)


def test_the_stages_come_in_the_order_of_nogan() -> None:
    one = task("upscale", pixel_share=0.75, weights=Weights(2.0, 0.5, 0.0, 0.25), patience=3)
    pixel, critic, joint = one.stages
    assert [stage.name for stage in one.stages] == ["pixel", "critic", "joint"]
    assert (pixel.share, pixel.generators, pixel.critics, pixel.snapshot) == (0.75, True, False, "faithful")
    assert critic.share == pytest.approx(0.05)
    assert (critic.generators, critic.critics) == (False, True)
    assert joint.share == pytest.approx(0.2)
    assert (joint.generators, joint.critics) == (True, True)
    assert joint.weights == {"pixel": 8.0, "frequency": 2.0}
    assert pixel.weights == {}
    assert [stage.buffers for stage in one.stages] == [{"invention": 0.0}, {"invention": 1.0}, {"invention": 1.0}]
    assert joint.stop is not None
    assert (joint.stop.score, joint.stop.patience, joint.stop.higher_is_better) == ("detail_distance", 3, False)
    assert task("upscale").stages[2].stop is None


def test_without_a_critic_nobody_judges() -> None:
    one = task("repair", make_discriminator=None, pixel_share=1.0)
    (stage,) = one.stages
    assert (stage.share, stage.critics, stage.snapshot, stage.buffers) == (1.0, False, None, {"invention": 0.0})
    assert one.players().critics == {}
    assert one.rows(one.problem(BATCH, DRAW), {"image": CLEAN}) == ()


def test_the_terms_are_the_losses_of_what_was_painted() -> None:
    one = task("upscale", weights=Weights(3.0, 0.2))
    problem, painted = one.problem(BATCH, DRAW), {"image": CLEAN * 0.7}
    pixel, waves = one.terms
    assert [(term.name, term.weight, term.interval) for term in one.terms] == [("pixel", 3.0, 1), ("frequency", 0.2, 1)]
    torch.testing.assert_close(pixel.fn(problem, painted, {}), charbonnier(CLEAN * 0.7, CLEAN))
    torch.testing.assert_close(waves.fn(problem, painted, {}), frequency(CLEAN * 0.7, CLEAN))
    assert [term.name for term in task("upscale", weights=Weights(frequency=0.0)).terms] == ["pixel"]


def test_a_hole_counts_by_its_mean_error_whatever_its_size() -> None:
    one, mask = task("repair"), torch.zeros(2, 1, 32, 32)
    mask[0, :, :8, :8], mask[1, :, :16, :32] = 1, 1
    target = CLEAN[:2]
    painted = torch.where(mask.bool(), target + 0.2, target)
    pixel, waves = (term.fn({"mask": mask, "target": target}, {"image": painted}, {}) for term in one.terms)
    assert pixel.tolist() == pytest.approx([0.2, 0.2], rel=0.02)
    assert float(waves.max() / waves.min()) < 4


def test_a_feature_network_is_a_frozen_player_a_term_and_a_score() -> None:
    seen = load_feature_network("random")
    one = task("upscale", features=seen, weights=Weights(perceptual=0.5))
    players = one.players()
    assert list(players.frozen) == ["features"]
    assert [stage.weights.get("perceptual", 0.5) for stage in one.stages] == [0.0, 0.5, 0.5 / one.weights.adversarial]
    assert task("upscale", features=seen, make_discriminator=None, weights=one.weights).stages[0].weights == {}
    term = one.terms[-1]
    assert (term.name, term.weight) == ("perceptual", 0.5)
    problem = one.problem(BATCH, DRAW)
    values = term.fn(problem, {"image": CLEAN.flip(3).requires_grad_()}, players.networks())
    assert values.shape == (6,)
    assert values.requires_grad
    assert float(term.fn(problem, {"image": CLEAN}, players.networks()).detach().abs().max()) < 1e-6
    with torch.no_grad():
        assert one.evaluate(players.networks(), BATCH, DRAW)["perceptual"] > 0
        assert "perceptual" not in task("upscale").evaluate(task("upscale").players().networks(), BATCH, DRAW)


@every
@torch.no_grad()
def test_scores_are_those_of_the_painting_against_the_target(name: str) -> None:
    one = task(name)
    networks = one.players().networks()
    problem = one.problem(BATCH, DRAW.named("problem"))
    painted = one.paint(networks, problem)["image"].clamp(-1, 1)
    found = one.evaluate(networks, BATCH, DRAW)
    mask = problem["mask"].expand_as(CLEAN) if name == "repair" else torch.ones_like(CLEAN)
    ours, theirs = list[float](), list[float]()
    for row in range(6):
        errors = [(image[row] - CLEAN[row]).square()[mask[row] > 0].mean() for image in (painted, one.plain(problem))]
        decibels = [10 * math.log10(4 / max(float(error), 5.126e-6)) for error in errors]
        if decibels[1] < 58.9:
            ours.append(decibels[0])
            theirs.append(decibels[1])
    assert found["psnr"] == pytest.approx(sum(ours) / len(ours), abs=0.01)
    assert found["psnr_gain"] == pytest.approx(found["psnr"] - sum(theirs) / len(theirs), abs=0.01)
    off = [(painted[row] - CLEAN[row]).abs()[mask[row] > 0].mean() * 127.5 for row in range(6)]
    assert found["l1"] == pytest.approx(float(sum(off)) / 6, rel=1e-4)
    wanted = detail_distance(painted, CLEAN, problem.get("mask"))
    assert found["detail_distance"] == pytest.approx(wanted, rel=1e-4)


def test_what_a_user_has_without_us() -> None:
    small = task("upscale")
    problem: Problem = small.problem(BATCH, DRAW)
    wanted = F.interpolate(problem["picture"], scale_factor=2, mode="bicubic").clamp(-1, 1)
    torch.testing.assert_close(small.plain(problem), wanted)
    holed = task("repair")
    problem = holed.problem(BATCH, DRAW)
    assert torch.equal(holed.plain(problem), guessed(CLEAN, problem["mask"]))


@every
def test_the_preview_stacks_given_painted_and_true(name: str) -> None:
    one = task(name)
    networks = one.players().networks()
    shown = one.preview(networks, BATCH, DRAW)
    assert shown.shape == (6, 3, 96, 32)
    problem = one.problem(BATCH, DRAW)
    parts = one.plain(problem), one.paint(networks, problem)["image"], CLEAN
    assert all(torch.equal(shown[:, :, 32 * k : 32 * (k + 1)], part) for k, part in enumerate(parts))


def test_detail_is_missed_and_texture_elsewhere_is_not() -> None:
    clean = scenes(12, 64, 64)
    blurred = F.avg_pool2d(F.pad(clean, (2, 2, 2, 2), mode="replicate"), 5, 1)
    elsewhere = clean.roll(17, dims=3)
    assert detail_distance(clean, clean) == pytest.approx(0, abs=1e-3)
    noisy = clean + 0.1 * Draw(0, 12).normal(3, 64, 64)
    assert detail_distance(elsewhere, clean) < 0.1 * min(detail_distance(blurred, clean), detail_distance(noisy, clean))


def test_only_painted_patches_tell_the_detail_of_a_repair() -> None:
    clean, mask = scenes(12, 64, 64), torch.zeros(12, 1, 64, 64)
    mask[:, :, :32, :32] = 1
    worse = torch.where(mask.bool(), 0.3, clean)
    elsewhere = torch.cat([clean[..., :40], 0 * clean[..., 40:]], 3)
    assert detail_distance(elsewhere, clean, mask) == pytest.approx(0, abs=1e-4)
    assert detail_distance(elsewhere, clean) > 0.1
    assert detail_distance(worse, clean, mask) > detail_distance(worse, clean)
    assert math.isfinite(detail_distance(worse, clean, torch.zeros_like(mask)))


def test_the_description_is_passed_on() -> None:
    spec = {"architecture": "plain", "arguments": {"scale": 2}}
    assert replace(task("upscale"), description=spec).descriptor() == {"generator": spec}
