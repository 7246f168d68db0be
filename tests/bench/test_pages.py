"""Pages of drawn text: the same again, readable, and nothing the benchmark measures."""

from pathlib import Path

import numpy as np
import pytest
from photographs.crops import TEXT
from photographs.pages import LETTERS, SIZE_PX, colours, word, write_pages
from PIL import Image, ImageFont


@pytest.fixture
def fonts(tmp_path: Path) -> list[Path]:
    path = tmp_path / "font.ttf"
    path.write_bytes(ImageFont.load_default(12).font_bytes)  # type: ignore[union-attr]
    return [path]


def test_the_same_fonts_give_the_same_pages(tmp_path: Path, fonts: list[Path]) -> None:
    for name in ("a", "b"):
        write_pages(tmp_path / name, fonts, 3)
    pages = [[np.array(Image.open(path)) for path in sorted((tmp_path / name).iterdir())] for name in ("a", "b")]
    assert [page.shape for page in pages[0]] == [(SIZE_PX[1], SIZE_PX[0], 3)] * 3
    assert all(np.array_equal(first, second) for first, second in zip(*pages, strict=True))
    assert not np.array_equal(pages[0][0], pages[0][1])


def test_a_page_is_full_of_edges_from_top_to_bottom(tmp_path: Path, fonts: list[Path]) -> None:
    write_pages(tmp_path / "a", fonts, 1)
    grey = np.array(Image.open(tmp_path / "a" / "page-00.png").convert("L"), np.int16)
    steps = (np.abs(np.diff(grey, axis=1)) > 40).sum(1)
    bands = steps[: len(steps) // 64 * 64].reshape(-1, 64).sum(1)
    assert (bands > 100).all()


def test_ink_can_be_told_from_paper() -> None:
    draw = np.random.default_rng(0)
    assert all(abs(np.mean(paper) - np.mean(ink)) > 80 for paper, ink in (colours(draw) for _ in range(200)))


def test_letters_make_no_text_of_the_benchmark() -> None:
    draw = np.random.default_rng(0)
    words = [word(draw) for _ in range(5000)]
    assert all(1 <= len(one) <= 10 for one in words)
    long = {one for line in TEXT for one in line.split() if len(one) > 3 and one.isalpha()}
    assert not long & set(words)
    plain = "".join(one for one in words if one.islower())
    assert plain.count("e") > 3 * plain.count("k")
    assert set(plain) == set(LETTERS)
