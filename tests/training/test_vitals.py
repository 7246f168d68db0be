"""Vital signs of generators and critics whose state is known beforehand."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.tensors import Judgement
from ganvas.training.config import LossName
from ganvas.training.distribute import World
from ganvas.training.health import Vitals
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row
from ganvas.training.vitals import FixedBatches, examine, first_rows, guessing_loss, resting, scores, vitals_count
from tests.training.toys import NoisyStripes, Painter, Simple, TwoWay, options

DRAW = Draw(0, 32)


def batch(level: float = 0.0, draw: Draw = DRAW) -> tuple[Batch, Draw]:
    """4x4 pictures around a grey."""
    noise = draw.named("noise", str(level)).uniform(1, 4, 4, low=-0.2, high=0.2)
    return {"image": noise + level, "index": torch.arange(draw.total)}, draw


class Copying(Simple):
    """The best generator there is."""

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        return {"x": problem["real"].clone()}


class Grey(Simple):
    """The worst one."""

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        return {"x": torch.full_like(problem["real"], -0.5)}


class Brightness(nn.Module):
    """A critic that likes bright pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Judgement:
        return Judgement((self.scale * images.mean((1, 2, 3)),))


class Partial(Grey):
    """A critic with a taste of its own."""

    def players(self) -> Players:
        return replace(super().players(), critics={"d": Brightness()})


def looked_at(task: Simple, batches: FixedBatches, stats: Mapping[str, float] = {}, **changes: object) -> Vitals:
    settings = options(**changes)
    state = TrainingState.begin(task.players(), settings)
    state.counters.augment_p = settings.augment_p if settings.augment else 0.0
    state.counters.seen_images = 4000
    (found,) = examine(task, state, batches, settings, stats).values()
    return found


def test_copies_of_the_data_are_as_diverse_as_the_data() -> None:
    found = looked_at(Copying(), {"training": batch()})
    assert found.diversity == pytest.approx(1)
    assert found.effective_rank_ratio == pytest.approx(1)
    state = TrainingState.begin(Copying().players(), options())
    assert scores(Copying(), state, {"training": batch()}) == {"random_feature_distance": pytest.approx(0, abs=1e-9)}


class Both(Simple):
    """One critic sees copies of the data, the other a grey."""

    def players(self) -> Players:
        return replace(super().players(), critics={"d": Brightness(), "e": Brightness()})

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        real = problem["real"]
        return [Row("d", real, real.clone()), Row("e", real, torch.full_like(real, -0.5))]


def test_a_score_is_the_mean_over_critics() -> None:
    both, grey = (
        scores(task, TrainingState.begin(task.players(), options()), {"training": batch()})["random_feature_distance"]
        for task in (Both(), Grey())
    )
    assert both == pytest.approx(grey / 2)


@pytest.mark.parametrize(("micro_batch", "count"), [(2, 8), (8, 32), (32, 128), (500, 128)])
def test_how_many_pictures_are_looked_at(micro_batch: int, count: int) -> None:
    assert vitals_count(options(batch=micro_batch, micro_batch=micro_batch)) == count


def test_one_grey_has_no_diversity() -> None:
    found = looked_at(Grey(), {"training": batch()})
    assert found.diversity == 0
    assert found.effective_rank_ratio < 0.5
    state = TrainingState.begin(Grey().players(), options())
    assert scores(Grey(), state, {"training": batch()})["random_feature_distance"] > 1


@pytest.mark.parametrize(("heldout", "low", "high"), [(-0.5, 0.7, 1.0), (0.5, 0.0, 0.0), (0.0, 0.35, 0.5)])
def test_the_gap_says_how_far_held_out_pictures_are_taken_for_fakes(heldout: float, low: float, high: float) -> None:
    """Training pictures score 0.5 and fakes -0.5."""
    found = looked_at(Partial(), {"training": batch(0.5), "heldout": batch(heldout, DRAW.named("other"))})
    assert found.overfitting_gap is not None
    assert low <= found.overfitting_gap <= high


class PixelBrightness(Brightness):
    """A map of logits: every pixel's own brightness. It is shown the mask and does not care."""

    def forward(self, images: Tensor, condition: Tensor) -> Judgement:  # type: ignore[override]
        return Judgement((self.scale * images.mean(1, keepdim=True),))


