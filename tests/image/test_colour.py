"""ICC profiles, against profiles whose effect is known by construction."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganvas.image.decode import decode
from tests.image.handmade import constant_cmyk_profile, icc, noise, rgb_profile, saved

RED, GREEN, BLUE = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139)  # sRGB, D50
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
SRGB = SRGB_PROFILE.tobytes()
BLUE_FOR_RED = rgb_profile(BLUE, GREEN, RED)
GREY = icc(b"GRAY", b"XYZ ", {b"kTRC": b"curv\0\0\0\0\0\0\0\0"})
FORMATS = pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])


@FORMATS
@pytest.mark.parametrize("profile", [SRGB, b"", b"no profile at all", SRGB[:200], GREY])
def test_pixels_stand_untouched(format: str, options: dict[str, bool], profile: bytes) -> None:
    array = noise(9, 8, 3)
    data = saved(Image.fromarray(array), format, icc_profile=profile, **options)
    np.testing.assert_array_equal(decode(data, "x"), array)


def test_srgb_of_another_make_moves_nothing() -> None:
    signal = np.linspace(0, 1, 100)
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    profile = rgb_profile(RED, GREEN, BLUE, table=np.rint(light * 65535).astype(int).tolist())
    array = noise(64, 64, 3)
    image = Image.fromarray(array)
    image.info["icc_profile"] = profile
    exact = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), SRGB_PROFILE)
    assert exact is not None
    assert (np.asarray(exact) != array).any()  # the rounding of its table would show
    np.testing.assert_array_equal(decode(saved(image, "PNG", icc_profile=profile), "x"), array)


@FORMATS
@pytest.mark.parametrize("channels", [3, 4])
def test_other_primaries_are_converted(format: str, options: dict[str, bool], channels: int) -> None:
    array = noise(9, 8, channels)
    array[..., :3] = array[..., :3] // 2 + 100  # above the foot where sRGB and gamma 2.2 part
    data = saved(Image.fromarray(array), format, icc_profile=BLUE_FOR_RED, exact=True, **options)
    got = decode(data, "x")
    np.testing.assert_allclose(got[..., :3].astype(int), array[..., 2::-1], atol=2)
    np.testing.assert_array_equal(got[..., 3:], array[..., 3:])


def test_other_gamma_is_converted() -> None:
    array = np.full((2, 2, 3), 128, np.uint8)
    data = saved(Image.fromarray(array), "PNG", icc_profile=rgb_profile(RED, GREEN, BLUE, gamma=1.0))
    linear = 128 / 255
    np.testing.assert_allclose(decode(data, "x").astype(int), 255 * (1.055 * linear ** (1 / 2.4) - 0.055), atol=1)


def test_palette_is_expanded_before_its_colours_are_converted() -> None:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 220, 150, 120])
    np.testing.assert_allclose(
        decode(saved(image, "PNG", icc_profile=BLUE_FOR_RED), "x")[0, 0], [120, 150, 220], atol=2
    )


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_inks_follow_their_profile(format: str) -> None:
    image = Image.new("CMYK", (8, 8), (200, 10, 10, 10))
    profile = constant_cmyk_profile((128, 128, 128))  # L* = 50, a* = b* = 0
    grey = 255 * (1.055 * (((50 + 16) / 116) ** 3) ** (1 / 2.4) - 0.055)
    with_profile = decode(saved(image, format, icc_profile=profile), "x").astype(int)
    np.testing.assert_allclose(with_profile, np.broadcast_to(grey, (8, 8, 3)), atol=2)
    assert decode(saved(image, format), "x")[0, 0, 0] < 80


def test_grey_keeps_its_numbers() -> None:
    array = noise(9, 8, 1)
    data = saved(Image.fromarray(array[..., 0]), "PNG", icc_profile=GREY)
    np.testing.assert_array_equal(decode(data, "x"), array)
