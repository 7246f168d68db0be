"""`ganvas --help` must answer at once: the command line loads torch only when a command needs it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["ganvas", "ganvas.cli.app"])
def test_import_leaves_torch_out(module: str) -> None:
    """In a fresh interpreter, since this one has torch loaded already."""
    code = f"import sys, {module}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("False", "")
