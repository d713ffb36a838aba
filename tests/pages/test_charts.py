"""What figures show: gaps, bands, breaks, unfinished windows, and few points."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core import charts, views
from core.charts.style import MAX_POINTS
from core.entities import Annotation
from pages import _model_parts

ROOT = Path(__file__).resolve().parents[2]
INSTANT = pl.Datetime("us", "UTC")
START = datetime(2013, 1, 1, 5, tzinfo=UTC)


def daily(values: list[float | None], **columns: object) -> pl.DataFrame:
    days = [START + timedelta(days=i) for i in range(len(values))]
    frame = pl.DataFrame(
        {"window_start": days, "window_end": [day + timedelta(days=1) for day in days], "value": values},
        schema_overrides={"value": pl.Float64, "window_start": INSTANT, "window_end": INSTANT},
    )
    return frame.with_columns(pl.lit(value).alias(name) for name, value in columns.items())


def line(figure: object) -> np.ndarray:
    drawn = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines+markers"]
    return np.asarray(drawn[0].y, float)


def test_a_missing_window_is_a_gap_not_a_zero_and_not_a_bridge() -> None:
    frame = daily([1.0, 2.0, 3.0, 4.0]).filter(pl.col("value") != 3.0)
    assert np.isnan(line(charts.over_time({"": frame}, zone="UTC"))).tolist() == [False, False, True, False]


def test_a_null_value_is_a_gap() -> None:
    assert np.isnan(line(charts.over_time({"": daily([1.0, None, 3.0])}, zone="UTC"))).tolist() == [
        False,
        True,
        False,
    ]


def test_a_point_between_gaps_is_drawn_as_a_dot_even_in_long_series() -> None:
    values = [None if i in (50, 52) else 1.0 for i in range(200)]
    figure = charts.over_time({"": daily(values)}, zone="UTC")
    sizes = next(trace.marker.size for trace in figure.data if trace.mode == "lines+markers")
    assert np.flatnonzero(np.asarray(sizes)).tolist() == [51]


def test_the_interval_band_does_not_cross_gaps() -> None:
    frame = daily([1.0, 1.0, None, 1.0, 1.0]).with_columns(
        lower=pl.col("value") - 1, upper=pl.col("value") + 1
    )
    band = next(trace for trace in charts.over_time({"": frame}, zone="UTC").data if trace.fill == "toself")
    assert np.isnan(np.asarray(band.y, float)).sum() == 2  # one separator after each of two closed outlines


def test_long_series_are_thinned_and_keep_their_extremes() -> None:
    values = [0.0] * 5000
    values[1234], values[4000] = 9.0, -9.0
    drawn = line(charts.over_time({"": daily(values)}, zone="UTC"))
    assert len(drawn) <= MAX_POINTS
    assert (drawn.max(), drawn.min()) == (9.0, -9.0)


def test_thinning_keeps_short_series_as_they_are() -> None:
    frame = daily([1.0] * MAX_POINTS)
    assert charts.thinned(frame).equals(frame)


def test_a_new_reference_is_marked_by_a_break_line() -> None:
    frame = daily([1.0] * 4).with_columns(reference_id=pl.Series(["a", "a", "b", "b"]))
    figure = charts.over_time({"": frame}, zone="UTC")
    assert [note.text for note in figure.layout.annotations] == ["new reference"]
    assert figure.layout.annotations[0].x == datetime(2013, 1, 3, 5)


def test_open_and_immature_windows_are_hatched_with_their_reason() -> None:
    frame = daily([1.0] * 3).with_columns(phase=pl.Series(["closed", "immature", "open"]))
    hatch = next(trace for trace in charts.over_time({"": frame}, zone="UTC").data if trace.type == "bar")
    assert list(hatch.text) == ["labels still arriving", "window still open"]
    assert hatch.marker.pattern.shape == "/"


def test_partial_values_stand_apart_from_the_line_with_the_labels_they_have() -> None:
    phases = pl.Series(["closed", "closed", "immature", "open"])
    labelled = pl.Series([1.0, 1.0, 0.629, 0.1])
    frame = daily([0.3, 0.4, 1.0, 1.0], n=50).with_columns(phase=phases, labelled=labelled)
    figure = charts.over_time({"": frame}, zone="UTC", fewest=30)
    assert line(figure)[:2].tolist() == [0.3, 0.4] and np.isnan(line(figure)[2:]).all()
    (partial,) = (trace for trace in figure.data if trace.name == "partial so far")
    assert partial.marker.symbol == "circle-open"
    assert list(partial.y) == [1.0, 1.0]
    assert list(partial.text) == [
        "<br>partial, 62 % of its labels so far<br>n = 50",
        "<br>partial, window still open<br>n = 50",
    ]


def test_instants_are_drawn_in_the_models_zone() -> None:
    figure = charts.over_time({"": daily([1.0])}, zone="America/New_York")
    assert figure.data[0].x[0] == datetime(2013, 1, 1, tzinfo=UTC).timestamp() * 1000


def test_the_reference_is_its_middle_and_nine_in_ten_of_its_windows() -> None:
    normal = charts.Normal.of(daily([float(i) for i in range(101)]))
    assert normal == charts.Normal(50.0, 5.0, 95.0)
    assert charts.Normal.of(daily([None])) is None


def test_the_hover_tells_interval_and_n() -> None:
    frame = daily([0.5], lower=0.4, upper=0.6, n=1234)
    trace = next(t for t in charts.over_time({"": frame}, zone="UTC").data if t.mode == "lines+markers")
    assert trace.text[0] == "<br>95 % between 0.4 and 0.6<br>n = 1,234"


def test_a_heat_map_has_the_worst_column_on_top_and_holes_for_no_data() -> None:
    calm, bad = daily([0.0, 0.1]), daily([0.9, 0.8]).head(1)
    frame = pl.concat([calm.with_columns(column=pl.lit("calm")), bad.with_columns(column=pl.lit("bad"))])
    heat = charts.heat_over_time(frame, zone="UTC").data[0]
    assert list(heat.y) == ["calm", "bad"]
    assert np.isnan(heat.z[1][1])


def test_a_distribution_is_redrawn_at_equal_width() -> None:
    edges = [0.0, 1.0, 10.0]  # one narrow and one wide bin with as many rows each
    figure = charts.distribution(edges, [0, 500, 500, 0], [0, 500, 500, 0])
    shares = np.asarray(figure.data[0].y)[::2]
    assert shares.sum() == pytest.approx(1.0)
    assert shares[1] / shares[-2] == pytest.approx(9.0, rel=0.05)


def test_a_distribution_gathers_what_lies_outside_the_grid_at_its_ends() -> None:
    edges = np.linspace(0, 1, 11)
    figure = charts.distribution(edges, [0, *[10] * 10, 0], [0, *[0] * 10, 100])
    assert np.asarray(figure.data[1].y)[-1] == pytest.approx(1.0)


def test_rare_values_are_added_up_in_one_bar() -> None:
    figure = charts.values([f"v{i}" for i in range(20)], list(range(20, 0, -1)), [1] * 20, most=5)
    assert list(figure.data[0].y)[-1] == "15 more"
    assert sum(figure.data[1].x) == pytest.approx(1.0)


def test_confusion_shows_the_share_of_each_label() -> None:
    figure = charts.confusion([[8, 2], [0, 0]], ["no", "yes"])
    heat = figure.data[0]
    assert heat.text[0][0] == "80.0%<br>8"
    assert heat.text[1][1] == "0.0%<br>0"
    white = [note.text for note in figure.layout.annotations if note.font.color == "#FFFFFF"]
    assert "0.0%<br>0" in white and "80.0%<br>8" not in white


def test_groups_too_small_to_judge_are_hollow_and_undefined_ones_left_out() -> None:
    frame = pl.DataFrame(
        {"group": ["a", "b", "c"], "value": [0.5, 0.7, None], "lower": [0.4, None, None],
         "upper": [0.6, None, None], "n": [100, 5, 0], "judged": [True, False, False]}
    )  # fmt: skip
    points = charts.groups(frame).data[0]
    assert dict(zip(points.y, points.marker.symbol, strict=True)) == {"a": "circle", "b": "circle-open"}


def test_nothing_at_all_can_be_drawn() -> None:
    assert charts.over_time({"": daily([])}, zone="UTC").data


def test_the_axis_reaches_to_now_so_that_silence_shows() -> None:
    frame = daily([1.0, 2.0, 3.0])
    now = frame["window_end"].max() + timedelta(days=30)
    for figure in (
        charts.over_time({"": frame}, zone="UTC", until=now),
        charts.bars_over_time(frame, zone="UTC", until=now),
    ):
        assert figure.layout.xaxis.range[1] >= now.replace(tzinfo=None)


def test_windows_on_few_rows_are_points_apart_from_the_line() -> None:
    frame = daily([0.7, 1.0, 0.7]).with_columns(n=pl.Series([100, 2, 100]))
    figure = charts.over_time({"": frame}, zone="UTC", fewest=30)
    few, line = figure.data[0], figure.data[1]
    assert few.name == "fewer than 30 rows" and list(few.y) == [1.0]
    assert np.isnan(line.y[1]) and line.y[0] == 0.7


def test_a_year_of_days_gets_its_running_middle() -> None:
    noisy = daily([float(i % 2) for i in range(365)])
    names = [trace.name for trace in charts.over_time({"": noisy}, zone="UTC").data]
    assert "middle of 7 windows" in names
    assert "middle of 7 windows" not in [
        trace.name for trace in charts.over_time({"": noisy.head(60)}, zone="UTC").data
    ]


def test_large_numbers_are_written_without_an_exponent() -> None:
    frame = daily([2000.0], lower=1950.0, upper=23_456.0)
    figure = charts.over_time({"": frame}, zone="UTC", reading=charts.Reading(unit="ms"))
    trace = next(t for t in figure.data if t.mode == "lines+markers")
    assert trace.text[0] == "<br>95 % between 1,950 and 23,500"
    assert figure.layout.yaxis.tickformat == ",.3~r"


def test_noisy_lines_are_named_by_their_running_middle() -> None:
    noisy = daily([float(i % 2) for i in range(365)])
    figure = charts.over_time({"actual": noisy, "predicted": noisy}, zone="UTC")
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == ["actual, middle of 7 windows", "predicted, middle of 7 windows"]


def test_a_figure_is_drawn_once_for_what_it_shows() -> None:
    first, again, other = (
        _model_parts.drawn(charts.over_time, {"": daily(values)}, zone="UTC")
        for values in ([1.0, 2.0], [1.0, 2.0], [1.0, 3.0])
    )
    assert first is again
    assert first.to_dict() is again.to_dict(), "nor is it made ready for the browser again"
    assert list(line(other)) == [1.0, 3.0]
    assert _model_parts.drawn(charts.over_time, {"": daily([1.0, 2.0])}, zone="Asia/Tokyo") is not first


@pytest.mark.parametrize("chart", ["lines", "bars", "heat"])
def test_what_people_explained_is_a_band_with_its_words_on_every_chart_over_time(chart: str) -> None:
    def explained(first: int, last: int, text: str, mute: bool = False) -> Annotation:
        start, end = (START + timedelta(days=day) for day in (first, last))
        return Annotation(1, None, start, end, text, mute, False, START, "ada@example.com")

    frame = daily([1.0, 2.0, 3.0, 4.0], column="temp")
    said = [explained(-5, 1, "Holidays"), explained(2, 3, "a < b", mute=True), explained(4, 9, "later")]
    options = {"zone": "America/New_York", "annotated": said}
    if chart == "lines":
        figure = charts.over_time({"": frame}, **options)
    else:
        figure = getattr(charts, f"{chart}_over_time")(frame, **options)
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    days = [datetime(2013, 1, day) for day in (1, 2, 3, 4)]
    assert [(band.x0, band.x1) for band in bands] == [(days[0], days[1]), (days[2], days[3])]
    assert bands[0].opacity < bands[1].opacity, "a mute is darker"
    assert [mark.hovertext for mark in figure.layout.annotations] == [
        "<b>Holidays</b><br>27 Dec 2012 to 1 Jan 2013 · by ada@example.com",
        "<b>a &lt; b</b><br>3 Jan 2013 · muted · by ada@example.com",
    ]


def test_annotations_are_bars_of_their_own_in_the_history() -> None:
    row = {"at": START, "until": START + timedelta(days=2), "kind": "annotation", "lane": "annotation"}
    events = pl.DataFrame(
        [row | {"severity": None, "what": "Holidays"}], schema_overrides={"severity": pl.String}
    )
    figure = charts.timeline(events, zone="UTC", until=START + timedelta(days=9))
    (bars,) = [trace for trace in figure.data if trace.type == "bar"]
    assert (bars.name, list(bars.y), bars.x[0]) == ("annotation", ["annotation"], 2 * 86_400_000)


@pytest.mark.parametrize("days", [10, 200])
def test_estimates_are_dashed_beside_what_labels_showed(days: int) -> None:
    lines = {"from labels": daily([0.7] * days), "estimated": daily([0.72] * days)}
    figure = charts.over_time(lines, zone="UTC", dashed=("estimated",))
    dashes = {trace.name: trace.line.dash for trace in figure.data if trace.line.dash is not None}
    assert {name: dash for name, dash in dashes.items() if "estimated" in (name or "")}
    assert all((dash == "dash") == ("estimated" in name) for name, dash in dashes.items())


def test_the_error_of_estimates_is_told_from_complete_windows_after_the_reference() -> None:
    realised = daily([0.70, 0.60, 0.64, None, 0.1], n=100).with_columns(
        phase=pl.Series(["closed"] * 4 + ["immature"])
    )
    estimated = daily([0.70, 0.62, 0.60, 0.7, 0.7])
    error = views.estimate_error(realised, estimated, after=START + timedelta(days=1), fewest=30)
    assert error is not None and (round(error.mean, 6), error.windows) == (0.03, 2)
    assert views.estimate_error(realised, estimated, after=None, fewest=101) is None


def test_every_chart_over_time_of_every_page_is_given_what_people_explained() -> None:
    calls = [
        (path.name, node)
        for path in sorted((ROOT / "pages").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    drawing = [
        (name, call)
        for name, call in calls
        for part in (call.func, *call.args[:1])
        if isinstance(part, ast.Attribute) and part.attr.endswith("over_time")
    ]
    assert drawing
    assert [n for n, call in drawing if "annotated" not in {word.arg for word in call.keywords}] == []
