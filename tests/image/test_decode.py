"""Files of every kind, well made, odd, broken and hostile."""

import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.errors import FileError
from ganvas.image.decode import EXTENSIONS, FORMATS, MAX_PIXELS, MAX_SIDE_PX, Facts, decode, probe
from tests.image.handmade import PNG_SIGNATURE, chunk, header, noise, picture, png16, saved, tiff

CHANNELS = {"1": 1, "L": 1, "LA": 4, "P": 3, "RGB": 3, "RGBA": 4, "CMYK": 3}
LOSSLESS = [
    ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("PNG", "RGB"), ("PNG", "RGBA"),
    ("TIFF", "1"), ("TIFF", "L"), ("TIFF", "LA"), ("TIFF", "P"), ("TIFF", "RGB"), ("TIFF", "RGBA"),
    ("TIFF", "CMYK"),
    ("BMP", "1"), ("BMP", "L"), ("BMP", "P"), ("BMP", "RGB"),
    ("WEBP", "RGB"), ("WEBP", "RGBA"),
]  # fmt: skip


def example(mode: str) -> tuple[Image.Image, np.ndarray]:
    """A picture of a mode, and the pixels it stands for by definition of the mode."""
    raw = noise(9, 14, 4, seed=1)
    grey, alpha = raw[..., :1], raw[..., 3:]
    if mode == "1":
        bits = raw[..., 0] > 127
        return Image.fromarray(bits), bits[..., None] * np.uint8(255)
    if mode == "L":
        return picture(grey), grey
    if mode == "LA":
        return Image.fromarray(raw[..., [0, 3]]), np.concatenate([grey, grey, grey, alpha], axis=2)
    if mode == "P":
        indices, colours = raw[..., 0] % 7, noise(7, 3, seed=2)
        image = Image.fromarray(indices).convert("P")
        image.putpalette(colours.tobytes())
        return image, colours[indices]
    if mode == "CMYK":
        light = (255.0 - raw[..., :3]) * (255.0 - raw[..., 3:]) / 255
        return Image.frombytes("CMYK", (14, 9), raw.tobytes()), light
    return Image.fromarray(raw[..., : len(mode)]), raw[..., : len(mode)]


@pytest.mark.parametrize(("format", "mode"), LOSSLESS)
def test_pixels_and_facts(format: str, mode: str) -> None:
    image, expected = example(mode)
    data = saved(image, format, **({"lossless": True, "exact": True} if format == "WEBP" else {}))
    assert probe(data, "x") == Facts(14, 9, CHANNELS[mode], 8, format)
    array = decode(data, "x")
    assert array.dtype == np.uint8
    assert array.shape == (9, 14, CHANNELS[mode])
    np.testing.assert_allclose(array, expected, atol=1 if mode == "CMYK" else 0)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 3)])
def test_jpeg_is_close(mode: str, channels: int) -> None:
    ink = (200, 60, 20, 40)
    image = Image.new(mode, (16, 16), ink[: len(Image.new(mode, (1, 1)).getbands())])
    expected = [(255 - c) * (255 - 40) / 255 for c in ink[:3]] if mode == "CMYK" else ink[:channels]
    data = saved(image, "JPEG", quality=95)
    assert probe(data, "x") == Facts(16, 16, channels, 8, "JPEG")
    off = np.abs(decode(data, "x") - np.array(expected))
    assert off.shape == (16, 16, channels)
    assert off.max() <= 4


def test_every_format_has_an_extension() -> None:
    assert {Image.registered_extensions()[extension] for extension in EXTENSIONS} == set(FORMATS)


@pytest.mark.parametrize("transparency", [2, bytes([255, 0, 128])])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    image, colours = example("P")
    indices = np.asarray(image)
    table = np.full(256, 255, np.uint8)
    if isinstance(transparency, int):
        table[transparency] = 0
    else:
        table[:3] = list(transparency)
    data = saved(image, "PNG", transparency=transparency)
    assert probe(data, "x").channels == 4
    np.testing.assert_array_equal(decode(data, "x"), np.concatenate([colours, table[indices][..., None]], axis=2))


