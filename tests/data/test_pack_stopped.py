import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data.packer import FILES, IN_ORDER, Packer
from tests.data.pictures import (
    write_folder,
)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_stop_half_way_leaves_no_half_entry(
    tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise error

    write_folder(tmp_path / "x", FILES)
    with monkeypatch.context() as patch:
        patch.setattr(packer, "progress", stop)
        with pytest.raises(error):
            packer(tmp_path / "x")
    assert [path.name for path in packer.root.iterdir()] == [".lock"]
    np.testing.assert_array_equal(packer(tmp_path / "x").images, IN_ORDER)


PACK = """
import sys
from pathlib import Path
from ganvas.data.labels import read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import open_source
source = open_source(Path(sys.argv[1]))
def progress(done, total):
    if done == int(sys.argv[3]):
        print("half", flush=True)
        sys.stdin.readline()
dataset = pack(source, Form((12, 16), 3, "crop"), read_labels(source), Path(sys.argv[2]), progress)
print(dataset.key, flush=True)
"""


def start(path: Path, root: Path, pause_at: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PACK, str(path), str(root), str(pause_at)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def test_kill_9_half_way(tmp_path: Path, packer: Packer) -> None:
    write_folder(tmp_path / "x", FILES)
    with start(tmp_path / "x", packer.root, 5) as process:
        assert said(process) == "half"
        process.kill()
    assert len(list(packer.root.glob(".building-*"))) == 1
    assert packer.entries() == []
    dataset = packer(tmp_path / "x")
    assert packer.packed
    np.testing.assert_array_equal(dataset.images, IN_ORDER)
    assert list(packer.root.glob(".building-*")) == []


def test_two_processes_pack_the_same_at_once(tmp_path: Path, packer: Packer) -> None:
    write_folder(tmp_path / "x", FILES)
    with start(tmp_path / "x", packer.root, 5) as first, start(tmp_path / "x", packer.root, 7) as second:
        assert (said(first), said(second)) == ("half", "half")  # both are building now
        keys = []
        for process in (second, first):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            keys.append(said(process))
    assert keys[0] == keys[1]
    assert packer.entries() == [keys[0]]
    assert list(packer.root.glob(".building-*")) == []
    assert packer(tmp_path / "x").key == keys[0]
    assert not packer.packed
