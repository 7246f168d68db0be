import json
from dataclasses import fields, replace
from typing import Any

import pytest

from ganvas.errors import FileError
from ganvas.metric.stamp import COMPARED, Stamp, compared, differences, measurement

STAMP = Stamp(
    network="efficientnet-lite0",
    network_sha256="ab" * 32,
    protocol="ganvas",
    resize="clean",
    unbiased=True,
    real_key="cd" * 32,
    real_count=10_000,
    fake_count=5_000,
    seed=0,
    precision="float32",
    formats={"real": {"png": 9_214, "jpeg": 786}, "fake": {"memory": 5_000}},
    device="cpu",
    threads=2,
    versions={"ganvas": "0.1.0", "torch": "2.13.0"},
)

OTHERS: dict[str, Any] = {
    "network": "mobilenet-v2",
    "network_sha256": "ac" * 32,
    "protocol": "tf",
    "resize": "tf",
    "unbiased": False,
    "real_key": "ce" * 32,
    "real_count": 9_999,
    "fake_count": 4_999,
    "seed": 1,
    "precision": "bfloat16",
    "formats": {"real": {"png": 10_000}, "fake": {}},
    "device": "cuda",
    "threads": 64,
    "versions": {"ganvas": "0.2.0"},
}


def test_stamp_survives_json() -> None:
    assert Stamp.from_dict(json.loads(json.dumps(STAMP.to_dict())), "a.json") == STAMP


@pytest.mark.parametrize("name", [field.name for field in fields(Stamp)])
def test_a_planted_difference_is_named_if_it_matters(name: str) -> None:
    other = replace(STAMP, **{name: OTHERS[name]})
    told_only = name in ("formats", "device", "threads", "versions")
    assert differences(STAMP, other) == ([] if told_only else [name])
    assert differences(other, STAMP) == differences(STAMP, other)


@pytest.mark.parametrize("name", COMPARED)
def test_what_is_compared_gives_a_measurement_another_name(name: str) -> None:
    own, other = (measurement(compared(one)) for one in (STAMP, replace(STAMP, **{name: OTHERS[name]})))
    assert len(own) == 8
    assert own != other
    assert measurement(compared(STAMP), 20) not in (own, measurement(compared(STAMP), 21))
    assert measurement(compared(replace(STAMP, device="cuda", threads=64))) == own


def test_all_differences_are_named_in_order() -> None:
    assert differences(STAMP, replace(STAMP, **OTHERS)) == list(COMPARED)
    assert differences(STAMP, STAMP) == []


@pytest.mark.parametrize("name", [field.name for field in fields(Stamp)])
def test_a_field_that_is_missing_or_wrong_is_refused(name: str) -> None:
    raw = STAMP.to_dict()
    good = raw.pop(name)
    with pytest.raises(FileError, match=f"^'a.json' has no field '{name}'; .*\\.$"):
        Stamp.from_dict(raw, "a.json")
    for bad in (None, [good], -1, 2.5, 10**30, float("nan"), "x" * 5_000, {"k": {"k": "v"}}):
        with pytest.raises(FileError, match=r"^'a.json' .*\.$"):
            Stamp.from_dict({**raw, name: bad}, "a.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("precision", "float64"),
        ("unbiased", 1),
        ("seed", True),
        ("real_count", "10"),
        ("threads", 0),
        ("formats", {"real": {}}),
        ("formats", {"real": {}, "fake": {}, "other": {}}),
        ("formats", {"real": {"png": 0}, "fake": {}}),
        ("formats", {"real": {str(i): 1 for i in range(2_000)}, "fake": {}}),
        ("versions", {"torch": 2}),
        ("weather", "rain"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(FileError, match=r"^'a.json' "):
        Stamp.from_dict({**STAMP.to_dict(), name: value}, "a.json")


@pytest.mark.parametrize("raw", [None, 3, "text", [], [{}]])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(FileError, match="not a JSON object"):
        Stamp.from_dict(raw, "a.json")
