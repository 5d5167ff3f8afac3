"""The ECG: thirty seconds of eight channels, twelve leads from them, and what is read of the same strip.

Beats are those that the leads agree on; quality and rhythm are of the best lead; intervals are of all.

A recorder of one lead whose scale nobody knows gives counts (`cabin_agent.measuring.ecg_counts`). Rate, quality and
rhythm are read of them; no amplitude is told, no interval measured and no strip drawn, because all three need
millivolts. The samples are kept as counts in the raw recording.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cabin_agent.measuring.advice import HEART, electrodes_off
from cabin_agent.measuring.agreement import rate_notes
from cabin_agent.measuring.bedside import Bedside, Unmeasured, evidence, figures_of, heard, within, worst
from cabin_agent.measuring.coaching import Coach, lasting
from cabin_agent.measuring.ecg_counts import SCALE_UNKNOWN, relative
from cabin_agent.measuring.ecg_intervals import StripIntervals, intervals, without
from cabin_agent.measuring.running_lead import LONGEST_HOLE_S, RATE_LEADS, RunningLead, off
from cabin_agent.results import Evidence, Grade, Measure, NotMeasured, Outcome, Quantity, Strip
from cabin_signal.ecg import EcgFindings, EcgStream
from cabin_signal.evidence import quality, waves
from cabin_signal.findings import Beat, QualitySpan
from cabin_signal.lead_fusion import LeadBeats, fuse
from cabin_signal.leads import TWELVE, twelve_leads
from cabin_signal.plausibility import judge
from cabin_signal.rhythm import RhythmSpan, Verdict
from cabin_signal.verdict import Fact
from drivers.events import Wave

STRIP_S = 30.0
"""A rhythm is judged on thirty seconds or more (ESC 2020)."""
SETTLE_S = 2.0
"""Left out at the beginning: the amplifier's high-pass is still swinging."""
LEARNT_S = 6.0
"""By then the analysis has forgotten that swing; until its first good second, or so long, nobody is told of it."""
LIMIT_S = 60.0
Channels = NDArray[np.float64]


