import pytest
import torch
from torch import nn

from ganvas.network.layers.precision import FullPrecision


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_parameters_type_wins_over_autocast_and_input(dtype: torch.dtype) -> None:
    inner = nn.Linear(64, 3).to(dtype)
    x = torch.randn(2, 64).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = inner(x.to(dtype))
        exact = FullPrecision(inner)(x)
        after = inner(x.to(dtype))
    torch.testing.assert_close(exact, inner(x.to(dtype)), atol=0.0, rtol=0.0)
    assert exact.dtype == dtype
    # Autocast leaves float64 alone.
    assert rounded.dtype == after.dtype == (torch.bfloat16 if dtype == torch.float32 else dtype)


def test_further_arguments_are_passed_on() -> None:
    inner = nn.Bilinear(3, 4, 2)
    x, y = torch.randn(5, 3), torch.randn(5, 4)
    torch.testing.assert_close(FullPrecision(inner)(x, y), inner(x, y))
