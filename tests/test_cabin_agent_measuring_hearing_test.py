"""The hearing test that the cabin makes itself, with a simulated listener who hears the samples, in virtual time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from cabin_agent.clock import VisitClock
from cabin_agent.fhir.hearing import threshold_component
from cabin_agent.hearing_view import HearingView
from cabin_agent.judged import ears, judged
from cabin_agent.measuring import hearing
from cabin_agent.measuring.bedside import Bedside, Unmeasured
from cabin_agent.results import Measure, Threshold
from cabin_agent.stored import from_json, to_json
from cabin_agent.verdict_words import hearing_words
from cabin_agent.views import outcome_json
from drivers import virtual_time
from simulators.body import Body
from simulators.physiology import AT_REST, FREQUENCIES
from tests.bedside_fakes import Bench
from tests.phones import CALIBRATION, Booth, booth

SPEED = 20.0
KNOWN = {hz: (left, right) for hz, left, right in zip(FREQUENCIES, AT_REST.left, AT_REST.right, strict=True)}


class HeadphoneBench(Bench):
    """The instruments of a cabin, with the headphones of one booth."""

    def __init__(self) -> None:
        super().__init__(())
        self.phones: Booth | None = None

    async def start(self, kind: str) -> None:
        assert self.phones is not None
        await self.phones.driver.start()

    def tones(self, kind: str) -> Any:
        assert self.phones is not None
        return self.phones.driver

    def hear(self, event: Any) -> None:
        if self._ear is not None:
            self._ear.put((event, 0.0))


@pytest.fixture
def two_tones(tmp_path: Path) -> str:
    """Phones that are calibrated at 1 and 4 kHz alone: a short test."""
    few = re.sub(r"^(?!1000|4000)\d+ = .*\n", "", Path(CALIBRATION).read_text(), flags=re.MULTILINE)
    (tmp_path / "headphone.toml").write_text(few)
    return str(tmp_path / "headphone.toml")


def made(
    *faults: str, calibration: str | None, ready: bool = True, seed: int = 1, **person: Any
) -> tuple[Measure, list[HearingView | None]]:
    """One test; the person says that they are ready, and answers by what they hear."""
    seen: list[HearingView | None] = []
    bench = HeadphoneBench()

    def show(view: HearingView | None) -> None:
        seen.append(view)
        if view is not None and view.stage != "listen" and ready:
            assert bench.phones is not None
            bench.phones.driver.press(True)

    async def main() -> Measure:
        body = Body(seed, replace(AT_REST, **{"false_alarm": 0.0, "lapse": 0.0} | person))
        async with booth(*faults, calibration=calibration, body=body, heard=bench.hear, speed=SPEED) as bench.phones:
            side = Bedside(cast(Any, bench), VisitClock(SPEED), show=show)
            (measure,) = await hearing.measure(side, ())
            assert isinstance(measure, Measure)
            return measure

    return virtual_time.run(main()), seen


def level(measure: Measure, ear: str, hz: int) -> Threshold:
    return next(each for each in measure.thresholds if (each.ear, each.hz) == (ear, hz))


def test_both_ears_are_tested_and_everything_that_was_played_is_evidence(two_tones: str) -> None:
    measure, seen = made(calibration=two_tones)
    for hz in (1000, 4000):
        for ear, truth in zip(("left", "right"), KNOWN[hz], strict=True):
            found = level(measure, ear, hz).db_hl
            assert found is not None and -5 <= found - truth <= 10
    assert level(measure, "left", 2000) == Threshold("left", 2000, None, "not-tested")
    test = measure.hearing
    assert test is not None and test.calibrated
    assert {(each.ear, each.hz) for each in test.again} == {("left", 1000), ("right", 1000)}
    assert sum(each.db is None for each in test.tones) >= 4
    assert any(each.answered_s is not None for each in test.tones)
    assert (measure.evidence.mode, measure.evidence.notes) == ("air-conduction", ())
    assert seen[0] == HearingView("ready", "right", seen[0].done if seen[0] else 0)
    assert seen[-1] is None
    assert {each.ear for each in seen if each} == {"left", "right"}
    done = [each.done for each in seen if each]
    assert done == sorted(done)
    assert from_json(Measure, to_json(measure)) == measure


def test_without_a_calibration_no_level_is_called_a_hearing_level() -> None:
    phones = made(calibration=None)[0]
    assert phones.hearing is not None and not phones.hearing.calibrated
    found = [each for each in phones.thresholds if each.why is None]
    assert found
    assert all(each.db_hl is None and each.db_relative is not None for each in found)
    assert ears(phones).unit == "dB relative"
    fused = judged(phones, (phones,))
    assert fused is not None
    assert {"levels-relative", "room-unwatched"} <= {fact.word for fact in fused.facts}
    assert hearing_words("fr", phones) == []
    told = outcome_json(phones, lambda _: "")["thresholds"]
    assert all(each["db_hl"] is None for each in told)
    component = threshold_component(found[0], "fr")
    assert component["valueQuantity"]["unit"] == "dB relatifs"
    assert component["valueQuantity"]["code"] == "dB"
    (coding,) = component["code"]["coding"]
    assert coding["code"] == f"{found[0].ear}-{found[0].hz}-relative"
    assert "loinc" not in coding["system"]


def test_trials_and_retest_reach_the_verdict(two_tones: str) -> None:
    calm, hasty = made(calibration=two_tones)[0], made("false-presser", calibration=two_tones)[0]
    assert not {"retest-missing", "false-answers"} & {*calm.evidence.reasons}
    fused = judged(hasty, (hasty,))
    assert fused is not None and fused.verdict == "refused"
    (found,) = [fact for fact in fused.facts if fact.word == "false-answers"]
    assert found.figures["answered"] > 0.2 * found.figures["silences"]


@pytest.mark.parametrize("fault", ["sleeper", "no-button"])
def test_somebody_who_never_answers_has_no_thresholds(two_tones: str, fault: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        made(fault, calibration=two_tones)
    assert failed.value.detail == "unfamiliar"


def test_a_noisy_room_leaves_out_what_the_noise_would_hide(two_tones: str) -> None:
    measure, _ = made("noisy-room", calibration=two_tones)
    assert "room-noise" in measure.evidence.reasons
    assert level(measure, "left", 1000).why == level(measure, "left", 4000).why == "not-tested"
    found = level(measure, "right", 4000).db_hl
    assert found is not None and abs(found - AT_REST.right[FREQUENCIES.index(4000)]) <= 10


def test_a_room_that_nobody_hears_is_said_to_be_unwatched(two_tones: str) -> None:
    assert made("deaf-microphone", calibration=two_tones)[0].evidence.notes == ("room-unwatched",)


def test_a_card_that_loses_samples_has_its_trials_repeated(two_tones: str) -> None:
    measure, _ = made("underrun", calibration=two_tones)
    found = [each.db_hl for each in measure.thresholds if each.hz in (1000, 4000)]
    assert all(each is not None for each in found)


def test_a_tone_that_nobody_hears_at_the_loudest_is_no_response_with_its_level(two_tones: str) -> None:
    deaf = tuple(100.0 if hz == 4000 else 5.0 for hz in FREQUENCIES)
    measure, _ = made(calibration=two_tones, left=deaf, right=(5.0,) * 11)
    assert level(measure, "left", 4000) == Threshold("left", 4000, None, "no-response", above_db=80.0)
    assert ears(measure).asymmetry.masking == {4000: "left"}


def test_a_person_who_never_begins_is_not_waited_for_without_end(two_tones: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        made(calibration=two_tones, ready=False)
    assert failed.value.detail == "timeout"
