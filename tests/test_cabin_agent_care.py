"""The care of one instrument: who it is, how long it was there, whether it may still measure, and what it repeats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cabin_agent.care import Care
from cabin_agent.config import InstrumentSettings
from cabin_agent.inventory import Inventory
from drivers.events import DeviceClock, Identity, Reading, SelfTest, Trouble, Wave
from drivers.link import LinkState

DAY = 86_400_000
NOW_MS = int(datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp() * 1000)


def settings(**change: Any) -> InstrumentSettings:
    given: dict[str, Any] = {
        "name": "scale", "driver": "scale", "protocol": "healthometer", "url": "/dev/null", "model": "scale",
        "serial": "", "calibrated": None, "calibration_days": 366, "past_due": "flag", "site": None, "gain": None,
        "usb_serial": "", "usb_port": "",
    }  # fmt: skip
    return InstrumentSettings(**{**given, **change})


class Bench:
    """One instrument's care, at a time that a test sets."""

    def __init__(self, inventory: Inventory | None = None, *, comparable: bool = True, **change: Any) -> None:
        self.inventory = inventory or Inventory(None)
        self.now_ms = NOW_MS
        self.care = Care(settings(**change), self.inventory, lambda: self.now_ms, comparable=comparable)

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms / 1000, UTC).astimezone().replace(tzinfo=None)

    def says(self, taken: datetime) -> str | None:
        return self.care.heard(Reading("weight", 70.0, "kg", taken=taken))


@pytest.mark.parametrize(
    ("last", "due"),
    [(None, False), (date(2026, 1, 1), False), (date(2025, 11, 26), False), (date(2025, 11, 25), True)],
)
def test_a_calibration_is_due_after_a_year(last: date | None, due: bool) -> None:
    assert Bench(calibrated=last).care.past_due() is due


def test_how_long_a_calibration_is_good_is_configured() -> None:
    care = Bench(calibrated=date(2026, 11, 1), calibration_days=20).care
    assert care.due == date(2026, 11, 21)
    assert care.past_due()


@pytest.mark.parametrize(
    ("strict", "late", "refused"), [("flag", 1, False), ("refuse", 1, True), ("refuse", 0, False)]
)
def test_a_strict_cabin_lets_it_measure_no_more(strict: str, late: int, refused: bool) -> None:
    care = Bench(calibrated=date(2026, 11, 26 - late), calibration_days=1, past_due=strict).care
    assert care.refused_past_due is refused


def test_an_opening_is_counted_for_whoever_says_who_it_is() -> None:
    bench = Bench()
    for serial in ("1", "1", "2"):
        bench.care.changed(LinkState.OPENING)
        bench.care.heard(Identity("600KL", "3.2", serial))
        bench.care.heard(Identity("600KL", "3.2", serial))
        bench.care.changed(LinkState.READY)
        bench.care.changed(LinkState.ABSENT)
    assert [(each.model, each.serial, each.openings) for each in bench.inventory.all()] == [
        ("600KL", "1", 2),
        ("600KL", "2", 1),
    ]


def test_one_that_never_says_who_it_is_is_known_by_its_settings() -> None:
    bench = Bench(model="Health o meter 600KL")
    bench.care.changed(LinkState.OPENING)
    bench.care.changed(LinkState.ABSENT)
    bench.care.changed(LinkState.OPENING)
    bench.care.tally()
    (known,) = bench.inventory.all()
    assert (known.key, known.openings) == ("scale/Health o meter 600KL", 2)
    assert known.open_s >= 0


def test_the_model_of_the_plate_stands_before_what_it_says_of_itself() -> None:
    bench = Bench(model="600KL by the plate", serial="77")
    bench.care.heard(Identity("HOM", "3.2"))
    assert (bench.care.known.model, bench.care.known.serial, bench.care.known.firmware) == (
        "600KL by the plate", "77", "3.2",
    )  # fmt: skip


def test_a_new_firmware_is_noticed() -> None:
    bench = Bench()
    for firmware in ("1", "2"):
        bench.care.heard(Identity("m", firmware, "9"))
    assert bench.inventory.of("scale", "m", "9").firmware == "2"


