import json
import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from ganvas.errors import DataError, FileError
from ganvas.model.descriptor import (
    CARD_DEPTH,
    MAX_GENERATORS,
    MAX_HEADER_BYTES,
    Descriptor,
    GeneratorSpec,
    LabelSpec,
    PhotoSpec,
)
from tests.model.models import LABELS, description

RUBBISH: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**400, 65537, float("nan"), float("inf"), "", "x", "8", "\x1b[31m", [], {}, [None],
    [[]], {"a": 1}, {"": []}, ["a", "a"], [1, 2], [0, 0], "none", "class", "attributes", [1e999], [True],
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a nest of lists and objects."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def damaged(raw: Any, place: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(raw))
    if not place:
        return value
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return copy


@pytest.mark.parametrize("kind", LABELS)
def test_read_as_written(kind: str) -> None:
    described = description("fast", kind)
    assert Descriptor.from_json(described.to_json(), "x") == described


@pytest.mark.parametrize("kind", LABELS)
def test_any_rubbish_anywhere_is_refused_or_harmless(kind: str) -> None:
    """What is accepted is of the declared types, and can be written again."""
    raw = json.loads(description("fast", kind).to_json())
    for place in places(raw):
        for value in [*RUBBISH, KeyError]:
            if value is KeyError and not place:
                continue
            refusal = ""
            try:
                check_types(Descriptor.from_json(json.dumps(damaged(raw, place, value)), "x"))
            except FileError as error:
                refusal = str(error)
            assert not refusal or ("'x' is damaged" in refusal and len(refusal) < 300)


def test_any_rubbish_about_photographs_is_refused_or_harmless() -> None:
    spec = PhotoSpec(2, 8, 40, ("mask", "strength"))
    raw = json.loads(replace(description("fast"), photo=spec, latent_dim=0).to_json())
    assert Descriptor.from_json(json.dumps(raw), "x").photo == spec
    for place in places(raw["photo"]):
        for value in [*RUBBISH, KeyError, "strength"]:
            if value is KeyError and len(place) != 1:
                continue
            text, read = json.dumps(damaged(raw, ("photo", *place), value)), None
            with suppress(FileError):
                read = Descriptor.from_json(text, "x").photo
            if read is None:
                continue
            assert type(read.scale) is type(read.stride_px) is type(read.radius_px) is int
            assert 1 <= read.scale <= 8
            assert 1 <= read.stride_px <= 256
            assert 0 <= read.radius_px <= 4096
            assert set(read.inputs) <= {"mask", "strength"}
            assert len(set(read.inputs)) == len(read.inputs)


def test_only_models_of_photographs_have_no_latent() -> None:
    raw = json.loads(replace(description("fast"), latent_dim=0).to_json())
    with pytest.raises(FileError, match="not a whole number from 1"):
        Descriptor.from_json(json.dumps(raw), "x")


def check_types(read: Descriptor) -> None:
    assert isinstance(read.task, str)
    assert all(type(side) is int and 1 <= side <= 65536 for side in (*read.size, read.channels, read.latent_dim))
    assert all(isinstance(spec.architecture, str) and type(spec.arguments) is dict for spec in read.generators.values())
    labels = read.labels
    assert all(isinstance(name, str) for name in labels.names)
    assert len(set(labels.names)) == len(labels.names)
    scaled = len(labels.names) if labels.kind == "attributes" else 0
    assert len(labels.mean) == len(labels.std) == scaled
    assert all(type(value) is float for value in (*labels.mean, *labels.std))
    assert all(0 < value < float("inf") for value in labels.std)
    assert (labels.kind == "none") == (not labels.names)
    assert Descriptor.from_json(read.to_json(), "x") == read


@pytest.mark.parametrize("seed", range(5))
def test_fuzzed_text_is_refused_or_read(seed: int) -> None:
    chance = random.Random(seed)
    text = description("fast", "attributes").to_json()
    for _ in range(300):
        characters = list(text)
        for _ in range(chance.randint(1, 4)):
            if len(characters) < 2:
                break
            position = chance.randrange(len(characters))
            action = chance.randrange(4)
            if action == 0:
                del characters[position : position + chance.randint(1, 30)]
            elif action == 1:
                characters[position] = chance.choice('{}[]",:0-1eE.\\ntf \x00\u2028')
            elif action == 2:
                characters.insert(position, chance.choice(['"', "[" * 50, "9" * 30, "\\u", "null", "-"]))
            else:
                characters = characters[: position + 1]
        with suppress(FileError):
            check_types(Descriptor.from_json("".join(characters), "x"))


