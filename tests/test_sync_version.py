"""Which MQTT is tried: 5 first, 3.1.1 where that fails, and neither for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.version import Mqtt, Versions

HOUR = 3600.0


def test_a_broker_that_refuses_mqtt_5_is_asked_again_after_hours() -> None:
    versions = Versions()
    assert versions.to_try(0.0) is Mqtt.V5
    assert versions.failed(Mqtt.V5, plainly=True)
    assert versions.to_try(0.0) is Mqtt.V311
    versions.worked(Mqtt.V311, 1.0)
    assert versions.to_try(5 * HOUR) is Mqtt.V311
    assert versions.to_try(7 * HOUR) is Mqtt.V5


def test_an_unknown_broker_that_hangs_up_is_tried_in_both() -> None:
    versions = Versions()
    assert versions.failed(Mqtt.V5, plainly=False)
    assert versions.to_try(0.0) is Mqtt.V311
    assert not versions.failed(Mqtt.V311, plainly=False)
    assert versions.to_try(0.0) is Mqtt.V5


def test_a_broker_that_spoke_mqtt_5_may_fail_twice_before_it_is_doubted() -> None:
    versions = Versions()
    versions.worked(Mqtt.V5, 0.0)
    assert [versions.failed(Mqtt.V5, plainly=False) for _ in range(3)] == [False, False, True]
    assert versions.to_try(0.0) is Mqtt.V311
    versions.worked(Mqtt.V5, 0.0)
    assert versions.failed(Mqtt.V5, plainly=True)


def test_nothing_but_3_1_1_where_that_is_asked_for() -> None:
    versions = Versions(five=False)
    assert versions.to_try(0.0) is Mqtt.V311
    assert not versions.failed(Mqtt.V311, plainly=True)
    assert versions.to_try(9 * HOUR) is Mqtt.V311


@given(st.lists(st.tuples(st.sampled_from(["worked", "hung up", "refused"]), st.floats(0, 10 * HOUR))))
def test_two_attempts_at_once_and_no_more(steps: list[tuple[str, float]]) -> None:
    versions, now, again = Versions(), 0.0, False
    for step, later in steps:
        now += later
        tried = versions.to_try(now)
        if step == "worked":
            versions.worked(tried, now)
            again = False
        else:
            before, again = again, versions.failed(tried, plainly=step == "refused")
            assert not (before and again)
            assert not again or versions.to_try(now) is Mqtt.V311
