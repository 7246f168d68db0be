import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from ganvas.data.item import FREE_BYTES
from ganvas.data.source import open_source, probe_item, read_item
from ganvas.data.tar import MAX_LINKS, TarArchive
from ganvas.errors import DataError, FileError
from tests.data.pictures import encoded, noise, write_tar

PNG, OTHER = encoded(noise(0)), encoded(noise(1))

Link = tuple[bytes, str]
Members = list[tuple[str, bytes | Link]]


def soft(target: str) -> Link:
    return tarfile.SYMTYPE, target


def hard(target: str) -> Link:
    return tarfile.LNKTYPE, target


def opened(tmp_path: Path, members: Members) -> TarArchive:
    """A tar of files (their bytes), links, and members of any other type (its one byte)."""
    with tarfile.open(tmp_path / "x", "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                member.type, member.linkname = content
                archive.addfile(member)
            elif content in (tarfile.DIRTYPE, tarfile.FIFOTYPE):
                member.type = content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    source = open_source(tmp_path / "x")
    assert isinstance(source, TarArchive)
    return source


def test_a_tar_that_is_a_bomb_is_refused_while_it_inflates(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x", {"a.png": bytes(FREE_BYTES + 1)}, "w:gz")
    with pytest.raises(DataError, match="which no pictures do"):
        open_source(path)


@pytest.mark.parametrize("cut", [600, 5000])
def test_a_tar_that_is_cut_short(tmp_path: Path, cut: int) -> None:
    path = write_tar(tmp_path / "x", {f"{number}.png": encoded(noise(number, 30, 30)) for number in range(4)})
    path.write_bytes(path.read_bytes()[:cut])
    try:
        source = open_source(path)
    except DataError:
        return
    last = read_item(source, len(source.names) - 1)
    assert len(last) < cut


def test_links_stand_for_members_of_the_same_archive(tmp_path: Path) -> None:
    members: Members = [
        ("set/one/a.png", PNG),
        ("set/one/hard.png", hard("set/one/a.png")),
        ("set/one/soft.png", soft("a.png")),
        ("set/two/up.png", soft("../one/./a.png")),
        ("set/two/early.png", soft("../three/late.png")),
        ("set/two/chain.png", soft("up.png")),
        ("set/two/hard-to-soft.png", hard("./set/two/up.png")),
        ("set/three/late.png", OTHER),
        ("set/labels.csv", soft("tables/1.csv")),
        ("set/tables/1.csv", b"table"),
    ]
    source = opened(tmp_path, members)
    expected = {
        "one/a.png": PNG, "one/hard.png": PNG, "one/soft.png": PNG, "three/late.png": OTHER, "two/chain.png": PNG,
        "two/early.png": OTHER, "two/hard-to-soft.png": PNG, "two/up.png": PNG,
    }  # fmt: skip
    assert {name: read_item(source, row) for row, name in enumerate(source.names)} == expected
    assert [item.size_bytes for item in source.items] == [len(data) for data in expected.values()]
    assert source.open_table().read() == b"table"
    assert probe_item(source, 1).width_px == 16


@pytest.mark.parametrize(
    "link",
    ["/etc/passwd", "../a.png", "../../../etc/passwd", "gone.png", "folder", "self.png", "round.png", "pipe.png", ""],
)
def test_links_to_anything_else_are_listed_and_cannot_be_read(tmp_path: Path, link: str) -> None:
    members: Members = [
        ("../a.png", OTHER),
        ("folder", tarfile.DIRTYPE),
        ("folder/x.txt", b""),
        ("pipe.png", tarfile.FIFOTYPE),
        ("round.png", soft("self.png")),
        ("self.png", soft(link)),
        ("z.png", PNG),
    ]
    source = opened(tmp_path, members)
    assert set(source.names) >= {"pipe.png", "round.png", "self.png", "z.png"}
    for name in ("round.png", "self.png"):
        with pytest.raises(FileError, match=rf"'{name}' is a link to '.*', which is no file of this archive"):
            read_item(source, source.names.index(name))
    with pytest.raises(FileError, match="is a pipe or a device"):
        read_item(source, source.names.index("pipe.png"))
    assert read_item(source, source.names.index("z.png")) == PNG


def test_a_hard_link_leads_back_and_never_forward(tmp_path: Path) -> None:
    """Packed anew under its own name, a member stands for what lay there before."""
    source = opened(tmp_path, [("a.png", PNG), ("a.png", hard("a.png")), ("b.png", hard("c.png")), ("c.png", PNG)])
    assert read_item(source, 0) == PNG
    with pytest.raises(FileError, match=r"'b\.png' is a link to 'c\.png'"):
        read_item(source, 1)


@pytest.mark.parametrize(("hops", "fits"), [(MAX_LINKS, True), (MAX_LINKS + 1, False)])
def test_chains_of_links_end(tmp_path: Path, hops: int, fits: bool) -> None:
    chain: Members = [(f"{hop}.png", soft(f"{hop + 1}.png")) for hop in range(hops)]
    source = opened(tmp_path, [*chain, (f"{hops}.png", PNG)])
    if fits:
        assert read_item(source, 0) == PNG
    else:
        with pytest.raises(FileError, match="is a link"):
            read_item(source, 0)


def test_links_that_are_no_pictures_are_not_counted(tmp_path: Path) -> None:
    source = opened(tmp_path, [("a.png", PNG), ("latest", soft("/")), ("x.txt", soft("gone")), ("b.txt", b"")])
    assert (source.names, source.others) == (("a.png",), {".txt": 1})


def test_members_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    """A size below zero leads older Pythons back to the same member for ever; newer ones stop there."""
    back = tarfile.TarInfo("a.png")
    back.pax_headers = {"size": "-1536"}
    with tarfile.open(tmp_path / "x", "w", format=tarfile.PAX_FORMAT) as archive:
        first = tarfile.TarInfo("first.png")
        first.size = len(PNG)
        archive.addfile(first, io.BytesIO(PNG))
        archive.addfile(back)
    with suppress(DataError):
        assert "first.png" in open_source(tmp_path / "x").names
