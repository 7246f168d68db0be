import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ganvas.data.item import Unreadable
from ganvas.errors import FileError
from ganvas.image.provenance import read_mark
from ganvas.job.subject import Subject
from ganvas.job.write_evaluation import Evaluation, write_evaluation
from ganvas.metric.compare import Result, read_result
from ganvas.metric.extract import extract
from ganvas.metric.memorised import find_near_reals
from ganvas.metric.pictures import Picture
from ganvas.metric.protocol import PROTOCOLS
from ganvas.metric.score import Score
from ganvas.metric.stamp import Stamp
from tests.data.pictures import noise, scene
from tests.evaluations import CPU, Listed, random_network
from tests.metric.pages import Reader, decoded, inlined

LOST = Unreadable("lost.png", "it is lost")
REALS = [scene(seed, 40, 60) for seed in range(30)]
FAKES = [scene(100 + seed, 40, 60) for seed in range(25)]


def stamp(fakes: int, reals: int, seed: int = 0) -> Stamp:
    return Stamp(
        network="random",
        network_sha256="0" * 64,
        protocol="tf",
        resize="tf",
        unbiased=True,
        real_key="key",
        real_count=reals,
        fake_count=fakes,
        seed=seed,
        precision="float32",
        formats={"real": {"PNG": reals}, "fake": {"PNG": fakes}},
        device="cpu",
        threads=1,
        versions={"ganvas": "1"},
    )


def write(
    folder: Path,
    fakes: Sequence[Picture | Unreadable] = FAKES,
    reals: Sequence[Picture | Unreadable] = REALS,
    *,
    name: str = "made by <me>",
    warnings: tuple[str, ...] = (),
    kind: str = "PNG",
    seed: int = 0,
    key: str = "listed",
    groups: int = 20,
) -> Evaluation:
    sets = Listed(fakes, key), Listed(reals)
    looked = [extract(one, random_network(), PROTOCOLS["ganvas"], device=CPU) for one in sets]
    near = find_near_reals(looked[0].features, looked[1].features)
    subject = Subject(name, *sets, "the reals", {"real": {"PNG": len(reals)}, "fake": {kind: len(fakes)}})
    scores = (Score("random-fd", 2.5, 0.1, 2.4, "lower", "A note."), Score("random-kd", 0.0, None, None, "lower"))
    result = Result("1", name, stamp(len(fakes), len(reals), seed), scores, {"random-fd": 0.5})
    return write_evaluation(folder, subject, result, looked[0], looked[1], near, warnings, groups=groups)


def test_the_result_is_one_that_compare_reads(tmp_path: Path) -> None:
    found = write(tmp_path / "new" / "out", warnings=("Ärger & more",))
    assert read_result(found.file) == found.result
    raw = json.loads(found.file.read_bytes())
    assert raw == found.to_dict()
    assert raw["warnings"] == ["Ärger & more"]
    assert raw["memorised"] == {"copies": 0, "fakes_alike": 0, "reals_alike": 0}
    assert [score["floor"] for score in raw["scores"]] == [0.5, None]
    assert (raw["file"], raw["page"]) == (str(found.file), str(found.page))
    assert sorted((tmp_path / "new" / "out").iterdir()) == sorted([found.file, found.page])
    assert re.fullmatch(r"made-by-me-random-tf-25-[0-9a-f]{8}\.json", found.file.name)
    assert found.page == found.file.with_suffix(".html")


def test_the_page_tells_all_and_is_well_formed(tmp_path: Path) -> None:
    found = write(tmp_path, warnings=("Beware of <b>JPEG</b>.",))
    page = Reader(found.page.read_text(encoding="utf-8"))
    for words in ("made by <me>", "the reals", "Beware of <b>JPEG</b>.", "random-fd", "random-kd", "A note."):
        assert words in page.words
    assert "script" not in page.tags


