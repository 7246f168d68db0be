"""Photographs there and back, whole or not at all."""

import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base
from platformdirs import user_cache_path

from ganvas.data.array import read_idx
from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.image.decode import MAX_PROFILE_BYTES
from ganvas.image.metadata import Metadata
from ganvas.image.provenance import SourceType, read_mark, with_descriptions, xmp_packet
from ganvas.image.read_photo import read_photo
from ganvas.image.write_photo import PHOTO_SUFFIXES, PhotoFormat, writing_photo
from tests.image.handmade import icc, noise, saved
from tests.image.png_reader import read_png
from tests.image.test_xmp import DC, PACKET, XMP, properties

NONE = Metadata(icc=None, exif=None, dpi=None)
FORMATS = pytest.mark.parametrize("format", get_args(PhotoFormat))
STRIPWISE = pytest.mark.parametrize("format", ["png", "tiff"])


def write(path: Path, array: np.ndarray, format: PhotoFormat, *, step: int = 1 << 30, **options: Any) -> bytes:
    settings = {"metadata": NONE, "xmp": None, **options}
    size, bits = (array.shape[0], array.shape[1]), array.dtype.itemsize * 8
    with writing_photo(path, format=format, size=size, channels=array.shape[2], bits=bits, **settings) as rows:
        for top in range(0, len(array), step):
            rows(array[top : top + step])
    return path.read_bytes()


def independent(data: bytes, format: PhotoFormat) -> np.ndarray:
    """The pixels by a reader that shares no code with ours."""
    if format == "tiff":
        return tifffile.imread(BytesIO(data))
    return read_png(data) if format == "png" else np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize(("format", "bits"), [("png", 8), ("png", 16), ("tiff", 8), ("tiff", 16), ("webp", 8)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (9, 14)])
def test_there_and_back(tmp_path: Path, format: PhotoFormat, channels: int, bits: int, size: tuple[int, int]) -> None:
    array = noise(*size, channels, dtype=np.uint8 if bits == 8 else np.uint16)
    data = write(tmp_path / "x", array, format)
    without_grey = format == "webp" or (format, channels, bits) == ("tiff", 2, 16)
    expected = array[..., [0, 0, 0, *range(1, channels)]] if without_grey and channels < 3 else array
    np.testing.assert_array_equal(independent(data, format).reshape(expected.shape), expected)
    photo = read_photo(data, "x")
    assert photo.pixels.dtype == array.dtype
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.format == format
    assert not photo.lossy


@FORMATS
def test_a_file_that_is_refused_never_has_its_name(tmp_path: Path, format: PhotoFormat) -> None:
    array, path = noise(9, 14, 3), tmp_path / "x"
    path.write_bytes(b"before")

    def refuse(whole: Path) -> None:
        assert read_photo(whole.read_bytes(), "x").pixels.shape == array.shape
        assert path.read_bytes() == b"before"
        raise FileError("refused")

    with pytest.raises(FileError, match="refused"):
        write(path, array, format, check=refuse)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("x", b"before")]


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_and_lossy_webp_are_close(tmp_path: Path, channels: int) -> None:
    array = np.full((40, 30, channels), 130, np.uint8)
    array[10:20, 10:20] = 70
    formats: list[PhotoFormat] = ["jpeg", "webp"]
    for format in formats:
        photo = read_photo(write(tmp_path / "x", array, format, quality=95), "x")
        assert photo.lossy
        assert np.abs(photo.pixels.astype(int) - array).max() < 12
        assert len(write(tmp_path / "x", noise(64, 64, 3), format, quality=20)) < 64 * 64 * 2


@FORMATS
@given(cuts=st.lists(st.integers(0, 30), max_size=5))
@settings(max_examples=20, deadline=None)
def test_strips_of_any_height_give_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, format: PhotoFormat, cuts: list[int]
) -> None:
    array, path = noise(30, 7, 3), tmp_path_factory.getbasetemp() / f"strips.{format}"
    with writing_photo(path, format=format, size=(30, 7), channels=3, bits=8, metadata=NONE, xmp=None) as rows:
        for strip in np.split(array, sorted(cuts)):
            rows(strip)
    cut = path.read_bytes()
    assert write(path, array, format) == cut