class Holes(Partial):
    """Only the left column is painted."""

    def players(self) -> Players:
        return replace(super().players(), critics={"d": PixelBrightness()})

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        mask = (torch.arange(4) == 0).float().expand(len(problem["real"]), 1, 4, 4)
        return [
            replace(row, real_condition=mask, fake_condition=mask, masked=True)
            for row in super().rows(problem, painted)
        ]


def test_the_gap_asks_only_where_something_was_painted() -> None:
    (training, draw), (heldout, other) = batch(0.5), batch(0.5, DRAW.named("other"))
    heldout["image"][..., 1:] = -0.5
    found = looked_at(Holes(), {"training": (training, draw), "heldout": (heldout, other)})
    assert found.overfitting_gap is not None
    assert found.overfitting_gap < 0.2
    heldout["image"][..., :1] = -0.5
    found = looked_at(Holes(), {"training": (training, draw), "heldout": (heldout, other)})
    assert found.overfitting_gap is not None
    assert found.overfitting_gap > 0.7


def test_without_held_out_pictures_there_is_no_gap_and_without_augmentation_no_leak() -> None:
    found = looked_at(Partial(), {"training": batch(0.5)})
    assert (found.overfitting_gap, found.leak) == (None, None)
    assert looked_at(Partial(), {"training": batch()}, augment=("flip",), augment_p=0.0).leak is None


def test_a_generator_that_paints_augmented_pictures_leaks() -> None:
    """Every picture is darker to the left; flipped ones are not."""
    ramp = torch.linspace(-0.8, 0.8, 4).view(1, 1, 1, 4)
    draw = Draw(0, 256)
    pictures, _ = batch(draw=draw)
    ramps: dict[str, Tensor] = {**pictures, "image": pictures["image"] + ramp}

    class Flipping(Simple):
        def paint(self, networks: Networks, problem: Problem) -> Painted:
            flipped = problem["real"].clone()
            flipped[::2] = flipped[::2].flip(3)
            return {"x": flipped}

    shown = {"training": (ramps, draw)}
    leak = looked_at(Flipping(), shown, augment=("flip",), augment_p=1.0, augment_policy="fixed").leak
    none = looked_at(Copying(), shown, augment=("flip",), augment_p=1.0, augment_policy="fixed").leak
    assert leak is not None
    assert leak > 0.4
    assert none is not None
    assert none < 0.1


def test_means_of_the_tick_are_passed_on_by_the_names_of_a_step() -> None:
    stats = {
        "d/sign": 0.25, "d/loss": 1.5, "d/generator_loss": 2.5, "gradient_norm/critics": 3.5,
        "gradient_norm/generators": 4.5, "other/loss": 9.0,
    }  # fmt: skip
    found = looked_at(Simple(), {"training": batch()}, stats, augment=("flip",), augment_p=0.5)
    assert (found.sign_statistic, found.critic_loss, found.generator_loss) == (0.25, 1.5, 2.5)
    assert (found.critic_gradient_norm, found.generator_gradient_norm) == (3.5, 4.5)
    assert (found.seen_kimg, found.augment_p, found.stage) == (4.0, 0.5, "all")


@pytest.mark.parametrize("penalty", ["none", "clip", "r1", "r1+r2", "wgan-gp"])
def test_whether_a_penalty_is_in_play(penalty: str) -> None:
    assert looked_at(Simple(), {"training": batch()}, penalty=penalty).penalised is (penalty not in ("none", "clip"))


def test_a_player_that_rested_has_neither_loss_nor_gradient() -> None:
    found = looked_at(Simple(), {"training": batch()}, {"gradient_norm/generators": 1.0})
    assert (found.critic_loss, found.critic_gradient_norm, found.sign_statistic) == (0, 0, 0)


