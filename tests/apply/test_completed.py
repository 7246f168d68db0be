"""Large holes: what is plain stays plain, what repeats goes on, and texture is as it is around."""

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ganvas.apply.completed import completed, completed_of
from ganvas.apply.guess import guessed
from ganvas.apply.planes import colour_planes
from ganvas.task.photo import detail_distance
from ganvas.tensors import Images
from tests.task.scenes import scenes


def disc(height: int, width: int, row: int, column: int, radius: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def skin(picture: Images, hole: Tensor) -> Images:
    """With a guess in the hole, and nothing of the truth."""
    return guessed(torch.where(hole, torch.tensor(0.9), picture)[None], hole[None, None].float())[0]


def filled(picture: Images, hole: Tensor) -> Images:
    """From a guess on."""
    found = completed(skin(picture, hole), hole)
    assert found is not None
    assert torch.equal(found[:, ~hole], picture[:, ~hole])
    return found


@pytest.mark.parametrize("channels", [1, 3])
def test_plain_stays_plain(channels: int) -> None:
    plain = torch.full((channels, 150, 131), 0.3)
    torch.testing.assert_close(filled(plain, disc(150, 131, 70, 60, 45)), plain)


def test_a_soft_shade_stays_one() -> None:
    y, x = torch.meshgrid(torch.linspace(-0.8, -0.3, 220), torch.linspace(0, 0.2, 200), indexing="ij")
    sky = torch.stack([y + x, y, y - x])
    assert (filled(sky, disc(220, 200, 110, 95, 55)) - sky).abs().max() < 1 / 127.5


def test_an_edge_goes_on_straight() -> None:
    y, x = torch.meshgrid(torch.arange(180), torch.arange(200), indexing="ij")
    two = torch.where(y + 0.5 * x < 130, 0.7, -0.6)[None].repeat(3, 1, 1)
    hole = disc(180, 200, 80, 100, 40)
    wrong = (filled(two, hole) - two).abs().amax(0)[hole] > 0.3
    assert wrong.float().mean() < 0.03


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_texture_is_like_that_around_the_hole(name: str) -> None:
    """A photograph's own texture, against a membrane that has none."""
    folder = Path(skimage.__file__).parent / "data"
    levels = np.array(Image.open(folder / f"{name}.png").convert("RGB"))[:320, :320]
    picture = torch.from_numpy(levels).permute(2, 0, 1).float() / 127.5 - 1
    hole = disc(320, 320, 150, 160, 60)
    found = filled(picture, hole)
    ours, smooth = (
        detail_distance(result[None], picture[None], hole[None, None].float())
        for result in (found, skin(picture, hole))
    )
    assert ours < 0.1 * smooth


HEIGHT, WIDTH = 161, 126


def photograph(dtype: type[np.uint8 | np.uint16] = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A soft one of odd height, its hole, and a crack that comes near to the edge."""
    y, x = np.mgrid[-0.5 : 0.5 : HEIGHT * 1j, -0.3 : 0.3 : WIDTH * 1j]
    soft = np.stack([0.3 * np.sin(9 * y), 0.3 * np.cos(8 * x), x], 2)
    hole = disc(HEIGHT, WIDTH, 90, 60, 30).numpy()
    hole[3:80, 58:61] = True
    return ((soft + 1) / 2 * np.iinfo(dtype).max).astype(dtype), hole


def filled_rows(pixels: np.ndarray, hole: np.ndarray, wanted: np.ndarray | None = None) -> Images:
    """With zeros for rows that are not made."""
    whole = torch.zeros(3, HEIGHT, WIDTH)
    for rows, colours in completed_of(pixels, hole, hole if wanted is None else wanted, torch.device("cpu")):
        whole[:, rows] = colours
    return whole


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_photograph_is_filled_as_its_planes_are(
    dtype: type[np.uint8 | np.uint16], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganvas.apply.completed.MOST_PX", HEIGHT * WIDTH)
    monkeypatch.setattr("ganvas.apply.completed._ROWS_AT_ONCE", 16)
    pixels, hole = photograph(dtype)
    whole = completed(colour_planes(pixels)[0], torch.from_numpy(hole))
    assert whole is not None
    assert torch.equal(filled_rows(pixels, hole)[:, hole], whole[:, hole])


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_a_large_photograph_is_filled_at_a_smaller_size_and_never_held_whole(
    halvings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if all of it were halved and doubled at once."""
    pixels, hole = photograph()
    scales = [(colour_planes(pixels)[0], torch.from_numpy(hole))]
    for _ in range(halvings):
        finer, known = scales[-1][0], (~scales[-1][1])[None].float()
        means, sums, shares = (F.avg_pool2d(some[None], 2, ceil_mode=True)[0] for some in (finer, finer * known, known))
        scales.append((torch.where(shares > 0, sums / shares.clamp(min=0.25), means), shares[0] == 0))
    whole = completed(*scales[-1])
    assert whole is not None
    for known, missing in scales[-2::-1]:
        doubled = F.interpolate(whole[None], scale_factor=2, mode="bilinear")[0]
        whole = torch.where(missing, doubled[:, : missing.shape[0], : missing.shape[1]], known)

    most, seen = scales[-1][1].numel(), []
    monkeypatch.setattr("ganvas.apply.completed.MOST_PX", most)
    monkeypatch.setattr("ganvas.apply.completed._ROWS_AT_ONCE", 8)

    def watched(part: np.ndarray) -> Tensor:
        seen.append(len(part))
        return colour_planes(part)

    monkeypatch.setattr("ganvas.apply.completed.colour_planes", watched)
    found = filled_rows(pixels, hole)
    torch.testing.assert_close(found[:, hole], whole[:, hole], rtol=0, atol=1e-6)
    assert max(seen) <= 8 + 2 * 2**halvings
    assert (found - colour_planes(pixels)[0]).abs()[:, hole].mean() < 0.1


def test_rows_that_nobody_wants_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.apply.completed.MOST_PX", HEIGHT * WIDTH // 2)
    monkeypatch.setattr("ganvas.apply.completed._ROWS_AT_ONCE", 32)
    pixels, hole = photograph()
    whole = filled_rows(pixels, hole)
    wanted = hole.copy()
    wanted[:80] = False
    made = filled_rows(pixels, hole, wanted)
    assert not made[:, :64].any()
    assert torch.equal(made[:, wanted], whole[:, wanted])


def test_it_is_the_same_every_time() -> None:
    picture, hole = scenes(1, 140, 150)[0], disc(140, 150, 60, 70, 40)
    assert torch.equal(filled(picture, hole), filled(picture, hole))


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_search_begins_with_what_the_hole_holds(side: str) -> None:
    """Stripes on one side of a hole and plain ground on the other: either may go on, and the beginning says which."""
    y, _ = torch.meshgrid(torch.arange(180), torch.arange(240), indexing="ij")
    stripes, plain = 0.8 * torch.sin(y / 3)[None], torch.full((1, 180, 240), 0.1)
    picture, hole = torch.cat([stripes[..., :120], plain[..., 120:]], 2), disc(180, 240, 90, 120, 40)
    likely = {"left": stripes, "right": plain}[side]
    found = completed(torch.where(hole, F.avg_pool2d(likely[None], 5, 1, 2)[0], picture), hole)
    assert found is not None
    inner = disc(180, 240, 90, 120, 34)
    assert (found - likely).abs()[:, inner].mean() < 0.3 * (stripes - plain).abs()[:, inner].mean()


def test_scratches_around_a_hole_are_filled_too() -> None:
    picture, hole = scenes(1, 160, 160)[0], disc(160, 160, 80, 80, 30)
    hole[:, 10::16] = True
    found = filled(picture, hole)
    assert found.isfinite().all()
    assert (found - picture).abs()[:, hole].mean() < 0.25


@pytest.mark.parametrize("known", [0, 3])
def test_nothing_to_take_patches_from(known: int) -> None:
    hole = torch.ones((60, 60), dtype=torch.bool)
    hole[:known] = False
    assert completed(torch.zeros(3, 60, 60), hole) is None


def test_a_picture_whose_patches_are_whole_at_the_finest_scale_alone() -> None:
    hole = torch.ones((80, 90), dtype=torch.bool)
    hole[:8] = False
    assert torch.allclose(filled(torch.full((3, 80, 90), -0.5), hole), torch.tensor(-0.5))


def test_progress_rises_to_one_and_is_mostly_that_of_the_finest_scale() -> None:
    told: list[float] = []
    hole = disc(150, 131, 70, 60, 45)
    assert completed(torch.full((1, 150, 131), 0.3), hole, told.append) is not None
    assert told == sorted(told)
    assert told[-1] == 1
    assert told[0] < 0.02
    assert completed(torch.full((1, 8, 8), 0.3), torch.ones(8, 8, dtype=torch.bool), told.append) is None
