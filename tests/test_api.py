import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from torch import Tensor, nn

import ganvas
from ganvas.errors import UnknownName, UsageError
from ganvas.events import Event, Notice, Planned, Wrote
from ganvas.job.train import TrainResult
from tests.runs import SMALL, class_folder

pytestmark = pytest.mark.usefixtures("quick")


class Stripes(nn.Module):
    """Somebody's own generator, told the class."""

    def __init__(self) -> None:
        super().__init__()
        self.paint = nn.Linear(4 + 3, 3 * 8)

    def forward(self, latents: Tensor, condition: Tensor) -> Tensor:
        columns = torch.tanh(self.paint(torch.cat([latents, condition], 1))).view(-1, 3, 1, 8)
        return columns.expand(-1, -1, 8, -1)


class Taste(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Linear(3 * 8 * 8, 3)

    def forward(self, images: Tensor, condition: Tensor) -> ganvas.Judgement:
        return ganvas.Judgement(((self.judge(images.flatten(1)) * condition).sum(1),))


class Inverted:
    """Somebody's own task: paint the negative of a picture."""

    name = "invert"
    terms = ()

    def __init__(self) -> None:
        from ganvas.training.task import Stage

        self.stages = (Stage("only"),)

    def players(self) -> Any:
        from ganvas.training.task import Players

        return Players({"inverter": nn.Conv2d(3, 3, 1)}, {"taste": PlainTaste()})

    def problem(self, batch: Any, draw: Any) -> Any:
        assert batch["index"].shape == (len(batch["image"]),)
        return {"image": batch["image"]}

    def paint(self, networks: Any, problem: Any) -> Any:
        return {"negative": networks["inverter"](problem["image"])}

    def rows(self, problem: Any, painted: Any) -> Any:
        from ganvas.training.task import Row

        return (Row("taste", -problem["image"], painted["negative"]),)

    def preview(self, networks: Any, batch: Any, draw: Any) -> Any:
        return self.paint(networks, batch)["negative"]

    def evaluate(self, networks: Any, batch: Any, draw: Any) -> dict[str, float]:
        return {}

    def descriptor(self) -> dict[str, Any]:
        return {}


class PlainTaste(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Linear(3 * 8 * 8, 1)

    def forward(self, images: Tensor) -> ganvas.Judgement:
        return ganvas.Judgement((self.judge(images.flatten(1)).squeeze(1),))


def test_train_load_paint(pictures: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    done = ganvas.train(pictures, runs=tmp_path, report=events.append, **SMALL)
    assert isinstance(done, TrainResult)
    assert done.run == tmp_path / "0001-noise"
    assert {Notice, Planned, Wrote} <= {type(event) for event in events}
    model = ganvas.load(done.model)
    assert isinstance(model, ganvas.Model)
    assert model.sample(seeds=range(3)).shape == (3, 3, 8, 8)
    assert model.pictures(seeds=[1])[0].size == (8, 8)
    assert model.descriptor.card["seen_kimg"] == 0.04


def test_nothing_is_printed(pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = ganvas.train(str(pictures), runs=str(tmp_path), **{**SMALL, "kimg": 0.008})
    ganvas.load(str(done.model)).sample([0])
    ganvas.check(str(pictures))
    assert capfd.readouterr() == ("", "")


def test_options_by_name(pictures: Path, tmp_path: Path) -> None:
    plan = ganvas.plan(pictures, **{**SMALL, "size": (6, 10), "augment": ["flip"]})
    assert (plan.config.data.size, plan.config.training.augment) == ((6, 10), ("flip",))
    with pytest.raises(UnknownName, match=r"no option 'kmig' in the call. Did you mean 'kimg'"):
        ganvas.train(pictures, runs=tmp_path, kmig=3)
    with pytest.raises(ganvas.GanvasError, match="--batch is 'many' in the call"):
        ganvas.train(pictures, runs=tmp_path, batch="many")


def test_what_training_gives_can_be_passed_on_without_a_question() -> None:
    hints = get_type_hints(TrainResult)
    assert (hints["run"], hints["model"]) == (Path, Path)


def test_planning_writes_nothing(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    own = nn.Sequential(nn.Linear(4, 3 * 8 * 8), nn.Unflatten(1, (3, 8, 8)))
    words = dict(ganvas.plan(pictures, generator=own, **SMALL).lines())
    assert words["pictures"].startswith("60, ")
    assert words["networks"].startswith("your own and fast")
    options = {key: value for key, value in SMALL.items() if key != "kimg"}
    assert ganvas.plan(pictures, minutes=1e-4, **options).config.training.kimg < 40
    assert list(tmp_path.iterdir()) == []


def test_own_networks_with_classes(tmp_path: Path) -> None:
    folder, own = class_folder(tmp_path / "x"), Stripes()
    before = {key: value.clone() for key, value in own.state_dict().items()}
    done = ganvas.train(folder, runs=tmp_path / "runs", generator=own, discriminator=Taste(), **SMALL)
    assert all(torch.equal(value, before[key]) for key, value in own.state_dict().items())
    assert done.plan is not None
    assert dict(done.plan.lines())["networks"] == "your own (generator 0.00 M, discriminator 0.00 M)"
    with pytest.raises(UsageError, match=r"pass it as generators=\{'generator': network\}"):
        ganvas.load(done.model)
    model = ganvas.load(done.model, generators={"generator": Stripes()})
    images = model.sample([1], label="dress")
    assert torch.equal(images, images[:, :, :1].expand_as(images))
    assert not torch.equal(images, model.sample([1], label="shoe"))
    again = ganvas.train(folder, runs=tmp_path / "runs", generator=Stripes(), discriminator=Taste(), **SMALL)
    assert (again.run, again.plan) == (done.run, None)


def test_an_own_network_is_missed_when_it_is_not_there(pictures: Path, tmp_path: Path) -> None:
    own = nn.Sequential(nn.Linear(4, 3 * 8 * 8), nn.Unflatten(1, (3, 8, 8)))
    ganvas.train(pictures, runs=tmp_path, generator=own, **SMALL)
    with pytest.raises(UsageError, match="has a generator of its author's own"):
        ganvas.train(pictures, runs=tmp_path, resume="1", kimg=1)


def test_an_own_task_trains_and_goes_on(pictures: Path, tmp_path: Path) -> None:
    task: Any = Inverted()
    done = ganvas.train(pictures, runs=tmp_path, task=task, **SMALL)
    assert done.seen_kimg == 0.04
    record = json.loads((done.run / "run.json").read_text())
    assert record["asked"]["own_task"] == "invert (Inverted)"
    model = ganvas.load(done.model, generators={"inverter": nn.Conv2d(3, 3, 1)})
    assert model.descriptor.task == "invert"
    with pytest.raises(UsageError, match="has no 'generator' that paints from seeds"):
        model.sample([0])
    more = ganvas.train(pictures, runs=tmp_path, task=task, **{**SMALL, "kimg": 0.06})
    assert (more.run, more.seen_kimg) == (done.run, 0.06)
    other = ganvas.train(pictures, runs=tmp_path, **SMALL)
    assert other.run == tmp_path / "0002-noise"  # generation is another task


def test_a_task_brings_its_own_networks(pictures: Path, tmp_path: Path) -> None:
    task: Any = Inverted()

    class Likewise(Inverted):
        """The same name, another task."""

    first = ganvas.train(pictures, runs=tmp_path, task=task, **{**SMALL, "kimg": 0.008}).run
    likewise: Any = Likewise()
    assert ganvas.train(pictures, runs=tmp_path, task=likewise, **{**SMALL, "kimg": 0.008}).run != first
    with pytest.raises(UsageError, match=r"has a task of its author.s own, invert \(Inverted\)"):
        ganvas.train(pictures, runs=tmp_path, resume="1", **SMALL)
    with pytest.raises(UsageError, match="leave generator= out"):
        ganvas.train(pictures, runs=tmp_path, task=task, generator=Stripes(), **SMALL)
    with pytest.raises(UsageError, match="loads its weights itself"):
        ganvas.train(pictures, runs=tmp_path, task=task, start_from="x", **SMALL)


def test_load_takes_device_and_snapshot(plain_run: Path) -> None:
    assert ganvas.load(plain_run / "model.safetensors", device="cpu").device == torch.device("cpu")
    assert ganvas.load(plain_run, device="cpu").descriptor == ganvas.load(plain_run / "model.safetensors").descriptor
    with pytest.raises(UsageError, match="--device is 'abacus'"):
        ganvas.load(plain_run / "model.safetensors", device="abacus")
    with pytest.raises(UsageError, match="has no snapshot 'early'"):
        ganvas.load(plain_run / "model.safetensors", snapshot="early")


def test_check(tmp_path: Path) -> None:
    report = ganvas.check(class_folder(tmp_path / "x"))
    assert report.labels.counts() == {"coat": 20, "dress": 20, "shoe": 20}
    assert ganvas.check(tmp_path / "x", labels="none").labels.kind == "none"
