"""Claims about charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ptml.report.charts import HEIGHT, MAX_POINTS, WIDTH, Series, bar, thinned, unit_chart

points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=50)


def drawn(series: list[Series], **options: str) -> ET.Element:
    """Draw a chart and read it as XML."""
    return ET.fromstring(str(unit_chart("ROC", x_label="false", y_label="true", series=series, **options)))  # type: ignore[arg-type]


def test_corners_of_the_unit_square_are_corners_of_the_plot() -> None:
    """(0, 0) lies bottom left and (1, 1) top right, margins taken off."""
    line = drawn([Series("a", [(0, 0), (1, 1)])]).find("polyline")
    assert line is not None
    assert line.attrib["points"] == "48,286 406,12"


def test_a_chart_says_in_words_what_it_shows() -> None:
    """Title, axes and each line's ends are there for a screen reader."""
    chart = drawn([Series("grouped", [(0, 0), (0.5, 0.75), (1, 1)])])
    assert chart.attrib["role"] == "img"
    assert chart.attrib["aria-label"] == "ROC"
    assert chart.findtext("title") == "ROC"
    assert (
        chart.findtext("desc") == "true against false. grouped: 3 points from (0.00, 0.00) to (1.00, 1.00)."
    )


def test_names_cannot_break_out_of_the_drawing() -> None:
    """A name with markup in it is text."""
    chart = drawn([Series("<script>alert(1)</script>", [(0, 0), (1, 1)])])
    assert chart.find(".//script") is None
    assert "<script>" in (chart.findtext("desc") or "")


def test_a_chart_without_points_is_still_a_chart() -> None:
    """No data is said, not drawn."""
    assert "no points" in (drawn([Series("a", [])]).findtext("desc") or "")
    assert "no data" in (drawn([]).findtext("desc") or "")


@given(points)
def test_every_point_is_drawn_inside(places: list[tuple[float, float]]) -> None:
    """Whatever the points, the line lies in the picture, one place a point."""
    line = drawn([Series("a", places)]).find("polyline")
    assert line is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert len(pairs) == len(places)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in pairs)


def test_long_lines_are_thinned_and_keep_their_ends() -> None:
    """A curve of a million thresholds is drawn with a few hundred points, first and last among them."""
    line = [(i / 9999, i / 9999) for i in range(10_000)]
    kept = thinned(line)
    assert len(kept) == MAX_POINTS
    assert (kept[0], kept[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert kept == sorted(kept)


def test_a_bar_marks_whether_the_threshold_is_reached() -> None:
    """A bar at or above its threshold looks otherwise than one below; null has none."""
    assert 'class="over" width="48"' in bar(0.5, 0.5)
    assert 'class="under" width="48"' in bar(0.5, 0.6)
    assert bar(None, 0.5) == ""
