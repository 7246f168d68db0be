"""The mark and the recipe, written, read back, left out and forged."""

import xml.etree.ElementTree as ElementTree
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganvas.errors import FileError, UsageError
from ganvas.image.encode import Format, encode
from ganvas.image.provenance import (
    MAX_READ_BYTES,
    MAX_WRITE_BYTES,
    PNG_KEYWORD,
    Mark,
    SourceType,
    read_mark,
    strongest,
    xmp_packet,
)
from tests.image.handmade import chunk, noise, saved

FORMATS = pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
SMALL = Image.new("RGB", (2, 2))
RECIPE = {
    "seed": 7,
    "model": "sha256:00ff",
    "truncation": 0.7,
    "class": 'a "quoted" <b> & é 画',
    "size": [64, 96],
}
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def png_with(packet: str) -> bytes:
    text = PngInfo()
    text.add_itxt(PNG_KEYWORD, packet)
    return saved(SMALL, "PNG", pnginfo=text)


@FORMATS
@pytest.mark.parametrize("source_type", [*SourceType, None])
@pytest.mark.parametrize("recipe", [RECIPE, None])
def test_round_trip(format: Format, source_type: SourceType | None, recipe: dict[str, Any] | None) -> None:
    data = encode(noise(4, 5, 3), format, source_type, recipe)
    expected = None if source_type is None and recipe is None else Mark(source_type, recipe)
    assert read_mark(data, "x") == expected
    assert read_mark(BytesIO(data), "x") == expected


def test_the_strongest_mark_is_that_of_the_largest_part() -> None:
    assert strongest(SourceType.ENHANCED, SourceType.COMPOSITE, None) == SourceType.COMPOSITE
    assert strongest(SourceType.GENERATED, SourceType.COMPOSITE) == SourceType.GENERATED
    assert strongest(None, SourceType.ENHANCED) == SourceType.ENHANCED
    assert strongest(None) is None


@FORMATS
def test_generated_is_the_mark_unless_told_otherwise(format: Format) -> None:
    assert read_mark(encode(noise(4, 5, 3), format), "x") == Mark(SourceType.GENERATED, None)


@FORMATS
def test_other_programs_find_the_mark(format: Format) -> None:
    image = Image.open(BytesIO(encode(noise(4, 5, 3), format, recipe=RECIPE)))
    packet = image.info[PNG_KEYWORD].encode() if format == "png" else image.info["xmp"]
    (description,) = ElementTree.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    found = description.attrib["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"]
    assert found == URI + "trainedAlgorithmicMedia"


def test_png_text_is_uncompressed_as_xmp_asks() -> None:
    assert b"DigitalSourceType" in encode(noise(4, 5, 3), "png")


def test_recipe_can_be_left_out_of_a_marked_file() -> None:
    assert b"seed" not in encode(noise(4, 5, 3), "png", recipe=None)


def test_same_picture_same_bytes() -> None:
    assert encode(noise(4, 5, 3), "png", recipe=RECIPE) == encode(noise(4, 5, 3), "png", recipe=RECIPE)


@FORMATS
def test_longest_recipe_fits_every_format(format: Format) -> None:
    room = MAX_WRITE_BYTES - len(xmp_packet(SourceType.GENERATED, {"note": ""}))
    recipe = {"note": "x" * room}
    mark = read_mark(encode(noise(4, 5, 3), format, recipe=recipe), "x")
    assert mark is not None
    assert mark.recipe == recipe
    with pytest.raises(UsageError, match="shorten it"):
        xmp_packet(SourceType.GENERATED, {"note": "x" * (room + 1)})


@pytest.mark.parametrize(
    "rewritten",
    [
        f"<Iptc4xmpExt:DigitalSourceType>{URI}compositeWithTrainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>",
        f"<x:DigitalSourceType rdf:resource='{URI}compositeWithTrainedAlgorithmicMedia'/>",
        f"<x:DigitalSourceType>\n  {URI.replace('http', 'https')}compositeWithTrainedAlgorithmicMedia\n</x>",
    ],
)
def test_mark_as_other_programs_write_it(rewritten: str) -> None:
    assert read_mark(png_with(rewritten), "x") == Mark(SourceType.COMPOSITE, None)


def test_recipe_as_other_programs_rewrite_it() -> None:
    assert read_mark(png_with('<ganvas:Recipe>{"seed": 1}</ganvas:Recipe>'), "x") == Mark(None, {"seed": 1})


def test_mark_behind_the_pixels_is_found() -> None:
    data = saved(SMALL, "PNG")
    end = data.rindex(b"IEND") - 4
    text = PNG_KEYWORD.encode() + b"\0\0\0\0\0" + xmp_packet(SourceType.ENHANCED)
    assert read_mark(data[:end] + chunk(b"iTXt", text) + data[end:], "x") == Mark(SourceType.ENHANCED, None)


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "not xml <<<",
        f"DigitalSourceType={URI}digitalCapture",
        f"DigitalSourceType={URI}trainedAlgorithmicMediaX",
        f"{URI}trainedAlgorithmicMedia",
        'ganvas:Recipe="[1, 2]"',
        'ganvas:Recipe="{broken"',
        f'ganvas:Recipe="{"[" * 100_000}"',
        'ganvas:Recipe="' * 60_000,
        "ganvas:Recipe>" * 60_000,
        "DigitalSourceType " * 50_000,
    ],
    ids=range(11),
)
def test_no_mark(packet: str) -> None:
    assert read_mark(png_with(packet), "x") is None


def test_entity_bomb_stays_unexpanded() -> None:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "boom">{levels}]>'
    recipe = 'ganvas:Recipe="{&quot;a&quot;: &quot;&e11;&quot;}"'
    mark = read_mark(png_with(f"{bomb}<x Iptc4xmpExt:DigitalSourceType='{URI}algorithmicallyEnhanced' {recipe}/>"), "x")
    assert mark == Mark(SourceType.ENHANCED, {"a": "&e11;"})


def test_metadata_are_read_up_to_a_limit() -> None:
    far = b"x" * MAX_READ_BYTES + xmp_packet(SourceType.GENERATED)
    assert read_mark(png_with(far.decode()), "x") is None
    assert read_mark(saved(SMALL, "WEBP", xmp=far), "x") is None


def test_files_without_metadata_or_that_are_no_pictures() -> None:
    for format in ("PNG", "JPEG", "WEBP", "TIFF", "BMP"):
        assert read_mark(saved(SMALL, format), "x") is None
    with pytest.raises(FileError, match="'x' is not a picture"):
        read_mark(b"", "x")
