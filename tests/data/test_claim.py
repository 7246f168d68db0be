import subprocess
import sys
from pathlib import Path

import pytest

from ganvas.data.claim import claim, claimed, is_claimed

HOLD = """
import sys
from pathlib import Path
from ganvas.data.claim import claim
handle = claim(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_claim_holds_until_it_is_closed(tmp_path: Path) -> None:
    handle = claim(tmp_path / "lock")
    assert is_claimed(tmp_path / "lock")
    with pytest.raises(OSError):
        claim(tmp_path / "lock", wait=False)
    handle.close()
    assert not is_claimed(tmp_path / "lock")


def test_looking_takes_nothing(tmp_path: Path) -> None:
    assert not is_claimed(tmp_path / "lock")
    assert not is_claimed(tmp_path / "lock")


def test_a_claim_in_a_folder_that_went_away_is_somebody_elses(tmp_path: Path) -> None:
    assert is_claimed(tmp_path / "gone" / "lock")


def test_one_at_a_time_also_after_an_error(tmp_path: Path) -> None:
    def fails() -> None:
        with claimed(tmp_path / "lock"):
            assert is_claimed(tmp_path / "lock")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert not is_claimed(tmp_path / "lock")


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_claimed(tmp_path / "lock")
        process.kill()
        process.wait()
        assert not is_claimed(tmp_path / "lock")
