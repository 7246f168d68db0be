from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas.data.crops import Crops, turned
from ganvas.data.dataset import Dataset
from ganvas.data.labels import no_labels
from ganvas.draw import Draw
from tests.data.pictures import noise

CPU = torch.device("cpu")
TILES = np.stack([noise(row, 12, 16, 3) for row in range(9)])
DATA = Dataset(TILES, no_labels(9, ""), tuple("aabbbccdd"), (), "key")


def crops(size: tuple[int, int] = (6, 6), rows: tuple[int, ...] = tuple(range(9))) -> Crops:
    return Crops(DATA, np.array(rows), size, 3, CPU)


@pytest.mark.parametrize("size", [(6, 6), (6, 8), (12, 16), (12, 12)])
def test_every_crop_is_a_part_of_its_tile_turned_or_mirrored(size: tuple[int, int]) -> None:
    batch = crops(size).at(0, Draw(5, 40))
    assert batch["image"].shape == (40, 3, *size)
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    levels = (batch["image"] * 127.5 + 127.5).round().permute(0, 2, 3, 1).numpy().astype(np.uint8)
    for crop, index in zip(levels, batch["index"].tolist(), strict=True):
        ways = [np.rot90(flip, turns) for flip in (crop, crop[:, ::-1]) for turns in range(4)]
        windows = np.lib.stride_tricks.sliding_window_view(TILES[index], (*size, 3)).reshape(-1, *size, 3)
        assert any((windows == way).all((1, 2, 3)).any() for way in ways if way.shape == crop.shape)


def test_places_and_turns_are_drawn_evenly() -> None:
    numbered = np.zeros((1, 9, 9, 3), np.uint8)
    numbered[0, ..., 0], numbered[0, ..., 1] = np.mgrid[0:9, 0:9]
    data = replace(DATA, images=numbered, labels=no_labels(1, ""), names=("a",))
    batch = Crops(data, np.array([0]), (5, 5), 0, CPU).at(0, Draw(1, 4000))["image"]
    corner = ((batch[:, :2] + 1) * 127.5).round().amin((2, 3))
    counts = np.unique(corner.numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 25
    assert counts.min() > 100
    slopes = torch.stack([batch[:, :2, 1, 0] - batch[:, :2, 0, 0], batch[:, :2, 0, 1] - batch[:, :2, 0, 0]], 1)
    counts = np.unique(slopes.mul(127.5).round().flatten(1).numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 8
    assert counts.min() > 400


def test_a_batch_depends_on_position_and_draw_alone() -> None:
    draw = Draw(2, 12)
    whole = crops().at(24, draw)
    part = crops().at(24, draw.rows(3, 8))
    assert torch.equal(part["image"], whole["image"][3:8])
    assert torch.equal(part["index"], whole["index"][3:8])
    assert not torch.equal(crops().at(24, draw.named("x"))["image"], whole["image"])
    assert set(crops(rows=(2, 5)).at(0, Draw(0, 20))["index"].tolist()) == {2, 5}


@pytest.mark.parametrize("size", [(6, 6), (6, 8), (12, 16)])
def test_tiles_kept_on_the_device_give_the_same_crops(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    draw, some = Draw(2, 12), (8, 1, 5, 2)
    read = crops(size, some)
    monkeypatch.setattr(Crops, "_has_room", lambda self: True)
    kept = crops(size, some)
    assert (read._kept is None, kept._kept is None) == (True, False)
    for position, rows in ((0, draw), (24, draw.rows(3, 8))):
        ours, theirs = kept.at(position, rows), read.at(position, rows)
        assert torch.equal(ours["image"], theirs["image"])
        assert torch.equal(ours["index"], theirs["index"])


def test_a_gpu_keeps_tiles_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    some = crops(rows=(0, 1, 2))
    assert not some._has_room()
    some._device = torch.device("cuda")
    for free, has_room in ((4 * TILES[:3].nbytes, True), (4 * TILES[:3].nbytes - 1, False)):
        monkeypatch.setattr("ganvas.data.crops.memory_bytes", lambda device, free=free: free)
        assert some._has_room() == has_room


def test_eight_ways_for_a_square_and_four_for_an_oblong() -> None:
    square, oblong = torch.rand(1, 1, 4, 4), torch.rand(1, 1, 3, 4)
    assert len({turned(square, torch.tensor([way])).numpy().tobytes() for way in range(8)}) == 8
    assert len({turned(oblong, torch.tensor([way])).contiguous().numpy().tobytes() for way in range(8)}) == 4
    mixed = turned(square.repeat(8, 1, 1, 1), torch.arange(8))
    assert all(torch.equal(mixed[way], turned(square, torch.tensor([way]))[0]) for way in range(8))
