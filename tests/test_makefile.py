"""What `make demo` calls, with a stand-in for the installed command."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAY = """#!/bin/sh
echo "called: $@"
if [ "$1" = revive ]; then
  mkdir -p demo-run/photo/steps/worn && cd demo-run/photo
  [ -f steps/worn/1-mask.png ] || echo found > steps/worn/1-mask.png
  cp steps/worn/1-mask.png worn.png
fi
"""


@pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make and a shell")
def test_the_demo_paints_with_its_newest_run(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "ganvas").write_text(SAY)
    (tmp_path / ".venv" / "bin" / "ganvas").chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    for name in ("0001-demo", "0002-my-demo", "0010-demo", "0009-demo", "0011-demo-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "demo" / "photo").mkdir(parents=True)
    (tmp_path / "demo" / "photo" / "mask.png").write_text("by hand")
    done = subprocess.run(["make", "demo"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    train, sample, *mended = [line for line in done.stdout.splitlines() if line.startswith("called:")]
    assert train.startswith("called: train demo/fashion-mnist")
    assert sample.startswith("called: sample runs/0010-demo/model.safetensors --seeds 0-63")
    assert [line.split()[1] for line in mended] == ["revive", "revive"]
    photo = tmp_path / "demo-run" / "photo"
    assert [(photo / name).read_text() for name in ("by-itself.png", "worn.png")] == ["found\n", "by hand"]
    assert "How they came about:  runs/0010-demo/samples/" in done.stdout
