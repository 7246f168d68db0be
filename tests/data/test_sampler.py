import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganvas.data.sampler import FEWEST_PHOTOGRAPHS, MAX_HELDOUT, Sampler, split_heldout, split_photographs

COUNTS = st.integers(1, 40)
SEEDS = st.integers(0, 2**63 - 1)


@given(COUNTS, SEEDS, st.integers(0, 50))
def test_every_epoch_visits_every_item_once(count: int, seed: int, epoch: int) -> None:
    visited = Sampler(count, seed).indices(epoch * count, count)
    assert sorted(visited.tolist()) == list(range(count))


@given(COUNTS, SEEDS, st.lists(st.tuples(st.integers(0, 300), st.integers(1, 100)), max_size=8))
def test_access_in_any_order_is_access_in_sequence(count: int, seed: int, asked: list[tuple[int, int]]) -> None:
    one_by_one = Sampler(count, seed)
    sequence = np.concatenate([one_by_one.indices(position, 1) for position in range(400)])
    sampler = Sampler(count, seed)
    for position, length in asked:
        np.testing.assert_array_equal(sampler.indices(position, length), sequence[position : position + length])


def test_epochs_and_seeds_differ() -> None:
    sampler = Sampler(1000, 0)
    epochs = [sampler.indices(1000 * epoch, 1000).tolist() for epoch in range(5)]
    epochs.append(Sampler(1000, 1).indices(0, 1000).tolist())
    epochs.append(list(range(1000)))
    assert len({tuple(epoch) for epoch in epochs}) == 7


def test_order_is_fair() -> None:
    """Each item is first about equally often."""
    firsts = np.array([Sampler(8, seed).indices(0, 1)[0] for seed in range(4000)])
    counts = np.bincount(firsts, minlength=8)
    assert ((counts - 500) ** 2 / 500).sum() < 24.3  # chi-squared, 7 degrees, p = 0.001


def test_few_epochs_are_kept_in_memory() -> None:
    sampler = Sampler(10, 0)
    for position in range(0, 1000, 7):
        sampler.indices(position, 7)
    assert len(sampler._recent) <= 2


@pytest.mark.parametrize(
    ("count", "heldout"),
    [(1, 0), (199, 0), (200, 10), (1000, 50), (39_999, 2000), (70_000, MAX_HELDOUT)],
)
def test_how_many_are_held_out(count: int, heldout: int) -> None:
    training, aside = split_heldout(count, 0)
    assert (len(training), len(aside)) == (count - heldout, heldout)
    np.testing.assert_array_equal(np.sort(np.concatenate([training, aside])), np.arange(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(aside) > 0).all()


def test_who_is_held_out_depends_on_the_seed_alone() -> None:
    assert split_heldout(500, 3)[1].tolist() == split_heldout(500, 3)[1].tolist()
    assert split_heldout(500, 3)[1].tolist() != split_heldout(500, 4)[1].tolist()


def test_another_share() -> None:
    assert len(split_heldout(500, 0, share=0.2)[1]) == 100


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), SEEDS)
def test_tiles_of_a_photograph_stay_together(tiles: list[int], seed: int) -> None:
    names = [f"{number:03d}" for number, count in enumerate(tiles) for _ in range(count)]
    training, aside = split_photographs(names, seed)
    assert sorted([*training, *aside]) == list(range(len(names)))
    shown, held = ({names[row] for row in rows} for rows in (training, aside))
    assert not shown & held
    assert len(held) == min(max(round(0.05 * len(tiles)), FEWEST_PHOTOGRAPHS), len(tiles) // 4)
    assert shown
    again = split_photographs(names, seed)
    assert [part.tolist() for part in again] == [training.tolist(), aside.tolist()]


def test_which_photographs_are_held_out_depends_on_the_seed() -> None:
    names = [str(number) for number in range(40)]
    assert split_photographs(names, 1)[1].tolist() != split_photographs(names, 2)[1].tolist()
