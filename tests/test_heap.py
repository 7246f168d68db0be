import subprocess
import sys

import pytest

from ganvas.heap import keep_freed_memory

PAGE_FAULTS = """
import resource, sys
import numpy as np
from ganvas.heap import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit(3)
faults = []
for _ in range(20):
    maps = [np.ones(2**21) for _ in range(4)]  # 16 MiB each
    del maps
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[2])
"""
ROUNDS, PAGES_A_ROUND = 17, 4 * 2**24 // 4096


def page_faults(how: str) -> int:
    """Of 17 rounds of taking and freeing 64 MiB, in a fresh process."""
    result = subprocess.run([sys.executable, "-c", PAGE_FAULTS, how], capture_output=True, text=True)
    if result.returncode == 3:
        pytest.skip("this C library does not let itself be told")
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


def test_memory_that_is_freed_and_taken_again_causes_no_page_faults() -> None:
    assert page_faults("kept") < PAGES_A_ROUND / 10
    assert page_faults("as it comes") > ROUNDS * PAGES_A_ROUND / 10  # otherwise there is nothing to gain any more


def test_other_systems_and_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("ctypes.CDLL", None)
    assert not keep_freed_memory()