def test_its_self_test_and_its_measures_are_counted() -> None:
    bench = Bench()
    bench.care.heard(SelfTest(passed=False))
    bench.care.ended(measured=True)
    bench.care.ended(measured=False)
    bench.care.ended(measured=False)
    known = bench.care.known
    assert (known.self_test, known.self_test_ms, known.measured, known.failed) == ("failed", NOW_MS, 1, 2)


def test_the_offset_of_its_clock_is_measured_and_taken_off() -> None:
    bench = Bench()
    bench.care.heard(DeviceClock(bench.local() - timedelta(hours=2)))
    assert bench.care.clock_offset_s == -7200
    assert bench.care.known.clock_offset_s == -7200
    bench.care.visit(NOW_MS - 60_000)
    assert bench.says(bench.local() - timedelta(hours=2)) is None
    assert bench.says(bench.local() - timedelta(hours=3)) == "before-the-visit"
    assert bench.says(bench.local() - timedelta(hours=2)) == "repeated"
    assert bench.care.refused == 2


def test_whoever_is_plugged_in_again_has_its_clock_measured_again() -> None:
    bench = Bench()
    bench.care.changed(LinkState.OPENING)
    bench.care.heard(DeviceClock(bench.local()))
    bench.care.changed(LinkState.ABSENT)
    assert bench.care.clock_offset_s is None
    assert bench.care.known.clock_offset_s == 0, "what was measured once is kept in the inventory"


def test_in_a_cabin_that_runs_faster_no_time_is_compared() -> None:
    bench = Bench(comparable=False)
    bench.care.heard(DeviceClock(bench.local()))
    bench.care.visit(NOW_MS)
    assert bench.says(bench.local() - timedelta(days=3)) is None


def test_what_its_driver_says_is_unconfirmed_is_kept_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    for _ in range(2):
        assert bench.care.heard(Trouble("unconfirmed", "when it sends")) is None
    assert bench.care.unconfirmed == "when it sends"
    assert [record.getMessage() for record in caplog.records] == [
        "The driver healthometer is not confirmed in when it sends."
    ]


def test_waves_are_none_of_its_business() -> None:
    bench = Bench()
    assert bench.care.heard(Wave("ecg", 0, 250.0, "mV", ("I",), ((0.1,),))) is None
    assert bench.inventory.all() == ()


def test_a_reading_of_the_last_visit_is_refused_in_the_next_though_the_clock_is_not_known() -> None:
    bench = Bench()
    bench.care.visit(NOW_MS - 600_000)
    taken = bench.local() - timedelta(hours=7)
    assert bench.says(taken) is None
    bench.care.visit(None)
    bench.care.visit(NOW_MS)
    assert bench.says(taken) == "repeated"


def test_a_reading_of_a_visit_that_ended_a_moment_ago_is_none_of_the_next() -> None:
    bench = Bench()
    bench.care.heard(DeviceClock(bench.local()))
    bench.care.visit(NOW_MS - 600_000)
    never_fetched = bench.local() - timedelta(seconds=10)
    bench.care.visit(None)
    bench.now_ms += 15_000
    bench.care.visit(bench.now_ms)
    assert bench.says(never_fetched) == "before-the-visit"


@pytest.fixture
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cabin in France, whatever the machine is set to."""
    with monkeypatch.context() as set_:
        set_.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("paris")
@pytest.mark.parametrize("change", [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)])
def test_an_instrument_that_stays_plugged_in_is_believed_after_the_night_of_a_time_change(
    change: datetime,
) -> None:
    bench = Bench()
    bench.now_ms = round(change.timestamp() * 1000) - 6 * 3_600_000
    shown = bench.local()
    bench.care.heard(DeviceClock(shown))
    assert bench.care.clock_offset_s == 0
    bench.now_ms += 12 * 3_600_000
    bench.care.visit(bench.now_ms - 60_000)
    assert bench.says(shown + timedelta(hours=12)) is None
    assert bench.says(shown + timedelta(hours=11)) == "before-the-visit"
    assert abs(bench.care.clock_offset_s or 0) == 3600, "its clock is an hour off by now"
