import io
import math
import pickle
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors.torch import load_file

from ganvas.errors import DataError, FileError, UsageError
from ganvas.events import Event, Notice, Warned
from ganvas.job.count_modes import ModeReport, count_points, count_stacked
from ganvas.tensors import Levels
from tests.data.pictures import encoded, noise, write_folder, write_npy
from tests.photo_models import write_model
from tests.runs import plain_folder

SIDE_PX, SAMPLES = 8, 30


class Digits(NamedTuple):
    """Ten glyphs: their shapes, uint8 ``(10, 8, 8)``, and a labelled folder of noisy ones."""

    shapes: NDArray[np.int64]
    folder: Path

    def drawn(self, digits: NDArray[np.int64], seed: int) -> Levels:
        """Noisy ones, ``(N, 8, 8)``."""
        noise = np.random.default_rng(seed).normal(0, 15, (len(digits), SIDE_PX, SIDE_PX))
        levels: Levels = np.clip(self.shapes[digits] + noise, 0, 255).astype(np.uint8)
        return levels

    def stacked(self, modes: NDArray[np.int64], seed: int = 0) -> Levels:
        """Pictures ``(N, 8, 8, 3)`` of these modes."""
        places = (modes // 100, modes // 10 % 10, modes % 10)
        return np.stack([self.drawn(place, 3 * seed + row) for row, place in enumerate(places)], axis=3)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder = tmp_path_factory.mktemp("digits") / "digits"
    rng = np.random.default_rng(0)
    coarse = rng.permutation(2**16)[:10][:, None] >> np.arange(16) & 1
    shapes = np.kron(coarse.reshape(10, 4, 4), np.ones((2, 2), int)) * 180 + 40
    glyphs = Digits(shapes, folder)
    labels = np.arange(10 * SAMPLES) // SAMPLES
    levels = glyphs.drawn(labels, 99)
    files = {f"{label}/{row:03d}.png": encoded(levels[row][..., None]) for row, label in enumerate(labels)}
    write_folder(folder, files)
    return glyphs


def count(
    subject: Path,
    data: Path,
    *,
    asked: int | None = None,
    events: list[Event] | None = None,
    best: bool = False,
    seed: int = 0,
) -> ModeReport:
    report = (events if events is not None else []).append
    return count_stacked(subject, data, count=asked, first_seed=seed, best=best, device="cpu", report=report)


def test_planted_triples_are_counted(digits: Digits, tmp_path: Path) -> None:
    """Seven modes, one of them half as often as the others."""
    modes = np.array([0, 7, 123, 321, 555, 908, 999])
    shown = np.random.default_rng(0).permutation(np.repeat(modes, [10, 20, 20, 20, 20, 20, 20]))
    events: list[Event] = []
    found = count(write_npy(tmp_path / "x.npy", digits.stacked(shown)), digits.folder, events=events)
    share = np.array([1] + [2] * 6) / 13
    assert found.count.modes_found == 7
    assert found.count.kl_nats == pytest.approx(float((share * np.log(1000 * share)).sum()))
    assert found.count.floor_nats == pytest.approx(999 / 260)
    assert (found.modes, found.samples, found.within, found.reader_accuracy) == (1000, 130, None, 1.0)
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told[-1] == "The classifier reads 100.0% of 10 % of the digits, held out, as they are labelled."


def test_channels_are_hundreds_tens_and_ones(digits: Digits, tmp_path: Path) -> None:
    """Modes that differ in one place alone, or in the order of their digits, are different ones."""
    modes = np.array([123, 132, 213, 231, 312, 321, 124, 133, 223])
    found = count(write_npy(tmp_path / "x.npy", digits.stacked(np.repeat(modes, 5))), digits.folder)
    assert found.count.modes_found == 9
    assert found.count.kl_nats == pytest.approx(math.log(1000 / 9))


def test_all_modes_score_as_well_as_can_be(digits: Digits, tmp_path: Path) -> None:
    found = count(write_npy(tmp_path / "x.npy", digits.stacked(np.arange(1000))), digits.folder)
    assert found.count.modes_found == 1000
    assert found.count.kl_nats == pytest.approx(0, abs=1e-12)


def test_files_count_as_an_array_does(digits: Digits, tmp_path: Path) -> None:
    levels = digits.stacked(np.array([5, 5, 77, 901]))
    folder = write_folder(tmp_path / "x", {f"{row}.png": encoded(one) for row, one in enumerate(levels)})
    assert count(folder, digits.folder) == count(write_npy(tmp_path / "x.npy", levels), digits.folder)


def test_the_classifier_is_kept_until_it_is_damaged(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    subject = write_npy(tmp_path / "x.npy", digits.stacked(np.array([5, 5, 77, 901])))

    def call() -> tuple[ModeReport, list[Event]]:
        events: list[Event] = []
        return count(subject, digits.folder, events=events), events

    trained = Notice("Training a classifier on 270 digits.")
    first, events = call()
    assert trained in events
    again, events = call()
    assert trained not in events
    (kept,) = (tmp_path / "cache" / "readers").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:500])
    mended, events = call()
    assert Warned(f"The classifier in '{kept}' is damaged; it is trained again.") in events
    assert trained in events
    (tmp_path / "whole.safetensors").write_bytes(whole)
    before, after = load_file(tmp_path / "whole.safetensors"), load_file(kept)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert first == again == mended


