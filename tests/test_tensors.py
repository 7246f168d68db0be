import numpy as np
import pytest
import torch

from ganvas.tensors import Judgement, to_levels


def test_score_is_the_mean_over_heads_of_the_mean_over_positions() -> None:
    patch = torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]])
    column = torch.tensor([[5.0], [-1.0]])
    flat = torch.tensor([7.0, 9.0])
    assert Judgement((patch, column, flat)).score().tolist() == [(3 + 5 + 7) / 3, (1 - 1 + 9) / 3]
    assert Judgement((flat,)).score().tolist() == [7, 9]


def test_score_gives_every_head_the_same_say_however_many_positions_it_has() -> None:
    heads = (torch.zeros(2, 8, 8, requires_grad=True), torch.zeros(2, requires_grad=True))
    Judgement(heads).score().sum().backward()
    assert [float(head.grad[0].sum()) for head in heads if head.grad is not None] == [0.5, 0.5]


def test_only_logits_whose_cell_the_region_touches_count_and_heads_without_positions_always_do() -> None:
    region = torch.zeros(3, 1, 4, 4)
    region[0, 0, 1, 3] = region[1, 0, 0, 0] = region[1, 0, 3, 3] = 1
    patch = torch.tensor([[1.0, 2.0], [3.0, 6.0]]).repeat(3, 1, 1)
    flat = torch.tensor([7.0, 9.0, 11.0])
    assert Judgement((patch,), (), region).score().tolist() == [2, (1 + 6) / 2, 0]
    assert Judgement((patch[:, None], flat), (), region).score().tolist() == [(2 + 7) / 2, (3.5 + 9) / 2, 11 / 2]
    everywhere = Judgement((patch, flat), (), torch.ones_like(region)).score()
    assert torch.equal(everywhere, Judgement((patch, flat)).score())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_every_level_survives_the_way_there_and_back(dtype: torch.dtype) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    images = torch.from_numpy(levels).permute(0, 3, 1, 2).to(torch.float64) / 127.5 - 1
    error = np.abs(to_levels(images.to(dtype)).astype(int) - levels)
    assert error.max() <= (0 if dtype != torch.bfloat16 else 1)


def test_levels_are_rounded_clipped_and_channels_last() -> None:
    images = torch.tensor([-3.0, -1.0, -0.999, 0.0, 0.0079, 1.0, 9.0]).view(1, 1, 1, 7).repeat(2, 3, 1, 1)
    images[:, 1] = -1
    levels = to_levels(images.requires_grad_())
    assert levels.shape == (2, 1, 7, 3)
    assert levels.dtype == np.uint8
    assert levels[1, 0, :, 0].tolist() == [0, 0, 0, 128, 129, 255, 255]
    assert levels[0, 0, :, 1].tolist() == [0] * 7
