import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.data.labels import no_labels
from ganvas.draw import Draw
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.metric.diversity import diversity, effective_rank, random_features
from ganvas.training.config import TrainingOptions
from ganvas.training.health import (
    GRACE_KIMG,
    PERSISTENCE,
    RULES,
    Vitals,
    diagnose,
    first_non_finite,
    overfitting_gap,
)
from ganvas.training.leak import augmentation_leak
from ganvas.training.loop import Data
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Players
from tests.training.conftest import Clothes
from tests.training.toys import play

WELL = Vitals(
    seen_kimg=0.0,
    diversity=0.9,
    effective_rank_ratio=0.8,
    sign_statistic=0.7,
    overfitting_gap=0.05,
    generator_gradient_norm=2.0,
    critic_gradient_norm=1.5,
    critic_loss=0.55,
    generator_loss=1.0,
    leak=0.0,
    augment_p=0.3,
)


Signs = Mapping[str, float | list[float | None] | None]
"""Vital signs by name: the same at every tick, or a list for the last ticks."""


def ticks(count: int, signs: Signs | None = None, kimg: float = 1.0) -> list[Vitals]:
    """A healthy run whose losses go up and down a little, but for the given signs."""
    generator = torch.Generator().manual_seed(0)
    history = []
    for left in range(count, 0, -1):
        shake = 1 + 0.05 * torch.randn((), generator=generator).item()
        values = asdict(WELL) | {"seen_kimg": (count - left + 1) * kimg}
        values |= {name: values[name] * shake for name in ("critic_loss", "generator_loss")}
        for name, value in (signs or {}).items():
            if not isinstance(value, list):
                values[name] = value
            elif left <= len(value):
                values[name] = value[-left]
        history.append(Vitals(**values))
    return history


def kinds(history: Sequence[Vitals]) -> list[str]:
    return [alarm.kind for alarm in diagnose(history)]


GROWING: list[float | None] = [0.7, 0.72, 0.8, 1.1, 1.9]
FALLING: list[float | None] = [0.69, 0.66, 0.5, 0.2, 0.01]

SPOILT: list[tuple[str, Signs, str]] = [
    ("collapse", {"diversity": 0.03, "effective_rank_ratio": 6.0}, "0.03"),
    ("low_diversity", {"diversity": 0.3}, "0.30"),
    ("low_diversity", {"effective_rank_ratio": 0.2}, "0.20"),
    ("critic_dead", {"critic_gradient_norm": 0.0}, "gradient is zero"),
    ("critic_dead", {"sign_statistic": -1.0}, "almost every fake"),
    ("critic_dead", {"critic_loss": GROWING, "generator_loss": FALLING}, "0.7 to 1.9"),
    ("critic_dead", {"critic_loss": 0.693, "sign_statistic": 0.0}, "0.693"),
    ("critic_dead", {"critic_loss": [13.8, 13.9, 13.8, 13.7, 13.8], "guessing_loss": 2.0}, "is 13.8, where .* 2"),
    ("exploding", {"generator_gradient_norm": [900.0] * 3}, "450 times"),
    ("exploding", {"critic_gradient_norm": [900.0] * 3}, "discriminator's"),
    ("exploding", {"diversity": [60.0, 300.0, 11.0, 90.0, 6e4]}, "differ 11 times as much"),
    ("vanishing", {"generator_gradient_norm": [1e-5] * PERSISTENCE}, "1e-05"),
    ("vanishing", {"generator_gradient_norm": 0.0}, "usually 0"),
    ("critic_wins", {"sign_statistic": 1.0}, "9 kimg"),
    ("overfitting", {"overfitting_gap": 0.8}, "80%"),
    ("leak", {"leak": 0.6}, "60%"),
]


@pytest.mark.parametrize(("kind", "signs", "words"), SPOILT)
def test_a_spoilt_run_raises_its_alarm_and_no_other(kind: str, signs: Signs, words: str) -> None:
    (alarm,) = diagnose(ticks(20, signs))
    assert alarm.kind == kind
    assert re.search(words, alarm.sentence)
    assert alarm.sentence.endswith(".")


@pytest.mark.parametrize(("kind", "signs", "words"), SPOILT)
def test_without_a_penalty_nobody_is_told_to_turn_its_weight(kind: str, signs: Signs, words: str) -> None:
    history = ticks(20, signs)
    (with_one,), (without,) = (diagnose([replace(v, penalised=there) for v in history]) for there in (True, False))
    assert with_one.kind == without.kind == kind
    assert "--gamma" not in without.sentence
    if "aise --gamma" in with_one.sentence:
        assert "tart again with --penalty r1+r2" in without.sentence


def test_every_kind_is_planted() -> None:
    assert {kind for kind, _, _ in SPOILT} == set(RULES)


