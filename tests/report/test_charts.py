"""Claims about charts."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from ptml.report.cells import bar, shade
from ptml.report.charts import MAX_POINTS, Interval, Line, interval_chart, line_chart, thinned
from ptml.report.drawing import Look
from ptml.text import plain_text

LOOK = Look("--accent", (7, 4))
SVG = "{http://www.w3.org/2000/svg}"
points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=20)


def drawn(*lines: Line, x_scale: Literal["linear", "log"] = "linear", diagonal: bool = False) -> ET.Element:
    """Draw a chart and read it as XML."""
    chart = line_chart(
        "ROC", x_label="false", y_label="true", lines=lines, x_scale=x_scale, diagonal=diagonal
    )
    return ET.fromstring(str(chart).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def paths(chart: ET.Element) -> list[ET.Element]:
    """Give what is drawn in the line's colour."""
    return [path for path in chart.iter(f"{SVG}path") if path.get("stroke") == "var(--accent)"]


def corners(path: ET.Element) -> list[tuple[float, float]]:
    """Give the places that a path goes through."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", path.get("d", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_corners_of_the_unit_square_are_corners_of_the_plot() -> None:
    """(0, 0) lies bottom left and (1, 1) top right: 380 wide, 285 high, downwards from the top."""
    (line,) = paths(drawn(Line("a", LOOK, [(0, 0), (0.5, 0.2), (1, 1)])))
    assert corners(line) == [(0, 285), (190, 228), (380, 0)]


def test_a_logarithmic_axis_has_four_decades_and_keeps_zero_at_its_left_end() -> None:
    """A rate of 0.01 lies half way between 0.0001 and 1; none at all lies at the left end."""
    (line,) = paths(drawn(Line("a", LOOK, [(0, 0), (0.01, 0.2), (1, 1)]), x_scale="log"))
    assert [(round(x, 6), y) for x, y in corners(line)] == [(0, 285), (190, 228), (380, 0)]


def test_points_are_joined_in_their_order() -> None:
    """A curve that rises straight up at one place is drawn so, not sorted."""
    (line,) = paths(drawn(Line("a", LOOK, [(0, 0), (0, 1), (0, 0.5), (1, 0.5)])))
    assert [y for _, y in corners(line)] == [285, 0, 142.5, 142.5]


def test_a_band_lies_between_its_ends() -> None:
    """Its area runs along the upper end and back along the lower."""
    chart = drawn(Line("a", LOOK, [(0, 0), (1, 1)], band=[(0, 0.2, 0.4), (1, 0.6, 1)]))
    (band,) = [path for path in chart.iter(f"{SVG}path") if path.get("fill") == "var(--accent)"]
    assert set(corners(band)) == {(0, 228), (380, 114), (380, 0), (0, 171)}


def test_a_chart_says_in_words_what_it_shows() -> None:
    """Title, axes and each line's ends are there for a screen reader, and nothing inside speaks besides."""
    chart = drawn(Line("grouped", LOOK, [(0, 0), (0.5, 0.75), (1, 1)], dots=True, mark=(0.5, 0.5)))
    assert chart.attrib["role"] == "img"
    assert chart.attrib["aria-label"] == "ROC"
    assert chart.findtext(f"{SVG}title") == "ROC"
    assert (
        chart.findtext(f"{SVG}desc")
        == "true against false. grouped: 3 points from (0.00, 0.00) to (1.00, 1.00)."
    )
    assert not [e for e in chart.iter() if e is not chart and e.get("aria-label")]


def test_names_cannot_break_out_of_the_drawing() -> None:
    """A name with markup in it is text, also where the library draws it."""
    name = "<script>alert(1)</script>\"' onload=x ]]>"
    line = drawn(Line(name, LOOK, [(0, 0), (1, 1)]))
    rows = interval_chart(name, label=name, rows=[Interval(name, LOOK, 0.5, 0.4, 0.6, name)])
    intervals = ET.fromstring(str(rows))
    for chart in (line, intervals):
        assert not [e for e in chart.iter() if e.tag.endswith("script") or e.get("onload")]
    assert sum(name[:8] in (e.text or "") for e in intervals.iter()) >= 4


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=30))
def test_any_name_can_be_drawn(name: str) -> None:
    """Control characters, lone surrogates, what is not a character: the chart is well-formed all the same."""
    chart = str(interval_chart(name, label=name, rows=[Interval(name, LOOK, 0.5, None, None, name)]))
    assert ET.fromstring(chart).tag == "svg"
    assert plain_text(name).strip() in "".join(ET.fromstring(chart).itertext())


def test_charts_hold_no_style_of_their_own() -> None:
    """No style attribute or element and no colour but the page's, so that a strict policy lets them be."""
    chart = str(line_chart("t", x_label="x", y_label="y", lines=[Line("a", LOOK, [(0, 0)])], diagonal=True))
    assert "style" not in chart
    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', chart)) - {"none"}
    assert all(re.fullmatch(r"var\(--[a-z]+\)", colour) for colour in colours), colours


def test_a_chart_without_points_is_still_a_chart() -> None:
    """No data is said, not drawn."""
    assert "no points" in (drawn(Line("a", LOOK, [])).findtext(f"{SVG}desc") or "")
    assert "no data" in "".join(drawn().itertext())
    assert "no data" in interval_chart("t", label="x", rows=[])


@settings(max_examples=15)
@given(points)
def test_every_point_is_drawn_inside(places: list[tuple[float, float]]) -> None:
    """Whatever the points, the line lies in the plot, one place a point."""
    found = [place for path in paths(drawn(Line("a", LOOK, places))) for place in corners(path)]
    assert all(0 <= x <= 380 and 0 <= y <= 285 for x, y in found)
    assert len(found) >= len(places) - 1


def test_an_interval_reaches_from_its_low_to_its_high_end() -> None:
    """On an axis from 0 to 1, 420 wide: from 0.5 at 210 to 1 at 420, the figure beside it."""
    row = Interval("grouped", LOOK, 0.75, 0.5, 1.0, "0.750")
    chart = ET.fromstring(str(interval_chart("t", label="ROC-AUC", rows=[row], domain=(0, 1))))
    (rule,) = [e for e in chart.iter() if e.tag.endswith("line") and e.get("stroke") == "var(--accent)"]
    start = float((rule.get("transform") or "").split("(")[1].split(",")[0])
    assert {start, start + float(rule.get("x2") or 0)} == {210.0, 420.0}
    assert "0.750" in [e.text for e in chart.iter()]


def test_the_same_data_gives_the_same_bytes() -> None:
    """In another process, too: nothing of the day, the machine or chance is in a drawing."""
    code = (
        "from ptml.report.charts import *; from ptml.report.drawing import Look; "
        "line = Line('a', Look('--accent'), [(0, 0), (1, 1)]); "
        "print(line_chart('t', x_label='x', y_label='y', lines=[line]))"
    )
    here = line_chart("t", x_label="x", y_label="y", lines=[Line("a", Look("--accent"), [(0, 0), (1, 1)])])
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == str(here)


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


def test_a_shade_is_one_of_eleven() -> None:
    """Beyond both ends the last shade holds; null has its own."""
    assert [shade(value) for value in (-1, 0.04, 0.06, 0.949, 2, None)] == [
        "h0",
        "h0",
        "h1",
        "h9",
        "h10",
        "none",
    ]
