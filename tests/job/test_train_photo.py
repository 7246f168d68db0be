"""Whole runs on photographs: trained, killed, resumed, saved with both ends, used."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ganvas.errors import DataError, UsageError
from ganvas.events import Event, Notice, Warned
from ganvas.job.prepare import Request
from ganvas.job.sample import SampleRequest, sample
from ganvas.job.train import TrainResult, plan, train
from ganvas.model.photo import load_photo_model
from tests.data.pictures import encoded, write_folder
from tests.runs import after
from tests.task.scenes import scene

pytestmark = pytest.mark.usefixtures("quick")
TASKS: dict[str, dict[str, Any]] = {
    "upscale": {"width": 4, "blocks": 2, "pixel_share": 0.5},
    "restore": {"width": 4, "pixel_share": 0.5},
    "repair": {"width": 4, "blocks": 2, "pixel_share": 0.5},
    "find-scratches": {"width": 4},
}
SMALL: dict[str, Any] = {
    "size": 16, "batch": 4, "kimg": 0.048, "precision": "float32", "preview_count": 4, "checkpoint_every": 0.016,
}  # fmt: skip
every = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight of 72x100, and one that is smaller than a tile."""
    files = {f"{row}.png": encoded(scene(row, 72, 100)) for row in range(8)} | {"small.png": encoded(scene(9, 20, 90))}
    return write_folder(tmp_path_factory.mktemp("photographs") / "photographs", files)


def go(
    photographs: Path,
    runs: Path,
    task: str,
    *,
    events: list[Event] | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    start_from: Path | None = None,
    **options: Any,
) -> TrainResult:
    given = {"task": task, **SMALL, **TASKS[task], **options}
    request = Request(photographs, runs, start_from=start_from)
    return train(request, given, report=(events if events is not None else []).append, interrupted=interrupted)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@every
def test_killed_and_resumed_it_ends_with_the_same_bits(task: str, photographs: Path, tmp_path: Path) -> None:
    whole = go(photographs, tmp_path / "whole", task).run
    for steps in (2, 5):
        with pytest.raises(KeyboardInterrupt):
            go(photographs, tmp_path / "cut", task, interrupted=after(steps))
    cut = go(photographs, tmp_path / "cut", task).run
    last = [load_file(sorted((run / "checkpoints").glob("*.safetensors"))[-1]) for run in (whole, cut)]
    assert set(last[0]) == set(last[1])
    assert [key for key in last[0] if not torch.equal(last[0][key], last[1][key])] == []
    models = [load_file(run / "model.safetensors") for run in (whole, cut)]
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


