import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ganvas.errors import FileError, UsageError
from ganvas.metric.compare import MAX_RESULT_BYTES, Result, compare, holm, read_result
from ganvas.metric.score import Score
from tests.metric.test_stamp import STAMP


def score(
    value: float, error: float | None = 1.0, corrected: float | None = None, name: str = "fd", **more: Any
) -> Score:
    return Score(**{"name": name, "value": value, "error": error, "corrected": corrected, "better": "lower", **more})


def result(*scores: Score, subject: str = "run") -> Result:
    return Result("0.1.0", subject, STAMP, scores, {})


A = Result("0.1.0", "runs/a", STAMP, (score(12.5, 0.5, 9.0, note="few"), score(0.7, None, name="recall")), {"fd": 0.25})


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[Any], Path]:
    def write(raw: Any) -> Path:
        path = tmp_path / "a.json"
        path.write_bytes(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
        return path

    return write


def test_result_survives_its_file(planted: Callable[[Any], Path]) -> None:
    assert read_result(planted(A.to_dict())) == A
    assert A.to_dict()["scores"][0] == {
        "name": "fd", "value": 12.5, "error": 0.5, "corrected": 9.0, "better": "lower", "floor": 0.25, "note": "few",
    }  # fmt: skip
    with_more = A.to_dict() | {"warnings": ["one"]}
    assert read_result(planted(with_more)) == A


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\xfd",
        b"[" * 200_000,
        b"[]",
        b"{}",
        b'{"ganvas": 1}',
        b'{"ganvas": ' + b"9" * 5_000 + b"}",
        b" " * (MAX_RESULT_BYTES + 1),
    ],
)
def test_what_is_no_result_is_refused_in_one_sentence(data: bytes, planted: Callable[[Any], Path]) -> None:
    with pytest.raises(FileError) as met:
        read_result(planted(data))
    assert str(met.value).count("\n") == 0
    assert len(str(met.value)) < 500
    assert "a.json" in str(met.value)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(FileError, match="Cannot read"):
            read_result(path)


@pytest.mark.parametrize("name", ["name", "value", "error", "corrected", "better", "floor", "note"])
def test_a_score_with_a_wrong_field_is_refused(name: str, planted: Callable[[Any], Path]) -> None:
    wrong: list[Any] = [[], {}, True, float("nan"), float("inf"), -(10**400), "sideways" * 600]
    for bad in wrong:
        raw = A.to_dict()
        raw["scores"][0][name] = bad
        with pytest.raises(FileError, match=f"'{name}'"):
            read_result(planted(raw))
    raw = A.to_dict()
    del raw["scores"][0][name]
    with pytest.raises(FileError, match=f"no field '{name}'"):
        read_result(planted(raw))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["scores"][0].update(error=-1),
        lambda raw: raw["scores"].append(raw["scores"][0]),
        lambda raw: raw["scores"].append("fd"),
        lambda raw: raw.update(scores={}),
        lambda raw: raw.update(stamp=[]),
        lambda raw: raw["stamp"].update(seed="0"),
        lambda raw: raw.update(subject=None),
    ],
)
def test_a_planted_fault_is_refused(change: Callable[[Any], None], planted: Callable[[Any], Path]) -> None:
    raw = A.to_dict()
    change(raw)
    with pytest.raises(FileError, match=r"\.$"):
        read_result(planted(raw))


def test_holm_by_hand() -> None:
    # 4 * 0.005, 3 * 0.01, 2 * 0.03, and 0.04 is raised to what stands before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float]) -> None:
    order, rejected = np.argsort(p_values, kind="stable"), set()
    for rank, index in enumerate(order):
        if p_values[index] * (len(p_values) - rank) > 0.05:
            break
        rejected.add(int(index))
    assert {i for i, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def test_difference_error_and_z_against_scipy() -> None:
    (found,) = compare(result(score(12.0, 0.3)), result(score(13.0, 0.4)))
    assert (found.a, found.b, found.difference, found.error, found.z) == pytest.approx((12, 13, 1, 0.5, 2))
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(2))
    assert found.significant
    assert found.verdict == "A is better"