@pytest.mark.parametrize("nest", ["[" * 100_000, '{"a":' * 100_000, "[" * 400 + "]" * 400])
def test_deep_nests_are_refused(nest: str) -> None:
    with pytest.raises(FileError):
        Descriptor.from_json(nest, "x")
    for key in ("card", "size", "labels", "generators"):
        raw = json.loads(description().to_json())
        raw[key] = "HERE"
        with pytest.raises(FileError):
            Descriptor.from_json(json.dumps(raw).replace('"HERE"', nest), "x")


def test_a_card_has_few_layers() -> None:
    raw = json.loads(description().to_json())
    for depth, fits in [(CARD_DEPTH, True), (CARD_DEPTH + 1, False)]:
        raw["card"] = json.loads('{"a":' * depth + "1" + "}" * depth)
        if fits:
            assert Descriptor.from_json(json.dumps(raw), "x").card == raw["card"]
        else:
            with pytest.raises(FileError, match="layers"):
                Descriptor.from_json(json.dumps(raw), "x")


def test_too_large_to_read_is_too_large_to_write() -> None:
    with pytest.raises(FileError, match="under 1 MB"):
        Descriptor.from_json(" " * (MAX_HEADER_BYTES + 1), "x")
    many = tuple(f"class {number:0100d}" for number in range(10_000))
    huge = Descriptor("generate", (8, 8), 3, 4, {}, LabelSpec("class", many))
    with pytest.raises(DataError, match="10000 labels are too many"):
        huge.to_json()


@pytest.mark.parametrize("count", [MAX_GENERATORS, MAX_GENERATORS + 1, 5000])
def test_a_model_has_few_generators(count: int) -> None:
    raw = json.loads(description().to_json())
    raw["generators"] = {str(number): raw["generators"]["generator"] for number in range(count)}
    if count > MAX_GENERATORS:
        with pytest.raises(FileError, match=f"there are {count} generators, and a model has at most {MAX_GENERATORS}"):
            Descriptor.from_json(json.dumps(raw), "x")
        specs = dict.fromkeys(raw["generators"], GeneratorSpec("mlp", {}))
        with pytest.raises(DataError, match=f"{count} generators are too many"):
            Descriptor("generate", (8, 8), 3, 4, specs).to_json()
    else:
        read = Descriptor.from_json(json.dumps(raw), "x")
        assert len(read.generators) == count
        assert Descriptor.from_json(read.to_json(), "x") == read


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"kind": "class", "names": [], "mean": [], "std": []}, "0 names do not fit"),
        ({"kind": "none", "names": ["a"], "mean": [], "std": []}, "1 names do not fit"),
        ({"kind": "class", "names": ["a", "a"], "mean": [], "std": []}, "comes twice"),
        ({"kind": "class", "names": "ab", "mean": [], "std": []}, "is no list"),
        ({"kind": "attributes", "names": ["a"], "mean": [], "std": [1.0]}, "means and standard deviations"),
        ({"kind": "attributes", "names": ["a"], "mean": [0], "std": [0]}, "means and standard deviations"),
        ({"kind": "attributes", "names": ["a"], "mean": [0], "std": [-1]}, "means and standard deviations"),
        ({"kind": "attributes", "names": ["a"], "mean": [float("nan")], "std": [1]}, "not a finite number"),
        ({"kind": "attributes", "names": ["a"], "mean": [0], "std": [10**400]}, "OverflowError"),
        ({"kind": "colours", "names": ["a"], "mean": [0], "std": [1]}, "no kind of label"),
    ],
)
def test_labels_that_would_fail_later_are_refused_now(labels: dict[str, Any], words: str) -> None:
    raw = json.loads(description().to_json())
    raw["labels"] = labels
    with pytest.raises(FileError, match=words):
        Descriptor.from_json(json.dumps(raw), "x")
