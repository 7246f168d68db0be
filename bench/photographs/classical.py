"""Competitors that learned nothing: Pillow's kernels, and denoisers and inpainting of scikit-image and OpenCV."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import restoration

from photographs.method import Find, Finder, Mask, Method, Picture, Run

KERNELS = {
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
TELEA_RADIUS_PX = 5


def levels(image: NDArray[np.float32] | NDArray[np.float64]) -> Picture:
    """From 0 to 1 to levels."""
    return np.clip(np.asarray(image) * 255, 0, 255).round().astype(np.uint8)


def enlargers(scale: int) -> list[Method]:
    """Pillow's kernels."""

    def run(kernel: Image.Resampling) -> Run:
        def enlarged(picture: Picture, mask: Mask) -> Picture:
            height, width = picture.shape[:2]
            return np.array(Image.fromarray(picture).resize((width * scale, height * scale), kernel))

        return enlarged

    return [Method(name, run(kernel)) for name, kernel in KERNELS.items()]


def unchanged(picture: Picture, mask: Mask) -> Picture:
    """What was given."""
    return picture


def non_local_means(picture: Picture, mask: Mask) -> Picture:
    """Buades et al. 2005, fast form, with the noise estimated from the picture as scikit-image's example does."""
    image = picture / np.float32(255)
    sigma = float(np.mean(restoration.estimate_sigma(image, channel_axis=-1)))
    done = restoration.denoise_nl_means(
        image, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
    )
    return levels(done)


def total_variation(picture: Picture, mask: Mask) -> Picture:
    """Chambolle 2004, at scikit-image's default weight."""
    return levels(restoration.denoise_tv_chambolle(picture / np.float32(255), weight=0.1, channel_axis=-1))


def wavelets(picture: Picture, mask: Mask) -> Picture:
    """BayesShrink (Chang et al. 2000) in YCbCr, with the noise estimated from the picture."""
    done = restoration.denoise_wavelet(
        picture / np.float32(255), channel_axis=-1, convert2ycbcr=True, method="BayesShrink", rescale_sigma=True
    )
    return levels(done)


def bilateral(picture: Picture, mask: Mask) -> Picture:
    """Tomasi and Manduchi 1998, with the settings of scikit-image's example."""
    done = restoration.denoise_bilateral(picture / np.float32(255), sigma_color=0.05, sigma_spatial=5, channel_axis=-1)
    return levels(done)


def restorers() -> list[Method]:
    """What was given, and four denoisers."""
    return [
        Method("input", unchanged),
        Method("non-local means", non_local_means),
        Method("total variation", total_variation),
        Method("wavelets", wavelets),
        Method("bilateral", bilateral),
    ]


def _opencv(algorithm: int) -> Run:
    def filled(picture: Picture, mask: Mask) -> Picture:
        return np.asarray(cv2.inpaint(picture, mask.astype(np.uint8), TELEA_RADIUS_PX, algorithm), np.uint8)

    return filled


def biharmonic(picture: Picture, mask: Mask) -> Picture:
    """Damelin and Hoang 2018, region by region."""
    done = restoration.inpaint_biharmonic(picture / 255.0, mask, split_into_regions=True, channel_axis=-1)
    return np.where(mask[..., None], levels(done), picture)


def repairers() -> list[Method]:
    """Three ways to fill holes from their edges."""
    return [
        Method("telea", _opencv(cv2.INPAINT_TELEA)),
        Method("navier-stokes", _opencv(cv2.INPAINT_NS)),
        Method("biharmonic", biharmonic),
    ]


def top_hat(threshold: float = 24, side_px: int = 9) -> Find:
    """Whatever is brighter or darker than all that surrounds it within a few pixels."""

    def found(picture: Picture) -> Mask:
        grey = picture.mean(2)
        above = grey - ndimage.grey_opening(grey, size=(side_px, side_px))
        below = ndimage.grey_closing(grey, size=(side_px, side_px)) - grey
        return np.asarray(np.maximum(above, below) > threshold, bool)

    return found


def finders() -> list[Finder]:
    """Morphology at three thresholds."""
    return [Finder(f"top-hat {threshold}", top_hat(threshold)) for threshold in (16, 32, 64)]
