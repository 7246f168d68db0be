import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas import cgroup
from ganvas.device import (
    autocast,
    available_devices,
    choose_device,
    gains_from_bfloat16,
    memory_bytes,
    place,
)
from ganvas.errors import UsageError


def pretend(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(0, False, "cpu"), (0, True, "mps"), (2, False, "cuda"), (1, True, "cuda")]
)
def test_auto_takes_the_fastest(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, chosen: str) -> None:
    pretend(monkeypatch, cuda, mps)
    assert choose_device().type == chosen
    assert available_devices()[0] == "cpu"


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1", "mps"])
def test_a_device_that_is_there_is_given(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch, 2, mps=True)
    assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "meta", "cpu:1", "xpu", "gpu", "", "cuda:x", "cuda:-1"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch, 0, mps=False)
    with pytest.raises(UsageError, match=rf"--device is '{name}', but this machine has: cpu\."):
        choose_device(name)


def test_a_card_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 2, mps=False)
    with pytest.raises(UsageError, match="'cuda:2', but this machine has: cpu, cuda"):
        choose_device("cuda:2")


def test_autocast_computes_in_what_it_says() -> None:
    layer, images = nn.Conv2d(1, 1, 1), torch.randn(1, 1, 2, 2)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with autocast(torch.device("cpu"), precision):
            assert layer(images).dtype == dtype


def test_bfloat16_is_never_said_to_gain_on_a_mac() -> None:
    assert not gains_from_bfloat16(torch.device("mps"))
    assert isinstance(gains_from_bfloat16(torch.device("cpu")), bool)


def test_place_puts_convolutions_in_channels_last_and_changes_no_number() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    placed = place(network, torch.device("cpu"))
    assert placed is network
    assert next(network.parameters()).is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


MEMINFO = (
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    3000000 kB\nHugePages_Total:       0\n"
)


@pytest.mark.parametrize(
    ("text", "expected"), [(MEMINFO, 3_000_000 * 1024), ("MemTotal: 1 kB\n", None), ("nonsense", None), (None, None)]
)
def test_free_memory_is_what_the_system_says_or_half_of_all(
    monkeypatch: pytest.MonkeyPatch, text: str | None, expected: int | None
) -> None:
    def read_text(path: Path, encoding: str) -> str:
        assert path == Path("/proc/meminfo")
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(cgroup, "free_bytes", lambda: None)
    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert memory_bytes(torch.device("cpu")) == (expected or 2_048_000)


PEAKS = """
import torch
from ganvas.device import forget_peak, peak_memory_bytes

cpu = torch.device("cpu")
forget_peak(cpu)
peaks = [peak_memory_bytes(cpu)]
held = torch.ones(200 << 20, dtype=torch.uint8)
peaks.append(peak_memory_bytes(cpu))
del held
peaks.append(peak_memory_bytes(cpu))
forget_peak(cpu)
peaks.append(peak_memory_bytes(cpu))
print(*peaks)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not tell")
def test_the_peak_is_that_of_the_process_and_begins_anew() -> None:
    # A process of its own: in one that has freed as much before, there is room without any more memory.
    result = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True)
    before, large, freed, after = map(int, result.stdout.split())
    assert large - before > 0.9 * (200 << 20)
    assert freed == pytest.approx(large, rel=0.05)  # the kernel counts in batches
    if os.access("/proc/self/clear_refs", os.W_OK):
        assert large - after > 0.9 * (200 << 20)


def test_a_system_that_tells_nothing_gets_a_cautious_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert memory_bytes(torch.device("cpu")) == 4 * 1024**3