def test_every_critic_is_looked_at() -> None:
    state = TrainingState.begin(TwoWay().players(), options())
    batches = {"training": (NoisyStripes().at(0, DRAW), DRAW)}
    assert set(examine(TwoWay(), state, batches, options(), {})) == {"critic_a", "critic_b"}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("minimax", 2 * math.log(2)), ("non-saturating", 2 * math.log(2)), ("least-squares", 0.25),
        ("wasserstein", 0.0), ("hinge", 2.0), ("relativistic", math.log(2)),
    ],
)  # fmt: skip
def test_a_guess_costs_what_the_papers_say(loss: LossName, expected: float) -> None:
    """Goodfellow et al. 2014, theorem 1: at equilibrium the value is -log 4; the others by hand."""
    assert guessing_loss(options(loss=loss)) == pytest.approx(expected)
    assert looked_at(Simple(), {"training": batch()}, loss=loss).guessing_loss == pytest.approx(expected)


def test_the_present_stage_is_noted() -> None:
    state = TrainingState.begin(TwoWay().players(), options())
    state.counters.stage = 1
    found = examine(TwoWay(), state, {"training": (NoisyStripes().at(0, DRAW), DRAW)}, options(), {})
    assert {vitals.stage for vitals in found.values()} == {"adversarial"}


def test_the_first_rows_are_those_of_the_training_pictures() -> None:
    state = TrainingState.begin(Simple().players(), options())
    (row,) = first_rows(Simple(), state, {"training": batch(0.5), "heldout": batch(-0.5)})
    assert row.critic == "d"
    assert torch.equal(row.real, batch(0.5)[0]["image"])


def test_scores_add_the_tasks_own_on_held_out_pictures_where_there_are_some() -> None:
    class Scoring(Simple):
        def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
            return {"level": round(float(batch["image"].mean()), 1)}

    state = TrainingState.begin(Scoring().players(), options())
    assert scores(Scoring(), state, {"training": batch(0.5)})["level"] == 0.5
    assert scores(Scoring(), state, {"training": batch(0.5), "heldout": batch(-0.5)})["level"] == -0.5


def test_looking_changes_nothing() -> None:
    settings = options(augment=("flip", "colour"), augment_p=0.5)
    state = TrainingState.begin(TwoWay().players(), settings)
    state.counters.augment_p = 0.5
    before = {key: value.clone() for key, value in state.tensors(World()).items()}
    facts = state.facts()
    batches = {name: (NoisyStripes().at(0, DRAW), DRAW) for name in ("training", "heldout")}
    first = examine(TwoWay(), state, batches, settings, {})
    scores(TwoWay(), state, batches)
    assert all(torch.equal(value, before[key]) for key, value in state.tensors(World()).items())
    assert state.facts() == facts
    assert examine(TwoWay(), state, batches, settings, {}) == first
    assert all(p.grad is None for network in state.players.networks().values() for p in network.parameters())


def test_networks_rest_with_averages_in_the_generators_place_also_after_an_error() -> None:
    players = replace(TwoWay().players(), frozen={"eye": nn.Dropout()})
    state = TrainingState.begin(players, options())
    with suppress(KeyError), resting(state) as networks:
        assert networks["a_to_b"] is state.averages["a_to_b"]
        assert isinstance(networks["a_to_b"], Painter)
        assert networks["critic_a"] is players.critics["critic_a"]
        assert not any(module.training for network in networks.values() for module in network.modules())
        raise KeyError
    for network in state.trained_networks().values():
        assert all(module.training for module in network.modules())
    assert not players.frozen["eye"].training
    assert not state.averages["a_to_b"].training


def test_the_critic_judges_in_the_precision_of_the_run() -> None:
    class Asking(Brightness):
        def forward(self, images: Tensor) -> Judgement:
            asked.append(torch.is_autocast_enabled("cpu"))
            return super().forward(images)

    class Task(Grey):
        def players(self) -> Players:
            return replace(super().players(), critics={"d": Asking()})

    for precision in ("float32", "bfloat16"):
        asked: list[bool] = []
        looked_at(Task(), {"training": batch(), "heldout": batch()}, precision=precision)
        assert asked == [precision == "bfloat16"] * 3


@pytest.mark.parametrize("size", [4, 8])
def test_the_smallest_batches_can_be_looked_at(size: int) -> None:
    """A batch of one picture makes vital signs of four."""
    draw = Draw(0, size)
    found = looked_at(Simple(), {"training": batch(draw=draw), "heldout": batch(draw=draw)}, augment=("flip", "colour"))
    assert found.leak is not None
