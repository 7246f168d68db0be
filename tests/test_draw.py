"""Draws: cutting a batch changes nothing, names do not meet, and the numbers have the distribution they say."""

from collections.abc import Callable
from itertools import pairwise
from math import cos, erf, log, pi, sin, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.draw import Draw, per_image_normal, philox, seed_of

METHODS: dict[str, Callable[[Draw], Tensor]] = {
    "normal": lambda draw: draw.normal(3, 2),
    "uniform": lambda draw: draw.uniform(2, low=-1.0, high=3.0),
    "integers": lambda draw: draw.integers(7, 2),
    "signs": lambda draw: draw.signs(2),
    "signs of a picture": lambda draw: draw.named("r1").signs(1, 9, 9),
    "field": lambda draw: draw.field(3, 5, 5),
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


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_picked_rows_have_the_numbers_of_the_slice_in_any_order(method: Callable[[Draw], Tensor]) -> None:
    part = Draw(7, 12).rows(3, 11)
    picked = part.picked(torch.tensor([6, 0, 3]))
    assert picked.count == 3
    assert torch.equal(method(picked), method(part)[[6, 0, 3]])
    assert torch.equal(method(picked.rows(1, 3)), method(part)[[0, 3]])
    assert torch.equal(method(picked.picked(torch.tensor([2, 0]))), method(part)[[3, 6]])
    assert torch.equal(method(picked.named("x")), method(part.named("x"))[[6, 0, 3]])
    assert method(part.picked(torch.tensor([], dtype=torch.long))).shape[0] == 0


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
    uniform = draw.uniform(low=-1.0, high=3.0)
    for normal in (draw.normal(), draw.field(), draw.rows(0, 20).field(1000).flatten()):
        for limit in (-2.0, -0.5, 0.0, 1.0):
            assert float((normal < limit).double().mean()) == pytest.approx((1 + erf(limit / sqrt(2))) / 2, abs=0.015)
    assert uniform.min() >= -1
    assert uniform.max() <= 3
    assert float(uniform.mean()) == pytest.approx(1, abs=0.04)
    assert draw.integers(5).bincount(minlength=5).tolist() == pytest.approx([4000] * 5, abs=300)
    assert set(draw.signs().tolist()) == {-1.0, 1.0}
    assert abs(float(draw.signs().mean())) < 0.035


# Known answers of Random123, the authors' own library: a counter of two words, a key, the two words of the answer.
ANSWERS = {
    7: (
        ((0, 0, 0), (0x257A3673, 0xCD26BE2A)),
        ((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), (0xAB302C4D, 0x3DC9D239)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E), (0xBEDBBE6B, 0xE4C770B3)),
    ),
    10: (
        ((0, 0, 0), (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E), (0xDD7CE038, 0xF62A4C12)),
    ),
}


@pytest.mark.parametrize("rounds", ANSWERS)
def test_philox_gives_its_authors_answers(rounds: int) -> None:
    for (first, second, key), answer in ANSWERS[rounds]:
        words = philox(torch.tensor([first]), torch.tensor([second]), key, rounds)
        assert tuple(int(word) for word in words) == answer


def philox_by_hand(first: int, second: int, key: int) -> tuple[int, int]:
    """Salmon et al. 2011, section 3.3, in whole numbers of any size."""
    for bump in range(7):
        product = first * 0xD256D193
        first, second = product >> 32 ^ second ^ (key + bump * 0x9E3779B9) % 2**32, product % 2**32
    return first, second


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**63 - 1), row=st.integers(0, 2**20), place=st.integers(0, 199))
def test_a_sign_is_a_bit_of_philox_at_its_row_and_place(seed: int, row: int, place: int) -> None:
    block, bit = divmod(place, 64)
    first, second = philox_by_hand(block, (row + (seed >> 32)) % 2**32, seed % 2**32)
    expected = 2 * ((first | second << 32) >> bit & 1) - 1
    (drawn,) = Draw(seed, row + 1, start=row).signs(2, 100).flatten(1)
    assert int(drawn[place]) == expected


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**63 - 1), row=st.integers(0, 2**20), place=st.integers(0, 199))
def test_a_number_of_a_field_is_made_of_two_words_at_its_row_and_place(seed: int, row: int, place: int) -> None:
    """Box and Muller 1958: √(-2 ln u) times cosine and sine of 2πv."""
    first, second = philox_by_hand(place // 2, (row + (seed >> 32)) % 2**32, seed % 2**32)
    turn = cos if place % 2 == 0 else sin
    expected = sqrt(-2 * log((first + 0.5) / 2**32)) * turn(2 * pi * second / 2**32)
    (drawn,) = Draw(seed, row + 1, start=row).field(2, 100).flatten(1)
    assert float(drawn[place]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_signs_and_fields_of_a_slice_do_not_cost_the_whole_batch() -> None:
    """The batch of this draw would not fit into any memory."""
    few = Draw(0, 2**40, start=2**39, stop=2**39 + 2)
    assert few.signs(2, 3).shape == few.field(2, 3).shape == (2, 2, 3)


def test_signs_are_balanced_and_independent_over_rows_places_and_names() -> None:
    """Each sum of n independent signs is normal with standard deviation √n, within five of it here."""
    rows, places = 1000, 300
    draw = Draw(7, rows)
    signs, other = (draw.named("step", 3, name).signs(3, 10, 10).flatten(1).double() for name in ("real", "fake"))
    for number in (signs, other, signs * other):
        assert abs(float(number.sum())) < 5 * sqrt(rows * places)
        assert number.sum(0).abs().max() < 5 * sqrt(rows)
        assert number.sum(1).abs().max() < 5 * sqrt(places)
    for table, count in ((signs, places), (signs.T, rows)):  # between any two rows, and between any two places
        assert (table @ table.T).fill_diagonal_(0).abs().max() < 6 * sqrt(count)
    for bit in range(63):  # nor do seeds that differ in one bit resemble each other
        near = Draw(7 ^ (1 << bit), rows).signs(places).double()
        assert abs(float((near * Draw(7, rows).signs(places)).sum())) < 5 * sqrt(rows * places)


def test_a_row_of_per_image_normal_depends_on_its_seed_only() -> None:
    batch = per_image_normal([7, 8, 7, 9], 5, 2)
    assert batch.shape == (4, 5, 2)
    assert torch.equal(batch[2:3], per_image_normal([7], 5, 2))
    assert torch.equal(batch[0], batch[2])
    assert not torch.equal(batch[0], batch[1])
