"""Draws: cutting a batch changes nothing, names do not meet, and the numbers have the distribution they say."""

from collections.abc import Callable
from itertools import pairwise
from math import erf, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.draw import Draw, per_image_normal, seed_of

METHODS: dict[str, Callable[[Draw], Tensor]] = {
    "normal": lambda draw: draw.normal(3, 2),
    "uniform": lambda draw: draw.uniform(2, low=-1.0, high=3.0),
    "integers": lambda draw: draw.integers(7, 2),
    "signs": lambda draw: draw.signs(2),
    "normal of a named draw": lambda draw: draw.named("a", 3).normal(2),
    "scalar rows": lambda draw: draw.normal(),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 12), max_size=4))
def test_slices_of_any_cut_equal_the_whole(method: Callable[[Draw], Tensor], cuts: list[int]) -> None:
    whole = Draw(5, 12)
    edges = [0, *sorted(cuts), 12]
    parts = [method(whole.rows(start, stop)) for start, stop in pairwise(edges)]
    assert torch.equal(torch.cat(parts), method(whole))


def test_a_slice_of_a_slice_counts_from_the_slice() -> None:
    whole = Draw(5, 12)
    nested = whole.rows(4, 10).rows(1, 3)
    assert (nested.count, whole.rows(4, 10).count, whole.count) == (2, 6, 12)
    assert torch.equal(nested.normal(2), whole.normal(2)[5:7])


def test_naming_and_cutting_may_come_in_either_order() -> None:
    whole = Draw(5, 12)
    assert torch.equal(whole.named("x").rows(2, 5).normal(), whole.rows(2, 5).named("x").normal())


def test_the_same_draw_repeats_itself_and_another_seed_does_not() -> None:
    assert torch.equal(Draw(1, 8).normal(4), Draw(1, 8).normal(4))
    assert not torch.equal(Draw(1, 8).normal(4), Draw(2, 8).normal(4))


def test_draws_do_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    Draw(1, 4).normal()
    per_image_normal([1], 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_named_streams_are_independent() -> None:
    draw = Draw(0, 4096)
    streams = [draw, *(draw.named(*name) for name in [("a",), ("b",), ("a", "b"), ("a", 1), (1,), ("1", "a"), (1, 1)])]
    correlation = torch.corrcoef(torch.stack([stream.normal() for stream in streams])).fill_diagonal_(0)
    assert correlation.abs().max() < 5 / sqrt(4096)  # five standard deviations of what chance gives


def test_seeds_do_not_depend_on_where_parts_are_joined() -> None:
    seeds = {
        seed_of(*parts) for parts in [("ab", "c"), ("a", "bc"), ("abc",), (1, 23), (12, 3), (123,), ("a", "b", "c")]
    }
    assert len(seeds) == 7
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_in_every_process_and_version() -> None:
    assert seed_of("step", 3) == 3_517_598_238_112_715_803  # printf "step\x1f3" | b2sum -l 64, halved


def test_distributions() -> None:
    draw = Draw(3, 20_000)
    normal, uniform = draw.normal().double(), draw.uniform(low=-1.0, high=3.0)
    for limit in (-2.0, -0.5, 0.0, 1.0):
        assert float((normal < limit).double().mean()) == pytest.approx((1 + erf(limit / sqrt(2))) / 2, abs=0.015)
    assert uniform.min() >= -1
    assert uniform.max() <= 3
    assert float(uniform.mean()) == pytest.approx(1, abs=0.04)
    assert draw.integers(5).bincount(minlength=5).tolist() == pytest.approx([4000] * 5, abs=300)
    assert set(draw.signs().tolist()) == {-1.0, 1.0}
    assert abs(float(draw.signs().mean())) < 0.035


def test_a_row_of_per_image_normal_depends_on_its_seed_only() -> None:
    batch = per_image_normal([7, 8, 7, 9], 5, 2)
    assert batch.shape == (4, 5, 2)
    assert torch.equal(batch[2:3], per_image_normal([7], 5, 2))
    assert torch.equal(batch[0], batch[2])
    assert not torch.equal(batch[0], batch[1])