@every
def test_the_model_has_its_ends_and_paints(task: str, photographs: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    done = go(photographs, tmp_path, task, events=events)
    model = load_photo_model(done.model, device="cpu")
    spec = model.photo
    assert (model.descriptor.task, model.descriptor.size, model.descriptor.latent_dim) == (task, (16, 16), 0)
    assert spec.inputs == {"restore": ("strength",), "repair": ("mask",)}.get(task, ())
    assert spec.scale == (2 if task == "upscale" else 1)
    assert spec.radius_px > 0
    assert model.two_ends == (task != "find-scratches")
    given = torch.rand(1, 3 + len(spec.inputs), 16, 24)
    with torch.no_grad():
        ends = [model.at(fidelity)(given) for fidelity in (0, 0.5, 1)]
    channels = 1 if task == "find-scratches" else 3
    assert all(end.shape == (1, channels, 16 * spec.scale, 24 * spec.scale) for end in ends)
    assert all(end.isfinite().all() for end in ends)
    if model.two_ends:
        assert not torch.equal(ends[0], ends[2])
        between = [(ends[1] - end).abs().mean() for end in (ends[0], ends[2])]
        assert max(between) < (ends[0] - ends[2]).abs().mean()
    assert done.task == task
    with Image.open(sorted((done.run / "samples").glob("0*.png"))[-1]) as sheet:
        assert sheet.height >= 48
    (left_out,) = [event.text for event in events if isinstance(event, Warned)]
    assert left_out.startswith("1 pictures cannot be used")
    assert (done.run / "unreadable.txt").read_text().startswith("small.png\tsmaller than a tile of 32x32")


@pytest.mark.parametrize("task", ["upscale", "restore", "repair"])
def test_scores_of_held_out_photographs_and_the_stages_are_on_record(
    task: str, photographs: Path, tmp_path: Path
) -> None:
    run = go(photographs, tmp_path, task, tick_every=0.004).run
    scores = lines(run / "scores.jsonl")
    assert {"psnr", "psnr_gain", "l1", "detail_distance"} <= set(scores[-1])
    stats = lines(run / "stats.jsonl")
    critic, painter = (
        [bool(line.get(f"gradient_norm/{side}")) for line in stats] for side in ("critics", "generators")
    )
    assert critic == [False] * 6 + [True] * 6  # the pixel stage is half of twelve steps
    assert painter == [True] * 6 + [False] + [True] * 5  # then a fifth of the rest is the critic's alone
    assert all("term/pixel" in line for line, paints in zip(stats, painter, strict=True) if paints)


def test_no_critic_no_faithful_end_and_pixels_decide(photographs: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    done = go(photographs, tmp_path, "upscale", pixel_share=1.0, events=events)
    assert not load_photo_model(done.model, device="cpu").two_ends
    assert "best.safetensors holds the state with the highest 'psnr'." in [
        event.text for event in events if isinstance(event, Notice)
    ]
    assert not any(
        "discriminator" in key for key in load_file(sorted((done.run / "checkpoints").glob("*.safetensors"))[-1])
    )


def test_a_few_steps_of_pixels_help(photographs: Path, tmp_path: Path) -> None:
    run = go(photographs, tmp_path, "upscale", pixel_share=1.0, kimg=0.8, batch=8, lr=3e-3, width=16, ema_kimg=0.05).run
    scores = lines(run / "scores.jsonl")
    assert scores[-1]["psnr"] > scores[0]["psnr"] + 0.5


def test_a_model_of_twice_the_size_starts_one_of_four_times(photographs: Path, tmp_path: Path) -> None:
    first = go(photographs, tmp_path / "first", "upscale", kimg=0.016)
    events: list[Event] = []
    go(photographs, tmp_path / "second", "upscale", scale=4, kimg=0.016, start_from=first.run, events=events)
    said = [event.text for event in events if isinstance(event, Notice) and "carried over" in event.text]
    assert len(said) == 2
    assert "new are to_image" in said[0]
    assert "new are" not in said[1]


def test_models_of_the_other_kind_start_nothing(photographs: Path, tmp_path: Path, plain_run: Path) -> None:
    with pytest.raises(UsageError, match="which shares no weights with --task upscale"):
        go(photographs, tmp_path, "upscale", start_from=plain_run)
    with pytest.raises(UsageError, match="--latent-dim does nothing for --task upscale"):
        go(photographs, tmp_path, "upscale", latent_dim=8)
    assert not list(tmp_path.iterdir())


def test_sampling_from_a_model_of_photographs_is_refused(photographs: Path, tmp_path: Path) -> None:
    run = go(photographs, tmp_path, "restore", kimg=0.016).run
    with pytest.raises(UsageError, match="works on photographs and paints none from seeds"):
        sample(SampleRequest(run, tmp_path / "out"))


def test_a_crop_that_does_not_fit_the_network_is_told(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--size is 12x12, but this network needs sides that are multiples of 8"):
        go(photographs, tmp_path, "restore", size=12)
    with pytest.raises(DataError, match="smaller than a tile of 256x256"):
        go(photographs, tmp_path, "upscale", size=128)


def test_the_plan_says_what_will_be_done(photographs: Path) -> None:
    found = dict(plan(Request(photographs), {"task": "repair", **SMALL, **TASKS["repair"]}).lines())
    assert found["shape"] == "crops of 16x16 from tiles of 32x32"
    assert found["networks"].startswith("gated-unet, width 4 (generator")
    assert found["game"].startswith("repair, 50% of the budget pixels, then a patch critic: relativistic")
    found = dict(plan(Request(photographs), {"task": "find-scratches", **SMALL, **TASKS["find-scratches"]}).lines())
    assert found["game"] == "find-scratches, without a critic"


@every
def test_real_photographs(task: str, tmp_path: Path) -> None:
    folder = Path.home() / ".cache" / "ganvas" / "bench" / "photographs"
    files = sorted(folder.glob("*.webp"))[:6] if folder.is_dir() else []
    if not files:
        pytest.skip("bench/fetch.py has not been run")
    some = write_folder(tmp_path / "some", {path.name: path.read_bytes() for path in files})
    run = go(some, tmp_path / "runs", task, size=64, kimg=0.016).run
    assert all(np.isfinite(value) for line in lines(run / "scores.jsonl") for value in line.values())


def test_a_pixel_stage_without_anything_to_learn_from_is_refused(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pixel-weight and --frequency-weight are both 0"):
        go(photographs, tmp_path, "upscale", pixel_weight=0.0, frequency_weight=0.0)
    assert not list(tmp_path.iterdir())
