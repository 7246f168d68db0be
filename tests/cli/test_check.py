import json
from pathlib import Path

from tests.cli.conftest import Ganvas
from tests.data.pictures import write_folder
from tests.runs import class_folder, plain_folder


def test_in_words(ganvas: Ganvas, tmp_path: Path) -> None:
    folder = write_folder(plain_folder(tmp_path / "x", 6), {"torn.png": b"-"})
    said = ganvas("check", folder)
    assert (said.code, said.err) == (0, "")
    assert "pictures        7 in a folder, 1 unreadable\n" in said.out
    assert "suggested size  8x8\n" in said.out
    assert "unreadable      torn.png: " in said.out
    assert "\n- 1 of 7 pictures cannot be read" in said.out


def test_as_json(ganvas: Ganvas, tmp_path: Path) -> None:
    said = ganvas("check", class_folder(tmp_path / "x"), "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["labels"]["counts"] == {"coat": 20, "dress": 20, "shoe": 20}
    none = ganvas("check", tmp_path / "x", "--labels", "none", "--json")
    assert json.loads(none.out)["labels"]["kind"] == "none"


def test_nothing_to_look_at(ganvas: Ganvas, tmp_path: Path) -> None:
    said = ganvas("check", tmp_path / "none", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: There is nothing at '{tmp_path / 'none'}'; check the path.\n"
