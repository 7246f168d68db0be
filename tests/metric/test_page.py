import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from ganvas.errors import DataError
from ganvas.metric.figure import document
from ganvas.metric.page import Curve, Group, Page, Pair, render
from ganvas.metric.score import Score
from ganvas.tensors import Levels
from tests.data.pictures import scene
from tests.metric.pages import Reader, decoded, inlined
from tests.metric.test_stamp import STAMP

HOSTILE = "<script>alert('1')</script>\"' onload=\"x\" --><img src=http://a.b/>&lt;\x00\x1b\u202e\udcff"
CSS = files("ganvas.metric").joinpath("page.css").read_text(encoding="utf-8")


def pictures(count: int, seed: int = 0) -> Levels:
    return np.stack([scene(seed + i) for i in range(count)])


def full(word: str = "word", name: str = "Fréchet distance") -> Page:
    fakes, reals = pictures(5), pictures(4, seed=50)
    stamp = replace(STAMP, network=word, resize=word, versions={word: word}, formats={"real": {word: 3}, "fake": {}})
    pair = Pair(fakes[0], reals[0], 1.234, word, word, word)
    return Page(
        title=f"Title {word}",
        subject=f"Subject {word}",
        reals=f"Reals {word}",
        scores=[
            Score(name, 12.3412, 0.41234, 9.8123, "lower", word),
            Score("recall", 0.5, None, None, "higher", ""),
            Score("rank", 3.0, 0.1, None, "", ""),
        ],
        floors={name: 0.0081},
        stamp=stamp,
        warnings=[f"Warning {word}"],
        curves=[Curve(word, [(0, 3.0), (1, 2.0)], word, word, "lower")],
        fakes=fakes,
        real_pictures=reals,
        copies=[pair],
        suspicious=[pair, replace(pair, suspicion=None, kind="")],
        fake_duplicates=[Group([fakes[1], fakes[1], fakes[2]], [word, word, word])],
        real_duplicates=[Group(list(reals[2:]))],
    )


PAGES = {"full": full(), "hostile": full(HOSTILE, HOSTILE), "empty": Page("", "", "")}


@pytest.mark.parametrize("name", PAGES)
def test_page_parses_and_stands_alone(name: str) -> None:
    html = render(PAGES[name])
    read = Reader(html)
    html.encode("utf-8")
    assert {"script", "link", "iframe", "object", "base", "form"}.isdisjoint(read.tags)
    assert not [attribute for attribute, _ in read.attributes if attribute.startswith("on") or attribute == "style"]
    for attribute, value in read.attributes:
        if attribute in ("src", "href", "xlink:href", "srcset", "poster"):
            assert value.startswith("data:image/png;base64,")
    for outside in ("://", "url(", "@import", "xmlns", "@font-face"):
        assert outside not in re.sub("http://a.b", "", html)
    assert ("http-equiv", "Content-Security-Policy") in read.attributes
    assert [value for key, value in read.attributes if key == "content" and value.startswith("default-src 'none'; ")]


def test_hostile_words_are_shown_and_do_nothing() -> None:
    hostile, plain = Reader(render(PAGES["hostile"])), Reader(render(full("Qx", "Qx")))
    assert hostile.tags == plain.tags
    assert [name for name, _ in hostile.attributes] == [name for name, _ in plain.attributes]
    shown = "<script>alert('1')</script>\"' onload=\"x\" --><img src=http://a.b/>&lt;����"
    assert hostile.words.count(shown) == plain.words.count("Qx") == 29


def test_all_pictures_decode_back_equal_in_order() -> None:
    page = full()
    fakes, reals = pictures(5), pictures(4, seed=50)
    expected = [*fakes, *reals, *(fakes[0], reals[0]) * 3, fakes[1], fakes[1], fakes[2], reals[2], reals[3]]
    found = decoded(render(page))
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_fakes_carry_the_mark_of_their_origin_and_reals_do_not() -> None:
    marked = [b"trainedAlgorithmicMedia" in file for file in inlined(render(full()))]
    assert marked == [True] * 5 + [False] * 4 + [True, False] * 3 + [True] * 3 + [False] * 2
    assert not any(b"trained" in file for file in inlined(render(replace(full(), fake_source=None))))


def test_scores_stand_in_their_columns() -> None:
    html = render(full())
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html)
    cells = [re.sub("<[^>]*>", "", re.sub("</t[dh]>", "|", row)).split("|")[:-1] for row in rows]
    assert cells == [
        ["Fréchet distanceword", "12.34 ± 0.41", "9.81", "0.01", "↓ lower"],
        ["recall", "0.5", "–", "–", "↑ higher"],
        ["rank", "3.00 ± 0.10", "–", "–", "–"],
    ]


def test_a_floor_smaller_than_the_error_is_not_shown_as_none() -> None:
    page = Page("", "", "", [Score("fd", 12.0, 4.0, None, "lower", "")], {"fd": 0.0081})
    assert ">0.0081<" in render(page)
    assert ">0.0<" in render(replace(page, floors={"fd": 0.0}))


def test_what_was_not_looked_for_is_not_told_and_what_was_not_found_is() -> None:
    bare = render(Page("t", "s", "r"))
    assert "<section" not in bare
    looked = render(Page("t", "s", "r", copies=[], suspicious=[], fake_duplicates=[], real_duplicates=[]))
    for sentence in ("No copies were found.", "No two fakes look the same.", "No two reals look the same."):
        assert sentence not in bare
        assert sentence in looked


def test_suspicion_and_kind_stand_beside_their_pair() -> None:
    html = render(replace(full(), suspicious=None))
    assert "<b>word</b>" in html
    assert "suspicion 1.23" in html
    identical = Pair(scene(0), scene(0), float("inf"))
    assert "suspicion ∞" in render(replace(full(), copies=[identical]))


def test_the_stamp_is_told_in_full() -> None:
    words = Reader(render(replace(full(), stamp=STAMP))).words
    told = (
        STAMP.network, STAMP.network_sha256, STAMP.protocol, STAMP.resize, "N − 1", "10,000", STAMP.real_key, "5,000",
        "float32", "png (9,214), jpeg (786)", "memory (5,000)", "cpu, threads: 2", "ganvas 0.1.0, torch 2.13.0",
    )  # fmt: skip
    assert [part for part in told if part not in words] == []
    biased = Reader(render(replace(full(), stamp=replace(STAMP, unbiased=False)))).words
    assert "N − 1" not in biased


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(DataError, match="is no picture"):
        render(Page("t", "s", "r", fakes=np.zeros((2, 4, 4, 2), np.uint8)))


def test_another_page_can_use_the_shell() -> None:
    html = document("A <run>", "<p>body</p>")
    assert "<title>A &lt;run&gt;</title>" in html
    assert "<p>body</p>" in html
    Reader(html)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_every_text_has_the_contrast_of_wcag_aa(theme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[theme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    assert {"paper", "ink", "quiet", "accent", "mind", "well"} <= set(colours)
    for front in ("ink", "quiet", "accent", "mind"):
        for back in ("paper", "well"):
            dark, light = sorted(luminance(colours[name]) for name in (front, back))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_every_class_that_is_used_is_dressed() -> None:
    used = {name for key, value in Reader(render(full())).attributes if key == "class" for name in value.split()}
    assert used - {"dot"} <= set(re.findall(r"\.([a-z-]+)", CSS))
