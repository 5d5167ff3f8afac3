"""Oxygen saturation as the oximeter states it, and the pulse rate; our own eyes on the pleth judge them.

An oximeter that sends no pleth is taken at its word, once a second or, for a spot check, once; the evidence says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from cabin_agent.measuring.advice import FINGER, finger_wrong
from cabin_agent.measuring.agreement import rate_notes
from cabin_agent.measuring.bedside import Bedside, Unmeasured, evidence, figures_of, heard, within, worst
from cabin_agent.measuring.coaching import lasting
from cabin_agent.results import Evidence, Grade, Measure, NotMeasured, Outcome, Quantity
from cabin_signal.evidence import quality
from cabin_signal.findings import QualitySpan
from cabin_signal.plausibility import judge
from cabin_signal.ppg import PlethStream
from cabin_signal.spot import NoSpot, Spot, seconds_that_count, spo2_spot
from drivers.events import NoValue, Reading, Wave

RATE = 75.0
"""Samples a second of the usual oximeter; any other rate is taken as it comes."""
OTHER_AVERAGES = ("fast", "slow")
"""Beside its usual average an oximeter may state others of the same second."""
MODES = {"4-beat": "4-beat-average", "display": "display", "spot": "spot-check"}
"""How the oximeter says that it averages -> how the value was made."""
LIMIT_S = 75.0
JUDGED_S = 10.0
"""The pleth behind the value: the last so many seconds."""


@dataclass(slots=True)
class _Finger:
    """What was heard of one finger."""

    pleth: PlethStream | None = None
    """None until a wave was heard: some oximeters send none."""
    fs: float = RATE
    samples: int = 0
    values: list[float | None] = field(default_factory=list)
    """The last of each second of the pleth; without a pleth, each one that came."""
    spot: Spot | None = None
    """What the oximeter settled on by itself, when it makes spot checks."""
    mode: str | None = None
    rates: list[float] = field(default_factory=list)
    spans: list[QualitySpan] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    rate: float | None = None
    """The oximeter's own pulse rate."""
    out: bool = False
    weak: bool = False
    """Whether the oximeter marked its last pulse as weak."""

    def wave(self, wave: Wave) -> None:
        if self.pleth is None:
            self.pleth, self.fs = PlethStream(wave.rate), wave.rate
            self.values.clear()
        findings = self.pleth.update([row[0] for row in wave.samples])
        self.samples += len(wave.samples)
        self.spans.extend(findings.quality)
        self.rates.extend(point.bpm for point in findings.pulse_rate)
        if "pulse" in wave.flags:
            self.weak = "low-perfusion" in wave.flags

    def wrong(self, wave: Wave) -> set[str]:
        """What is wrong as of this block, in the words of `advice.FINGER`."""
        return finger_wrong(wave.flags, self.spans[-1].reasons if self.spans else (), weak=self.weak)

    def reading(self, reading: Reading) -> None:
        averaging = str(reading.detail.get("averaging", ""))
        if averaging in OTHER_AVERAGES:
            return
        if reading.quantity == "spo2":
            value = None if isinstance(reading.value, NoValue) else reading.value
            self._second(value, disturbed="artifact" in reading.flags)
            if averaging == "spot" and value is not None:
                self.spot = Spot(value, 1, 0.0)
            self.out = isinstance(reading.value, NoValue) and reading.value.why == "finger-out"
            self.flags, self.mode = set(reading.flags), MODES.get(averaging)
        elif reading.quantity == "pulse_rate" and not isinstance(reading.value, NoValue):
            self.rate = reading.value

    def _second(self, value: float | None, *, disturbed: bool) -> None:
        if self.pleth is None:
            self.values.append(None if disturbed else value)
            return
        second = int(max(0, self.samples - 1) / self.fs)
        self.values += [None] * (second + 1 - len(self.values))
        self.values[second] = value

    def seconds(self) -> list[float | None]:
        """One value a second, the last one of it; None where there was none, or the pleth does not bear it out."""
        return self.values if self.pleth is None else seconds_that_count(self.values, self.spans, self.fs)

    def settled(self) -> Spot | NoSpot:
        """The value on which the oximeter and the pleth, where there is one, agree by now."""
        if self.pleth is None and self.spot is not None:
            return self.spot
        found = spo2_spot(self.seconds())
        return NoSpot("too-few") if self.pleth is not None and not self.rates else found

    def spoilt_by(self) -> str | None:
        """What most of the last seconds of the pleth were no better for; None where they were good."""
        since = self.samples - JUDGED_S * self.fs
        recent = [span for span in self.spans if span.end > since]
        reasons = Counter(reason for span in recent if span.grade != "good" for reason in span.reasons)
        often = reasons.most_common(1)
        return often[0][0] if often and often[0][1] > len(recent) / 2 else None


