import json
from pathlib import Path

import numpy as np
import pytest

from ganvas.errors import DataError
from ganvas.job.check import check
from tests.data.pictures import encoded, scene, write_folder, write_idx, write_npy, write_tar, write_zip


def files() -> dict[str, bytes]:
    scenes = [scene(seed, 48, 64) for seed in range(30)]
    found = {f"{'ab'[row % 2]}/{row:02d}.png": encoded(picture) for row, picture in enumerate(scenes)}
    found["a/copy.png"] = found["b/03.png"]
    found["a/jpeg.jpg"] = encoded(scenes[5], "JPEG", quality=60)
    found["b/grey.png"] = encoded(scene(40, 48, 64)[..., :1])
    found["b/deep.png"] = encoded(scene(41, 50, 70)[..., :1].astype(np.uint16) * 257)
    found["b/torn.png"] = found["a/00.png"][:999]
    found["b/phone.heic"] = b"-"
    return found


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_reports_everything_at_once(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = (write_folder if kind == "folder" else write_zip)(tmp_path / "x", files())
    calls: list[tuple[int, int]] = []
    report = check(path, progress=lambda done, total: calls.append((done, total)))
    assert report.kind == kind
    assert (report.survey.listed, report.survey.readable) == (35, 34)
    assert report.survey.sizes == {(48, 64): 33, (50, 70): 1}
    assert report.survey.channels == {3: 32, 1: 2}
    assert report.survey.bit_depths == {8: 33, 16: 1}
    assert [name for name, _ in report.survey.unreadable] == ["b/torn.png"]  # its header is whole, its pixels are not
    assert report.others == {".heic": 1}
    assert report.labels.counts() == {"a": 17, "b": 18}
    assert report.copies == (("a/copy.png", "b/03.png"),)
    assert report.lookalikes == (("a/jpeg.jpg", "b/05.png"),)
    assert report.suggested_size == report.survey.suggested_size()
    said = " ".join(report.advice)
    for word in (
        "cannot be read",
        ".heic",
        "too few",
        "1 picture is the same file as another",
        "1 picture is much like another one",
        "1 picture is of 16 bits",
        "--channels",
        "16 bits",
        "--size",
        "classes",
    ):
        assert word in said
    assert calls == [(done, 35) for done in range(1, 36)]
    assert capsys.readouterr() == ("", "")


def test_the_report_is_json(tmp_path: Path) -> None:
    report = check(write_folder(tmp_path / "x", files()))
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain == report.to_dict()
    assert plain["listed"] == 35
    assert plain["sizes"][0] == {"height_px": 48, "width_px": 64, "count": 33}
    assert plain["unreadable"][0]["name"] == "b/torn.png"
    assert plain["labels"] == {"kind": "class", "origin": "sub-folders", "counts": {"a": 17, "b": 18}}
    assert plain["advice"] == list(report.advice)


def test_lines_for_a_screen(tmp_path: Path) -> None:
    lines = dict(check(write_folder(tmp_path / "x", files())).lines())
    assert lines["pictures"] == "35 in a folder, 1 unreadable"
    assert lines["sizes"] == "48x64 (33), 50x70 (1)"
    assert lines["classes"] == "a (17), b (18)"
    assert lines["copies"] == "1 in 1 group"
    assert lines["unreadable"].startswith("b/torn.png: ")


def test_every_kind_of_source_is_called_by_its_name(tmp_path: Path) -> None:
    pictures = {f"{row}.png": encoded(scene(row, 16, 16)) for row in range(3)}
    array = np.stack([scene(row, 16, 16)[..., :1] for row in range(3)])[..., 0]
    sources = {
        "a folder": write_folder(tmp_path / "x", pictures),
        "a zip": write_zip(tmp_path / "x.zip", pictures),
        "a tar": write_tar(tmp_path / "x.tar", pictures),
        "an idx file": write_idx(tmp_path / "x-images-idx3-ubyte", array),
        "a .npy file": write_npy(tmp_path / "x.npy", array),
    }
    for called, path in sources.items():
        assert dict(check(path).lines())["pictures"] == f"3 in {called}, 0 unreadable"


def test_an_array_with_attributes(tmp_path: Path) -> None:
    write_npy(tmp_path / "x.labels.npy", np.arange(20.0))
    pictures = np.stack([scene(seed, 32, 32) for seed in range(20)])
    pictures[7] = pictures[3]
    report = check(write_npy(tmp_path / "x.npy", pictures))
    assert report.survey.formats == {"npy": 20}
    assert report.copies == (("03", "07"),)
    assert report.lookalikes == ()
    assert report.to_dict()["labels"]["mean"] == {"attribute0": 9.5}
    assert dict(report.lines())["attributes"] == "attribute0"


def test_labels_that_do_not_fit_are_reported(tmp_path: Path) -> None:
    report = check(write_folder(tmp_path / "x", {**files(), "labels.csv": b"file,class\n"}))
    assert report.labels.kind == "none"
    assert any("labels.csv has no row for 35 of 35" in sentence for sentence in report.advice)
    assert check(tmp_path / "x", labels="folders").labels.kind == "class"


def test_nothing_readable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"None of the 2 pictures"):
        check(write_folder(tmp_path / "x", {"a.png": b"-", "b.png": b"-"}))


def test_one_picture(tmp_path: Path) -> None:
    report = check(write_folder(tmp_path / "x", {"a.png": encoded(scene(0))}))
    assert (report.copies, report.lookalikes) == ((), ())
