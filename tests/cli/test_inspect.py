import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganvas.image.provenance import PNG_KEYWORD, xmp_packet
from ganvas.job.sample import SampleRequest, sample
from tests.cli.conftest import Ganvas
from tests.model.models import described_as, description, write_model


def test_a_model_in_words(ganvas: Ganvas, class_run: Path) -> None:
    said = ganvas("inspect", class_run)
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split(None, 1) for line in said.out.splitlines())
    assert (lines["task"], lines["size"], lines["labels"]) == ("generate", "8x8", "class")
    assert (lines["label_names"], lines["generators"]) == ("coat, dress, shoe", "generator fast")
    assert (lines["pictures"], lines["picture_count"]) == ("clothes", "60")
    assert "config" not in lines  # 40 options are for --json


def test_tables_of_a_card_have_a_line_a_row(ganvas: Ganvas, tmp_path: Path) -> None:
    card = {
        "scores": {"thin": {"psnr_db": 30.5, "seam": 1.0}, "protocol": "p"},
        "started_from": [{"kimg": 4}],
        "b": {"c": 1},
    }
    raw = json.loads(description(kind="class").to_json()) | {"card": card}
    said = ganvas("inspect", described_as(write_model(tmp_path / "m.safetensors", kind="class"), json.dumps(raw)))
    assert said.out.splitlines()[-6:] == [
        "  b  c 1",
        "  scores",
        "    thin      psnr_db 30.5, seam 1.0",
        "    protocol  p",
        "  started_from",
        "    1  kimg 4",
    ]


def test_a_model_as_json(ganvas: Ganvas, class_run: Path) -> None:
    said = ganvas("inspect", class_run / "model.safetensors", "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["card"]["config"]["batch"] == 4


def test_a_picture(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    (path,) = sample(SampleRequest(class_run, tmp_path, seeds=[4], label="coat"))
    said = ganvas("inspect", path)
    assert said.code == 0
    assert "source_type  trainedAlgorithmicMedia\n" in said.out
    assert "recipe       seed 4, model " in said.out
    assert json.loads(ganvas("inspect", path, "--json").out)["recipe"]["label"] == "coat"


HOSTILE: list[Any] = [
    {"\x1b[2J": "\x1b]0;owned\x07"}, {"[/bold]": "[red]"}, {"a": [1, {"b": None}]}, {"a": {}}, {"a": []}, {"": ""},
    {"a": 1e308, "b": 10**300},
]  # fmt: skip


@pytest.mark.parametrize("card", HOSTILE)
def test_cards_and_recipes_of_anybody_are_shown_without_harm(ganvas: Ganvas, tmp_path: Path, card: Any) -> None:
    raw = json.loads(description(kind="class").to_json()) | {"card": card}
    raw["labels"]["names"] = ["[/red]", "\x1b[31m", "c"]
    path = described_as(write_model(tmp_path / "m.safetensors", kind="class"), json.dumps(raw))
    text = PngInfo()
    text.add_itxt(PNG_KEYWORD, xmp_packet(None, card).decode())
    Image.new("RGB", (4, 4)).save(tmp_path / "p.png", pnginfo=text)
    for file in (path, tmp_path / "p.png"):
        said = ganvas("inspect", file)
        assert (said.code, said.err) == (0, "")
        assert "\x1b" not in said.out
        assert ganvas("inspect", file, "--json").code == 0


@pytest.mark.parametrize("depth", [200, 900, 990, 5000])
def test_deep_recipes(ganvas: Ganvas, tmp_path: Path, depth: int) -> None:
    nest = '{"a": ' + "[" * depth + "]" * depth + "}"
    packet = (
        xmp_packet(None, {"a": "HERE"})
        .decode()
        .replace("{&quot;a&quot;: &quot;HERE&quot;}", nest.replace('"', "&quot;"))
    )
    assert "[[[" in packet
    text = PngInfo()
    text.add_itxt(PNG_KEYWORD, packet)
    Image.new("RGB", (4, 4)).save(tmp_path / "p.png", pnginfo=text)
    assert ganvas("inspect", tmp_path / "p.png").code == 0
    assert ganvas("inspect", tmp_path / "p.png", "--json").code == 0


def test_no_such_file(ganvas: Ganvas, tmp_path: Path) -> None:
    said = ganvas("inspect", tmp_path / "none", "--json")
    assert (said.code, said.out) == (1, "")
