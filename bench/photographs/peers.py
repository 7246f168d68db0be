"""Networks of other projects, run by ncnn on the processor at their published settings.

waifu2x and Real-CUGAN have no padding inside, so their pictures are padded before as their own programs do.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ncnn
import numpy as np

from photographs.method import Mask, Method, Picture, Run

WAIFU2X_PHOTO_PAD_PX, CUNET_2X_PAD_PX, CUNET_1X_PAD_PX = 7, 18, 28


@dataclass(frozen=True)
class Peer:
    """A network in ncnn's files.

    Attributes:
        file: Both files' path without ending.
        scale: Output side over input side.
        pad_px: Pixels that its first layers eat on each side.
        multiple_px: Padded sides must be a multiple of this.
    """

    file: Path
    scale: int
    pad_px: int = 0
    multiple_px: int = 1


def ends(param: Path) -> tuple[str, str]:
    """Names of the first and the last blob."""
    lines = [line.split() for line in param.read_text().splitlines()[2:] if line.strip()]
    return lines[0][4], lines[-1][4 + int(lines[-1][2])]


def parameters(peer: Peer) -> int:
    """Learned numbers: the weight file's bytes by two, since most are of 16 bits."""
    return peer.file.with_suffix(".bin").stat().st_size // 2


def runner(peer: Peer, threads: int) -> Run:
    """Loads the network when it is first needed and runs it on whole pictures."""

    @cache
    def loaded() -> ncnn.Net:
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_vulkan_compute = False
        net.load_param(str(peer.file.with_suffix(".param")))
        net.load_model(str(peer.file.with_suffix(".bin")))
        return net

    first, last = ends(peer.file.with_suffix(".param"))

    def run(picture: Picture, mask: Mask) -> Picture:
        height, width = picture.shape[:2]
        extra = [-(side + 2 * peer.pad_px) % peer.multiple_px for side in (height, width)]
        sides = [(peer.pad_px, peer.pad_px + more) for more in extra]
        planes = np.pad(picture, [*sides, (0, 0)], mode="edge").transpose(2, 0, 1)
        given = np.ascontiguousarray(planes, np.float32) / np.float32(255)
        extractor = loaded().create_extractor()
        # ncnn.Mat looks at the array's memory and does not own it: `given` must live until the end.
        extractor.input(first, ncnn.Mat(given))
        status, out = extractor.extract(last)
        if status:
            raise RuntimeError(f"ncnn could not run '{peer.file.name}' ({status}).")
        done = np.array(out)[:, : height * peer.scale, : width * peer.scale]
        return np.clip(done.transpose(1, 2, 0) * 255, 0, 255).round().astype(np.uint8)

    return run


def method(name: str, peer: Peer, threads: int) -> Method:
    """A competitor out of a network."""
    return Method(name, runner(peer, threads), parameters(peer))


def enlargers(scale: int, folder: Path, threads: int) -> list[Method]:
    """Enlarging networks for a scale, from the folders that `fetch.py` makes."""
    real = folder / "realesrgan"
    cugan = folder / "realcugan"
    found = {
        2: {
            "waifu2x photo": Peer(folder / "waifu2x" / "WAIFU2X_PHOTO_UP2X", 2, WAIFU2X_PHOTO_PAD_PX),
            "real-cugan": Peer(cugan / "REALCUGAN_SE_UP2X_CONSERVATIVE", 2, CUNET_2X_PAD_PX, 2),
            "real-esrgan video": Peer(real / "REALESRGAN_ANIMAVIDEOV3_UP2X", 2),
        },
        4: {
            "real-esrgan video": Peer(real / "REALESRGAN_ANIMAVIDEOV3_UP4X", 4),
            "real-esrgan plus": Peer(real / "REALESRGAN_X4PLUS_UP4X", 4),
        },
    }[scale]
    return [method(name, peer, threads) for name, peer in found.items()]


def restorers(folder: Path, threads: int) -> list[Method]:
    """waifu2x's denoiser without enlargement, at its second and at its strongest level."""
    return [
        method(
            f"waifu2x denoise {level}",
            Peer(folder / "waifu2x" / f"WAIFU2X_CUNET_UP1X_DENOISE{level}X", 1, CUNET_1X_PAD_PX, 4),
            threads,
        )
        for level in (1, 3)
    ]