def exif() -> bytes:
    made = Image.Exif()
    made[Base.Make], made[Base.Software] = "Maker", "Program"
    made.get_ifd(IFD.Exif)[Base.ISOSpeedRatings] = 400
    return made.tobytes()


@FORMATS
def test_metadata_there_and_back(tmp_path: Path, format: PhotoFormat) -> None:
    packet = xmp_packet(SourceType.ENHANCED, {"seed": 7})
    first = read_photo(saved(Image.new("RGB", (2, 2)), "JPEG", exif=exif(), dpi=(300, 150), icc_profile=b"odd"), "x")
    assert first.metadata.exif is not None
    data = write(tmp_path / "x", noise(5, 6, 3), format, metadata=first.metadata, xmp=packet)
    again = read_photo(data, "x").metadata
    assert again.icc == b"odd"
    assert again.dpi == pytest.approx((300, 150), abs=0.02)
    assert again.exif == first.metadata.exif
    mark = read_mark(data, "x")
    assert mark is not None
    assert (mark.source_type, mark.recipe) == (SourceType.ENHANCED, {"seed": 7})


@FORMATS
@pytest.mark.parametrize("own", [xmp_packet(SourceType.ENHANCED, {"seed": 7}), None], ids=["marked", "bare"])
def test_words_of_others_beside_our_own(tmp_path: Path, format: PhotoFormat, own: bytes | None) -> None:
    first = read_photo(saved(Image.new("RGB", (2, 2)), "JPEG", xmp=PACKET), "x", keep_private=True).metadata
    data = write(tmp_path / "x", noise(5, 6, 3), format, metadata=first, xmp=own)
    again = read_photo(data, "x", keep_private=True).metadata
    assert first.xmp is not None
    assert again.xmp is not None
    assert properties(with_descriptions(None, again.xmp)) == properties(with_descriptions(None, first.xmp))
    mark = read_mark(data, "x")
    assert (mark is None) if own is None else (mark is not None and mark.recipe == {"seed": 7})
    with Image.open(BytesIO(data)) as image:
        said = properties(image.info["xmp"])
    assert said[DC, "description"] == "Oma & ich <1931> ü"
    assert said.get((XMP, "CreatorTool")) == (None if own is None else "ganvas")


@pytest.mark.parametrize("format", ["png", "tiff", "webp"])
def test_profiles_as_long_as_in_a_jpeg(tmp_path: Path, format: PhotoFormat) -> None:
    metadata = Metadata(icc=bytes(MAX_PROFILE_BYTES), exif=None, dpi=None)
    assert read_photo(write(tmp_path / "x", noise(2, 2, 3), format, metadata=metadata), "x").metadata == metadata


@pytest.mark.parametrize(
    ("channels", "dtype", "format"), [(1, np.uint8, "webp"), (2, np.uint8, "webp"), (2, np.uint16, "tiff")]
)
def test_profiles_of_greys_where_grey_is_stored_as_colours(
    tmp_path: Path, channels: int, dtype: type[np.uint8], format: PhotoFormat
) -> None:
    array = noise(2, 3, channels, dtype=dtype)
    for metadata in (Metadata(icc(b"GRAY", b"XYZ ", {}), None, None), Metadata(icc(b"RGB ", b"XYZ ", {}), None, None)):
        assert read_photo(write(tmp_path / "x", array, "png", metadata=metadata), "x").metadata == metadata
    write(tmp_path / "x", array, format, metadata=metadata)
    with pytest.raises(UsageError, match=f"grey with an ICC profile of greys, and a {format} .* choose png"):
        write(tmp_path / "y", array, format, metadata=Metadata(icc(b"GRAY", b"XYZ ", {}), None, None))
    assert not (tmp_path / "y").exists()


@FORMATS
def test_nothing_said_is_nothing_written(tmp_path: Path, format: PhotoFormat) -> None:
    data = write(tmp_path / "x", noise(5, 6, 3), format)
    assert read_photo(data, "x", keep_private=True).metadata == NONE
    assert read_mark(data, "x") is None


