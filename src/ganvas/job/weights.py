"""The verb ``weights``, and the feature network a score needs: which are installed, which of them is best?"""

from dataclasses import dataclass
from pathlib import Path

import torch

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.events import Notice, Report, Warned
from ganvas.network.features import Loaded, load_feature_network
from ganvas.network.features.weights import WEIGHTS, WeightFile, download, find_weights, verify, weights_folder

BEST_FIRST = ("efficientnet-lite0", "mobilenet-v2")
"""What ``auto`` tries. Inception is asked for by name: its scores are quoted beside those of papers."""


@dataclass(frozen=True)
class Installed:
    """One public weight file and where it lies here, if anywhere."""

    file: WeightFile
    path: Path | None


def installed() -> list[Installed]:
    """Every known weight file."""
    return [Installed(file, _path(network)) for network, file in WEIGHTS.items()]


def where(network: str) -> Path:
    """The file of a network.

    Raises:
        UnknownName: No such network.
        FileError: It is not here; the message says how to get it.
    """
    return find_weights(network)


def verify_installed(network: str | None) -> list[Installed]:
    """Check the SHA-256 of one file, or of all that are installed.

    Raises:
        UnknownName: No such network.
        FileError: The file is not here, or not what it should be; or there is none at all.
    """
    if network is not None and network not in WEIGHTS:
        raise UnknownName("feature network", network, WEIGHTS, "with public weights")
    if network is not None:
        chosen = [Installed(WEIGHTS[network], find_weights(network))]
    else:
        chosen = [one for one in installed() if one.path is not None]
    if not chosen:
        raise FileError(f"No weights are installed, neither in a package nor in '{weights_folder()}'.")
    for one in chosen:
        assert one.path is not None
        verify(one.path, one.file)
    return chosen


def best_installed() -> str:
    """The best feature network that is here, ``random`` where none is."""
    return next((network for network in BEST_FIRST if _path(network) is not None), "random")


def network_name(asked: str, weights: Path | None, report: Report) -> str:
    """The feature network somebody means.

    Args:
        asked: Its name, or ``auto``.
        weights: A weight file that was given.
        report: Told which one ``auto`` is, and warned where no trained one is installed.

    Raises:
        UsageError: A weight file is given, but not for which network.
    """
    if asked != "auto":
        return asked
    if weights is not None:
        raise UsageError(f"--weights is '{weights}', but of which network? Name it with --features.")
    name = best_installed()
    if name != "random":
        report(Notice(f"Feature network: {name}"))
        return name
    report(
        Warned(
            "No trained feature network is installed, so a random one looks at the pictures; it tells states of one "
            f"run apart and knows nothing of meaning. Install one: {WEIGHTS[BEST_FIRST[0]].install}."
        )
    )
    return name


def get_network(name: str, weights: Path | None, allow_download: bool, device: torch.device, report: Report) -> Loaded:
    """A feature network, on its device.

    Args:
        name: A key of `ganvas.network.features.FEATURE_NETWORKS`.
        weights: File of its weights; None looks where they are installed.
        allow_download: Fetch them where they are not.
        device: Where it will work.
        report: Told of a download.

    Raises:
        UsageError: No such network, or it takes no weights.
        FileError: The weights are not here, or not what they should be.
    """
    if weights is None and allow_download and name in WEIGHTS and _path(name) is None:
        report(Notice(f"Downloading {WEIGHTS[name].url}"))
        weights = download(WEIGHTS[name])
    return load_feature_network(name, weights=weights, device=device)


def _path(network: str) -> Path | None:
    try:
        return find_weights(network)
    except FileError:
        return None