@pytest.mark.parametrize(("mode", "key"), [("L", 40), ("RGB", (1, 2, 3)), ("1", 255)])
def test_transparent_colour(mode: str, key: int | tuple[int, int, int]) -> None:
    image, expected = example(mode)
    image.putpixel((3, 4), key)
    expected = expected.copy()
    expected[4, 3] = key
    data = saved(image, "PNG", transparency=key)
    alpha = np.where((expected == key).all(axis=2, keepdims=True), 0, 255)
    colour = np.broadcast_to(expected, (9, 14, 3))
    assert probe(data, "x").channels == 4
    np.testing.assert_array_equal(decode(data, "x"), np.concatenate([colour, alpha], axis=2))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_grey_of_few_bits(bits: int) -> None:
    rows = b"\0" + int("".join(f"{value:0{bits}b}" for value in [0, 1] * 4), 2).to_bytes(bits, "big")
    key, pixels = chunk(b"tRNS", struct.pack(">H", 1)), chunk(b"IDAT", zlib.compress(rows))
    data = PNG_SIGNATURE + header(8, 1, bits, 0) + key + pixels + chunk(b"IEND", b"")
    grey = 255 // (2**bits - 1)
    np.testing.assert_array_equal(decode(data, "x"), [[[0, 0, 0, 255], [grey, grey, grey, 0]] * 4])


def test_premultiplied_tiff_is_divided_again() -> None:
    array = np.array([[[100, 50, 0, 200], [0, 0, 0, 0]]], np.uint8)
    got = decode(tiff(array, 2, extra=1), "x")
    np.testing.assert_allclose(got[0, 0], [127, 63, 0, 200], atol=1)
    assert got[0, 1, 3] == 0


def test_premultiplied_grey_tiff() -> None:
    got = decode(tiff(np.array([[[100, 200]]], np.uint8), 1, extra=1), "x")
    np.testing.assert_allclose(got[0, 0], [127, 127, 127, 200], atol=1)


def test_phone_jpeg_with_a_second_picture_is_its_first() -> None:
    first, second = Image.new("RGB", (16, 16), "white"), Image.new("RGB", (8, 8), "black")
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert probe(data, "x") == Facts(16, 16, 3, 8, "JPEG")
    assert decode(data, "x").min() == 255


def test_result_can_be_written_to() -> None:
    assert decode(saved(example("RGB")[0], "PNG"), "x").flags.writeable


@pytest.mark.parametrize("format", FORMATS)
def test_streams_of_all_kinds(format: str, tmp_path: Path) -> None:
    data = saved(example("RGB")[0], format, **({"compression": "tiff_lzw"} if format == "TIFF" else {}))
    expected = decode(data, "x")
    (tmp_path / "x").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", data)
    with (tmp_path / "x").open("rb") as file, zipfile.ZipFile(tmp_path / "z").open("x") as member:
        for stream in (file, member, BytesIO(data)):
            assert probe(stream, "x") == probe(data, "x")  # type: ignore[arg-type]
            stream.seek(0)
            np.testing.assert_array_equal(decode(stream, "x"), expected)  # type: ignore[arg-type]


# ---- refusals


