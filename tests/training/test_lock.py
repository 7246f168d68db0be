import errno
import subprocess
import sys
from pathlib import Path

import pytest

from ganvas.errors import FileError, TrainingError
from ganvas.training.lock import only_trainer

HOLD = """
import sys
from pathlib import Path
from ganvas.training.lock import only_trainer
with only_trainer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_belongs_to_one_process_until_that_ends_however(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(TrainingError, match=f"'{tmp_path}'; wait for it, or pass --resume never"),
            only_trainer(tmp_path),
        ):
            pass
        other.kill()
        other.wait()
        with only_trainer(tmp_path):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has one error for a lock that is held and for no lock")
def test_a_folder_that_cannot_be_locked_is_no_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(path: Path, wait: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("ganvas.data.claim.claim", no_locks)
    with (
        pytest.raises(FileError, match=f"Cannot lock '{tmp_path}' .No locks available.; make it writable"),
        only_trainer(tmp_path),
    ):
        pass


def test_it_is_let_go_of_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), only_trainer(tmp_path):
            raise KeyError