async def measure(bedside: Bedside, before: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Record one strip and count its beats; raises `Unmeasured` when no strip without a long hole was had."""
    started, track = bedside.clock.wall_ms(), bedside.track()
    waves: list[Wave] = []
    watch = _Watch(bedside.coach(HEART))
    with bedside.instruments.listen("ecg") as ear:
        await bedside.instruments.start("ecg")
        async with within(bedside, LIMIT_S, "timeout"):
            async for wave in heard(ear, Wave):
                watch.heard(wave)
                # An index that goes back was started again: nobody knows what was lost between.
                if waves and not 0 <= _hole(waves[-1], wave) <= LONGEST_HOLE_S:
                    waves.clear()
                waves.append(wave)
                if _length(waves) >= STRIP_S + SETTLE_S:
                    break
    kept = _settled(waves)
    for wave in kept:
        track.add(wave)
    names, channels = assemble(kept)
    scaled = kept[0].unit == "mV"
    read = await asyncio.to_thread(analyse, names, channels, kept[0].rate, scaled=scaled)
    if np.isnan(channels).all():
        raise Unmeasured("electrode-off")
    bedside.keep(track)
    grade, reasons, figures = _graded(read.quality, channels)
    rhythm = (f"rhythm-{read.rhythm}", *(fact.word for fact in read.seen), "reference-hardware")
    rhythm = rhythm if scaled else (*rhythm, SCALE_UNKNOWN)
    seen = figures | figures_of(read.seen)
    proof = evidence(bedside, "ecg", started, grade, *reasons, mode="rhythm", notes=rhythm, figures=seen)
    ecg, rate = _strip_of(read, proof), read.heart_rate
    if rate is None or judge("heart_rate", rate) == "implausible":
        return ecg, NotMeasured("heart_rate", "failed", "too-few-beats" if rate is None else "implausible")
    notes = rate_notes(rate, "pulse_rate", before)
    counted = len(read.beats) - 1
    proof = replace(
        proof, mode="strip-mean", readings=counted, figures=figures, notes=(*proof.notes[len(rhythm) :], *notes)
    )
    return ecg, Measure("heart_rate", {"value": Quantity(round(rate, 1), "/min")}, proof)


def _strip_of(read: Read, proof: Evidence) -> Measure:
    """The strip with what was read of it; on a bad one no interval is measured."""
    told = without("strip-bad") if proof.quality == "bad" else read.intervals
    strip = replace(read.strip, beats=read.beats, used=told.used, usual=told.usual) if read.strip.leads else None
    proof = replace(proof, notes=(*proof.notes, *told.notes))
    return Measure("ecg", told.values, proof, missing=told.missing, strip=strip)


class _Watch:
    """The strip as it comes, for the agent alone: which electrode is off, and what disturbs the best lead."""

    def __init__(self, coach: Coach) -> None:
        self._coach, self._lead = coach, RunningLead()
        self._reasons: tuple[str, ...] = ()
        self._seconds = 0.0
        self._settled = False

    def heard(self, wave: Wave) -> None:
        self._seconds += lasting(wave)
        found = self._lead.heard(wave)
        if found is not None and found.quality:
            self._settled = self._settled or found.quality[-1].grade == "good" or self._seconds > LEARNT_S
            self._reasons = found.quality[-1].reasons if self._settled and self._seconds > SETTLE_S else ()
        self._coach.hear(electrodes_off(off(wave), wave.channels) | {*self._reasons}, lasting(wave))


def _length(waves: list[Wave]) -> float:
    """Seconds from the first sample to the last, lost ones included."""
    first, last = waves[0], waves[-1]
    return (last.index + len(last.samples) - first.index) / first.rate


def _hole(before: Wave, wave: Wave) -> float:
    """Seconds of samples lost between two blocks."""
    return (wave.index - before.index - len(before.samples)) / wave.rate


def _settled(waves: list[Wave]) -> list[Wave]:
    begin = waves[0].index + int(SETTLE_S * waves[0].rate)
    return [wave for wave in waves if wave.index >= begin]


def assemble(waves: list[Wave]) -> tuple[tuple[str, ...], Channels]:
    """The names and the samples (channels, n) in their unit; NaN where samples were lost or the electrode was off."""
    first, last = waves[0], waves[-1]
    channels = np.full((len(first.channels), last.index + len(last.samples) - first.index), np.nan)
    for wave in waves:
        at = wave.index - first.index
        part = np.asarray(wave.samples, dtype=np.float64).T.copy()
        lost = off(wave)
        for number, name in enumerate(wave.channels):
            if name in lost:
                part[number] = np.nan
        channels[:, at : at + part.shape[1]] = part
    return first.channels, channels


@dataclass(frozen=True, slots=True)
class Read:
    """What the analysis made of one strip."""

    strip: Strip
    """Without leads where the samples are no millivolts."""
    heart_rate: float | None
    quality: tuple[QualitySpan, ...]
    """One span for each second."""
    beats: tuple[int, ...]
    """R peaks, in samples of the strip."""
    rhythm: Verdict
    seen: tuple[Fact, ...] = ()
    """What else a reader of the rhythm looks for."""
    intervals: StripIntervals = field(default_factory=StripIntervals)


def analyse(names: tuple[str, ...], channels: Channels, rate: float, *, scaled: bool = True) -> Read:
    """What is read of `channels` (n, samples): in mV with their twelve leads, or in counts (not `scaled`)."""
    heard_of = [_one_lead(channel, rate) for channel in (channels if scaled else relative(channels, rate))]
    best = heard_of[_rate_lead(names, channels)]
    fused = fuse([LeadBeats(lead.beats, lead.quality) for lead in heard_of], rate)
    beats = tuple(one.beat for one in fused)
    rhythm = _told([*best.rhythm])
    return Read(
        strip=_twelve(channels, rate) if scaled else Strip(rate, (), ()),
        heart_rate=_heart_rate(beats, rate),
        quality=best.quality,
        beats=tuple(beat.sample for beat in beats),
        rhythm=rhythm.verdict if rhythm else "unanalysable",
        seen=waves(rhythm) if rhythm and scaled else (),
        intervals=intervals(channels, rate, [b.sample for b in beats]) if scaled else without(SCALE_UNKNOWN),
    )


def _twelve(channels: Channels, rate: float) -> Strip:
    rows = tuple(tuple(None if np.isnan(v) else round(float(v), 5) for v in row) for row in twelve_leads(channels))
    return Strip(rate, TWELVE, rows)


def _one_lead(channel: Channels, rate: float) -> EcgFindings:
    """Everything that is known of one lead in the end."""
    stream = EcgStream(rate)
    live, last = stream.update(channel), stream.finish()
    return EcgFindings(
        beats=(*live.beats, *last.beats),
        heart_rate=(*live.heart_rate, *last.heart_rate),
        quality=(*live.quality, *last.quality),
        rhythm=(*live.rhythm, *last.rhythm),
    )


def _told(spans: list[RhythmSpan]) -> RhythmSpan | None:
    """The first irregular window, or else the first."""
    return next((span for span in spans if span.verdict == "irregular"), spans[0] if spans else None)


def _heart_rate(beats: tuple[Beat, ...], rate: float) -> float | None:
    """Mean ventricular rate over the intervals of the strip; the beats lost in a hole are not counted as missing."""
    intervals = [beat.sample - before.sample for before, beat in pairwise(beats) if not beat.fresh]
    return 60 * len(intervals) * rate / sum(intervals) if intervals else None


def _rate_lead(names: tuple[str, ...], channels: Channels) -> int:
    """The first lead, in order of preference, that is there for at least nine tenths of the strip."""
    present = np.mean(~np.isnan(channels), axis=1)
    for name in RATE_LEADS:
        if name in names and present[names.index(name)] >= 0.9:
            return names.index(name)
    return int(np.argmax(present))


def _graded(
    spans: tuple[QualitySpan, ...], channels: Channels
) -> tuple[Grade, list[str], dict[str, dict[str, float]]]:
    """Bad if more than a tenth of the strip is bad; usable if an electrode was off; reasons, and their figures."""
    grade, facts = quality(spans, bad_part=0.1, poor_part=0.1)
    reasons, figures = [fact.word for fact in facts], figures_of(facts)
    if np.isnan(channels).any(axis=1).any():
        lost = np.isnan(channels).all(axis=1).any()
        return worst(grade, "usable"), ["electrode-off" if lost else "lost-samples", *reasons], figures
    return grade, reasons, figures