@pytest.mark.parametrize("signs", [signs for _, signs, _ in SPOILT])
def test_a_young_or_recovered_run_raises_none(signs: Signs) -> None:
    assert kinds(ticks(50, signs, kimg=GRACE_KIMG / 51)) == []
    assert kinds([*ticks(20, signs), replace(WELL, seen_kimg=21.0)]) == []


def test_a_healthy_run_raises_none() -> None:
    history = ticks(200)
    assert [kinds(history[:count]) for count in range(201)] == [[]] * 201


def test_rising_diversity_is_no_collapse() -> None:
    assert kinds(ticks(10, {"diversity": [0.01, 0.02, 0.03, 0.05, 0.08]})) == []
    assert kinds(ticks(10, {"diversity": [0.2, 0.25, 0.3, 0.35, 0.45]})) == []
    assert kinds(ticks(10, {"diversity": [0.05, 0.05, 0.05, 0.05, 0.05]})) == ["collapse"]


def test_a_new_stage_is_not_judged_by_the_one_before() -> None:
    """A gradient of 0.01 in a stage of pixels is usual, and so is one of 2 when the critics come in."""
    pixels = [replace(v, stage="pixels", generator_gradient_norm=0.01) for v in ticks(20)]
    after = [replace(v, stage="adversarial", seen_kimg=20 + v.seen_kimg) for v in ticks(20)]
    found = [kinds([*pixels, *after[:count]]) for count in range(1, 21)]
    assert found == [[]] * 20
    unknown = [replace(v, stage="") for v in (*pixels, *after)]
    assert "exploding" in [kind for count in range(21, 41) for kind in kinds(unknown[:count])]  # it would be an alarm


def test_every_stage_has_its_own_time_to_warm_up() -> None:
    """Critics that have just come in are dead for a while; for long, they are an alarm again."""
    pixels = [replace(v, stage="pixels") for v in ticks(20)]
    dead = [
        replace(v, stage="adversarial", seen_kimg=20 + v.seen_kimg / 4) for v in ticks(40, {"sign_statistic": -1.0})
    ]
    found = [kinds([*pixels, *dead[:count]]) for count in range(1, 41)]
    warm = int(GRACE_KIMG * 4) - 1 + PERSISTENCE
    assert found == [[]] * (warm - 1) + [["critic_dead"]] * (41 - warm)


def test_a_stage_that_comes_back_does_not_look_behind_the_one_between() -> None:
    quiet = [replace(v, stage="a", generator_gradient_norm=0.01) for v in ticks(20)]
    between = [replace(v, stage="b", seen_kimg=20 + v.seen_kimg) for v in ticks(20)]
    loud = [replace(v, stage="a", seen_kimg=40 + v.seen_kimg) for v in ticks(20)]
    assert [kinds([*quiet, *between, *loud[:count]]) for count in range(1, 21)] == [[]] * 20


def test_a_resting_player_is_not_dead() -> None:
    assert kinds(ticks(20, {"critic_loss": 0.0, "critic_gradient_norm": 0.0, "sign_statistic": 0.0})) == []
    assert kinds(ticks(20, {"generator_loss": 0.0, "generator_gradient_norm": 0.0})) == []


def test_a_loss_that_grows_below_that_of_a_guess_is_a_generator_that_learns() -> None:
    assert kinds(ticks(20, {"critic_loss": GROWING, "generator_loss": FALLING, "guessing_loss": 2.0})) == []
    assert kinds(ticks(20, {"critic_loss": GROWING, "generator_loss": FALLING, "guessing_loss": 1.8})) == [
        "critic_dead"
    ]


def test_a_loss_like_that_of_a_guess_is_not_dead() -> None:
    """Critics of a good generator can do little better."""
    assert kinds(ticks(20, {"critic_loss": [2.1, 1.9, 3.9, 2.0, 2.1], "guessing_loss": 2.0})) == []
    assert kinds(ticks(20, {"critic_loss": [9.0, 9.1, 3.9, 9.0, 9.1], "guessing_loss": 2.0})) == []
    assert kinds(ticks(20, {"critic_loss": [9.0, 9.1, 8.9, 9.0, 9.1], "guessing_loss": 0.0})) == []


def test_signs_that_are_not_measured_raise_none() -> None:
    assert kinds(ticks(20, {"overfitting_gap": None, "leak": None})) == []
    assert kinds(ticks(20, {"overfitting_gap": [0.9, 0.9, None, 0.9, 0.9]})) == []


