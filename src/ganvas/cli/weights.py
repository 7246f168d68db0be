"""``ganvas weights``."""

from typing import Literal

from ganvas.cli import show


def weights(action: Literal["list", "path", "verify"] = "list", network: str | None = None, /) -> None:
    """Show which feature networks have their weights installed, and check them.

    Parameters
    ----------
    action
        list them all, print the path of one, or verify SHA-256 sums.
    network
        Which one; verify without it checks all that are installed.
    """
    from ganvas.errors import UsageError
    from ganvas.job.weights import installed, verify_installed, where

    if action == "path":
        if network is None:
            raise UsageError("'ganvas weights path' needs the name of a network, such as efficientnet-lite0.")
        show.result(str(where(network)))
    elif action == "verify":
        for one in verify_installed(network):
            show.result(f"{one.file.network}: '{one.path}' is the right file")
    elif network is not None:
        raise UsageError(f"'ganvas weights list' shows all of them; leave '{network}' out.")
    else:
        rows = [("network", "file", "MB", "licence", "where")]
        for one in installed():
            place = str(one.path) if one.path else "not installed"
            rows.append((one.file.network, one.file.name, f"{one.file.size_bytes / 1e6:.1f}", one.file.licence, place))
        show.table(rows)
