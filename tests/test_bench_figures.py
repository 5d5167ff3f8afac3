"""The pure parts of the bench: percentiles, numbers, tables, the page's verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Chapter, Figure, figures_table, markdown, median, number, percentile, spread
from bench.page import chapter_text, page, verdict

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (95, 50), (100, 50)]
)
def test_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([35, 20, 15, 50, 40], percent) == expected


def test_percentile_95_of_a_hundred_leaves_five_above() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 95) == 95
    assert percentile(values[:20], 95) == 19


@given(VALUES, st.floats(0, 100))
def test_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


@given(VALUES)
def test_median_lies_between_least_and_most(values: list[float]) -> None:
    assert min(values) <= median(values) <= max(values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (0.0558, "0.0558"),
        (1.128, "1.13"),
        (9.9, "9.90"),
        (63.47, "63.5"),
        (595, "595"),
        (1234.5, "1234"),
    ],
)
def test_a_number_has_three_digits_that_count(value: float, expected: str) -> None:
    assert number(value) == expected


def test_spread_says_how_often_and_how_far() -> None:
    assert spread([0.7, 0.61, 0.89], "s") == "3 times, 0.610 to 0.890 s"


@pytest.mark.parametrize(("value", "met"), [(1.5, True), (1.51, False)])
def test_a_limit_is_the_largest_good_value(value: float, met: bool) -> None:
    assert Figure("start", value, "s", 1.5).met is met


def test_a_figure_without_a_limit_is_neither_good_nor_bad() -> None:
    assert Figure("seal", 1.0, "ms").met is None


def test_markdown_aligns_its_columns() -> None:
    text = markdown(("a", "long head"), [("first", "1"), ("b", "2")])
    assert text.splitlines() == [
        "| a     | long head |",
        "| ----- | --------- |",
        "| first | 1         |",
        "| b     | 2         |",
    ]


def test_the_table_of_figures_shows_what_missed_its_limit() -> None:
    text = figures_table([Figure("start", 2.0, "s", 1.5, "peer 1 s"), Figure("seal", 1.0, "ms")])
    _, _, start, seal = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert start == ["start", "2.00 s", "1.5 s", "NO", "peer 1 s", ""]
    assert seal == ["seal", "1.00 ms", "", "", "", ""]


def test_the_verdict_names_every_miss() -> None:
    good, bad = Figure("start", 1.0, "s", 1.5), Figure("memory", 130.0, "MB", 120.0)
    assert verdict([good]) == "All 1 limits are kept."
    assert verdict([good, bad]) == "1 of 2 limits are missed: memory."


def test_a_chapter_without_more_ends_with_its_table() -> None:
    text = chapter_text(Chapter("Start", "How.", (Figure("start", 1.0, "s", 1.5),)))
    assert text.startswith("## Start\n\nHow.\n\n| figure")
    assert text.endswith("|")


def test_the_page_describes_the_machine_but_not_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "a-host-with-a-name")
    text = page([Chapter("Start", "How.", (Figure("start", 1.0, "s", 1.5),), "More.")], "0.25")
    assert "cores of" in text and "Python 3." in text and "All 1 limits are kept." in text
    assert "0.25 in the minute before" in text
    assert "a-host-with-a-name" not in text
    assert text.endswith("More.\n")