def test_other_labels_of_the_same_pictures_train_another_classifier(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels beside an array; the first ones call every glyph by its successor's name."""
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    labels = np.arange(10 * SAMPLES) % 10
    data = write_npy(tmp_path / "digits.npy", digits.drawn(labels, 5))
    subject = write_npy(tmp_path / "x.npy", digits.stacked(np.array([111, 222])))
    for shown in ((labels + 1) % 10, labels):
        write_npy(tmp_path / "digits.labels.npy", shown)
        events: list[Event] = []
        assert count(subject, data, events=events).reader_accuracy == 1.0, "learned by the labels there are"
        assert Notice("Training a classifier on 270 digits.") in events, "though digits come in turns"


def test_a_model_paints_what_is_counted(digits: Digits, plain_run: Path, tmp_path: Path) -> None:
    found = count(plain_run, digits.folder, asked=30)
    assert found.samples == 30
    assert 1 <= found.count.modes_found <= 30
    assert count(plain_run, digits.folder, asked=30) == found
    run = shutil.copytree(plain_run, tmp_path / "run")
    (run / "best.safetensors").write_bytes(b"damaged")
    with pytest.raises(FileError, match=r"best\.safetensors"):
        count(run, digits.folder, asked=30, best=True)


def test_a_model_of_photographs_paints_no_digits(digits: Digits, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.safetensors", "upscale")
    with pytest.raises(UsageError, match=r"'upscale', which paints from photographs .* --pairs"):
        count(model, digits.folder, asked=30)


@pytest.mark.parametrize("asked", [0, -5])
def test_a_model_paints_at_least_one(digits: Digits, plain_run: Path, asked: int) -> None:
    with pytest.raises(UsageError, match=f"^--count is {asked}, but it must be 1 or more"):
        count(plain_run, digits.folder, asked=asked)


@pytest.mark.parametrize(
    ("options", "said"), [({"best": True}, "--best is"), ({"asked": 5}, "--count 5 is"), ({"seed": 3}, "--seed 3 is")]
)
def test_what_says_how_a_model_paints_is_refused_for_pictures(
    digits: Digits, tmp_path: Path, options: Any, said: str
) -> None:
    pictures = write_npy(tmp_path / "stacked.npy", digits.stacked(np.arange(20)))
    with pytest.raises(UsageError, match=f"{said} for runs and models, but '.*' holds pictures; leave it out"):
        count(pictures, tmp_path, **options)


def test_what_is_no_stack_of_digits_is_refused(digits: Digits, class_run: Path, tmp_path: Path) -> None:
    good = write_npy(tmp_path / "x.npy", digits.stacked(np.array([5, 5])))
    grey = plain_folder(tmp_path / "grey", 3, channels=1)
    with pytest.raises(DataError, match=r"has the shape \(8, 8, 1\), not \(8, 8, 3\); stacked digits are RGB"):
        count(grey, digits.folder)
    sizes = write_folder(tmp_path / "sizes", {"1.png": encoded(noise(0, 8, 8)), "2.png": encoded(noise(0, 9, 8))})
    with pytest.raises(DataError, match=r"\(9, 8, 3\), not \(8, 8, 3\)"):
        count(sizes, digits.folder)
    damaged = write_folder(tmp_path / "damaged", {"1.png": encoded(noise(0, 8, 8)), "2.png": b"no"})
    with pytest.raises(DataError, match=r"'2\.png' cannot be read"):
        count(damaged, digits.folder)
    with pytest.raises(DataError, match="paints under labels, but stacked digits have none"):
        count(class_run, digits.folder, asked=5)
    with pytest.raises(DataError, match="grey' has no labels, not ten classes of digits"):
        count(good, grey)
    shutil.copytree(digits.folder, tmp_path / "nine")
    shutil.rmtree(tmp_path / "nine" / "4")
    with pytest.raises(DataError, match="has 9 classes, not ten classes of digits; give labelled digits as --data"):
        count(good, tmp_path / "nine")
    with pytest.raises(DataError, match="nothing at"):
        count(good, tmp_path / "gone")


@pytest.mark.slow
def test_real_digits_are_read(tmp_path: Path) -> None:
    """Those that `bench/fetch.py digits` fetches, stacked in twenty ways."""
    folder = Path(user_cache_path("ganvas", appauthor=False)) / "bench" / "digits"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is not there; run bench/fetch.py digits")
    levels = np.fromfile(folder / "train-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.fromfile(folder / "train-labels-idx1-ubyte", np.uint8, offset=8)
    rng = np.random.default_rng(0)
    modes = rng.permutation(1000)[:20]
    shown = np.repeat(modes, 20)
    planes = [levels[[rng.choice(np.flatnonzero(labels == digit)) for digit in place]]
              for place in (shown // 100, shown // 10 % 10, shown % 10)]  # fmt: skip
    found = count(write_npy(tmp_path / "x.npy", np.stack(planes, 3)), folder / "train-images-idx3-ubyte")
    assert found.reader_accuracy is not None
    assert found.reader_accuracy > 0.97
    assert 20 <= found.count.modes_found < 40
    assert found.count.kl_nats == pytest.approx(math.log(50), abs=0.25)


def on_the_ring(modes: list[int], each: int, far: int = 0) -> NDArray[np.float64]:
    """Of eight Gaussians on the unit circle, standard deviation 0.01; some points in no mode."""
    rng = np.random.default_rng(0)
    angle = np.repeat(modes, each) * np.pi / 4
    near = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.01 * np.clip(rng.normal(size=(len(angle), 2)), -2, 2)
    return np.concatenate([near, np.tile([1.035, 0.0], (far, 1))])  # three standard deviations end at 1.03


def test_missing_modes_of_a_ring(tmp_path: Path) -> None:
    found = count_points(write_npy(tmp_path / "x.npy", on_the_ring([0, 1, 2, 4, 7], 40, far=50)), "ring")
    assert (found.count.modes_found, found.modes, found.samples) == (5, 8, 250)
    assert found.within == pytest.approx(0.8)
    assert found.count.kl_nats == pytest.approx(math.log(8 / 5))
    assert found.count.floor_nats == pytest.approx(7 / 400)
    assert found.reader_accuracy is None


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_missing_modes_of_a_grid(tmp_path: Path, kind: type) -> None:
    axis = np.linspace(-4, 4, 5)
    centres = np.array([(x, y) for x in axis for y in axis])[3:]
    points = np.repeat(centres, 30, 0) + 0.05 * np.random.default_rng(0).uniform(-2, 2, (22 * 30, 2))
    found = count_points(write_npy(tmp_path / "x.npy", points.astype(kind)), "grid")
    assert (found.count.modes_found, found.modes, found.within) == (22, 25, 1.0)
    assert found.count.kl_nats == pytest.approx(math.log(25 / 22))


def test_a_mode_hardly_ever_met_is_not_found(tmp_path: Path) -> None:
    """From a hundredth of a fair share on."""
    points = np.concatenate([on_the_ring([0, 1, 2, 3], 250), on_the_ring([5], 1), on_the_ring([6], 2)])
    assert count_points(write_npy(tmp_path / "x.npy", points), "ring").count.modes_found == 5


def test_no_point_in_any_mode(tmp_path: Path) -> None:
    found = count_points(write_npy(tmp_path / "x.npy", np.zeros((9, 2))), "ring")
    assert found.to_dict() == {
        "modes": 0, "of": 8, "kl": None, "floor": None, "samples": 9, "within": 0.0, "reader_accuracy": None,
    }  # fmt: skip


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_touch, (str(self.mark),))


def _touch(path: str) -> None:
    Path(path).touch()


def npy_with(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def saved(*arrays: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, *arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"0.1 0.2",
        b"PK\x03\x04 no archive",
        saved(np.zeros((3, 2))),
        npy_with(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2)}\n"),
        npy_with(b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,"),
        b"\x93NUMPY",
    ],
    ids=["empty", "text", "PK", "npz", "huge", "header", "magic"],
)
def test_files_that_hold_no_points(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npy'"):
        count_points(tmp_path / "x.npy", "ring")


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    hostile = np.empty((2, 2), object)
    hostile[:] = Hostile(tmp_path / "executed")
    np.save(tmp_path / "objects.npy", hostile, allow_pickle=True)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Hostile(tmp_path / "executed")))
    np.savez(tmp_path / "x.npz", hostile)
    for name in ("objects.npy", "plain.npy", "x.npz"):
        with pytest.raises(DataError, match=name):
            count_points(tmp_path / name, "grid")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4),
        np.zeros((4, 3)),
        np.zeros((4, 2, 1)),
        np.zeros((0, 2)),
        np.zeros((4, 2), complex),
        np.zeros((4, 2), bool),
        np.full((4, 2), "1"),
        np.array([[0.0, 1.0], [np.nan, 0.0]]),
        np.array([[0.0, np.inf]]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_points(tmp_path: Path, array: NDArray[np.generic]) -> None:
    with pytest.raises(DataError):
        count_points(write_npy(tmp_path / "x.npy", array), "ring")


def test_no_file_of_points(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.npy", tmp_path):
        with pytest.raises(FileError, match=rf"'{path}' cannot be read \(.*\); give a \.npy file of points"):
            count_points(path, "ring")
