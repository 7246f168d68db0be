import random

import pytest

from ganvas.augment.policy import P_MAX, adapt


def test_a_whole_way_takes_the_ramp() -> None:
    p = 0.0
    for _ in range(250):  # 250 moves of 2,000 images are 500 kimg
        p = adapt(p, 1.0, 0.6, 2000, p_max=1.0)
    assert p == pytest.approx(1.0)
    assert adapt(0.5, 1.0, 0.6, 50_000) == pytest.approx(0.6)
    assert adapt(0.5, 0.0, 0.6, 50_000) == pytest.approx(0.4)


def test_on_target_or_unknown_it_stays() -> None:
    assert adapt(0.3, 0.6, 0.6, 4000) == 0.3
    assert adapt(0.3, float("nan"), 0.6, 4000) == 0.3


def test_it_settles_where_a_simulated_critic_meets_the_target() -> None:
    """A critic whose sureness falls with p crosses the target 0.6 at p = 0.5."""
    noise, p, path = random.Random(0), 0.0, []
    for _ in range(2000):
        p = adapt(p, 0.9 - 0.6 * p + noise.gauss(0, 0.05), 0.6, 1024)
        path.append(p)
    settled = path[1000:]
    assert sum(settled) / len(settled) == pytest.approx(0.5, abs=0.02)
    assert max(settled) - min(settled) < 0.2


@pytest.mark.parametrize(("statistic", "end"), [(1.0, P_MAX), (-1.0, 0.0)])
def test_a_critic_that_never_yields_drives_it_to_the_bound_and_no_further(statistic: float, end: float) -> None:
    p = 0.4
    for _ in range(5000):
        p = adapt(p, statistic, 0.6, 777)
        assert 0.0 <= p <= P_MAX
    assert p == end


def test_one_huge_move_stays_inside_too() -> None:
    assert adapt(0.1, 1.0, 0.6, 10**9) == P_MAX
    assert adapt(0.1, 1.0, 0.6, 10**9, p_max=0.3) == 0.3
    assert adapt(0.1, 0.0, 0.6, 10**9) == 0.0
