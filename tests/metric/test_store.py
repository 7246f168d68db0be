import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ganvas.data.item import Unreadable
from ganvas.errors import DataError, FileError
from ganvas.metric.extract import Extracted
from ganvas.metric.protocol import PROTOCOLS
from ganvas.metric.store import features_key, stored
from tests.evaluations import CPU, mean_network

GANVAS = PROTOCOLS["ganvas"]
FOUND = Extracted(
    features=torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
    logits=torch.zeros(5, 0),
    thumbnails=np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8),
    rows=np.array([0, 1, 3, 4, 6]),
    sizes={(8, 6): 3, (7, 7): 2},
    unreadable=(Unreadable("ä.png", "it is 'damaged'"), Unreadable("5.png", "too")),
)


def refuse() -> Extracted:
    raise AssertionError("it was looked at again")


def same(a: Extracted, b: Extracted) -> bool:
    tensors = torch.equal(a.features, b.features) and torch.equal(a.logits, b.logits)
    arrays = np.array_equal(a.thumbnails, b.thumbnails) and np.array_equal(a.rows, b.rows)
    return tensors and arrays and (a.sizes, a.unreadable) == (b.sizes, b.unreadable)


def test_what_was_looked_at_is_kept_as_it_was(tmp_path: Path) -> None:
    notices: list[str] = []
    root = tmp_path / "new" / "features"
    assert stored(root, "key", lambda: FOUND, notices.append) is FOUND
    again = stored(root, "key", refuse, notices.append)
    assert same(again, FOUND)
    assert again.features.dtype == torch.float32
    assert again.rows.dtype == np.int64
    assert [path.name for path in root.iterdir()] == ["key.safetensors"]
    assert notices == []
    with pytest.raises(AssertionError):
        stored(root, "other", refuse, notices.append)


def test_nothing_is_kept_of_a_look_that_failed(tmp_path: Path) -> None:
    def fail() -> Extracted:
        raise DataError("no")

    with pytest.raises(DataError):
        stored(tmp_path / "features", "key", fail, print)
    assert not (tmp_path / "features").exists()


def test_the_key_tells_what_features_depend_on() -> None:
    network = mean_network()
    key = features_key("content", network, GANVAS, "float32", CPU)
    others = [
        features_key("other", network, GANVAS, "float32", CPU),
        features_key("content", replace(network, sha256="1" * 64), GANVAS, "float32", CPU),
        features_key("content", replace(network, side_px=5), GANVAS, "float32", CPU),
        features_key("content", replace(network, offset=(0.0, 0.0, 0.0)), GANVAS, "float32", CPU),
        features_key("content", replace(network, scale=(1.0, 1.0, 1.0)), GANVAS, "float32", CPU),
        features_key("content", network, PROTOCOLS["tf"], "float32", CPU),
        features_key("content", network, PROTOCOLS["pytorch-fid"], "float32", CPU),
        features_key("content", network, GANVAS, "bfloat16", CPU),
        features_key("content", network, GANVAS, "float32", torch.device("cuda")),
        features_key("content", network, GANVAS, "float32", torch.device("mps")),
    ]
    assert len({key, *others}) == len(others) + 1
    assert all(len(one) == 32 for one in others)


def test_the_key_tells_nothing_else() -> None:
    network = mean_network()
    cards = {features_key("content", network, GANVAS, "float32", torch.device(f"cuda:{card}")) for card in (0, 1)}
    assert len(cards) == 1
    key = features_key("content", network, GANVAS, "float32", CPU)
    assert features_key("content", replace(network, name="called otherwise"), GANVAS, "float32", CPU) == key
    assert features_key("content", network, replace(GANVAS, name="x", unbiased=False, splits=3), "float32", CPU) == key
    assert features_key("content", network, PROTOCOLS["clean"], "float32", CPU) == key, "its range is Inception's alone"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def scribble(path: Path) -> None:
    path.write_bytes(b"no features" * 9)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lose_a_tensor(path: Path) -> None:
    tensors = load_file(path)
    del tensors["rows"]
    save_file(tensors, path, {"facts": '{"sizes": [[8, 8, 5]], "unreadable": []}'})


def lose_facts(path: Path) -> None:
    save_file(load_file(path), path)


def spoil_facts(path: Path) -> None:
    save_file(load_file(path), path, {"facts": '{"sizes": [[8, 8]], "unreadable": []}'})


def shorten(path: Path) -> None:
    tensors = load_file(path)
    tensors["rows"] = tensors["rows"][:3].clone()
    save_file(tensors, path, {"facts": '{"sizes": [[8, 8, 5]], "unreadable": []}'})


