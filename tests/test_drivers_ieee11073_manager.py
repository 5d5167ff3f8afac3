"""The manager without a stream: its table, what it answers, its deadlines, and what it tells as new."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import DeviceClock, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.ieee11073 import apdu
from drivers.ieee11073.freshness import RUSH_S
from drivers.ieee11073.manager import SYSTEM_ID, Manager
from drivers.ieee11073.session import MOST_HELD, Moment, Outcome
from drivers.ieee11073.states import TABLE, Act, Input, State, as_text
from tests.phd_messages import association, configuration, description, event, fixed, presentation

NOW = datetime.fromisoformat("2026-11-21T22:31:00")
CLOCK = (2439, "20261121 22310000")
SETTABLE = (2629, "c010 0000 00000000 0064 0000 00000000")
SCALE = (2650, "0001 0004 100f 0001")
ABORTED = apdu.encode_abort(0)


def stamp(ago: float = 0.0) -> str:
    return f"{NOW - timedelta(seconds=ago):%Y%m%d%H%M%S}00"


def weight(invoke: int, *ago: float) -> bytes:
    return event(invoke, 0x0D1D, fixed(*((1, "fe001c43" + stamp(each)) for each in ago)))


class Host:
    """A manager, and the time that it is told."""

    def __init__(self, kind: str = "scale", wall: datetime | None = None) -> None:
        self.manager = Manager(kind)
        self.s, self.wall = 100.0, wall
        self.manager.connect(self.moment)

    @property
    def moment(self) -> Moment:
        return Moment(self.s, self.wall)

    def hear(self, *messages: bytes, after: float = 0.0) -> Outcome:
        self.s += after
        return self.manager.receive(b"".join(messages), self.moment)

    def operating(self, number: int = 0x05DC, *attributes: tuple[int, str]) -> Outcome:
        """Associated, and the agent has described itself."""
        self.hear(association(number))
        return self.hear(description(1, attributes or (CLOCK, SCALE)))

    def readings(self, outcome: Outcome) -> list[tuple[bool, object]]:
        return [("from-memory" in each.flags, each.value) for each in outcome.events if isinstance(each, Reading)]


# --- the table ----------------------------------------------------------------------------------------------------


def test_every_state_has_a_move_for_everything_that_can_happen() -> None:
    assert set(TABLE) == {(state, happened) for state in State for happened in Input}


def test_every_state_is_reached_and_left() -> None:
    assert {after for (state, _), (after, _) in TABLE.items() if after is not state} == set(State)


def test_an_unexpected_request_is_answered_by_an_abort_wherever_there_is_an_association() -> None:
    requests = (Input.REQUEST_KNOWN, Input.REQUEST_UNKNOWN, Input.REQUEST_REFUSED)
    for state in (State.WAITING, State.CHECKING, State.OPERATING, State.DISASSOCIATING):
        assert {TABLE[state, each] for each in requests} == {(State.UNASSOCIATED, Act.ABORT)}


def test_the_table_can_be_read() -> None:
    assert "operating + release request -> unassociated: answer the release" in as_text()


@given(st.lists(st.sampled_from([
    association(0x05DC), association(0x4000), association(0x0190), weight(1, 0.0), description(1, (CLOCK, SCALE)),
    event(7, 0x0D1C, configuration(0x4000)), b"\xe4\x00\x00\x02\x00\x00", b"\xe5\x00\x00\x02\x00\x00",
    b"\xe6\x00\x00\x02\x00\x00", b"\xe3\x00" + apdu.encode_association_response(0, SYSTEM_ID)[2:],
    presentation(3, 0x0103, bytes(6)), presentation(1, 0x0300, bytes(4)), b"tick",
]), max_size=25))  # fmt: skip
def test_whatever_comes_the_manager_stays_in_its_table_and_answers_every_question_once(messages: list[bytes]) -> None:
    host = Host()
    for message in messages:
        if message == b"tick":
            host.s += 5.0
            outcome = host.manager.tick(host.moment)
        else:
            outcome = host.hear(message)
        assert host.manager.state in State
        assert all(isinstance(apdu.decode(reply), object) for reply in outcome.replies)
        assert host.manager.due is None or host.manager.due >= host.s - 5.0


# --- associations -------------------------------------------------------------------------------------------------


def test_a_known_configuration_is_accepted_and_the_agent_is_asked_who_it_is() -> None:
    host = Host()
    outcome = host.hear(association(0x05DC))
    assert outcome.replies == [apdu.encode_association_response(0, SYSTEM_ID), apdu.encode_get(1)]
    assert host.manager.state is State.OPERATING
    described = host.hear(description(1, (CLOCK, SCALE)))
    assert described.events == [Identity("IEEE 11073 instrument", None, "1122334455667788"), DeviceClock(NOW)]
    assert host.manager.due is None


def test_an_unknown_configuration_is_asked_for_and_known_the_next_time() -> None:
    host = Host()
    assert host.hear(association(0x4000)).replies == [apdu.encode_association_response(3, SYSTEM_ID)]
    report = configuration(0x4000, (1, {2351: "0002 e140", 2454: "06c3", 2645: "0002 0008 0a56 0004 0990 0008"}))
    outcome = host.hear(event(9, 0x0D1C, report))
    assert outcome.replies == [
        apdu.encode_event_response(9, 0, 0x0D1C, bytes.fromhex("4000 0000")), apdu.encode_get(1)
    ]  # fmt: skip
    assert host.manager.state is State.OPERATING
    host.hear(b"\xe4\x00\x00\x02\x00\x00")
    assert host.hear(association(0x4000)).replies[0] == apdu.encode_association_response(0, SYSTEM_ID)


def test_a_standard_configuration_that_nobody_knows_is_refused_and_the_next_one_taken() -> None:
    host = Host()
    host.hear(association(0x3FF0))
    refused = host.hear(event(1, 0x0D1C, configuration(0x3FF0)))
    assert refused.replies == [apdu.encode_event_response(1, 0, 0x0D1C, bytes.fromhex("3ff0 0002"))]
    assert host.manager.state is State.WAITING


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        (association(0x05DC, units=0x20000000), 1),
        (association(0x05DC, encodings=0x2000), 5),
        (association(0x05DC, protocol=0x5078), 4),
    ],
)
def test_what_no_manager_accepts_is_refused(request_: bytes, result: int) -> None:
    host = Host()
    outcome = host.hear(request_)
    assert outcome.replies == [apdu.encode_association_response(result, SYSTEM_ID)]
    assert [each.code for each in outcome.events if isinstance(each, Trouble)] == ["refused"]
    assert (host.manager.state, host.manager.mismatch) == (State.UNASSOCIATED, None)


def test_another_kind_of_instrument_is_refused_with_a_sentence() -> None:
    host = Host("thermometer")
    outcome = host.hear(association(0x05DC))
    assert outcome.replies == [apdu.encode_association_response(1, SYSTEM_ID)]
    assert "no thermometer but one of the kind scale" in (host.manager.mismatch or "")


def test_an_agent_that_calls_itself_another_kind_is_released_and_not_believed() -> None:
    host = Host()
    host.hear(association(0x05DC), weight(1, 0.0))
    outcome = host.hear(description(1, (CLOCK, (2650, "0001 0004 1007 0001"))))
    assert outcome.replies == [apdu.encode_release(response=False)]
    assert host.readings(outcome) == []
    assert "tensiometer" in (host.manager.mismatch or "")
    assert host.readings(host.hear(weight(2, 0.0))) == []


def test_a_release_is_answered_and_an_abort_is_told() -> None:
    host = Host()
    host.operating()
    assert host.hear(b"\xe4\x00\x00\x02\x00\x00").replies == [apdu.encode_release(response=True)]
    host.operating()
    (trouble,) = host.hear(b"\xe6\x00\x00\x02\x00\x03").events
    assert "configuration timeout" in getattr(trouble, "detail", "")
    assert host.manager.state is State.UNASSOCIATED


def test_a_request_out_of_turn_and_data_without_an_association_are_aborted() -> None:
    host = Host()
    assert host.hear(weight(1, 0.0)).replies == [ABORTED]
    host.operating()
    assert host.hear(association(0x05DC)).replies == [ABORTED]
    assert host.manager.state is State.UNASSOCIATED


def test_the_host_takes_its_leave() -> None:
    host = Host()
    host.operating()
    assert host.manager.end(host.moment).replies == [apdu.encode_release(response=False)]
    assert host.hear(b"\xe5\x00\x00\x02\x00\x00").replies == []
    assert host.manager.state is State.UNASSOCIATED


# --- deadlines ----------------------------------------------------------------------------------------------------


def test_a_configuration_has_ten_seconds() -> None:
    host = Host()
    host.hear(association(0x4000))
    assert host.manager.due == 110.0
    host.s = 109.9
    assert host.manager.tick(host.moment) == Outcome()
    host.s = 110.0
    outcome = host.manager.tick(host.moment)
    assert outcome.replies == [apdu.encode_abort(apdu.CONFIGURATION_TIMEOUT)]


def test_a_description_has_three_seconds_and_what_came_meanwhile_is_of_unknown_age() -> None:
    host = Host()
    host.hear(association(0x05DC))
    outcome = host.hear(weight(1, 0.0))
    assert (host.readings(outcome), len(outcome.replies)) == ([], 1)
    host.s = 103.0
    outcome = host.manager.tick(host.moment)
    assert outcome.replies == [apdu.encode_abort(apdu.RESPONSE_TIMEOUT)]
    assert host.readings(outcome) == [(True, 72.35)]
    assert host.manager.due is None


def test_a_release_has_ten_seconds() -> None:
    host = Host()
    host.operating()
    host.manager.end(host.moment)
    assert host.manager.due == 110.0


# --- events -------------------------------------------------------------------------------------------------------


def test_a_confirmed_event_is_answered_with_its_own_invoke_id_handle_and_type() -> None:
    host = Host()
    host.operating()
    outcome = host.hear(event(0x1234, 0x0D1D, fixed((1, "fe001c43" + stamp())), handle=7))
    assert outcome.replies == [bytes.fromhex("e700 0012 0010 1234 0201 000a 0007 00000000 0d1d 0000")]
    assert host.readings(outcome) == [(False, 72.35)]


def test_an_event_that_asks_for_no_answer_gets_none() -> None:
    host = Host()
    host.operating()
    outcome = host.hear(event(1, 0x0D1D, fixed((1, "fe001c43" + stamp())), choice=0x0100))
    assert (outcome.replies, len(outcome.events)) == ([], 1)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (presentation(5, 0x0103, bytes(6)), 0),
        (presentation(5, 0x0107, bytes(6)), 0),
        (event(5, 0x0D21, b"\0\0"), 0),
        (event(5, 0x0D1C, configuration(0x4000)), 0),
        (event(5, 0x0D1D, b"\xf0\0\0\0\0\1\0\0"), 2),
        (presentation(5, 0x0101, b"\0\0"), 2),
    ],
)
def test_everything_else_is_rejected(message: bytes, reason: int) -> None:
    host = Host()
    host.operating()
    outcome = host.hear(message)
    assert outcome.replies == [bytes.fromhex("e700 000a 0008 0005 0400 0002") + reason.to_bytes(2)]
    assert host.manager.state is State.OPERATING


def test_an_answer_to_nothing_is_dropped() -> None:
    host = Host()
    host.operating()
    outcome = host.hear(description(77, (CLOCK, SCALE)))
    assert [each.code for each in outcome.events if isinstance(each, Trouble)] == ["unexpected-reply"]


def test_a_repeated_event_is_answered_again_and_told_once() -> None:
    host = Host()
    host.operating()
    first, again = host.hear(weight(1, 0.0)), host.hear(weight(1, 0.0), after=3.0)
    assert first.replies == again.replies
    assert (len(first.events), again.events) == (1, [])


def test_reports_that_come_before_the_description_are_told_by_its_clock() -> None:
    host = Host()
    host.hear(association(0x05DC), weight(1, 3600.0, 5.0))
    outcome = host.hear(description(1, (CLOCK, SCALE)))
    assert host.readings(outcome) == [(True, 72.35), (False, 72.35)]


def test_a_flood_before_the_description_is_not_kept() -> None:
    host = Host()
    host.hear(association(0x05DC))
    told = 0
    for number in range(MOST_HELD):
        told += len(host.readings(host.hear(weight(number, float(number)))))
    assert told == MOST_HELD


def test_what_was_measured_before_it_was_asked_for_is_from_memory() -> None:
    host = Host()
    host.operating()
    host.s += 60.0
    host.manager.ask(host.moment)
    assert host.readings(host.hear(weight(1, 0.0))) == [(True, 72.35)]
    assert host.readings(host.hear(weight(2, -70.0), after=20.0)) == [(False, 72.35)]
    host.manager.ask(None)
    assert host.readings(host.hear(weight(3, -40.0))) == [(False, 72.35)]


def test_what_is_dated_ahead_of_the_agents_clock_is_not_new() -> None:
    host = Host()
    host.operating()
    assert host.readings(host.hear(weight(1, -600.0))) == [(True, 72.35)]


def test_without_a_clock_a_lone_reading_is_of_now_once_the_memory_is_told() -> None:
    host = Host()
    host.operating(0x05DC, SCALE)
    assert host.readings(host.hear(weight(1, 0.0), after=RUSH_S + 0.1)) == [(False, 72.35)]


def test_without_a_clock_what_comes_first_may_be_of_another_person() -> None:
    host = Host()
    host.operating(0x05DC, SCALE)
    for number in range(3):
        told = host.hear(weight(number, 3600.0 - number), after=RUSH_S - 0.1)
        assert host.readings(told) == [(True, 72.35)], "a memory is told date by date, at whatever pace"
    undated = event(9, 0x0D1D, fixed((1, "fe001c43" + "00" * 8)))
    seconds = [host.readings(host.hear(undated, after=1.0)) for _ in range(7)]
    assert seconds == [[(True, 72.35)]] * 5 + [[(False, 72.35)]] * 2, "what goes on without a date is of now"


def test_a_clock_at_the_end_of_time_breaks_nothing() -> None:
    host = Host()
    host.operating(0x05DC, (2439, "99991231" + "235959" + "00"), SCALE)
    assert host.readings(host.hear(weight(1, 0.0), after=3600.0)) == [(True, 72.35)]


def test_pressures_wait_two_seconds_for_their_pulse() -> None:
    host = Host("tensiometer")
    host.operating(0x02BC, CLOCK)
    assert host.hear(event(1, 0x0D1D, fixed((1, "0003 0006 0078 0050 0064" + stamp())))).events == []
    assert host.manager.due == host.s + 2.0
    host.s += 2.0
    (result,) = host.manager.tick(host.moment).events
    assert isinstance(result, PressureResult)
    assert (result.systolic, result.pulse_rate) == (120, NoValue("missing"))


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_clock_that_is_off_and_can_be_set_is_set_and_looked_at_again() -> None:
    wall = NOW + timedelta(minutes=5)
    host = Host(wall=wall)
    outcome = host.operating(0x05DC, CLOCK, SCALE, SETTABLE)
    assert outcome.replies == [
        bytes.fromhex("e700 001a 0018 0002 0107 0012 0000 0c17 000c 2026112122360000 00000000")
    ]  # fmt: skip
    held = host.hear(event(4, 0x0D1D, fixed((1, "fe001c43" + stamp(-300)))))
    assert host.readings(held) == []
    asked = host.hear(presentation(2, 0x0207, bytes.fromhex("0000 0c17 0000")))
    assert asked.replies == [apdu.encode_get(3)]
    outcome = host.hear(description(3, ((2439, "20261121 22360000"), SCALE, SETTABLE)))
    assert outcome.replies == []
    assert outcome.events[1] == DeviceClock(wall)
    assert host.readings(outcome) == [(False, 72.35)]


@pytest.mark.parametrize(
    ("wall", "attributes"),
    [
        (NOW + timedelta(seconds=30), (CLOCK, SCALE, SETTABLE)),
        (NOW + timedelta(minutes=5), (CLOCK, SCALE)),
        (None, (CLOCK, SCALE, SETTABLE)),
    ],
)
def test_another_clock_is_left_alone(wall: datetime | None, attributes: tuple[tuple[int, str], ...]) -> None:
    host = Host(wall=wall)
    assert host.operating(0x05DC, *attributes).replies == []


def test_a_clock_that_stays_unset_is_set_once_only() -> None:
    host = Host(wall=NOW)
    unset = ((2439, "00" * 8), SCALE, SETTABLE)
    assert len(host.operating(0x05DC, *unset).replies) == 1
    host.hear(presentation(2, 0x0207, bytes.fromhex("0000 0c17 0000")))
    outcome = host.hear(description(3, unset))
    assert (outcome.replies, outcome.events[1]) == ([], DeviceClock(None))


def test_a_refused_request_ends_nothing() -> None:
    host = Host()
    host.hear(association(0x05DC), weight(1, 0.0))
    outcome = host.hear(presentation(1, 0x0300, bytes.fromhex("0001 0000")))
    assert host.readings(outcome) == [(True, 72.35)], "nobody knows how old it is"
    assert host.manager.state is State.OPERATING
