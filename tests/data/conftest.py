from pathlib import Path

import pytest

from tests.data.packer import Packer


@pytest.fixture
def packer(tmp_path: Path) -> Packer:
    return Packer(tmp_path / "cache")
