"""The pool of past fakes against Shrivastava et al. 2017, section 2.3."""

import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.training.history import History


def numbered(*numbers: int) -> Tensor:
    """Pictures that are recognised by their level."""
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def levels(images: Tensor) -> list[int]:
    return [int(level) for level in images[:, 0, 0, 0]]


def test_it_fills_up_first_and_shows_fresh_fakes_meanwhile() -> None:
    pool = History(5)
    shown, conditions = pool.exchange(numbered(1, 2, 3), None, Draw(0, 3))
    assert (levels(shown), conditions, pool.filled) == ([1, 2, 3], None, 3)
    assert pool.images is not None
    assert levels(pool.images) == [1, 2, 3, 0, 0]


def test_once_full_every_second_fake_on_average_is_kept_back_for_an_old_one() -> None:
    pool, old_shown = History(6), 0
    pool.exchange(numbered(*range(1, 7)), None, Draw(99, 6))
    for step in range(60):
        fresh = list(range(4 * step + 7, 4 * step + 11))
        assert pool.images is not None
        before = levels(pool.images)
        shown = levels(pool.exchange(numbered(*fresh), None, Draw(step, 4))[0])
        assert sorted(shown + levels(pool.images)) == sorted(fresh + before)  # nothing is lost, doubled or made up
        old_shown += sum(ours != its for ours, its in zip(shown, fresh, strict=True))
    assert 0.4 < old_shown / 240 < 0.6


def test_a_condition_goes_with_its_picture() -> None:
    pool = History(3)
    for step in range(20):
        numbers = [10 * step + row for row in range(1, 5)]
        conditions = torch.tensor(numbers, dtype=torch.float32).view(-1, 1) * torch.tensor([[1.0, -1.0]])
        shown, shown_conditions = pool.exchange(numbered(*numbers), conditions, Draw(step, 4))
        assert shown_conditions is not None
        assert levels(shown) == [int(level) for level in shown_conditions[:, 0]]
        assert torch.equal(shown_conditions[:, 0], -shown_conditions[:, 1])


def test_a_batch_cut_in_two_meets_the_same_pool() -> None:
    whole, cut = History(4), History(4)
    for step in range(8):
        images, draw = numbered(*range(6 * step + 1, 6 * step + 7)), Draw(step, 6)
        shown, _ = whole.exchange(images, None, draw)
        parts = [cut.exchange(images[a:b], None, draw.rows(a, b))[0] for a, b in ((0, 2), (2, 6))]
        assert torch.equal(torch.cat(parts), shown)


def test_what_comes_in_is_left_as_it_was_and_gives_no_gradient() -> None:
    pool, images = History(2), numbered(1, 2, 3, 4).requires_grad_()
    before = images.detach().clone()
    for step in range(4):
        shown, _ = pool.exchange(images, None, Draw(step, 4))
        assert not shown.requires_grad
    assert torch.equal(images, before)
