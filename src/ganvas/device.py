"""The one place that knows about devices."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from ganvas import cgroup
from ganvas.errors import UsageError

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "MPS backend out of memory")
"""How torch says it on a CPU and on a Mac, where it raises a plain RuntimeError."""
_NO_PRIMITIVE = "could not create a primitive"
"""All that oneDNN says when there is no memory to make a convolution in; what it cannot do at all, it names."""


def choose_device(name: str = "auto") -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` never fails; a device that is named must be there.

    Raises:
        UsageError: The named device is absent; the message lists those present.
    """
    present = available_devices()
    if name == "auto":
        return torch.device(present[-1])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"--device is '{name}', but this machine has: {', '.join(present)}.") from error
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int("mps" in present)}.get(device.type, 0)
    if (device.index or 0) >= count:
        raise UsageError(f"--device is '{name}', but this machine has: {', '.join(present)}.")
    return device


def available_devices() -> list[str]:
    """Device types of this machine, slowest first."""
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    if torch.cuda.is_available():
        names.append("cuda")
    return names


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed, in the words of any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and (said == _NO_PRIMITIVE or any(words in said for words in _OUT_OF_MEMORY))


def gains_from_bfloat16(device: torch.device) -> bool:
    """Whether bf16 convolutions are faster than float32 ones there."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def choose_precision(name: str, device: torch.device) -> str:
    """What is named; for ``auto`` bfloat16 where the device gains from it, else float32."""
    if name == "auto":
        return "bfloat16" if gains_from_bfloat16(device) else "float32"
    return name


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context in which networks run: bf16 autocast, or nothing for float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def place(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to the device, weights of 2-D convolutions in channels_last order."""
    network.to(device)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.ndim == 4:  # of five dimensions, as in Conv3d, the order is not defined
            tensor.data = tensor.data.to(memory_format=torch.channels_last)
    return network


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A small tensor of the CPU, there. CUDA takes it along with its next commands, so nothing waits for them."""
    return tensor.to(device, non_blocking=torch.device(device).type == "cuda")


def memory_bytes(device: torch.device) -> int:
    """Memory a run may use: what is free of a GPU's, or of the machine's within the limits of a container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    allowed = cgroup.free_bytes()
    return _free_machine_memory() if allowed is None else min(allowed, _free_machine_memory())


def forget_peak(device: torch.device) -> None:
    """Let `peak_memory_bytes` begin anew, where the system can (CUDA and Linux)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets the peak of the resident set


def peak_memory_bytes(device: torch.device) -> int | None:
    """Largest memory so far: of the device's allocations (CUDA), else of the process; None on Windows."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return None
    with suppress(OSError, KeyError, ValueError):
        return _kilobytes(Path("/proc/self/status"), "VmHWM")
    import resource  # absent on Windows

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _kilobytes(path: Path, name: str) -> int:
    """A line ``name: 123 kB`` of a file of Linux's, in bytes."""
    facts = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    return int(facts[name].split()[0]) * 1024


def _free_machine_memory() -> int:
    with suppress(OSError, KeyError, ValueError):
        return _kilobytes(Path("/proc/meminfo"), "MemAvailable")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # macOS does not tell what is free
    except (ValueError, OSError, AttributeError):
        return 4 * 1024**3  # Windows tells neither without a library: a cautious guess
