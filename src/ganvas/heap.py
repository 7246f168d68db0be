"""Whether freed memory stays with the process; Linux with glibc only.

A network frees its maps as it goes and asks for the next ones at once. By default glibc hands large ones back to the
kernel, which gives fresh pages, zeroed and one fault at a time: up to a fifth of the time of a small network on a CPU.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
KEPT_BYTES = 2**30
"""Free memory at the end of the heap up to which none is handed back."""
MAPPED_BYTES = 2**25
"""Size from which an array has pages of its own, which go back when it is freed: the largest that glibc promises."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for what it needs next; for programs, since it changes all of the process.

    Returns:
        Whether the C library knows how.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES) and mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