def test_copies_are_found_counted_and_shown(tmp_path: Path) -> None:
    """A flip, the same again, and one made brighter among others that are nobody's."""
    bright = np.clip(REALS[22] * 1.15, 0, 255).astype(np.uint8)
    planted: list[Picture] = [np.flip(REALS[4], 1).copy(), *FAKES[:9], REALS[13], bright]
    found = write(tmp_path, planted)
    assert found.memorised == {"copies": 3, "fakes_alike": 0, "reals_alike": 0}
    html = found.page.read_text(encoding="utf-8")
    words = Reader(html).words
    for name in ("000.png", "004.png", "010.png", "013.png", "011.png", "022.png"):
        assert name in words
    assert any(np.array_equal(shown, REALS[13]) for shown in decoded(html))


def test_pictures_that_look_alike_are_counted_on_both_sides(tmp_path: Path) -> None:
    found = write(tmp_path, [*FAKES[:8], FAKES[0], FAKES[0], FAKES[3]], [*REALS[:10], REALS[9]])
    assert (found.memorised["fakes_alike"], found.memorised["reals_alike"]) == (5, 2)


def test_names_are_right_where_pictures_are_missing(tmp_path: Path) -> None:
    """Features are fewer than files then, and a row of one is no row of the other."""
    fakes: list[Picture | Unreadable] = [*FAKES[:20], LOST, REALS[29]]
    found = write(tmp_path, fakes, [LOST, *REALS])
    assert found.memorised["copies"] == 1
    html = found.page.read_text(encoding="utf-8")
    words = Reader(html).words
    assert "021.png" in words
    assert "030.png" in words
    assert sum(np.array_equal(shown, REALS[29]) for shown in decoded(html)) >= 2


def test_lookalikes_have_their_own_names(tmp_path: Path) -> None:
    found = write(tmp_path, FAKES[:20], [LOST, *REALS[:21], REALS[20]])
    words = Reader(found.page.read_text(encoding="utf-8")).words
    assert "022.png" in words, "the last file, though features are one fewer"


def test_painted_pictures_are_marked_and_files_are_not(tmp_path: Path) -> None:
    """Nobody knows who made the pictures of a folder."""
    painted, files = write(tmp_path / "a", kind="memory"), write(tmp_path / "b")
    marks = [
        {read_mark(file, "") is not None for file in inlined(one.page.read_text(encoding="utf-8"))}
        for one in (painted, files)
    ]
    assert marks == [{True, False}, {False}]


def test_pictures_of_all_sizes_and_channels_fit_on_a_page(tmp_path: Path) -> None:
    mixed = [noise(0, 9, 4, 1), noise(1, 600, 3, 3), noise(2, 5, 5, 4), noise(3, 2, 300, 3), *FAKES[:8]]
    found = write(tmp_path, mixed, [noise(50, 1, 1), noise(51, 300, 200, 1), noise(52, 7, 7, 4), *REALS[:9]])
    shown = decoded(found.page.read_text(encoding="utf-8"))
    sheets, single = shown[:2], shown[2:]
    assert len(sheets) == 2
    assert single
    assert max(max(one.shape[:2]) for one in single) <= 96
    assert any(min(one.shape[:2]) == 1 for one in single), "600 by 3 pixels become 96 by 1, not by 0"


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    first, again, other = (write(tmp_path / str(number), seed=seed) for number, seed in enumerate((1, 1, 2)))
    assert first.page.read_bytes() == again.page.read_bytes()
    assert first.page.read_bytes() != other.page.read_bytes()


def test_the_same_measurement_again_replaces_its_own_files_and_no_others(tmp_path: Path) -> None:
    """Another count, seed, model or number of groups is another measurement, and so are other reals."""
    others = [
        write(tmp_path),
        write(tmp_path, FAKES[:20]),
        write(tmp_path, seed=1),
        write(tmp_path, key="another model"),
        write(tmp_path, groups=10),
        write(tmp_path, reals=REALS[:29]),
    ]
    again = write(tmp_path, warnings=("Told anew.",))
    files = [path for one in others for path in (one.file, one.page)]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert len(set(files)) == 12
    assert (again.file, again.page) == (others[0].file, others[0].page)
    assert json.loads(again.file.read_bytes())["warnings"] == ["Told anew."]


def test_nothing_is_left_of_what_cannot_be_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(page: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("ganvas.job.write_evaluation.render", fail)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"Cannot create the folder '.*file' \(.*\); choose another --out"):
        write(tmp_path / "file")
    with pytest.raises(FileError, match="choose another --out"):
        write(tmp_path / "file" / "below")
