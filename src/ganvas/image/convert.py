"""Between bit depths and numbers of channels, in whole numbers."""

import numpy as np

WHITE = (255, 255, 255)
_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)  # ITU-R BT.601 (0.299, 0.587, 0.114) in 1/65536


def to_uint8(array: np.ndarray) -> np.ndarray:
    """uint16 to uint8 as round(x / 257), so 0 and 65535 meet 0 and 255; uint8 is returned as it is."""
    if array.dtype == np.uint8:
        return array
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_channels(array: np.ndarray, channels: int) -> np.ndarray:
    """A uint8 picture ``(H, W, 1 | 3 | 4)`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.

    Grey is repeated; colour becomes grey by Rec. 601 luma; transparency is laid over white: a
    cut-out drawing is made to lie on paper. Where there was no alpha, it is 255.
    """
    have = array.shape[2]
    if have == channels:
        return array
    if have == 4:
        return to_channels(_laid_over_white(array), channels)
    if channels == 4:
        opaque = np.full((*array.shape[:2], 1), 255, dtype=np.uint8)
        return np.concatenate([to_channels(array, 3), opaque], axis=2)
    if channels == 3:
        return np.repeat(array, 3, axis=2)
    return ((array @ _LUMA + 32768) >> 16).astype(np.uint8)[..., None]


def with_grey_repeated(array: np.ndarray, channels: int) -> np.ndarray:
    """Grey ``(..., 1 | 2)``, of any depth, as the ``(..., 3 | 4)`` of a format that has no grey; else as it is."""
    if array.shape[-1] == channels:
        return array
    colours = np.repeat(array[..., :1], 3, axis=-1)
    return colours if channels == 3 else np.concatenate([colours, array[..., -1:]], axis=-1)


def _laid_over_white(array: np.ndarray) -> np.ndarray:
    colour, alpha = array[..., :3].astype(np.uint16), array[..., 3:].astype(np.uint16)
    paper = np.array(WHITE, dtype=np.uint16)
    return ((colour * alpha + paper * (255 - alpha) + 127) // 255).astype(np.uint8)  # at most 65,152