def test_more_scores_ask_for_more_evidence() -> None:
    names = [f"score {i}" for i in range(4)]
    first = result(*(score(0.0, 0.0, name=name) for name in names))
    second = result(*(score(value, 1.0, name=name) for name, value in zip(names, (2.1, 0.0, 0.1, 2.2), strict=True)))
    found = compare(first, second)
    assert [f.significant for f in found] == [False] * 4
    alone = compare(result(first.scores[0]), result(second.scores[0]))
    assert [f.significant for f in alone] == [True]
    assert found[0].verdict == "no difference beyond chance"
    assert found[1].verdict == "no difference"


def test_corrected_values_are_compared_where_both_have_them() -> None:
    (both,) = compare(result(score(20.0, 1.0, 10.0)), result(score(30.0, 1.0, 9.0)))
    assert (both.a, both.b, both.corrected) == (10, 9, True)
    (one,) = compare(result(score(20.0, 1.0, 10.0)), result(score(30.0, 1.0)))
    assert (one.a, one.b, one.corrected) == (20, 30, False)


@pytest.mark.parametrize(
    ("better", "verdict"), [("lower", "A is better"), ("higher", "B is better"), ("", "B is higher")]
)
def test_verdict_knows_the_direction(better: str, verdict: str) -> None:
    (found,) = compare(result(score(1.0, 0.1, better=better)), result(score(2.0, 0.1, better=better)))
    assert found.verdict == verdict
    (turned,) = compare(result(score(2.0, 0.1, better=better)), result(score(1.0, 0.1, better=better)))
    assert turned.verdict == verdict.translate({ord("A"): "B", ord("B"): "A"})


@pytest.mark.parametrize("errors", [(None, None), (None, 1.0), (1.0, None), (0.0, 0.0)])
def test_without_an_error_nothing_is_significant(errors: tuple[float | None, float | None]) -> None:
    (found,) = compare(result(score(1.0, errors[0])), result(score(1e9, errors[1])))
    assert (found.error, found.z, found.p, found.significant) == (None, None, None, False)
    assert "without an error" in found.verdict


def test_a_score_without_error_leaves_the_others_tests_alone() -> None:
    plain = score(1.0, None, name="plain")
    found = compare(result(plain, score(0.0)), result(plain, score(3.0)))
    assert [f.name for f in found] == ["plain", "fd"]
    assert found[1].p == pytest.approx(2 * scipy.stats.norm.sf(3 / np.sqrt(2)))


def test_equal_generators_are_told_apart_in_a_twentieth_of_comparisons_at_most() -> None:
    rng = np.random.default_rng(0)
    names = [f"score {i}" for i in range(5)]
    wrong = 0
    for _ in range(400):
        sides = [
            result(*(score(float(v), 1.0, name=n) for n, v in zip(names, rng.normal(size=5), strict=True)))
            for _ in "ab"
        ]
        wrong += any(f.significant for f in compare(*sides))
    assert wrong <= 32  # 20 expected; 2.7 deviations above


def test_different_stamps_are_refused_with_both_values() -> None:
    other = replace(A, stamp=replace(STAMP, seed=7, resize="tf", device="cuda"))
    with pytest.raises(UsageError, match=r"resize \('clean' against 'tf'\), seed \(0 against 7\)") as met:
        compare(A, other)
    assert "device" not in str(met.value)


def test_nothing_in_common_or_opposite_directions_are_refused() -> None:
    with pytest.raises(UsageError, match="no score in common"):
        compare(result(score(1.0)), result(score(1.0, name="kid")))
    with pytest.raises(UsageError, match="better lower in A and higher in B"):
        compare(result(score(1.0)), result(score(1.0, better="higher")))


def test_differences_are_plain_values() -> None:
    (found,) = compare(result(score(1.0)), result(score(2.0)))
    assert json.loads(json.dumps(found.to_dict()))["difference"] == 1.0