def test_memorised_scores_show_a_gap() -> None:
    generator = torch.Generator().manual_seed(0)
    train, heldout, fake = (torch.randn(256, generator=generator) + mean for mean in (3.0, 0.0, 0.0))
    assert overfitting_gap(train, heldout, fake) == pytest.approx(0.95, abs=0.05)
    assert overfitting_gap(train, train + 3, fake) == 0
    # Reals are told from held-out ones but not even from fakes: all of it is memory.
    assert overfitting_gap(train, heldout, train + 1) == 1


def test_gap_of_many_scores_is_the_ratio_of_adas_equation() -> None:
    train, heldout, fake = (torch.linspace(-1, 1, 100_000) + mean for mean in (2.0, 1.0, 0.0))
    assert overfitting_gap(train, heldout, fake) == pytest.approx(0.5, abs=0.005)


def test_gap_of_equal_scores_is_seldom_large() -> None:
    generator = torch.Generator().manual_seed(0)
    means = torch.tensor([[0.5], [0.5], [0.0]])
    gaps = [overfitting_gap(*(torch.randn(3, 64, generator=generator) + means)) for _ in range(300)]
    assert sum(gap > 0.4 for gap in gaps) <= 3


def test_first_non_finite_names_the_culprit() -> None:
    tensors = {"a": torch.ones(3), "count": torch.tensor(4), "b": torch.tensor([1.0, torch.nan])}
    assert first_non_finite(tensors) == "b"
    assert first_non_finite({"x": torch.tensor(-torch.inf), **tensors}) == "x"
    assert first_non_finite({"huge": torch.tensor([3e38, 3e38])}) is None
    assert first_non_finite({}) is None


def test_real_pictures_against_real_pictures_raise_no_alarm(clothes: Clothes) -> None:
    """A hundred splits, each seen at every tick of a run: what a perfect generator would look like."""
    generator = torch.Generator().manual_seed(0)
    images = clothes.images[torch.randperm(12000, generator=generator)[:4000]]
    flipped = torch.where(torch.rand(4000, 1, 1, 1, generator=generator) < 0.3, images.flip(2), images)
    features, augmented = random_features(images), random_features(flipped)
    alarms: list[str] = []
    for _ in range(100):
        one, other = torch.randperm(4000, generator=generator)[:256].split(128)
        scores = torch.randn(3, 128, generator=generator)
        vitals = replace(
            WELL,
            diversity=diversity(features[one], features[other]),
            effective_rank_ratio=effective_rank(features[one]) / effective_rank(features[other]),
            overfitting_gap=overfitting_gap(scores[0] + 1, scores[1] + 1, scores[2]),
            leak=augmentation_leak(features[other], augmented[other], features[one]),
        )
        alarms += kinds([replace(vitals, seen_kimg=3.0 + tick) for tick in range(12)])
    assert alarms == []


class Still:
    """An endless stream of real pictures, 14x14."""

    def __init__(self, images: Tensor) -> None:
        self.images = torch.nn.functional.avg_pool2d(images, 2)

    def at(self, position: int, draw: Draw) -> Batch:
        rows = torch.arange(position + draw.start, position + (draw.total if draw.stop is None else draw.stop))
        return {"image": self.images[rows * 7919 % len(self.images)].contiguous(memory_format=torch.channels_last)}


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp", "fast"])
@pytest.mark.parametrize("loss", ["relativistic", "hinge", "least-squares"])
@pytest.mark.parametrize("learns", [False, True])
def test_a_discriminator_of_zero_learning_rate_is_dead_and_one_that_learns_is_not(
    tmp_path: Path, clothes: Clothes, monkeypatch: pytest.MonkeyPatch, network: str, loss: str, learns: bool
) -> None:
    begin = TrainingState.begin

    def with_still_critic(players: Players, settings: TrainingOptions) -> TrainingState:
        state = begin(players, settings)
        if not learns:
            monkeypatch.setattr(state.critic_optimiser, "step", lambda: None)
        return state

    monkeypatch.setattr(TrainingState, "begin", staticmethod(with_still_critic))
    pictures = Pictures(count=12000, size=(14, 14), channels=1, label_dim=0)
    width = {"mlp": 64, "fast": 8}[network]
    paces = dict.fromkeys(("sample_every_kimg", "checkpoint_every_kimg", "evaluate_every_kimg"), 100.0)
    given = {"network": network, "loss": loss, "width": width, "batch": 32, "kimg": 5.5, "latent_dim": 16, **paces}
    config = complete({**given, "tick_kimg": 0.5, "precision": "float32"}, pictures, torch.device("cpu"))
    task = build_task(config, no_labels(12000, "the test"))
    play(tmp_path, config.training, task=task, data=Data(Still(clothes.images)))
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    found = [{alarm["kind"] for alarm in line["alarms"]} for line in lines]
    first = int(GRACE_KIMG / 0.5) + PERSISTENCE - 1
    assert "critic_dead" in set().union(*found[: first + 3]) if not learns else not set().union(*found)
