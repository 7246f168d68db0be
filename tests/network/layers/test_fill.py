import numpy as np
import pytest
import torch
from scipy import ndimage

from ganvas.network.layers.fill import MOMENTUM, RATE, STEPS, TRUST, WIDTHS_PX, smooth_fill
from tests.task.scenes import scene

REACH_PX = round(3 * WIDTHS_PX[-1]) + 2 * STEPS
PICTURE = torch.from_numpy(scene(0, 96, 80)).permute(2, 0, 1)[None].double() / 127.5 - 1


def hole(top: int, bottom: int, left: int = 0, right: int = 80) -> torch.Tensor:
    mask = torch.zeros(1, 1, 96, 80, dtype=torch.float64)
    mask[..., top:bottom, left:right] = 1
    return mask


def test_it_is_the_normalised_convolution_of_what_is_known_and_then_descends() -> None:
    mask = hole(40, 60, 10, 50)
    known = 1 - mask[0, 0].numpy()
    filled, left = np.zeros((3, 96, 80)), np.ones((96, 80))
    for width in WIDTHS_PX:

        def mean(plane: np.ndarray, width: float = width) -> np.ndarray:
            return np.asarray(ndimage.gaussian_filter(plane, width, mode="constant", radius=round(3 * width)))

        share = mean(known)
        trust = left * np.minimum(share / TRUST, 1) ** 2
        filled += trust * np.stack([mean(c * known) / np.maximum(share, 1e-6) for c in PICTURE[0].numpy()])
        left = left - trust
    wanted = np.where(known > 0, PICTURE[0].numpy(), filled + left * PICTURE[0].numpy())
    step = np.zeros_like(wanted)
    for _ in range(STEPS):
        bent = np.stack([ndimage.laplace(ndimage.laplace(plane, mode="nearest"), mode="nearest") for plane in wanted])
        step = MOMENTUM * step - RATE * (known == 0) * bent
        wanted = wanted + step
    np.testing.assert_allclose(smooth_fill(PICTURE, mask)[0].numpy(), wanted, atol=1e-12)


def test_what_is_known_stays_and_a_guess_counts_only_far_from_it() -> None:
    mask = hole(20, 80)
    filled, other = (smooth_fill(torch.where(mask.bool(), guess, PICTURE), mask) for guess in (0.0, 0.77))
    assert torch.equal(filled[:, :, :20], PICTURE[:, :, :20])
    changed = (other - filled)[..., 40]
    assert changed[..., :22].abs().max() < 0.01
    torch.testing.assert_close(changed[..., 50], torch.full_like(changed[..., 50], 0.77), rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [1, 2, 3, 9, 12])
def test_a_plain_colour_is_continued_across_a_gap(width: int) -> None:
    plain = torch.full((2, 3, 48, 48), 0.4)
    mask = torch.zeros(2, 1, 48, 48)
    mask[..., 20 : 20 + width] = 1
    torch.testing.assert_close(smooth_fill(plain, mask), plain)


def test_a_bend_is_continued_across_a_scratch_to_a_fraction_of_a_level() -> None:
    at = torch.linspace(-1, 1, 96).view(1, 1, 96, 1).expand(1, 3, 96, 80)
    for curve in (at / 2, at.square() / 2, (3 * at).sin() / 2):
        off = (smooth_fill(curve, hole(47, 50).float()) - curve).abs().max()
        assert off < 0.7 / 127.5


def test_far_from_everything_nothing_is_done() -> None:
    everything = torch.ones(1, 1, 96, 80, dtype=torch.float64)
    assert not smooth_fill(torch.zeros_like(PICTURE), everything).any()
    wide = torch.ones(1, 1, 96, 300)
    wide[..., :10] = 0
    filled = smooth_fill(torch.full((1, 3, 96, 300), 0.5) * (1 - wide), wide)
    assert (filled[..., 4:-4, :16] > 0.45).all()
    assert filled[..., 10 + REACH_PX :].abs().max() == 0


def test_bfloat16_and_autocast_fill_in_float32() -> None:
    mask = hole(40, 43)
    with torch.autocast("cpu", torch.bfloat16):
        filled = smooth_fill(PICTURE.float(), mask.float())
    assert filled.dtype == torch.float32
    torch.testing.assert_close(filled.double(), smooth_fill(PICTURE, mask), rtol=0, atol=1e-5)


def test_it_may_be_trained_after_it_was_used() -> None:
    with torch.inference_mode():
        smooth_fill(PICTURE, hole(40, 43))
    picture = PICTURE.clone().requires_grad_()
    smooth_fill(picture, hole(40, 43)).sum().backward()
    assert picture.grad is not None
