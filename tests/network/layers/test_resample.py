from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import signal
from torch import Tensor

from ganvas.network.layers.resample import downsample, downsample_smooth, upsample, upsample_nearest

KERNEL = np.array([1.0, 3.0, 3.0, 1.0])
SIZES = [(8, 8), (9, 13), (14, 11)]


def random_map(size: tuple[int, int]) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("size", SIZES)
def test_upsampling_is_zero_stuffing_and_1331(size: tuple[int, int]) -> None:
    x = random_map(size)
    stuffed = np.zeros((2 * size[0], 2 * size[1]))
    stuffed[::2, ::2] = x[1, 2].numpy()
    # Centred so that output 2i draws on inputs i-1 and i with weights 1 and 3.
    expected = signal.convolve2d(stuffed, np.outer(KERNEL, KERNEL) / 16, mode="full")[1:-2, 1:-2]
    result = upsample(x, (2 * size[0], 2 * size[1]))[1, 2].numpy()
    np.testing.assert_allclose(result[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_smooth_downsampling_is_1331_and_every_second_value(size: tuple[int, int]) -> None:
    x = random_map(size)
    filtered = signal.convolve2d(x[1, 2].numpy(), np.outer(KERNEL, KERNEL) / 64, mode="valid")
    result = downsample_smooth(x)[1, 2].numpy()
    # The first whole kernel starts at input 1, the second at 3: results 1, 2, …
    expected = filtered[1::2, 1::2]
    np.testing.assert_allclose(result[1 : 1 + expected.shape[0], 1 : 1 + expected.shape[1]], expected, atol=1e-12)
    assert result.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2)


def test_downsampling_takes_block_means_and_a_lone_edge_stands_for_itself() -> None:
    x = torch.arange(15.0).view(1, 1, 3, 5)
    expected = torch.tensor([[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]])
    torch.testing.assert_close(downsample(x)[0, 0], expected)


def test_nearest_upsampling_repeats_and_crops() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    expected = torch.tensor([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [3.0, 3.0, 4.0]])
    torch.testing.assert_close(upsample_nearest(x, (3, 3))[0, 0], expected)


@pytest.mark.parametrize("halve", [downsample, downsample_smooth])
@pytest.mark.parametrize("size", SIZES)
def test_halving_keeps_a_constant(halve: Callable[[Tensor], Tensor], size: tuple[int, int]) -> None:
    torch.testing.assert_close(
        halve(torch.full((1, 2, *size), 0.7)), torch.full((1, 2, (size[0] + 1) // 2, (size[1] + 1) // 2), 0.7)
    )


@pytest.mark.parametrize("operation", [downsample, downsample_smooth, lambda x: upsample(x, (9, 10))])
def test_bfloat16_and_channels_last_stay(operation: Callable[[Tensor], Tensor]) -> None:
    x = random_map((5, 5)).bfloat16().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = operation(x)
    assert result.dtype == torch.bfloat16
    assert result.stride(1) == 1


@pytest.mark.parametrize("operation", [downsample, downsample_smooth, lambda x: upsample(x, (9, 10))])
def test_first_second_and_forward_derivatives(operation: Callable[[Tensor], Tensor]) -> None:
    x = random_map((5, 5))[:1, :1].requires_grad_()
    assert torch.autograd.gradcheck(operation, (x,), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: operation(x).square(), (x,))
