"""How much memory a container leaves to its processes; Linux only.

A container or a job of a batch system may hold far less than the machine has free, and a process that takes more is
killed without a word. Limits stand in the files of control groups, of version 2 (kernel documentation, cgroup-v2,
"memory.max") or 1 (cgroup-v1/memory, "memory.limit_in_bytes"); a group is also bound by those it lies in.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class _Files(NamedTuple):
    """What one version calls things."""

    mount: str
    limit: str
    usage: str
    reclaimable: str


V2 = _Files("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
V1 = _Files("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_bytes(root: Path = Path("/")) -> int | None:
    """What this process may still take by the limits of its control groups; None where there are none.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    free = [max(0, limit - used) for limit, used in _limits(root)]
    return min(free, default=None)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """Limit and use, in bytes, of every control group the process is in."""
    with suppress(OSError, ValueError):  # no Linux, or one that nobody knows
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" or "memory" in controllers.split(","):
                names = V2 if number == "0" else V1
                # A container may see its own group as the root, and yet be told its path from outside.
                group = PurePosixPath(path.lstrip("/"))
                for place in (group, *group.parents):
                    with suppress(OSError, ValueError):  # not there, or "max", which is no limit
                        yield _limit(root / names.mount / place, names)


def _limit(group: Path, names: _Files) -> tuple[int, int]:
    limit, used = (int((group / name).read_text("ascii")) for name in (names.limit, names.usage))
    with suppress(OSError, KeyError, ValueError):
        counts = dict(line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
        used -= int(counts[names.reclaimable])  # pages of files that are dropped when memory runs short
    return limit, used
