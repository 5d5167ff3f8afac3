"""What survives a restart: dataclasses to JSON and back, and a clear refusal of anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.results import (
    Consent,
    Device,
    Evidence,
    Grade,
    Measure,
    MeasureName,
    NotMeasured,
    Quantity,
    Strip,
    Subject,
    Threshold,
    WhyNot,
)
from cabin_agent.stored import Unreadable, from_json, to_json
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Visit
from cabin_agent.visit_table import Event, State, allowed
from tests.visit_steps import WAY, walk
from tests.visits import ECG, evidence, outcomes, strip

words = st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(0, 2**53)
devices = st.builds(Device, words, words, words, st.none() | words, st.none() | words, st.booleans())
proofs = st.builds(
    Evidence,
    quality=st.sampled_from(get_args(Grade)),
    reasons=st.lists(words, max_size=3).map(tuple),
    device=st.none() | devices,
    started_ms=moments,
    ended_ms=moments,
    rest_s=st.none() | numbers,
    readings=st.integers(0, 9),
    spread=st.none() | numbers,
    site=st.none() | words,
    mode=st.none() | words,
    recording=st.none() | words,
    notes=st.lists(words, max_size=2).map(tuple),
)
strips = st.builds(
    Strip,
    st.floats(1, 1000),
    st.lists(words, max_size=3).map(tuple),
    st.lists(st.lists(st.none() | numbers, max_size=4).map(tuple), max_size=3).map(tuple),
)
thresholds = st.builds(
    Threshold,
    st.sampled_from(("left", "right")),
    st.integers(125, 8000),
    st.none() | numbers,
    st.none() | st.sampled_from(("not-tested", "no-response")),
)
names = st.sampled_from(get_args(MeasureName))
measures = st.builds(
    Measure,
    names,
    st.dictionaries(words, st.builds(Quantity, numbers, words), max_size=4),
    proofs,
    strip=st.none() | strips,
    thresholds=st.lists(thresholds, max_size=3).map(tuple),
    derived_from=st.lists(st.integers(0, 20), max_size=2).map(tuple),
)
missing = st.builds(NotMeasured, names, st.sampled_from(get_args(WhyNot)), words)
visits = st.builds(
    Visit,
    state=st.sampled_from(State),
    visit_id=words,
    mid=words,
    recording_mid=words,
    language=st.sampled_from((None, "fr", "en")),
    wrong_codes=st.integers(0, 9),
    kind=st.sampled_from(("checkup", "consultation")),
    subject=st.none() | st.builds(Subject, words, words),
    measures=st.lists(words, max_size=3).map(tuple),
    consents=st.lists(
        st.builds(Consent, st.sampled_from(("information", "measures", "remote-act")), st.booleans(), moments, words),
        max_size=3,
    ).map(tuple),
    exclusions=st.dictionaries(st.sampled_from(EXCLUSIONS), st.booleans()),
    results_shown=st.booleans(),
    ticket=st.sampled_from(("none", "plain", "values")),
    satisfaction=st.dictionaries(st.sampled_from(SATISFACTION), st.integers(1, 5)),
    ended_by=st.sampled_from((None, "completed", "refused", "left", "stopped")),
    nurse_called=st.booleans(),
    started_ms=moments,
    ended_ms=moments,
    boot_id=words,
    started_s=numbers,
    seated_s=st.none() | numbers,
    reading_ends_s=st.lists(numbers, max_size=3).map(tuple),
    ticked=st.lists(words, max_size=3).map(tuple),
)


@given(visits)
def test_any_visit_comes_back_as_it_was(visit: Visit) -> None:
    back = from_json(Visit, to_json(visit))
    assert back == visit
    assert isinstance(back.state, State)
    assert isinstance(back.reading_ends_s, tuple)


@settings(max_examples=60)
@given(measures)
def test_any_measure_comes_back_as_it_was(measure: Measure) -> None:
    assert from_json(Measure, to_json(measure)) == measure


@given(missing)
def test_any_missing_measure_comes_back_as_it_was(outcome: NotMeasured) -> None:
    assert from_json(NotMeasured, to_json(outcome)) == outcome


@pytest.mark.parametrize("outcome", outcomes(), ids=lambda each: each.name)
def test_every_measure_of_a_check_up_comes_back(outcome: Measure) -> None:
    assert from_json(Measure, to_json(outcome)) == outcome


@pytest.mark.parametrize("state", State)
def test_a_visit_goes_on_from_the_stored_one_as_from_the_living_one(state: State) -> None:
    living = walk(WAY[state])
    stored = from_json(Visit, to_json(_without_outcomes(living)))
    for event in allowed(stored.state):
        assert walk([event], stored) == walk([event], _without_outcomes(living))


def _without_outcomes(visit: Visit) -> Visit:
    """Outcomes are stored as parts of their own."""
    return Visit(**{name: getattr(visit, name) for name in Visit.__slots__ if name != "outcomes"})


def test_the_bytes_are_compact_utf_8() -> None:
    stored = to_json(NotMeasured("spo2", "failed", "é"))
    assert stored == '{"name":"spo2","why":"failed","detail":"é"}'.encode()


def test_a_whole_strip_of_half_a_minute_comes_back() -> None:
    ecg = Measure("ecg", {}, evidence(ECG), strip=strip(30.0))
    back = from_json(Measure, to_json(ecg))
    assert back.strip == ecg.strip


def test_what_another_version_left_out_takes_its_default() -> None:
    fields: dict[str, Any] = json.loads(to_json(walk([Event.BEGIN])))
    del fields["nurse_called"], fields["ticked"]
    assert from_json(Visit, json.dumps(fields).encode()) == walk([Event.BEGIN])


BAD = [
    b"", b"{", b"\xff\xfe", b"[]", b"null", b"7", b'"ready"', b'{"state":"elsewhere"}', b'{"state":3}',
    b'{"horoscope":1}', b'{"language":"de"}', b'{"subject":{"system":"x"}}', b'{"subject":[]}', b'{"consents":[3]}',
    b'{"exclusions":[]}', b'{"nurse_called":"yes"}', b'{"wrong_codes":null}', b'{"reading_ends_s":5}',
]  # fmt: skip


@pytest.mark.parametrize("stored", BAD)
def test_what_does_not_fit_is_unreadable_and_not_repeated(stored: bytes) -> None:
    with pytest.raises(Unreadable, match="The stored Visit does not fit this version") as refused:
        from_json(Visit, stored)
    assert "horoscope" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(Visit.__slots__), json_values, max_size=4) | json_values,
    st.sampled_from((Visit, Measure, NotMeasured, Device)),
)
def test_any_json_is_read_or_is_unreadable(value: Any, kind: type[Any]) -> None:
    try:
        assert isinstance(from_json(kind, json.dumps(value).encode()), kind)
    except Unreadable as refused:
        assert kind.__name__ in str(refused)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_are_unreadable(stored: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(from_json(Visit, stored), Visit)