@pytest.mark.filterwarnings("ignore")
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), max_size=20),
    format=st.sampled_from(get_args(PhotoFormat)),
    private=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_hostile_exif_spoils_no_picture(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], format: PhotoFormat, private: bool
) -> None:
    block = bytearray(exif())
    for place, value in changes:
        block[6 + place % (len(block) - 6)] = value
    source = read_photo(saved(Image.new("RGB", (2, 2)), "WEBP", exif=bytes(block)), "hostile", keep_private=private)
    array = noise(5, 6, 3)
    path = tmp_path_factory.getbasetemp() / "hostile"
    photo = read_photo(write(path, array, format, metadata=source.metadata), "again", keep_private=private)
    if format != "jpeg":
        np.testing.assert_array_equal(photo.pixels, array)
    assert photo.pixels.shape == array.shape
    assert photo.metadata.exif == source.metadata.exif


@STRIPWISE
def test_the_demos_pictures_are_unchanged(tmp_path: Path, format: PhotoFormat) -> None:
    file = Path(__file__).parents[2] / "demo" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    sheet = read_idx(file)[:600].reshape(20, 30, 28, 28).swapaxes(1, 2).reshape(560, 840, 1)
    data = write(tmp_path / "x", sheet, format, step=100)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(data)))[..., None], sheet)
    assert len(data) < len(saved(Image.fromarray(sheet[..., 0]), "PNG")) * 1.2


@STRIPWISE
def test_real_photographs_are_unchanged_and_well_packed(tmp_path: Path, format: PhotoFormat) -> None:
    folder = user_cache_path("ganvas", appauthor=False) / "bench" / "photographs"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is not there; run bench/fetch.py photographs")
    for file in sorted(folder.glob("*.webp"))[::40]:
        photo = read_photo(file.read_bytes(), file.name)
        with Image.open(file) as image:
            np.testing.assert_array_equal(photo.pixels, np.asarray(image))
            theirs = saved(image, "PNG")
        data = write(tmp_path / "x", photo.pixels, format, step=64)
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(data))), photo.pixels)
        assert len(data) < 1.2 * len(theirs)


# ---- whole or not at all


def half(path: Path, format: PhotoFormat, then: Callable[[], object]) -> None:
    with writing_photo(path, format=format, size=(2000, 500), channels=3, bits=8, metadata=NONE, xmp=None) as rows:
        rows(noise(1000, 500, 3))
        then()


def raises(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@FORMATS
@pytest.mark.parametrize("error", [UsageError("no"), KeyboardInterrupt(), MemoryError()])
def test_failure_leaves_the_old_file_and_no_other(tmp_path: Path, format: PhotoFormat, error: BaseException) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        half(path, format, raises(error))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("x", b"old")]


@FORMATS
@pytest.mark.parametrize("rows", [0, 999, 1001])
def test_wrong_number_of_rows_is_an_error_of_the_caller(tmp_path: Path, format: PhotoFormat, rows: int) -> None:
    with (
        pytest.raises(AssertionError),
        writing_photo(
            tmp_path / "x", format=format, size=(1000, 2), channels=3, bits=8, metadata=NONE, xmp=None
        ) as take,
    ):
        take(noise(rows, 2, 3))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("strip", [noise(4, 3, 3), noise(4, 2, 4), noise(4, 2, 3, dtype=np.uint16)])
def test_rows_of_another_kind_are_an_error_of_the_caller(tmp_path: Path, strip: np.ndarray) -> None:
    with (
        pytest.raises(AssertionError),
        writing_photo(tmp_path / "x", format="png", size=(4, 2), channels=3, bits=8, metadata=NONE, xmp=None) as rows,
    ):
        rows(strip)
    assert not list(tmp_path.iterdir())


