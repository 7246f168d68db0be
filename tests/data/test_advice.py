import pytest

from ganvas.data.advice import advise
from ganvas.data.item import Unreadable
from ganvas.data.labels import Labels, class_labels, no_labels
from ganvas.data.survey import Survey

Groups = list[tuple[str, ...]]


def advice(
    count: int = 5000,
    sizes: dict[tuple[int, int], int] | None = None,
    channels: dict[int, int] | None = None,
    bit_depths: dict[int, int] | None = None,
    unreadable: int = 0,
    others: dict[str, int] | None = None,
    labels: Labels | None = None,
    copies: Groups | None = None,
    lookalikes: Groups | None = None,
) -> str:
    found = Survey(
        sizes or {(64, 64): count},
        channels or {3: count},
        bit_depths or {8: count},
        {"PNG": count},
        tuple(Unreadable(f"{row}.png", "torn") for row in range(unreadable)),
    )
    sentences = advise(found, others or {}, labels or no_labels(count, "t"), copies or [], lookalikes or [])
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)
    return " ".join(sentences)


def test_all_is_well() -> None:
    assert advice() == ""


@pytest.mark.parametrize(("count", "says"), [(99, "too few"), (100, "are few"), (999, "are few"), (1000, "")])
def test_how_many_there_are(count: int, says: str) -> None:
    assert says in advice(count)
    assert bool(says) == bool(advice(count))


def test_copies_do_not_count() -> None:
    said = advice(1001, copies=[("a", "b"), ("c", "d", "e")])
    assert "998 different pictures are few" in said
    assert "3 pictures are the same file as another ('a', 'b'); keep one" in said


def test_lookalikes() -> None:
    assert "2 pictures are much like another one ('a', 'b', 'c')" in advice(lookalikes=[("a", "b", "c")])


def test_a_few_unreadable_are_left_out_and_many_stop_training() -> None:
    assert "5 of 100 pictures cannot be read ('0.png', '1.png', '2.png' and 2 more); they will be left out" in advice(
        95, unreadable=5
    )
    assert "refuses to start above 5 %" in advice(94, unreadable=6)


def test_pictures_of_unread_kinds() -> None:
    said = advice(others={".heic": 3, ".txt": 9, ".gif": 1})
    assert "(1 .gif, 3 .heic)" in said
    assert ".txt" not in said


def test_channels() -> None:
    said = advice(channels={3: 4000, 1: 999, 4: 1})
    assert "4000 with colour, 999 with grey, 1 with transparency" in said
    assert "--channels" in said


def test_deep_pictures() -> None:
    assert "7 pictures are of 16 bits" in advice(bit_depths={8: 4993, 16: 7})


def test_sizes() -> None:
    said = advice(sizes={(300, 300): 4900, (20, 200): 50, (310, 300): 50})
    assert "50 pictures are smaller than 256x256" in said
    assert "--size 256 suits most" in said
    assert "--fit pad" not in said


def test_long_sizes_are_said_height_first() -> None:
    assert "--size 128x192 " in advice(sizes={(200, 300): 2500, (200, 301): 2500})


def test_many_shapes_are_better_padded() -> None:
    assert "2000 of them would lose more than a third to cropping: use --fit pad" in advice(
        sizes={(300, 300): 3000, (300, 900): 1000, (900, 300): 1000}
    )


def test_classes() -> None:
    fair = class_labels(["a"] * 500 + ["b"] * 50, "t")
    assert advice(550_0, labels=fair) == ""
    rare = advice(labels=class_labels(["a"] * 501 + ["b"] * 50, "t"))
    assert "'a' has 501 pictures and 'b' has 50" in rare
    assert "fewer than" not in rare
    assert "1 of 3 classes have fewer than 50 pictures: 'c (49)'" in advice(
        labels=class_labels(["a"] * 90 + ["b"] * 50 + ["c"] * 49, "t")
    )
