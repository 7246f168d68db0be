"""One `ganvas train` in a process of its own, and what it took."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Trained:
    """A run that ended.

    Attributes:
        plan: What was planned for it.
        folder: The run folder.
        wall_s: From start to end.
        processor_s: Of all its threads.
        peak_bytes: The most memory it held.
    """

    plan: dict[str, Any]
    folder: Path
    wall_s: float
    processor_s: float
    peak_bytes: int


def trained(pictures: Path, runs: Path, *options: str, altered: str = "") -> Trained:
    """Train, or go on with the run of the same command that is already there; with an alteration of `altered.py`."""
    program = [str(Path(__file__).with_name("altered.py")), altered] if altered else ["-m", "ganvas"]
    words = [sys.executable, *program, "train", str(pictures), "--runs", str(runs), "--json", *options]
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed; run it by hand.")
    result = json.loads(output)
    taken_s = time.perf_counter() - started
    processor_s = usage.ru_utime + usage.ru_stime
    return Trained(result["plan"], Path(result["run"]), taken_s, processor_s, usage.ru_maxrss * 1024)
