"""The list of photographs: nothing on two sides, parts as the rule says, and the hashes of files that are there."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fetch import CACHE
from photo_data import checked, file_name, lay_out, near_duplicates, write_list
from photographs.split import HALVED_FROM_PX, NOT_FOR_TRAINING, PARTS, Photograph, assigned, read_list
from PIL import Image
from sources.table import SOURCES

LISTED = read_list()


def test_no_file_and_no_scene_lies_on_two_sides() -> None:
    assert len({one.sha256 for one in LISTED}) == len(LISTED)
    sides = defaultdict(set)
    for one in LISTED:
        sides[one.stratum, one.scene].add(one.part)
    assert {len(parts) for parts in sides.values()} == {1}
    assert {one.part for one in LISTED} == set(PARTS)
    assert {one.source for one in LISTED} <= set(SOURCES)


def test_what_must_not_be_trained_on_is_tested() -> None:
    barred = [one for one in LISTED if one.licence in NOT_FOR_TRAINING]
    assert {one.source for one in barred} >= {"ai-benchmark", "mate"}
    assert {one.part for one in barred} == {"test"}
    assert all(one.licence for one in LISTED)


def test_the_list_is_what_the_rule_gives() -> None:
    assert assigned(LISTED) == LISTED
    assert assigned([replace(one, part="test") for one in LISTED[::-1]]) == LISTED[::-1]


def test_one_more_photograph_moves_few_others() -> None:
    more = replace(LISTED[0], sha256="0" * 64, file="erase/okapi.webp", scene="okapi")
    before = {one.sha256: one.part for one in LISTED}
    moved = [one for one in assigned([*LISTED, more]) if before.get(one.sha256, one.part) != one.part]
    assert len(moved) <= 2


def test_written_and_read_it_is_the_same(tmp_path: Path) -> None:
    write_list(LISTED[::-1], tmp_path / "list.tsv")
    assert read_list(tmp_path / "list.tsv") == LISTED


def toy(folder: Path, name: str, colour: str) -> Photograph:
    path = folder / "interiors" / name
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.new("RGB", (8, 8), colour).save(path)
    return Photograph(
        "test", hashlib.sha256(path.read_bytes()).hexdigest(), "interiors", name, name, 8, 8, "Pexels", ""
    )


def test_folders_hold_what_is_listed_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    some = [replace(toy(tmp_path, "a.png", "red"), part="training"), toy(tmp_path, "b.png", "blue")]
    (tmp_path / "out" / "training").mkdir(parents=True)
    (tmp_path / "out" / "training" / "old.png").touch()
    for _ in range(2):
        lay_out(some, tmp_path / "out", tmp_path)
        found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
        assert found == ["test/interiors-b.png", "training/interiors-a.png"]
    Image.new("RGB", (8, 8), "green").save(tmp_path / "interiors" / "b.png")
    with pytest.raises(SystemExit, match="has the SHA-256"):
        checked(some[1], tmp_path)
    with pytest.raises(SystemExit, match=r"run `python bench/fetch\.py interiors`"):
        checked(replace(some[1], file="c.png"), tmp_path)


def test_what_is_large_is_laid_out_at_half_its_size(tmp_path: Path) -> None:
    size = (16, HALVED_FROM_PX)
    large = replace(toy(tmp_path, "large.jpg", "red"), width=size[0], height=size[1])
    path = tmp_path / "interiors" / "large.jpg"
    Image.linear_gradient("L").resize(size).save(path)
    large = replace(large, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    small = replace(toy(tmp_path, "small.jpg", "blue"), height=HALVED_FROM_PX - 1)
    lay_out([large, small], tmp_path / "out", tmp_path)
    assert {path.name for path in (tmp_path / "out" / "test").iterdir()} == {
        "interiors-large.png",
        "interiors-small.jpg",
    }
    with Image.open(tmp_path / "out" / "test" / "interiors-large.png") as laid, Image.open(path) as whole:
        assert (laid.size, laid.mode) == ((8, HALVED_FROM_PX // 2), "RGB")
        assert laid.width * laid.height == large.pixels
        box = whole.convert("RGB").resize(laid.size, Image.Resampling.BOX)
        assert np.abs(np.asarray(laid, float) - np.asarray(box, float)).max() <= 2


def test_names_in_a_folder_differ() -> None:
    assert len({file_name(one) for one in LISTED}) == len(LISTED)


@pytest.mark.slow
def test_no_near_duplicates_lie_on_two_sides(tmp_path: Path) -> None:
    if missing := sorted({one.source for one in LISTED if not (CACHE / one.source).is_dir()}):
        pytest.skip(f"not fetched: {', '.join(missing)}")
    lay_out(LISTED, tmp_path)
    assert [group for group in near_duplicates(tmp_path) if len({path.parent for path in group}) > 1] == []
