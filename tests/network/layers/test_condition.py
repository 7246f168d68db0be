import pytest
import torch

from ganvas.errors import UsageError
from ganvas.network.layers.condition import require_condition, require_planes

IMAGES = torch.zeros(2, 3, 8, 9)


def test_what_fits_is_taken() -> None:
    require_condition(torch.zeros(2, 5), 5)
    require_condition(None, 0)
    require_planes(torch.zeros(2, 4, 8, 9), 4, IMAGES)
    require_planes(None, 0, IMAGES)


@pytest.mark.parametrize("shape", [(2, 4, 8, 8), (2, 3, 8, 9), (1, 4, 8, 9), (2, 4), (4, 8, 9)])
def test_planes_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"planes of shape \(2, 4, 8, 9\), but got some of shape") as refusal:
        require_planes(torch.zeros(shape), 4, IMAGES)
    assert str(shape) in str(refusal.value)


def test_planes_that_are_missing_or_not_asked_for_are_refused() -> None:
    with pytest.raises(UsageError, match=r"needs condition planes of shape \(2, 4, 8, 9\), but got none"):
        require_planes(None, 4, IMAGES)
    with pytest.raises(UsageError, match="takes no condition planes"):
        require_planes(torch.zeros(2, 4, 8, 9), 0, IMAGES)
