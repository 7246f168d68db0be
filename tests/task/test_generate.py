import pytest
import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.task.generate import Generation, paint_from
from ganvas.tensors import Judgement
from ganvas.training.task import Task


class Generator(nn.Module):
    """Shows latent and label as a picture of one row."""

    def forward(self, latents: Tensor, label: Tensor | None = None) -> Tensor:
        return (latents if label is None else torch.cat([latents, label], 1))[:, None, None, :]


class Plain(nn.Module):
    """Knows of no labels at all."""

    def forward(self, latents: Tensor) -> Tensor:
        return latents[:, None, None, :]


class Critic(nn.Module):
    def forward(self, images: Tensor, label: Tensor | None = None) -> Judgement:
        return Judgement((images.flatten(1).mean(1),))


def generation(classes: int = 0, **more: object) -> Generation:
    return Generation(Generator, Critic, latent_dim=4, classes=classes, **more)  # type: ignore[arg-type]


BATCH = {"image": torch.zeros(6, 1, 1, 7), "label": torch.eye(3)[torch.tensor([2, 0, 1, 1, 0, 2])]}
UNLABELLED = {"image": torch.zeros(6, 1, 1, 4)}


def test_it_is_a_task() -> None:
    task: Task = generation()
    assert (task.name, task.terms, [stage.name for stage in task.stages]) == ("generate", (), ["adversarial"])
    assert task.evaluate(task.players().networks(), BATCH, Draw(0, 6)) == {}


def test_players_are_built_anew_each_time() -> None:
    first, second = (generation().players() for _ in range(2))
    assert set(first.generators) == {"generator"}
    assert set(first.critics) == {"discriminator"}
    assert first.generators["generator"] is not second.generators["generator"]


def test_the_problem_has_latents_of_its_own_draw_and_the_labels_of_the_pictures() -> None:
    task, draw = generation(3), Draw(5, 6)
    problem = task.problem(BATCH, draw)
    assert problem["latent"].shape == (6, 4)
    assert torch.equal(problem["label"], BATCH["label"])
    assert torch.equal(problem["latent"], task.problem(BATCH, draw)["latent"])
    assert not torch.equal(problem["latent"], task.problem(BATCH, draw.named("other"))["latent"])
    assert torch.equal(problem["latent"][2:5], task.problem(BATCH, draw.rows(2, 5))["latent"])


def test_painted_under_the_label_of_the_real_picture() -> None:
    task = generation(3)
    problem = task.problem(BATCH, Draw(5, 6))
    painted = task.paint(task.players().networks(), problem)["image"]
    assert torch.equal(painted[:, 0, 0, 4:], BATCH["label"])
    (row,) = task.rows(problem, {"image": painted})
    assert (row.critic, row.history, row.group) == ("discriminator", 0, None)
    assert row.real is BATCH["image"]
    assert row.fake is painted
    assert row.real_condition is row.fake_condition is problem["label"]


def test_without_labels_plain_modules_play_along() -> None:
    task = Generation(Plain, Critic, latent_dim=4)
    problem = task.problem(UNLABELLED, Draw(5, 6))
    painted = task.paint(task.players().networks(), problem)
    assert torch.equal(painted["image"][:, 0, 0], problem["latent"])
    (row,) = task.rows(problem, painted)
    assert row.real_condition is row.fake_condition is None
    with pytest.raises(TypeError):
        paint_from(Plain(), problem["latent"], BATCH["label"])


def test_the_grid_shows_one_class_a_line() -> None:
    task = generation(3)
    batch = {"image": torch.zeros(40, 1, 1, 7), "label": torch.eye(3)[torch.zeros(40, dtype=torch.long)]}
    shown = task.preview(task.players().networks(), batch, Draw(0, 40))[:, 0, 0]
    assert shown[:, 4:].argmax(1).view(5, 8).tolist() == [[line % 3] * 8 for line in range(5)]
    assert torch.equal(shown, task.preview(task.players().networks(), batch, Draw(0, 40))[:, 0, 0])


def test_the_grid_of_attributes_shows_those_of_the_pictures() -> None:
    values = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    task = generation(classes=0)
    shown = task.preview(task.players().networks(), {**BATCH, "label": values}, Draw(0, 6))
    assert torch.equal(shown[:, 0, 0, 4:], values)


def test_a_score_of_the_users_own() -> None:
    task = generation(score=lambda network: {"kind": float(isinstance(network, Generator))})
    assert task.evaluate(task.players().networks(), BATCH, Draw(0, 6)) == {"kind": 1.0}


def test_only_known_generators_describe_themselves() -> None:
    assert generation().descriptor() == {}
    spec = {"architecture": "mlp", "arguments": {"width": 3}}
    assert generation(description=spec).descriptor() == {"generator": spec}
