"""The run folder: what lies where, and how its files are written.

runs/0001-<slug>/
    run.json            command, configuration, versions, seed, data, predicted cost, changes made at a resume
    log.txt             what was said on screen
    stats.jsonl         one line a tick: losses, penalties, gradient norms, speed
    health.jsonl        one line a tick: diversity, rank, signs, gap; alarms
    scores.jsonl        one line an evaluation: what the best checkpoint is chosen by
    samples/            real.png and one grid of fixed latents each time, named by images seen
    checkpoints/        the restart set, named by step
    page.html           the scores over time, the newest grid, the reals
    model.safetensors   the averaged generator, ready to use; best.safetensors the best one so far
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganvas.errors import FileError
from ganvas.files import write_bytes


@dataclass(frozen=True)
class RunFolder:
    """One run's files."""

    path: Path

    @staticmethod
    def create(runs: Path, slug: str) -> "RunFolder":
        """A new folder with the next free number; `mkdir` decides between two that start at once."""
        try:
            runs.mkdir(parents=True, exist_ok=True)
            path = _numbered(runs, slugify(slug))
            (path / "samples").mkdir()
            (path / "checkpoints").mkdir()
        except OSError as error:
            raise FileError(
                f"Cannot create a run in '{runs}' ({error.strerror}); choose another --runs folder."
            ) from error
        return RunFolder(path)

    @property
    def checkpoints(self) -> Path:
        """The restart sets."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """The sample grids."""
        return self.path / "samples"

    @property
    def model(self) -> Path:
        """The averaged generator as one file."""
        return self.path / "model.safetensors"

    @property
    def best_model(self) -> Path:
        """The best-scored averaged generator."""
        return self.path / "best.safetensors"

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Replace ``run.json``."""
        write_bytes(self.path / "run.json", (json.dumps(record, indent=2) + "\n").encode())

    def read_record(self) -> dict[str, Any]:
        """The content of ``run.json``.

        Raises:
            FileError: There is none, or it is damaged.
        """
        try:
            record = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise FileError(f"'{self.path}' has no readable run.json ({error}), so it is not a run.") from error
        if not isinstance(record, dict):
            raise FileError(f"'{self.path}' has a run.json that holds no object, so it is not a run.")
        return record

    def append(self, name: str, line: Mapping[str, Any]) -> None:
        """Add a line to a ``.jsonl`` file."""
        self._append(name, json.dumps(line))

    def log(self, text: str) -> None:
        """Add a line to ``log.txt``."""
        self._append("log.txt", text)

    def _append(self, name: str, text: str) -> None:
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise FileError(
                f"Cannot write '{self.path / name}' ({error.strerror}); mend that and type the same command again."
            ) from error

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The whole lines of a ``.jsonl`` file; a last line cut short by a kill is dropped."""
        path = self.path / name
        if not path.exists():
            return []
        found: list[dict[str, Any]] = []
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise FileError(f"Line {number} of '{path}' is damaged ({error}); remove it and try again.") from error
        return found

    def sweep(self) -> None:
        """Remove what a killed process was writing beside its final name."""
        for folder in (self.path, self.samples, self.checkpoints):
            for path in folder.glob(".????????.*"):
                path.unlink(missing_ok=True)

    def forget_after(self, step: int) -> None:
        """Drop statistics of steps that a resume will play again."""
        for name in ("stats.jsonl", "health.jsonl", "scores.jsonl"):
            lines = self.lines(name)
            kept = [line for line in lines if line["step"] <= step]
            if (self.path / name).exists():
                text = "".join(json.dumps(line) + "\n" for line in kept)
                write_bytes(self.path / name, text.encode())


def _numbered(runs: Path, slug: str) -> Path:
    """Make the folder with the next number; of two that took one number at once, at least one tries again."""
    while True:
        number = max(_numbers(runs), default=0) + 1
        path = runs / f"{number:04d}-{slug}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        if _numbers(runs).count(number) == 1:
            return path
        path.rmdir()


def _numbers(runs: Path) -> list[int]:
    return [int(found[1]) for path in runs.iterdir() if (found := re.match(r"(\d{4,})-", path.name))]


def slugify(text: str, empty: str = "run") -> str:
    """A short name that is safe as part of a file's name on every system; ``empty`` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48] or empty
