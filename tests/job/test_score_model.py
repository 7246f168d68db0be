from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganvas.data.batches import Batches
from ganvas.data.labels import read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import open_source
from ganvas.draw import Draw
from ganvas.events import Event, Looked
from ganvas.job import score_model
from ganvas.job.plan import Pictures, complete
from ganvas.job.score_model import FeatureScore, feature_score
from ganvas.network.features import load_feature_network
from tests.runs import class_folder, plain_folder, try_train

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_model, "FAKES", 40)


def score_of(folder: Path, events: list[Event] | None = None, **given: Any) -> tuple[FeatureScore, NDArray[np.uint8]]:
    source = open_source(folder)
    dataset = pack(source, Form((8, 8), 3, "crop"), read_labels(source))
    pictures = Pictures(len(dataset), (8, 8), 3, len(dataset.labels.names))
    config = complete({"latent_dim": 4, "precision": "float32", **given}, pictures, CPU)
    network = load_feature_network("random")
    report = (events if events is not None else []).append
    rows = np.arange(len(dataset))
    return feature_score(network, dataset, rows, config, CPU, report), dataset.images


class Repeats(nn.Module):
    """Paints given pictures, whatever it is asked for."""

    def __init__(self, images: Tensor):
        super().__init__()
        self.images = images

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        rows = (latent[:, 0].abs() * 1000).long() % len(self.images)
        return self.images[rows]


def test_the_reals_themselves_score_better_than_others(tmp_path: Path) -> None:
    score, levels = score_of(plain_folder(tmp_path / "x", 60))
    reals = torch.from_numpy(np.array(levels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    good, flat = score(Repeats(reals)), score(Repeats(reals[:1]))
    assert set(good) == {"random-fd", "random-kd"}
    assert good["random-fd"] < 0.5 * flat["random-fd"]  # one picture over and over is scored, not refused
    assert good["random-kd"] < flat["random-kd"]


def test_the_same_generator_has_the_same_score(tmp_path: Path) -> None:
    score, levels = score_of(plain_folder(tmp_path / "x", 60))
    network = Repeats(torch.from_numpy(np.array(levels)).permute(0, 3, 1, 2).float() / 127.5 - 1)
    assert score(network) == score(network)


def test_reals_are_looked_at_once(tmp_path: Path) -> None:
    folder = plain_folder(tmp_path / "x", 30)
    first: list[Event] = []
    again: list[Event] = []
    score_of(folder, first)
    score_of(folder, again)
    assert [event for event in first if isinstance(event, Looked)]
    assert not [event for event in again if isinstance(event, Looked)]


def test_labels_are_asked_for_as_the_reals_have_them(tmp_path: Path) -> None:
    folder = class_folder(tmp_path / "x", ("coat", "coat", "coat", "shoe"), 40)
    score, _ = score_of(folder)
    assert score.conditions.shape == (40, 2)
    assert (score.conditions.sum(1) == 1).all()
    assert score.conditions[:, 0].mean() > 0.5


def test_a_run_is_scored_by_the_network_it_names(
    pictures: Path, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for trained weights: what counts is that the loop keeps its best by this score."""
    asked: list[str] = []

    def stand_in(name: str, *rest: object) -> object:
        asked.append(name)
        return replace(load_feature_network("random"), name=name)

    for place in ("prepare", "train"):
        monkeypatch.setattr(f"ganvas.job.{place}.get_network", stand_in)
    monkeypatch.setattr("ganvas.job.calibrate._scoring", lambda *_: (0.0, 0.0))
    scores = iter([{"mobilenet-v2-fd": value, "mobilenet-v2-kd": 0.0} for value in (9.0, 5.0, 1.0, 3.0, 4.0, 6.0)])

    def planted(self: FeatureScore, generator: nn.Module) -> Mapping[str, float]:
        return next(scores)

    monkeypatch.setattr(FeatureScore, "__call__", planted)
    done = try_train(pictures, tmp_path, features="mobilenet-v2")
    assert asked == ["mobilenet-v2"] * 2, "for the plan and for the run"
    lines = (done.run / "scores.jsonl").read_text().splitlines()
    assert all("mobilenet-v2-fd" in line and "random_feature_distance" in line for line in lines)


def test_batches_and_scores_see_the_same_pixels(tmp_path: Path) -> None:
    """A generator that gives back a batch of reals is rounded to the levels they came from."""
    folder = plain_folder(tmp_path / "x", 50)
    source = open_source(folder)
    dataset = pack(source, Form((8, 8), 3, "crop"), read_labels(source))
    batch = Batches(dataset, np.arange(50), 0, CPU).at(0, Draw(0, 50))
    score, _ = score_of(folder)
    assert score(Repeats(batch["image"]))["random-kd"] < 0.1
