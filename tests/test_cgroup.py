from pathlib import Path

import pytest
import torch

from ganvas import cgroup, device
from ganvas.cgroup import free_bytes

GB = 10**9


def group(root: Path, path: str, **files: str | int) -> None:
    """A control group as the kernel shows it; dots in names are written as double underscores."""
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n", "ascii")


def member(root: Path, *lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def test_no_control_groups(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) is None
    member(tmp_path, "0::/")
    assert free_bytes(tmp_path) is None
    group(tmp_path, "", memory__max="max", memory__current=GB)
    assert free_bytes(tmp_path) is None, "no limit"


def test_version_2(tmp_path: Path) -> None:
    member(tmp_path, "0::/system.slice/job.scope")
    stat = "anon 100\ninactive_file 250000000\nactive_file 7"
    group(tmp_path, "system.slice/job.scope", memory__max=2 * GB, memory__current=GB, memory__stat=stat)
    assert free_bytes(tmp_path) == 1.25 * GB


def test_version_1(tmp_path: Path) -> None:
    member(tmp_path, "12:cpu,cpuacct:/x", "5:memory:/docker/abc", "1:name=systemd:/y")
    stat = "inactive_file 1\ntotal_inactive_file 500000000"
    group(tmp_path, "memory/docker/abc", memory__limit_in_bytes=3 * GB, memory__usage_in_bytes=GB, memory__stat=stat)
    group(tmp_path, "memory/x", memory__limit_in_bytes=1, memory__usage_in_bytes=0)
    assert free_bytes(tmp_path) == 2.5 * GB


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    """As systemd's hybrid hierarchy has it: version 2 without controllers."""
    member(tmp_path, "5:memory:/a", "0::/a")
    group(tmp_path, "memory/a", memory__limit_in_bytes=3 * GB, memory__usage_in_bytes=GB)
    group(tmp_path, "a")
    assert free_bytes(tmp_path) == 2 * GB


@pytest.mark.parametrize(("inner", "outer", "free"), [(4 * GB, 2 * GB, GB), (2 * GB, 4 * GB, 1.5 * GB)])
def test_the_tightest_group_counts(tmp_path: Path, inner: int, outer: int, free: int) -> None:
    member(tmp_path, "0::/outer/inner")
    group(tmp_path, "outer/inner", memory__max=inner, memory__current=GB // 2)
    group(tmp_path, "outer", memory__max=outer, memory__current=GB)
    assert free_bytes(tmp_path) == free


def test_a_container_that_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    member(tmp_path, "0::/docker/0a1b2c")
    group(tmp_path, "", memory__max=2 * GB, memory__current=GB)
    assert free_bytes(tmp_path) == GB


def test_more_used_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    member(tmp_path, "0::/")
    group(tmp_path, "", memory__max=GB, memory__current=2 * GB)
    assert free_bytes(tmp_path) == 0


@pytest.mark.parametrize("line", ["nonsense", "0::", "5:memory", "0::/../../proc"])
def test_a_kernel_that_says_nonsense(tmp_path: Path, line: str) -> None:
    member(tmp_path, line)
    group(tmp_path, "", memory__max="??", memory__current=GB)
    assert free_bytes(tmp_path) is None


@pytest.mark.parametrize(("in_group", "expected"), [(1, 1), (2**62, 1000 * 1024), (None, 1000 * 1024)])
def test_the_lower_of_machine_and_group_is_what_a_run_may_use(
    monkeypatch: pytest.MonkeyPatch, in_group: int | None, expected: int
) -> None:
    monkeypatch.setattr(device, "_kilobytes", lambda path, name: 1000 * 1024)
    monkeypatch.setattr(cgroup, "free_bytes", lambda: in_group)
    assert device.memory_bytes(torch.device("cpu")) == expected