@FORMATS
def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path, format: PhotoFormat) -> None:
    """The system itself refuses to let the file grow."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(FileError, match="Cannot write"):
            write(tmp_path / "x", noise(500, 400, 3), format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


@FORMATS
def test_missing_folder_is_told(tmp_path: Path, format: PhotoFormat) -> None:
    with pytest.raises(FileError, match="its folder exists"):
        write(tmp_path / "missing" / "x", noise(2, 2, 3), format)


def test_kill_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    script = (
        "import os, sys; from pathlib import Path; from tests.image.test_write_photo import half\n"
        "half(Path(sys.argv[1]), 'png', lambda: os._exit(9))"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    assert subprocess.run([sys.executable, "-c", script, str(path)], env=environment).returncode == 9
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("shape", "format", "options", "message"),
    [
        ((2, 2, 4), "jpeg", {}, "no transparency"),
        ((2, 2, 2), "jpeg", {}, "no transparency"),
        ((1, 65_501, 1), "jpeg", {}, "65,500 pixels a side"),
        ((16_384, 1, 3), "webp", {}, "16,383 pixels a side"),
        ((2, 2, 3), "png", {"quality": 90}, "Quality 90 for png"),
        ((2, 2, 3), "tiff", {"quality": 90}, "Quality 90 for tiff"),
        ((2, 2, 3), "jpeg", {"quality": 0}, "Quality 0 for jpeg"),
        ((2, 2, 3), "webp", {"quality": 101}, "Quality 101 for webp"),
        ((2, 2, 3), "jpeg", {"xmp": bytes(65_505)}, "XMP has 65,505 bytes.*65,504"),
        ((2, 2, 3), "jpeg", {"metadata": Metadata(None, bytes(65_528), None)}, "EXIF has 65,528 bytes.*65,527"),
        ((2, 2, 3), "jpeg", {"metadata": Metadata(bytes(1 << 24), None, None)}, "ICC profile has 16,777,216 bytes"),
        (
            (2, 2, 3),
            "png",
            {"metadata": Metadata(bytes(1 << 24), None, None)},
            "a png .*16,707,345; choose tiff or webp",
        ),
    ],
)
def test_refusals(
    tmp_path: Path, shape: tuple[int, int, int], format: PhotoFormat, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        write(tmp_path / "x", np.zeros(shape, np.uint8), format, **options)
    assert not list(tmp_path.iterdir())


def test_sixteen_bits_where_there_are_eight(tmp_path: Path) -> None:
    formats: list[PhotoFormat] = ["jpeg", "webp"]
    for format in formats:
        with pytest.raises(UsageError, match="8 bits a channel"):
            write(tmp_path / "x", noise(2, 2, 3, dtype=np.uint16), format)


def test_unknown_format_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'tiff'"):
        write(tmp_path / "x", noise(2, 2, 3), "tif")  # type: ignore[arg-type]


def test_longest_metadata_a_jpeg_holds(tmp_path: Path) -> None:
    metadata = Metadata(icc=bytes(255 * 65_519), exif=bytes(65_527), dpi=None)
    data = write(tmp_path / "x", noise(2, 2, 3), "jpeg", metadata=metadata, xmp=b" " * 65_504)
    assert read_photo(data, "x").metadata.icc == metadata.icc
    with Image.open(BytesIO(data)) as image:
        assert image.info["exif"] == b"Exif\0\0" + bytes(65_527)
        assert image.info["xmp"] == b" " * 65_504


@FORMATS
def test_suffix_is_the_one_pillow_knows(format: PhotoFormat) -> None:
    assert Image.registered_extensions()[PHOTO_SUFFIXES[format]] == format.upper()


@pytest.mark.slow
@STRIPWISE
@pytest.mark.parametrize("bits", [8, 16])
def test_a_hundred_megapixels_pass_through_little_memory(tmp_path: Path, format: PhotoFormat, bits: int) -> None:
    pytest.importorskip("resource", reason="Windows does not tell")
    script = f"""
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
import numpy as np
from ganvas.image.metadata import Metadata
from ganvas.image.write_photo import writing_photo
strip = np.random.default_rng(0).integers(0, 256, (100, 10_000, 3)).astype(np.uint{bits})
settings = dict(size=(10_000, 10_000), channels=3, bits={bits}, metadata=Metadata(None, None, None), xmp=None)
before = getrusage(RUSAGE_SELF).ru_maxrss
with writing_photo(Path(sys.argv[1]), format="{format}", **settings) as write:
    for _ in range(100):
        write(strip)
print((getrusage(RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x")], env=environment, capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 20e6 * min(8, os.cpu_count() or 1)  # the picture has 300 or 600 million bytes
