import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ganvas.errors import DataError
from ganvas.metric.figure import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, curve_svg, measured, number, picture, text
from tests.metric.pages import decoded


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (28, 28), (40, 300), (300, 7)])
def test_picture_decodes_back_equal(channels: int, size: tuple[int, int]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    shown = picture(levels, "a picture")
    (back,) = decoded(shown)
    assert np.array_equal(back, levels)
    assert ("clear" in shown) == (channels == 4)


@pytest.mark.parametrize(
    ("size", "shown", "enlarged"),
    [
        ((28, 28), (56, 56), True),
        ((64, 64), (64, 64), False),
        ((300, 600), (176, 88), False),
        ((1, 400), (176, 1), False),
    ],
)
def test_pictures_are_enlarged_by_whole_numbers_and_keep_their_shape(
    size: tuple[int, int], shown: tuple[int, int], enlarged: bool
) -> None:
    html = picture(np.zeros((*size, 1), np.uint8), "")
    assert f'width="{shown[0]}" height="{shown[1]}"' in html
    assert ("pixels" in html) == enlarged


@pytest.mark.parametrize(
    "levels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32).view(np.int32),
    ],
)
def test_what_is_no_picture_is_refused(levels: np.ndarray) -> None:
    with pytest.raises(DataError, match="is no picture"):
        picture(levels, "")


def test_text_is_harmless() -> None:
    assert text("<b a='1' c=\"2\">&") == "&lt;b a=&#x27;1&#x27; c=&quot;2&quot;&gt;&amp;"
    assert text("a\x00\x1b[31m\x7f\u202egnp\udcff") == "a��[31m��gnp�"
    assert text("👩\u200d🎨 Fréchet\n") == "👩\u200d🎨 Fréchet\n"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0, None, "0"),
        (12, None, "12"),
        (12.3456, None, "12.35"),
        (-0.00123456, None, "−0.001235"),
        (1234567.8, None, "1,234,568"),
        (10_000, None, "10,000"),
        (3e-12, None, "3.000e−12"),
        (-2e15, 2, "−2.000e+15"),
        (-0.004, 2, "0.00"),
        (-0.006, 2, "−0.01"),
        (math.inf, None, "∞"),
        (-math.inf, 2, "−∞"),
        (math.nan, None, "not a number"),
    ],
)
def test_numbers(value: float, decimals: int | None, shown: str) -> None:
    assert number(value, decimals) == shown


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (12.3412, 0.41234, "12.34 ± 0.41"),
        (12.3412, 4.1, "12.3 ± 4.1"),
        (1234.5, 41.2, "1,234 ± 41"),
        (-0.0041234, 0.00051, "−0.00412 ± 0.00051"),
        (0.5, 0.0, "0.5"),
        (0.5, None, "0.5"),
    ],
)
def test_a_value_ends_where_its_error_does(value: float, error: float | None, shown: str) -> None:
    assert measured(value, error) == shown


def drawn(points: list[tuple[float, float]], **more: str) -> ElementTree.Element:
    return ElementTree.fromstring(curve_svg(points, "kimg", "score", **more))  # type: ignore[arg-type]


def test_points_lie_where_the_ticks_say() -> None:
    """The place of each point, read against the ticks as a reader would, is its value."""
    points = [(0.0, 3.0), (100.0, 17.0), (250.0, 9.0)]
    svg = drawn(points)
    ticks: dict[str, dict[float, float]] = {"x": {}, "y": {}}
    for label in svg.iter("text"):
        if label.get("class") is None and label.text:
            axis = "y" if label.get("text-anchor") == "end" else "x"
            ticks[axis][float(label.text)] = float(label.get(axis, "nan"))
    assert len(ticks["x"]) >= 3
    assert len(ticks["y"]) >= 3
    places = re.findall(r"([\d.]+) ([\d.]+)", next(svg.iter("path")).get("d", ""))
    for axis, column in (("x", 0), ("y", 1)):
        slope, start = np.polyfit(list(ticks[axis].values()), list(ticks[axis]), 1)
        assert slope < 0 if axis == "y" else slope > 0
        read = [slope * float(place[column]) + start for place in places]
        assert read == pytest.approx([point[column] for point in points], abs=0.1)


@example([(0.0, 0.0), (0.0, 5e-324)])
@example([(1.0, 5e-324), (5e-324, 5e-324)])
@given(
    st.lists(
        st.tuples(st.floats(0, 1e5), st.floats(-1e9, 1e9) | st.floats(0, 1e-6) | st.just(math.nan)),
        min_size=1,
        max_size=30,
    ).filter(lambda points: any(math.isfinite(y) for _, y in points))
)
def test_any_curve_stays_inside_of_its_frame(points: list[tuple[float, float]]) -> None:
    svg = drawn(points, better="lower")
    places = [place for path in svg.iter("path") for place in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d", ""))]
    assert len(places) == sum(math.isfinite(y) for _, y in points)
    for x, y in places:
        assert LEFT - 0.1 <= float(x) <= WIDTH - RIGHT + 0.1
        assert TOP - 0.1 <= float(y) <= HEIGHT - BOTTOM + 0.1
    assert 2 <= len([line for line in svg.iter("line") if line.get("class") == "rule"]) <= 8


def test_nan_breaks_a_curve_and_a_lone_point_is_a_dot() -> None:
    svg = drawn([(0, 1.0), (1, 2.0), (2, math.nan), (3, 1.0), (4, math.inf), (5, 2.0), (6, 3.0)])
    assert [path.get("d", "").count("L") for path in svg.iter("path")] == [1, 0, 1]
    assert len([dot for dot in svg.iter("circle") if dot.get("class") == "dot"]) == 1


@pytest.mark.parametrize(("better", "told"), [("lower", "best 2 at 20"), ("higher", "best 9 at 30")])
def test_the_best_point_is_marked(better: str, told: str) -> None:
    svg = drawn([(10, 5.0), (20, 2.0), (30, 9.0)], better=better)
    assert told in "".join(svg.itertext())
    assert told in svg.get("aria-label", "")
    assert "best" not in "".join(drawn([(10, 5.0)]).itertext())


def test_labels_of_a_curve_are_escaped_and_nothing_to_draw_is_refused() -> None:
    assert "<script" not in curve_svg([(0, 1)], "<script>", '"><script>')
    for points in ([], [(0.0, math.nan)]):
        with pytest.raises(DataError, match="no point of 'score'"):
            curve_svg(points, "kimg", "score")
