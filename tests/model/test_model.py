from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganvas.draw import per_image_normal
from ganvas.errors import UnknownName, UsageError
from ganvas.model.descriptor import Descriptor, GeneratorSpec, LabelSpec
from ganvas.model.model import Model
from ganvas.tensors import to_levels
from tests.model.models import LABELS, description, small_network
from tests.network.architectures import NAMES

CPU = torch.device("cpu")


def model(name: str = "mlp", kind: str = "none", channels: int = 3) -> Model:
    return Model(description(name, kind, channels), {"generator": small_network(name, kind, channels)}, CPU)


class Echo(nn.Module):
    """Paints what it is given, so that a test can read it: latent and condition as rows of grey."""

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        given = latents if condition is None else torch.cat([latents, condition], 1)
        return given[:, None, None, :] / 100


def echo(labels: LabelSpec = LABELS["none"]) -> Model:
    return Model(Descriptor("generate", (1, 4), 1, 4, {}, labels), {"generator": Echo()}, CPU)


def conditions(seeds: list[int], labels: LabelSpec, label: Any = None) -> Tensor:
    return echo(labels).sample(seeds, label=label)[:, 0, 0, 4:] * 100


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", LABELS)
def test_a_seed_is_a_picture_whatever_is_painted_beside_it(name: str, kind: str) -> None:
    """At 8 bits: the order of a sum may round one level apart, and only then."""
    painter, seeds = model(name, kind), [3, 1, 2**32 - 1, 7, 3, 0, 12, 99, 5, 6, 4, 8, 9, 10, 11, 13]
    alone = np.concatenate([to_levels(painter.sample([seed])) for seed in seeds]).astype(int)
    assert len({picture.tobytes() for picture in alone}) == len(set(seeds))
    for batch in (1, 3, 16):
        together = to_levels(painter.sample(seeds, batch=batch)).astype(int)
        assert abs(together - alone).max() <= 1
        assert (together != alone).mean() < 1e-3
    backwards = to_levels(painter.sample(seeds[::-1], batch=3)).astype(int)[::-1]
    assert abs(backwards - alone).max() <= 1


def test_what_a_network_gets_is_exact_whatever_the_batch() -> None:
    labels = LabelSpec("class", ("a", "b", "c"))
    seeds = [9, 2, 2**31, 4, 0]
    one = echo(labels).sample(seeds, batch=1)
    assert torch.equal(one, echo(labels).sample(seeds, batch=2))
    assert torch.equal(one, echo(labels).sample(seeds[::-1], batch=16).flip(0))
    assert torch.equal(one[:, 0, 0, :4] * 100, (per_image_normal(seeds, 4) / 100) * 100)


def test_a_network_that_mixes_its_batch_is_found_out() -> None:
    """The planted failure: with batch statistics a picture depends on its company."""
    network = small_network("dcgan").train()
    painter = Model(description("dcgan"), {"generator": network}, CPU)
    first = to_levels(painter.sample([1, 2, 3], batch=3)).astype(int)[0]
    second = to_levels(painter.sample([1, 4, 5], batch=3)).astype(int)[0]
    assert abs(first - second).max() > 1


def test_seeds_of_any_kind_of_number() -> None:
    painter = model()
    assert torch.equal(painter.sample(range(3)), painter.sample(np.arange(3)))
    assert torch.equal(painter.sample(range(3)), painter.sample(iter([0, 1, 2])))
    assert painter.sample([2**32 - 1]).shape == (1, 3, 9, 12)
    for seed in (-1, 2**32, 2**70):
        with pytest.raises(UsageError, match=rf"A seed is {seed}, but"):
            painter.sample([0, seed])
    with pytest.raises(TypeError):
        painter.sample([1.5])  # type: ignore[list-item]


def test_no_seeds_no_pictures() -> None:
    for kind in LABELS:
        assert model(kind=kind).sample([]).shape == (0, 3, 9, 12)
        assert model(kind=kind).pictures([]) == []


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_must_hold_something(batch: int) -> None:
    with pytest.raises(UsageError, match=f"batch is {batch}"):
        model().sample([0], batch=batch)


def test_pictures_stay_in_range() -> None:
    class Loud(nn.Module):
        def forward(self, latents: Tensor) -> Tensor:
            return 50 * latents[:, None, None, :].bfloat16()

    images = Model(Descriptor("generate", (1, 4), 1, 4, {}), {"generator": Loud()}, CPU).sample(range(9))
    assert images.dtype == torch.float32
    assert images.abs().max() == 1


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_pillow_images(channels: int, mode: str) -> None:
    painter = model(channels=channels)
    pictures = painter.pictures([4, 5])
    assert [(picture.mode, picture.size) for picture in pictures] == [(mode, (12, 9))] * 2
    levels = to_levels(painter.sample([4, 5]))
    for picture, level in zip(pictures, levels, strict=True):
        np.testing.assert_array_equal(np.asarray(picture).reshape(9, 12, channels), level)


def test_a_class_by_name() -> None:
    labels = LABELS["class"]
    assert conditions([5, 6], labels, "dress").round().tolist() == [[0, 1, 0], [0, 1, 0]]
    for name in ("dres", "", "Dress"):
        with pytest.raises(UnknownName, match=f"no class '{name}'.*Choose from: coat, dress, shoe"):
            conditions([5], labels, name)
    with pytest.raises(UsageError, match=r"has classes \(coat, dress, shoe\), not attributes"):
        conditions([5], labels, {"age": 3})


def test_every_class_is_drawn_when_none_is_asked_for() -> None:
    drawn = conditions(list(range(300)), LABELS["class"]).round()
    assert torch.equal(drawn.sum(1), torch.ones(300))
    assert drawn.sum(0).min() > 60  # 100 each, were the draw perfectly even
    assert torch.equal(conditions([7], LABELS["class"]).round()[0], drawn[7])


def test_attributes_by_name() -> None:
    labels = LABELS["attributes"]  # age 30 ± 10, height 1.7 ± 0.1
    torch.testing.assert_close(conditions([1, 2], labels), torch.zeros(2, 2))
    given = conditions([1, 2], labels, {"age": 45.0, "height": 1.6})
    torch.testing.assert_close(given, torch.tensor([[1.5, -1.0]] * 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(conditions([1], labels, {"height": 2}), torch.tensor([[0.0, 3.0]]), atol=1e-4, rtol=0)
    with pytest.raises(UnknownName, match=r"no attribute 'hight'. Did you mean 'height'"):
        conditions([1], labels, {"hight": 1})
    with pytest.raises(UsageError, match=r"has attributes \(age, height\), not classes like 'old'"):
        conditions([1], labels, "old")
    for value in (float("nan"), float("inf")):
        with pytest.raises(UsageError, match=f"attribute 'age' is {value}"):
            conditions([1], labels, {"age": value})


def test_no_labels_to_ask_for() -> None:
    for label in ("dress", {"age": 1.0}):
        with pytest.raises(UsageError, match="trained without labels"):
            model().sample([1], label=label)


def test_models_that_do_not_paint_from_seeds(tmp_path: Path) -> None:
    both = {"a_to_b": GeneratorSpec("custom", {}), "b_to_a": GeneratorSpec("custom", {})}
    translator = Model(Descriptor("two-way", (9, 12), 3, 4, both), dict.fromkeys(both, nn.Identity()), CPU)
    with pytest.raises(UsageError, match=r"trained for 'two-way' and has no 'generator'.* has a_to_b, b_to_a"):
        translator.sample([1])
