"""One verdict from all evidence: the table, and every kind of evidence that comes to it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal import evidence
from cabin_signal.agreement import pulses_of_beats
from cabin_signal.audiogram import EarReason, EarTest, Trial, audiogram
from cabin_signal.audiogram_grades import NoResponse
from cabin_signal.findings import Grade, QualitySpan
from cabin_signal.p_wave import PWave
from cabin_signal.rhythm import Pattern, RhythmSpan
from cabin_signal.spot import NoSpot, Spot, pair_spot, temperature_spot
from cabin_signal.temperature import RoomReason
from cabin_signal.verdict import (
    ALIASES,
    OUTCOME,
    RULES,
    VERDICTS,
    Action,
    Fact,
    MeasureName,
    Verdict,
    Weight,
    fuse,
    weight_of,
)

HARD, ONCE, DOUBT, NOTE = Fact("movement"), Fact("unusual"), Fact("disagree"), Fact("rhythm-irregular")


# --- the table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "again", "verdict", "action"),
    [
        ([], True, "accepted", None),
        ([], False, "accepted", None),
        ([NOTE], True, "accepted", None),
        ([NOTE], False, "accepted", None),
        ([DOUBT], True, "accepted-with-doubt", "measure-again"),
        ([DOUBT, NOTE], False, "accepted-with-doubt", "measure-again"),
        ([ONCE], True, "repeat", "measure-again"),
        ([ONCE], False, "accepted-with-doubt", "measure-again"),
        ([HARD], True, "repeat", "hold-still"),
        ([HARD], False, "refused", "hold-still"),
        ([DOUBT, ONCE, HARD, NOTE], False, "refused", "hold-still"),
        ([Fact("movement", hurts=True)], True, "accepted-with-doubt", "hold-still"),
        ([Fact("unusual", hurts=True)], True, "accepted-with-doubt", "measure-again"),
        ([Fact("rhythm-irregular", hurts=True)], True, "accepted", None),
        ([Fact("a word of tomorrow")], True, "accepted-with-doubt", "measure-again"),
    ],
)
def test_the_worst_fact_decides(facts: list[Fact], again: bool, verdict: Verdict, action: Action | None) -> None:
    for order in itertools.permutations(facts):
        fused = fuse("ecg", order, again=again)
        assert (fused.verdict, fused.action) == (verdict, action)


def test_the_most_curable_cause_comes_first_and_notes_last() -> None:
    facts = [Fact(word) for word in ("calibration-due", "rhythm-irregular", "movement", "new", "electrode-off")]
    words = [fact.word for fact in fuse("ecg", facts).facts]
    assert words == ["electrode-off", "movement", "calibration-due", "new", "rhythm-irregular"]
    assert [fact.word for fact in fuse("ecg", facts).causes] == words[:4]
    assert fuse("ecg", facts).action == "press-electrodes"


def test_a_word_that_is_said_twice_counts_once() -> None:
    assert len(fuse("ecg", [HARD, HARD]).facts) == 1


def test_light_drives_a_pleth_to_its_rail_and_a_loose_electrode_an_ecg() -> None:
    figures = {"percent": 12.0}
    (light,) = fuse("spo2", [Fact("saturation", figures, hurts=True)]).facts
    assert light == Fact("ambient-light", figures, hurts=True)
    assert fuse("pulse_rate", [Fact("saturation")]).action == "cover-sensor"
    assert fuse("ecg", [Fact("saturation")]).action == "press-electrodes"


def test_the_table_is_whole() -> None:
    assert get_args(Verdict) == VERDICTS
    assert set(OUTCOME) == set(get_args(Weight))
    assert {rule.action for rule in RULES.values()} == set(get_args(Action))
    assert set(ALIASES) <= set(get_args(MeasureName))
    assert all(word in RULES for words in ALIASES.values() for word in words.values())


def test_every_weight_is_no_lighter_when_nothing_more_can_be_done() -> None:
    for first, last in OUTCOME.values():
        assert last != "repeat" and VERDICTS.index(first) <= max(VERDICTS.index(last), VERDICTS.index("repeat"))


FACTS = st.lists(st.builds(Fact, st.sampled_from([*RULES, "new"]), st.just({}), st.booleans()), max_size=8)


@given(st.sampled_from(get_args(MeasureName)), FACTS, FACTS, st.booleans())
def test_one_more_fact_never_makes_a_verdict_better(
    measure: MeasureName, facts: list[Fact], more: list[Fact], again: bool
) -> None:
    more = [fact for fact in more if fact.word not in {each.word for each in facts}]
    before, after = fuse(measure, facts, again=again), fuse(measure, [*facts, *more], again=again)
    aliased = ALIASES.get(measure, {})
    if not any(word in {fact.word for fact in (*facts, *more)} for word in aliased):
        assert VERDICTS.index(after.verdict) >= VERDICTS.index(before.verdict)
    assert (after.verdict == "accepted") == (after.action is None)
    assert after.verdict != "repeat" or again


# --- quality ----------------------------------------------------------------------------------------------------


def spans(*parts: tuple[int, Grade, tuple[str, ...]]) -> list[QualitySpan]:
    out, at = list[QualitySpan](), 0
    for length, grade, reasons in parts:
        out.append(QualitySpan(at, at + length, grade, reasons))
        at += length
    return out


def test_a_good_recording_has_nothing_to_say() -> None:
    assert evidence.quality(spans((95, "good", ()), (5, "bad", ("movement",))), bad_part=0.1, poor_part=0.1) == (
        "good",
        (),
    )
    assert evidence.quality([], bad_part=0.1, poor_part=0.1) == ("good", ())


def test_reasons_come_with_their_share_of_the_time() -> None:
    seen = spans((60, "good", ()), (30, "usable", ("mains", "movement")), (10, "usable", ("movement",)))
    grade, facts = evidence.quality(seen, bad_part=0.1, poor_part=0.1)
    assert grade == "usable"
    assert facts == (Fact("movement", {"percent": 40.0}, hurts=True), Fact("mains", {"percent": 30.0}, hurts=True))


def test_what_spoiled_weighs_and_what_only_hurt_does_not() -> None:
    seen = spans((40, "good", ()), (20, "bad", ("electrode-off",)), (40, "usable", ("mains",)))
    grade, facts = evidence.quality(seen, bad_part=0.1, poor_part=0.1)
    assert grade == "bad"
    weights = {fact.word: weight_of(fact) for fact in facts}
    assert weights == {"electrode-off": "hard", "mains": "doubt"}


@pytest.mark.parametrize(
    ("bad", "poor", "grade"), [(10, 0, "good"), (11, 0, "bad"), (0, 10, "good"), (0, 11, "usable"), (5, 6, "usable")]
)
def test_limits_of_the_grade(bad: int, poor: int, grade: Grade) -> None:
    seen = spans((100 - bad - poor, "good", ()), (bad, "bad", ("flat",)), (poor, "usable", ("mains",)))
    assert evidence.quality(seen, bad_part=0.1, poor_part=0.1)[0] == grade


def test_a_bad_grade_is_never_without_a_cause() -> None:
    assert evidence.graded("bad", ()) == (Fact("no-reason-given"),)
    assert evidence.graded("good", ()) == ()
    assert evidence.graded("usable", ("mains",)) == (Fact("mains", hurts=True),)
    assert fuse("ecg", evidence.graded("bad", ())).verdict == "refused"


# --- limits, repeats, rest, crosses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "repeated", "again", "verdict"),
    [
        (36.6, False, True, "accepted"),
        (38.5, False, True, "repeat"),
        (38.5, False, False, "accepted-with-doubt"),
        (38.5, True, True, "accepted"),
        (50.0, False, True, "repeat"),
        (50.0, True, False, "refused"),
        (float("nan"), False, False, "refused"),
    ],
)
def test_what_is_rare_is_repeated_and_what_cannot_be_is_refused(
    value: float, repeated: bool, again: bool, verdict: Verdict
) -> None:
    facts = evidence.limits("temperature", value, repeated=repeated)
    assert fuse("temperature", facts, again=again).verdict == verdict


def test_readings_that_do_not_agree_give_nothing() -> None:
    found = pair_spot([70.0, 71.0], 0.2)
    assert evidence.repeats(found) == (Fact("unstable", {"spread": 1.0}),)
    assert fuse("weight", evidence.repeats(found)).verdict == "refused"
    assert evidence.repeats(temperature_spot([36.5])) == (Fact("too-few"),)
    assert evidence.repeats(NoSpot("mixed")) == (Fact("mixed"),)
    assert evidence.repeats(Spot(70.0, 2, 0.1)) == ()


@pytest.mark.parametrize(
    ("measure", "apart", "readings", "differ"),
    [
        ("blood_pressure_mean", 10.0, 2, False),
        ("blood_pressure_mean", 10.5, 2, True),
        ("temperature", 0.3, 3, False),
        ("temperature", 0.31, 3, True),
        ("temperature", 0.5, 5, False),
        ("temperature", 0.6, 5, True),
        ("weight", 70.3 - 70.1, 2, False),
        ("weight", 0.3, 2, True),
        ("height", 1.0, 2, False),
        ("height", 1.1, 2, True),
        ("spo2", 3.0, 2, True),
        ("heart_rate", 5.1, 2, True),
        ("ecg", 99.0, 2, False),
        ("weight", None, 1, False),
    ],
)
def test_repeats_may_lie_so_far_apart(measure: MeasureName, apart: float | None, readings: int, differ: bool) -> None:
    assert bool(evidence.spread(measure, apart, readings=readings)) == differ


@pytest.mark.parametrize(
    ("rested", "short"), [(None, False), (300.0, False), (299.0, False), (298.9, True), (0.0, True)]
)
def test_a_short_rest_is_told_in_minutes(rested: float | None, short: bool) -> None:
    facts = evidence.rest(rested, 300.0)
    assert bool(facts) == short
    if rested is not None and short:
        assert facts[0].figures == {"rest": rested / 60}
        assert fuse("blood_pressure", facts).verdict == "accepted-with-doubt"


def test_a_pulse_that_is_not_the_hearts_is_doubted_with_both_rates() -> None:
    assert evidence.pulse_and_heart(72.0, 73.0) == evidence.pulse_and_heart(None, 73.0) == ()
    assert evidence.pulse_and_heart(72.0, None) == ()
    (fact,) = evidence.pulse_and_heart(60.0, 90.0)
    assert fact.figures == {"pulse": 60.0, "heart": 90.0}
    assert fuse("pulse_rate", [fact], again=True).verdict == "accepted-with-doubt"


@pytest.mark.parametrize(
    ("measure", "value", "word"),
    [
        ("heart_rate", 49.9, "below"), ("heart_rate", 50, None), ("heart_rate", 100, None),
        ("pulse_rate", 100.1, "above"),
        ("spo2", 95, "below"), ("spo2", 96, None), ("spo2", 100, None), ("temperature", 37.7, None),
        ("temperature", 37.8, "above"), ("temperature", 34.0, None), ("bmi", 18.4, "below"), ("bmi", 18.5, None),
        ("bmi", 29.9, None), ("bmi", 30, "above"), ("weight", 200, None), ("ecg", 0, None),
    ],
)  # fmt: skip
def test_a_side_of_a_reference_is_a_fact_and_no_doubt(measure: MeasureName, value: float, word: str | None) -> None:
    facts = evidence.references(measure, value)
    assert [fact.word for fact in facts] == ([] if word is None else [word])
    assert fuse(measure, facts, again=True).verdict == "accepted"


@pytest.mark.parametrize(
    ("systolic", "diastolic", "above"), [(139.5, 89.5, False), (140, 80, True), (120, 90, True), (90, 50, False)]
)
def test_a_pressure_is_told_from_140_or_90_on(systolic: float, diastolic: float, above: bool) -> None:
    assert bool(evidence.pressure_reference(systolic, diastolic)) is above


def test_beats_that_reach_no_finger_are_counted_and_the_delay_is_noted() -> None:
    beats = [0.8 * number for number in range(40)]
    whole = [beat + 0.25 for beat in beats]
    (late,) = evidence.beats_and_pulses(pulses_of_beats(beats, whole))
    assert late.word == "pulse-delay" and late.figures["delay"] == pytest.approx(250.0)
    lacking = evidence.beats_and_pulses(pulses_of_beats(beats, [each for n, each in enumerate(whole) if n % 4]))
    found = {fact.word: fact.figures for fact in lacking}
    assert found["pulse-deficit"]["percent_of_beats"] == pytest.approx(25.0)
    assert found["pulse-heart-differ"]["heart"] == pytest.approx(75.0, abs=1.0)
    assert fuse("pulse_rate", lacking, again=True).verdict == "accepted-with-doubt"
    assert evidence.beats_and_pulses(pulses_of_beats([], [])) == ()


REGULAR = RhythmSpan(0, 1, "regular", -0.4, 0, "none", "seen")
IRREGULAR = RhythmSpan(1, 2, "irregular", 0.4, 3, "extra-beats", "not-seen")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (REGULAR, ["rhythm-p-wave"]),
        (IRREGULAR, ["rhythm-extra-beats", "rhythm-no-p-wave"]),
        (replace(REGULAR, pattern="every-other-beat", p_wave="cannot-tell"), ["rhythm-every-other-beat"]),
        (replace(IRREGULAR, verdict="unanalysable"), []),
        (RhythmSpan(0, 1, "regular"), []),
    ],
)
def test_extra_beats_and_p_waves_are_facts_and_no_doubt(span: RhythmSpan, words: list[str]) -> None:
    facts = evidence.waves(span)
    assert [fact.word for fact in facts] == words
    assert fuse("ecg", facts).verdict == "accepted"


def test_every_pattern_and_wave_that_says_something_is_told() -> None:
    assert {*evidence.PATTERNS} == {*get_args(Pattern)} - {"none", "cannot-tell"}
    assert {*evidence.P_WAVES} == {*get_args(PWave)} - {"cannot-tell"}


# --- hearing ----------------------------------------------------------------------------------------------------


FLAT = dict.fromkeys((500, 1000, 2000, 4000), 10.0)


def silences(answered: int, of: int = 10) -> list[Trial]:
    return [Trial(1000, None, 0.5 if number < answered else None) for number in range(of)]


def test_a_good_audiogram_is_accepted() -> None:
    ear = EarTest(FLAT, 10.0, silences(0))
    assert evidence.hearing(audiogram(ear, ear, calibrated=True)) == ()
    assert fuse("hearing", evidence.hearing(audiogram(ear, ear, calibrated=False))).verdict == "accepted"


def test_of_two_ears_the_worse_figures_are_told() -> None:
    left, right = EarTest(FLAT, 25.0, silences(3)), EarTest(FLAT, 30.0, silences(6))
    for pair in ((left, right), (right, left)):
        facts = {fact.word: fact.figures for fact in evidence.hearing(audiogram(*pair, calibrated=True))}
        assert facts == {"retest-differs": {"apart": 20.0}, "false-answers": {"answered": 6, "silences": 10}}


def test_ears_that_differ_are_a_fact_and_what_needs_masking_a_doubt() -> None:
    left = EarTest({**FLAT, 2000: 55.0, 4000: NoResponse(100.0)}, 10.0, silences(0))
    facts = evidence.hearing(audiogram(left, EarTest(FLAT, 10.0, silences(0)), calibrated=True))
    assert {fact.word for fact in facts} == {"asymmetry", "masking-needed"}
    fused = fuse("hearing", facts)
    assert (fused.verdict, fused.action) == ("accepted-with-doubt", "call-nurse")
    assert fused.causes == (Fact("masking-needed", {"hz": 2000}),)


def test_too_many_false_answers_refuse_an_audiogram() -> None:
    bad = EarTest(FLAT, 10.0, silences(5))
    facts = evidence.hearing(audiogram(bad, EarTest(FLAT, 10.0, silences(0)), calibrated=True))
    assert fuse("hearing", facts, again=True).verdict == "repeat"
    assert fuse("hearing", facts).verdict == "refused"
    assert fuse("hearing", facts).action == "press-when-heard"


# --- every word has its rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [*get_args(EarReason), *get_args(RoomReason)])
def test_every_word_of_the_analyses_has_a_rule(word: str) -> None:
    assert word in RULES


@given(st.sampled_from([*RULES]))
def test_figures_are_all_there_or_not_at_all(word: str) -> None:
    ear = EarTest({**FLAT, 500: 70.0}, 30.0, silences(3))
    told = [
        *evidence.hearing(audiogram(ear, EarTest(FLAT, 10.0, silences(9)), calibrated=False)),
        *evidence.rest(1.0, 300.0),
        *evidence.pulse_and_heart(60.0, 90.0),
        *evidence.repeats(NoSpot("unstable", 1.0)),
        *evidence.spread("weight", 2.0),
        *evidence.quality(spans((1, "bad", ("movement",))), bad_part=0.1, poor_part=0.1)[1],
    ]
    for fact in told:
        if fact.word == word:
            assert set(fact.figures) in ({*RULES[word].figures}, set())
