import pytest
import torch

from ganvas.damage import marks
from ganvas.damage.marks import MARKS
from ganvas.damage.scratches import CHANCES, VISIBLE_LEVELS, ScratchRanges, scratched, scratched_print
from ganvas.draw import Draw
from tests.damage.photographs import photographs

ALWAYS = ScratchRanges(untouched=0.0, chances=dict.fromkeys(MARKS, 1.0))


def test_every_kind_has_a_chance() -> None:
    assert set(CHANCES) == set(MARKS)


@pytest.mark.parametrize("name", MARKS)
def test_a_mark_covers_a_little_of_most_pictures(name: str) -> None:
    opacity, tone = MARKS[name](Draw(1, 60), (64, 96))
    assert opacity.shape == (60, 64, 96)
    assert tone.shape in {(60, 3, 1, 1), (60, 3, 64, 96)}
    assert opacity.min() >= 0
    assert opacity.max() <= 1
    assert tone.abs().max() <= 1
    covered = (opacity > 0.05).float().mean((1, 2))
    assert (covered > 0).float().mean() > 0.7
    assert 0.001 < float(covered.mean()) < 0.25


@pytest.mark.parametrize("name", ["hairline", "film", "dust", "hair", "stain"])
def test_edges_are_soft(name: str) -> None:
    opacity, _ = MARKS[name](Draw(2, 40), (96, 96))
    edge = (opacity > 0.02) & (opacity < 0.6 * opacity.amax((1, 2), keepdim=True))
    assert edge.sum() > 0.1 * (opacity > 0.02).sum()


def test_film_scratches_run_down_and_hairlines_anywhere() -> None:
    film, _ = MARKS["film"](Draw(3, 40), (96, 96))
    hairline, _ = MARKS["hairline"](Draw(3, 40), (96, 96))

    def upright(opacity: torch.Tensor) -> float:
        return float(opacity.diff(dim=2).abs().sum() / opacity.diff(dim=1).abs().sum())

    assert upright(film) > 4
    assert 0.5 < upright(hairline) < 2


def test_folds_cross_the_picture_with_a_light_and_a_dark_side() -> None:
    grey = torch.zeros(20, 3, 64, 64)
    damaged, _ = scratched(grey, Draw(4, 20), ScratchRanges(0.0, {"fold": 1.0}))
    lighter, darker = (damaged > 0.03).flatten(1).any(1), (damaged < -0.03).flatten(1).any(1)
    assert lighter.all()
    assert darker.all()


def test_marks_are_bright_or_dark() -> None:
    grey = torch.zeros(60, 3, 32, 32)
    damaged, _ = scratched(grey, Draw(5, 60), ScratchRanges(0.0, {"dust": 1.0, "hairline": 1.0}))
    assert (damaged.amax((1, 2, 3)) > 0.4).any()
    assert (damaged.amin((1, 2, 3)) < -0.4).any()


def test_the_mask_is_where_the_picture_visibly_changed_and_around() -> None:
    clean = photographs(6, (64, 64))
    damaged, mask = scratched(clean, Draw(6, 6), ALWAYS)
    assert mask.shape == (6, 1, 64, 64)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    off = (damaged - clean).abs().amax(1) * 127.5
    for row in range(6):
        for y in range(64):
            for x in range(0, 64, 7):
                around = off[row, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
                assert bool(mask[row, 0, y, x]) == bool((around > VISIBLE_LEVELS).any())
    assert damaged.abs().max() <= 1


def test_some_pictures_stay_as_they_are() -> None:
    clean = torch.zeros(400, 3, 16, 16)
    damaged, mask = scratched(clean, Draw(7, 400), ScratchRanges(0.25, dict.fromkeys(MARKS, 1.0)))
    whole = (damaged == clean).flatten(1).all(1)
    assert abs(int(whole.sum()) - 100) < 4.5 * (400 * 0.25 * 0.75) ** 0.5
    assert mask[whole].sum() == 0
    assert (mask[~whole].flatten(1).sum(1) > 0).float().mean() > 0.95


def test_rows_are_those_of_the_whole_batch_and_repeat_themselves() -> None:
    clean, draw = photographs(12, (48, 56)), Draw(8, 12)
    whole = scratched(clean, draw)
    for start, stop in ((0, 5), (5, 6), (6, 12)):
        part = scratched(clean[start:stop], draw.rows(start, stop))
        for found, expected in zip(part, whole, strict=True):
            assert torch.equal(found, expected[start:stop])


def test_worn_prints_are_not_masked_but_marks_on_them_are() -> None:
    clean = photographs(64, (48, 48))
    scan, mask = scratched_print(clean, Draw(8, 64), ScratchRanges(untouched=1.0))
    assert mask.sum() == 0
    worn = (scan != clean).flatten(1).any(1)
    assert abs(float(worn.float().mean()) - (1 - 0.4 * 0.3)) < 4.5 * (0.88 * 0.12 / 64) ** 0.5
    marked, mask = scratched_print(clean, Draw(8, 64), ALWAYS)
    assert (mask.flatten(1).sum(1) > 0).all()
    inside = mask.bool().expand_as(scan)
    off = (marked - scan).abs()
    assert off[inside].mean() > 10 * off[~inside].mean()


def test_marks_are_covered_by_the_noise_of_the_scan() -> None:
    clean = torch.zeros(64, 3, 48, 48)
    scan, _ = scratched_print(clean, Draw(9, 64), ScratchRanges(0.0, {"stain": 1.0}))
    once, _ = scratched(clean, Draw(9, 64), ScratchRanges(0.0, {"stain": 1.0}))

    def grain(images: torch.Tensor) -> torch.Tensor:
        return images.diff(dim=3).abs().flatten(1).median(1).values

    assert (grain(scan) > grain(once) + 1 / 127.5).float().mean() > 0.2


def test_most_folds_run_along_a_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along a side, a fold stays within few rows or few columns; slanting ones cross many of both."""

    def narrow() -> tuple[float, float]:
        folded, _ = MARKS["fold"](Draw(10, 300), (96, 96))
        core = folded > 0.5
        rows, columns = core.any(2).sum(1), core.any(1).sum(1)
        few = torch.minimum(rows, columns) < 12
        return float(few.float().mean()), float((rows < columns)[few].float().mean())

    share, down = narrow()
    assert 0.3 < down < 0.7
    monkeypatch.setattr(marks, "ALONG_A_SIDE", 0.0)
    assert share > narrow()[0] + 0.15
