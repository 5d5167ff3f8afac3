"""The pure parts of the bench: percentiles, numbers, tables, the page's verdict."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.__main__ import PAGE, TITLES, groups, main
from bench.figures import Chapter, Figure, figures_table, markdown, median, number, percentile, spread
from bench.page import chapter_text, part, part_of, verdict, with_part

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


@pytest.mark.parametrize(("value", "met"), [(99.8, True), (99.79, False), (math.nan, False)])
def test_a_limit_may_be_the_least_good_value(value: float, met: bool) -> None:
    assert Figure("F1", value, "%", 99.8, at_least=True).met is met


def test_decimals_are_written_as_asked_and_a_least_value_with_its_sign() -> None:
    text = figures_table(
        [Figure("F1", 99.8345, "%", 99.8, at_least=True, decimals=2), Figure("MAE", math.nan, "bpm", 1.5)]
    )
    _, _, f1, mae = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert f1[1:4] == ["99.83 %", "≥ 99.8 %", "yes"]
    assert mae[1:4] == ["none", "1.5 bpm", "NO"]
    assert Figure("F1 lost", -0.001, "points", decimals=2).written == "0.00 points"


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


def test_a_part_describes_the_machine_but_not_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "a-host-with-a-name")
    text = part("The cabin", [Chapter("Start", "How.", (Figure("start", 1.0, "s", 1.5),), "More.")], "0.25")
    assert text.startswith("# The cabin\n")
    assert "cores of" in text and "Python 3." in text and "All 1 limits are kept." in text
    assert "0.25 in the minute before" in text
    assert "a-host-with-a-name" not in text
    assert text.endswith("More.")


GROUPS = ("cabin", "signal", "kiosk", "video", "instruments", "delivery")


def test_a_group_is_written_without_touching_the_others() -> None:
    page = with_part("", "video", "# The call\n\nslow", GROUPS)
    page = with_part(page, "cabin", "# The cabin", GROUPS)
    before = page
    page = with_part(page, "video", "# The call\n\nfast", GROUPS)
    assert part_of(page, "cabin") == "# The cabin"
    assert part_of(page, "video") == "# The call\n\nfast"
    assert part_of(page, "kiosk") is None
    assert page == before.replace("slow", "fast"), "the order is the groups', not that of measuring"
    assert page.index("# The cabin") < page.index("# The call")


@given(st.permutations(GROUPS))
def test_the_page_is_the_same_in_whatever_order_it_was_measured(order: list[str]) -> None:
    pages = ["", ""]
    for group in order:
        pages[0] = with_part(pages[0], group, f"# {group}", GROUPS)
    for group in GROUPS:
        pages[1] = with_part(pages[1], group, f"# {group}", GROUPS)
    assert pages[0] == pages[1]


def test_a_part_that_was_cut_is_not_believed() -> None:
    page = with_part("", "kiosk", "# The kiosk", GROUPS)
    assert part_of(page[: page.index("<!-- end")], "kiosk") is None


def test_the_committed_page_has_every_group() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(part_of(page, group) for group in GROUPS)


def test_every_chapter_is_in_one_group_and_a_name_is_said_once() -> None:
    names = [name for group in groups(hour=False).values() for name in group]
    assert len(names) == len(set(names))
    assert set(groups(hour=True)) == set(TITLES) == set(GROUPS)


def test_an_unknown_chapter_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["start", "nowhere"])
    assert "there is no chapter nowhere" in capsys.readouterr().err