REFUSED = {
    "empty": (b"", "not a picture"),
    "text": (b"Hello, I am a text file.", "not a picture"),
    "gif": (saved(Image.new("L", (2, 2)), "GIF"), "not a picture"),
    "wave": (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "not a picture"),
    "signature alone": (PNG_SIGNATURE, "damaged"),
    "several pages": (
        saved(Image.new("L", (2, 2)), "TIFF", save_all=True, append_images=[Image.new("L", (2, 2))]),
        "several pictures",
    ),
    "animated png": (
        saved(Image.new("L", (2, 2)), "PNG", save_all=True, append_images=[Image.new("L", (2, 2), 9)]),
        "several pictures",
    ),
    "animated webp": (
        saved(Image.new("RGB", (2, 2)), "WEBP", save_all=True, append_images=[Image.new("RGB", (2, 2), "red")]),
        "several pictures",
    ),
    "32-bit float": (saved(Image.new("F", (2, 2)), "TIFF"), "32-bit samples"),
    "32-bit integer": (saved(Image.new("I", (2, 2)), "TIFF"), "32-bit samples"),
    "half float": (tiff(noise(2, 2, 1, dtype=np.uint16), 1, sample_format=3), "kind or number of samples"),
    "two greys": (tiff(noise(2, 2, 2, dtype=np.uint16), 1, extra=2), "kind or number of samples"),
    "signed 16-bit": (tiff(noise(2, 2, 1, dtype=np.uint16), 1, sample_format=2), "16-bit samples"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(kind: str) -> None:
    data, reason = REFUSED[kind]
    for read in (probe, decode):
        with pytest.raises(FileError, match=f"'{kind}'.*{reason}"):
            read(data, kind)


def test_name_cannot_command_the_terminal() -> None:
    with pytest.raises(FileError) as caught:
        probe(b"", "\x1b[2Jx\n.png")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def patched(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    return data[:offset] + struct.pack(layout, *values) + data[offset + struct.calcsize(layout) :]


def bombs() -> dict[str, bytes]:
    """Small files that claim 60,000 x 60,000 pixels (16,383 x 16,383 where a format ends there)."""
    small = Image.new("RGB", (4, 4))
    jpeg, webp = saved(small, "JPEG"), saved(small, "WEBP", lossless=True)
    page = tiff(noise(2, 2, 3), 2)
    width = page.index(struct.pack("<HHI", 256, 3, 1)) + 8
    return {
        "png": PNG_SIGNATURE + header(60_000, 60_000) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
        "jpeg": patched(jpeg, jpeg.index(b"\xff\xc0") + 5, ">HH", 60_000, 60_000),
        "webp": patched(webp, 21, "<I", 16_382 | 16_382 << 14),
        "bmp": patched(saved(small, "BMP"), 18, "<ii", 60_000, 60_000),
        "tiff": patched(patched(page, width, "<H", 60_000), width + 12, "<H", 60_000),
        "wide": PNG_SIGNATURE + header(MAX_SIDE_PX + 1, 1) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
    }


@pytest.mark.parametrize("kind", bombs())
def test_bomb_is_refused_before_any_pixel(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*args: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr("ganvas.image.decode.eight_bits", explode)
    monkeypatch.setattr("ganvas.image.decode.sixteen_bits", explode)
    for read in (probe, decode):
        with pytest.raises(FileError, match=r"scale it down|exceeds limit"):
            read(bombs()[kind], kind)


def test_large_camera_is_not_a_bomb() -> None:
    data = PNG_SIGNATURE + header(11_648, 8_736) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    assert probe(data, "x").width_px * probe(data, "x").height_px < MAX_PIXELS


@pytest.mark.parametrize("words", ["", "Unable to allocate 68.7 MiB for an array"])
def test_too_little_memory_is_not_called_damage(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise MemoryError(words)

    monkeypatch.setattr("ganvas.image.decode.eight_bits", full)
    with pytest.raises(MemoryError):
        decode(saved(Image.new("RGB", (4, 4)), "PNG"), "x")
    monkeypatch.setattr("ganvas.image.decode.open_picture", full)
    with pytest.raises(MemoryError):
        probe(b"", "x")


# ---- broken files


def samples() -> dict[str, bytes]:
    rgb, small = Image.fromarray(noise(40, 50, 3)), noise(8, 9, 3, dtype=np.uint16)
    return {
        "png": saved(rgb, "PNG"),
        "palette": saved(rgb.quantize(32), "PNG", transparency=3),
        "jpeg": saved(rgb, "JPEG"),
        "progressive": saved(rgb, "JPEG", progressive=True),
        "webp": saved(rgb, "WEBP"),
        "lossless webp": saved(rgb, "WEBP", lossless=True),
        "bmp": saved(rgb, "BMP"),
        "tiff": tiff(small, 2),
        "deflated tiff": saved(rgb, "TIFF", compression="tiff_adobe_deflate"),
        "png16": png16(small),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", samples())
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated(kind: str, share: float) -> None:
    data = samples()[kind]
    with pytest.raises(FileError, match="damaged or cut short"):
        decode(data[: max(20, int(len(data) * share))], "cut")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", samples())
def test_mutants_raise_nothing_else_and_keep_what_probe_promised(kind: str) -> None:
    data = samples()[kind]
    random = np.random.default_rng(len(data))
    survived = 0
    for _ in range(40):
        mutant = bytearray(data)
        reach = len(data) if random.random() < 0.5 else min(len(data), 200)  # headers are where it hurts
        for _ in range(random.integers(1, 6)):
            mutant[random.integers(8, reach)] = random.integers(256)
        try:
            facts = probe(bytes(mutant), "mutant")
            array = decode(bytes(mutant), "mutant")
        except FileError:
            continue
        survived += 1
        assert array.shape == (facts.height_px, facts.width_px, facts.channels)
    assert survived < 40
