import signal
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from ganvas.cli.app import main


class Said(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Ganvas = Callable[..., Said]


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """`train` takes Ctrl-C for itself; give it back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def ganvas(capsys: pytest.CaptureFixture[str]) -> Ganvas:
    """The command line, in this process."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return run
