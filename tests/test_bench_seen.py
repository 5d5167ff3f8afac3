"""What the bench makes of a page's notes: lateness on one clock, freezes, spikes known again, the pinned peer."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import kiosk_sweep, uplot
from bench.kiosk_pixel import EVERY, FIRST, WIDE, Spiked, lateness
from bench.video_link import _of
from bench.video_seen import FREEZE_MS, WRAP, Clocks, told
from cabin_agent.frames import decode_frame, encode_wave
from drivers import cyton_packets
from drivers.events import Wave

CLOCKS = Clocks(page=1000.0, wall=1_795_000_000.0)
"""The page's zero is at monotonic 1000 s; the system's clock is far ahead of both."""


def raw(**notes: Any) -> dict[str, Any]:
    return {"pictures": [], "waves": [], "clocks": [], "rates": {}, **notes}


def stamp(monotonic_ms: float) -> int:
    return round(monotonic_ms + 1000 * CLOCKS.wall) % WRAP


# --- pictures


def test_lateness_is_from_the_stamp_to_the_callback_and_to_the_glass() -> None:
    # Captured at monotonic 1000.400 s; the page's callback is at its 450 ms, the display expected at its 466 ms.
    (picture,) = told(raw(pictures=[[450.0, 466.0, stamp(1_000_400), 1280, 1]]), CLOCKS).pictures
    assert picture.at == 1_000_450
    assert picture.late == pytest.approx(50, abs=1)
    assert picture.late_on_glass == pytest.approx(66, abs=1)


def test_a_display_that_is_expected_in_the_past_is_now() -> None:
    (picture,) = told(raw(pictures=[[450.0, 440.0, stamp(1_000_400), 1280, 1]]), CLOCKS).pictures
    assert picture.late_on_glass == picture.late


@given(st.floats(-50, 10_000), st.integers(0, WRAP * 3))
def test_lateness_survives_the_wrap_of_the_stamp(late: float, epoch_ms: int) -> None:
    clocks = Clocks(page=0.0, wall=epoch_ms / 1000)
    written = round(5000 - late + epoch_ms) % WRAP
    (found,) = told(raw(pictures=[[5000.0, 5000.0, written, 640, 1]]), clocks).late
    assert found == pytest.approx(late, abs=1.0)


def test_a_damaged_bar_code_is_a_picture_without_lateness() -> None:
    seen = told(raw(pictures=[[0.0, 0.0, None, 640, 1], [33.0, 33.0, stamp(1_000_000), 640, 2]]), CLOCKS)
    assert len(seen.pictures) == 2
    assert len(seen.late) == 1


@given(st.lists(st.floats(1, 2000), min_size=1, max_size=60))
def test_freezes_are_the_gaps_that_a_person_sees(gaps: list[float]) -> None:
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    seen = told(raw(pictures=[[at, at, None, 640, n] for n, at in enumerate(times)]), CLOCKS)
    assert seen.freezes == sum(b - a > FREEZE_MS for a, b in pairwise([at + 1e6 for at in times]))
    assert seen.fps == pytest.approx(1000 * len(gaps) / times[-1], rel=1e-3)


def test_nothing_seen_has_no_pictures_a_second() -> None:
    seen = told(raw(), CLOCKS)
    assert (seen.fps, seen.freezes, seen.late, seen.ecg) == (0.0, 0, [], ())
    assert _of(seen.late, 50) == math.inf, "no picture is not a punctual one"


# --- waves


def test_the_newest_sample_of_a_frame_is_what_counts() -> None:
    # Device second 3.0 is monotonic 1003.0 s; ten samples at 250 Hz: the newest is of 1003.036 s.
    notes = raw(waves=[[3050.0, 1, 3_000_000, 10]], clocks=[["ecg", 1_000_000_000]], rates={"ecg": 250})
    assert list(told(notes, CLOCKS).ecg) == pytest.approx([14.0])


def test_of_two_clocks_the_later_word_holds_and_other_streams_do_not_count() -> None:
    clocks = [["ecg", 5], ["pleth", 7], ["ecg", 1_000_000_000]]
    notes = raw(waves=[[3050.0, 1, 3_000_000, 1], [3050.0, 2, 3_000_000, 5]], clocks=clocks)
    assert list(told(notes, CLOCKS).ecg) == pytest.approx([50.0])


# --- spikes


def test_the_board_spikes_where_the_bench_looks_for_it() -> None:
    decoder, board = cyton_packets.Decoder(), Spiked()
    events = decoder.feed(b"".join(board.sample(n) for n in range(3 * EVERY)))
    rows = [row for event in events if isinstance(event, Wave) for row in event.samples]
    high = {n for n, row in enumerate(rows) if (row[0] or 0) > 0.5}
    expected = {FIRST + k * EVERY + w for k in range(3) for w in range(WIDE)}
    assert high == {n for n in expected if n < len(rows)}


def test_the_first_frame_of_each_spike_counts_and_what_was_there_before_does_not() -> None:
    written = [10.0, 10.5, 11.0, 11.5]
    lit = [10.08, 10.61, 10.63, 11.07]
    assert lateness(written, lit) == pytest.approx([110.0, 70.0]), "the first spike was drawn before the watch"


@given(st.lists(st.floats(0.01, 0.49), min_size=2, max_size=50))
def test_every_spike_is_found_again(late: list[float]) -> None:
    written = [100 + 0.5 * n for n in range(len(late))]
    lit = [at + each for at, each in zip(written, late, strict=True)]
    assert lateness(written, lit) == pytest.approx([1000 * each for each in late[1:]])


# --- peers


def test_only_the_pinned_package_is_believed() -> None:
    assert not uplot.is_pinned(b"another package")
    assert len(uplot.SHA512) == 88


def test_the_frame_of_the_sweep_s_page_is_one_of_ours() -> None:
    rows = tuple(tuple(0.0 for _ in range(12)) for _ in range(20))
    frame = decode_frame(encode_wave(Wave("ecg", 0, 500.0, "mV", ("I",) * 12, rows), 0, 0, simulated=False)[0])
    assert (len(frame.values), len(frame.values[0])) == (12, 20)
    assert "const [RATE, COUNT, SHOWN_S, HEADER] = [500, 20, 8, 24];" in kiosk_sweep.SCRIPT
