"""Which run a command means: the same command again goes on with the run it started."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganvas.errors import FileError, UsageError
from ganvas.job.plan import assemble
from ganvas.training.config import TrainConfig
from ganvas.training.run import RunFolder

CHANGEABLE = frozenset(
    {
        "lr", "lr_final", "gamma", "gamma_final", "kimg", "micro_batch", "tick_kimg", "sample_every_kimg",
        "checkpoint_every_kimg", "evaluate_every_kimg", "keep_last", "keep_every_kimg", "preview_count", "tensorboard",
        "compile",
    }
)  # fmt: skip
"""What may differ at a resume; the change is put on record."""
NEEDED = ("asked", "config", "plan", "data", "threads", "versions", "changes")
"""What a record must hold for its run to go on."""


def identity(pictures: Path, given: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same for a command to be "the same command": pictures and all that may not change."""
    fixed = {key: plain(value) for key, value in sorted(given.items()) if key not in CHANGEABLE}
    return {"pictures": str(pictures.resolve()), **fixed, **extra}


def plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def find_run(
    runs: Path,
    resume: str,
    wanted: Mapping[str, Any],
    warn: Callable[[str], None] = lambda sentence: None,
) -> RunFolder | None:
    """The run to go on with, or None for a new one.

    Args:
        runs: The folder of all runs.
        resume: ``auto`` (the newest run of the same command), ``never``, or a run: its folder, name or number.
        wanted: `identity` of the command.
        warn: Told of runs that ``auto`` passes over because their record cannot be read.

    Raises:
        UsageError: The named run does not exist.
    """
    if resume == "never":
        return None
    if resume != "auto":
        return _named_run(runs, resume)
    for path in sorted(runs.glob("[0-9]*-*"), reverse=True):
        if (path / "run.json").is_file():
            run = RunFolder(path)
            try:
                asked = run.read_record().get("asked")
            except FileError as error:
                warn(f"{error} It is passed over.")
                continue
            if asked == wanted:
                return run
    return None


def _named_run(runs: Path, name: str) -> RunFolder:
    candidates = [Path(name), runs / name, *sorted(runs.glob(f"{int(name):04d}-*") if name.isdecimal() else [])]
    for path in candidates:
        if (path / "run.json").is_file():
            return RunFolder(path)
    known = ", ".join(path.name for path in sorted(runs.glob("[0-9]*-*"))[-5:]) or "none yet"
    raise UsageError(f"--resume is '{name}', but there is no such run in '{runs}'; the newest are: {known}.")


def read_run(run: RunFolder) -> dict[str, Any]:
    """The record of a run that is to go on.

    Raises:
        FileError: It is damaged, or lacks what a run needs to go on.
    """
    record = run.read_record()
    lacking = [key for key in NEEDED if key not in record]
    if lacking:
        raise FileError(
            f"The run.json of '{run.path}' lacks {', '.join(lacking)}, so the run cannot go on; pass --resume never."
        )
    return record


def refuse_for_new_runs(run: RunFolder, asked: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse what only a new run can take, where it was given and differs from what the run was started with.

    Args:
        run: The run that was found.
        asked: `identity` of the command that started it.
        given: What only a new run takes, by name; None where it was not given.

    Raises:
        UsageError: Names the first one.
    """
    for key, value in given.items():
        before = asked.get(key)
        if key.startswith("own_") and value != before:
            raise UsageError(_other_objects(run, key.removeprefix("own_"), before, value))
        if value is not None and value != before:
            raise UsageError(
                f"--{key.replace('_', '-')} is {value!r}, but '{run.path}' was started "
                f"{'without it' if before is None else f'with {before!r}'}; leave it out, or pass --resume never."
            )


def _other_objects(run: RunFolder, word: str, before: str | None, value: str | None) -> str:
    """Why a run does not go on with a network or task that was passed from Python, or was not."""
    if value is None:
        return (
            f"'{run.path}' has a {word} of its author's own, {before}; pass it from Python (ganvas.train({word}=...)), "
            "or pass --resume never for a new run."
        )
    started = f"with {before}; pass that one" if before else "without one; leave it out"
    return (
        f"The {word} passed is {value}, but '{run.path}' was started {started}, or pass --resume never for a new run."
    )


def kimg_for_minutes(run: RunFolder, record: Mapping[str, Any], minutes: float) -> float:
    """The budget in kimg, to two digits, that fills so many minutes from the run's beginning.

    The speed is the one that the run was planned with, so the same minutes always mean the same budget.

    Raises:
        FileError: The record does not tell the speed.
    """
    try:
        return float(f"{minutes * 60 * record['plan']['kimg'] / record['plan']['predicted_s']:.2g}")
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise FileError(
            f"The run.json of '{run.path}' does not tell how fast the run was planned to be; give --kimg in place of "
            "--minutes."
        ) from error


def note_change(record: dict[str, Any], **facts: Any) -> None:
    """Put a change on record, with the time."""
    record["changes"].append({"time": now(), **{key: plain(value) for key, value in facts.items()}})


def now() -> str:
    """The time, to the second, in UTC (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def recorded_config(record: Mapping[str, Any]) -> TrainConfig:
    """The configuration a run was started with (and the changes made since)."""
    values = dict(record["config"])
    values["size"], values["augment"] = tuple(values["size"]), tuple(values["augment"])
    return assemble(values)


def with_changes(
    config: TrainConfig, given: Mapping[str, Any], asked: Collection[str] = ()
) -> tuple[TrainConfig, dict[str, Any]]:
    """The configuration with what may change changed, and those changes.

    A schedule's end that is not given itself moves with its start: after the burn-in the start alone would change
    nothing. With another budget the burn-in keeps its share of it, so that the rest is played as a run planned for this
    budget would play it; else a longer one would be spent at the end of a learning rate that has fallen to nothing.

    Args:
        config: Of the run so far.
        given: Options by name.
        asked: Names of the options that the run was started with.

    Raises:
        UsageError: An option that cannot change differs from the run's.
    """
    old = config.flat()
    changes = {key: value for key, value in given.items() if plain(old[key]) != plain(value)}
    for key in changes:
        if key not in CHANGEABLE:
            raise UsageError(
                f"--{key.replace('_', '-')} is {changes[key]!r}, but the run was started with {old[key]!r} and this "
                "cannot change at a resume; pass --resume never for a new run."
            )
    for start, end in (("lr", "lr_final"), ("gamma", "gamma_final")):
        if start in changes and end not in given and old[start]:
            changes[end] = old[end] * changes[start] / old[start]
    if "kimg" in changes and "burn_in_kimg" not in {*given, *asked}:
        changes["burn_in_kimg"] = old["burn_in_kimg"] * changes["kimg"] / old["kimg"]
    return replace(config, training=replace(config.training, **changes)), changes