async def measure(bedside: Bedside, before: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Wait for ten steady seconds after twenty of settling; raises `Unmeasured` when they do not come."""
    started, track, finger = bedside.clock.wall_ms(), bedside.track(), _Finger()
    spot: Spot | NoSpot = NoSpot("too-few")
    coach = bedside.coach(FINGER)
    with bedside.instruments.listen("oximeter") as ear:
        await bedside.instruments.start("oximeter")
        try:
            async with within(bedside, bedside.longest("oximeter", LIMIT_S), "timeout"):
                async for event in heard(ear, Wave, Reading):
                    if isinstance(event, Wave):
                        track.add(event)
                        finger.wave(event)
                        coach.hear(finger.wrong(event), lasting(event))
                        continue
                    finger.reading(event)
                    if event.quantity != "pulse_rate":
                        continue
                    if finger.pleth is None:
                        coach.hear(finger_wrong(event.flags, (), weak="low-perfusion" in event.flags), 1.0)
                    if isinstance(spot := finger.settled(), Spot):
                        break
        except Unmeasured as failure:
            raise _cause(finger, failure) from None
    if not isinstance(spot, Spot):
        raise Unmeasured("unstable", "unstable")
    bedside.keep(track)
    return _outcomes(bedside, started, finger, spot, before)


def _cause(finger: _Finger, failure: Unmeasured) -> Unmeasured:
    """What to say of a time-out: the finger, the pulse, what spoilt the pleth, or values that would not settle."""
    if failure.detail != "timeout":
        return failure
    if not any(value is not None for value in finger.values):
        return Unmeasured("finger-out" if finger.out else "no-pulse")
    return Unmeasured(finger.spoilt_by() or "unstable", "unstable")


def _outcomes(
    bedside: Bedside, started: int, finger: _Finger, spot: Spot, before: tuple[Outcome, ...]
) -> tuple[Outcome, ...]:
    grade, reasons, figures = _graded(finger)
    proof = evidence(bedside, "oximeter", started, grade, *reasons, mode=finger.mode, figures=figures)
    pulse = _pulse(proof, finger, before)
    if judge("spo2", spot.value) == "implausible":
        return NotMeasured("spo2", "implausible", "implausible"), pulse
    proof = replace(proof, readings=spot.n, spread=spot.spread)
    return Measure("spo2", {"value": Quantity(spot.value, "%")}, proof), pulse


def _pulse(proof: Evidence, finger: _Finger, before: tuple[Outcome, ...]) -> Outcome:
    """The oximeter's own pulse rate, checked against the pulses of its pleth."""
    rate = finger.rate
    if rate is None or judge("pulse_rate", rate) == "implausible":
        return NotMeasured("pulse_rate", "failed", "missing" if rate is None else "implausible")
    if finger.rates and abs(rate - finger.rates[-1]) > max(5.0, 0.1 * rate):
        proof = replace(proof, quality=worst(proof.quality, "usable"), reasons=(*proof.reasons, "disagree"))
    notes = (*proof.notes, *rate_notes(rate, "heart_rate", before))
    return Measure("pulse_rate", {"value": Quantity(rate, "/min")}, replace(proof, notes=notes))


def _graded(finger: _Finger) -> tuple[Grade, list[str], dict[str, dict[str, float]]]:
    """The grade of the last seconds of pleth, reasons and their figures: bad if more than half of them is bad.

    Without a pleth nobody but the oximeter has seen the pulse: usable at best.
    """
    if finger.pleth is None:
        return "usable", ["no-pleth", *sorted(finger.flags & {"low-perfusion"})], {}
    since = finger.samples - JUDGED_S * finger.fs
    grade, facts = quality([span for span in finger.spans if span.end > since], bad_part=0.5, poor_part=0.25)
    reasons = [fact.word for fact in facts]
    if finger.flags & {"low-perfusion"}:
        return worst(grade, "usable"), ["low-perfusion", *reasons], figures_of(facts)
    return grade, reasons, figures_of(facts)