@pytest.mark.parametrize("damage", [truncate, scribble, empty, lose_a_tensor, lose_facts, spoil_facts, shorten])
def test_a_damaged_file_is_told_and_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    stored(tmp_path, "key", lambda: FOUND, print)
    damage(tmp_path / "key.safetensors")
    notices: list[str] = []
    assert stored(tmp_path, "key", lambda: FOUND, notices.append) is FOUND
    (notice,) = notices
    assert notice.startswith(f"The stored features in '{tmp_path / 'key.safetensors'}' are damaged")
    assert notice.endswith("It is made again.")
    assert same(stored(tmp_path, "key", refuse, notices.append), FOUND)
    assert len(notices) == 1


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="set GANVAS_CACHE to another folder"):
        stored(tmp_path / "file", "key", lambda: FOUND, print)


def use(root: Path, key: str, limit_bytes: int, *, refused: bool = False) -> None:
    """Make or read an entry as it is made or read by an evaluation."""
    assert same(stored(root, key, refuse if refused else lambda: FOUND, print, limit_bytes=limit_bytes), FOUND)


def kept(root: Path) -> set[str]:
    return {path.name.removesuffix(".safetensors") for path in root.iterdir()}


def age(root: Path, *keys: str) -> None:
    """Make entries old, the first the oldest."""
    for hours, key in enumerate(reversed(keys), start=1):
        os.utime(root / f"{key}.safetensors", (1e9 - 3600 * hours,) * 2)


@pytest.fixture
def entry_bytes(tmp_path: Path) -> int:
    """The size of an entry."""
    use(tmp_path / "one", "a", 0)
    return (tmp_path / "one" / "a.safetensors").stat().st_size


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, entry_bytes: int) -> None:
    root = tmp_path / "features"
    for key in "abcd":
        use(root, key, 4 * entry_bytes)
    age(root, *"abcd")
    use(root, "b", 4 * entry_bytes, refused=True)
    assert kept(root) == set("abcd"), "reading removes nothing"
    use(root, "e", 4 * entry_bytes)
    assert kept(root) == set("bcde")
    use(root, "f", 3 * entry_bytes)
    assert kept(root) == set("bef"), "b was read since, and is younger than c and d"


def test_what_is_just_made_stays_however_large(tmp_path: Path, entry_bytes: int) -> None:
    root = tmp_path / "features"
    for key in "abc":
        use(root, key, entry_bytes - 1)
        assert kept(root) == {key}


def test_what_is_being_written_stays_and_what_a_dead_process_wrote_goes(tmp_path: Path, entry_bytes: int) -> None:
    root = tmp_path / "features"
    root.mkdir()
    for name, hours in (("young", 1), ("old", 25)):
        (root / f".{name}.x.safetensors").write_bytes(bytes(entry_bytes))
        os.utime(root / f".{name}.x.safetensors", (time.time() - 3600 * hours,) * 2)
    use(root, "a", 3 * entry_bytes)
    assert kept(root) == {".young.x", ".old.x", "a"}
    use(root, "b", entry_bytes)
    assert kept(root) == {".young.x", "b"}


def test_what_is_removed_under_its_reader_is_read_to_its_end(tmp_path: Path) -> None:
    use(tmp_path, "a", 10**9)
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        use(tmp_path, "b", 0)
        assert torch.equal(file.get_tensor("features"), FOUND.features)


def test_what_vanishes_before_it_is_read_is_made_again_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes it between two looks."""
    use(tmp_path, "a", 10**9)
    monkeypatch.setattr(os, "utime", lambda path, *_: Path(path).unlink())
    notices: list[str] = []
    assert stored(tmp_path, "a", lambda: FOUND, notices.append) is FOUND
    assert notices == []
    assert kept(tmp_path) == {"a"}


def test_entries_that_cannot_be_touched_or_removed_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of somebody else's, or a file that is open on Windows."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError

    use(tmp_path, "a", 10**9)
    monkeypatch.setattr(os, "utime", deny)
    use(tmp_path, "a", 0, refused=True)
    monkeypatch.setattr("ganvas.metric.store.Path.unlink", deny)
    use(tmp_path, "b", 0)
    assert kept(tmp_path) == {"a", "b"}


def test_many_may_keep_and_remove_at_once(tmp_path: Path, entry_bytes: int) -> None:
    root = tmp_path / "features"
    with ThreadPoolExecutor(6) as pool:
        for _ in pool.map(lambda number: use(root, f"k{number % 5}", 2 * entry_bytes), range(60)):
            pass
    assert len(kept(root)) <= 2  # two that make room at once may remove one too many
    for name in ("one", "last"):
        use(root, name, 2 * entry_bytes)
    assert kept(root) == {"one", "last"}
