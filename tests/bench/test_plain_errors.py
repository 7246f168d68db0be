"""What a benchmark says when it is given a file that is not there."""

from pathlib import Path

import pytest
import ship
import widen
from photographs.plain_errors import plain_errors

from ganvas.errors import FileError


@pytest.mark.parametrize(
    ("script", "arguments"),
    [(ship, ["{}", "out.safetensors"]), (widen, ["{}", "out.safetensors", "--width", "48"])],
)
def test_a_missing_model_is_named_in_one_sentence(
    script: object, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["script.py", *(one.format(tmp_path / "none.safetensors") for one in arguments)])
    with pytest.raises(SystemExit, match=r"none\.safetensors"):
        script.main()  # type: ignore[attr-defined]


def test_a_missing_summary_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"There is no '.*none\.json'; check the path"), plain_errors():
        (tmp_path / "none.json").read_text()


def test_mistakes_of_ours_keep_their_traceback() -> None:
    with pytest.raises(KeyError), plain_errors():
        raise KeyError("a")
    with pytest.raises(SystemExit, match="gone"), plain_errors():
        raise FileError("gone")
