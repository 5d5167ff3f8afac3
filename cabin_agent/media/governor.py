"""What the video may spend: pure, one step a second, from what the doctor's side reports to rate, size and speed.

Sound and waveforms are never cut; the picture pays for everything, down to three small pictures a second. The
estimate of Chrome (REMB, draft-alvestrand-rmcat-remb) covers the video alone, as it fared beside the sound and the
waves of that time: they are not in it and must not be subtracted from it again. What is added to them later is not in
it either: the picture gives that up at once (`making_room`). The estimate rises to no more than about 1.5 times what
is received, so on a clean link the governor climbs ahead of it; on a link whose queue stands full the estimate says
nothing is wrong, so loss and a round trip above its own minimum count as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FLOOR = 30_000
"""bit/s: three small pictures a second, so that one sees that somebody is there."""
FACE = 120_000
"""bit/s: under it a face hardly moves. What is cut stops there for a second, and the climb back to it is quick."""
CEILING = 2_000_000
"""bit/s: above it 720 lines gain nothing."""
START = 300_000
START_CLEAN = 600_000
"""bit/s of the first second, and of the second one where the link is clean."""

CLEAN_LOSS = 0.02
POOR_LOSS = 0.12
"""Fractions of packets lost: under the first nothing is wrong, over the second too much is sent."""
CLEAN_QUEUE_S = 0.025
FULL_QUEUE_S = 0.060
POOR_QUEUE_S = 0.150
"""Seconds of round trip above its minimum, which stand in queues: where nothing is raised, cut, and cut hard."""
SPEECH_BESIDE, WAVES_BESIDE, HEART_BESIDE = 48_000, 120_000, 90_000
"""bit/s on the wire of speech, of twelve leads at 500 Hz, and of the stethoscope; the first two are reckoned with."""
ADDED = 12_000
"""bit/s by which sound and waves may waver without the picture giving way."""
FADES = 0.98
"""Of what is reckoned with, what still is a second later while less is sent."""
HOLD_S = 4
"""Seconds after a cut in which nothing is raised: the estimate is still one of before."""
KNEE = 0.85
"""Of a rate that was too much, what is not exceeded again soon."""
KNEE_S = 30
"""Seconds for which that holds."""
NEAR_S = 0.006
"""Seconds of usual round trip under which a link is wide and of the same house: it is climbed in large steps."""
FOLLOWS = 1.35
"""Estimate over what was sent: from here on the estimate is not of the link, but of what the encoder gave."""
SLOW = 0.85
"""Share of the frame's time above which the encoder cannot keep up."""
LATE_S = 0.050
"""Seconds by which the event loop may be late before the picture gives way."""
STRAIN_S, REST_S = 3, 30
"""Seconds of that before the picture gets smaller, and seconds without it before a larger one is tried again."""
PATIENCE = 5
"""Good seconds before a larger rung."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One size and speed of the picture, and the rate from which it looks right (bit/s)."""

    width: int
    height: int
    fps: int
    least: int


LADDER: tuple[Rung, ...] = (
    Rung(320, 240, 3, 0),
    Rung(320, 240, 5, 60_000),
    Rung(320, 240, 10, 110_000),
    Rung(320, 240, 15, 130_000),
    Rung(640, 480, 15, 170_000),
    Rung(640, 480, 30, 230_000),
    Rung(1280, 720, 30, 560_000),
)
"""From the poorest to the best."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen in the last second; None: nothing was said about it."""

    remb: int | None = None
    """bit/s that the doctor's side estimates for the video."""
    loss: float | None = None
    """Fraction of packets lost, 0 to 1."""
    rtt_s: float | None = None
    """Seconds of the shortest round trip of the second: what is above the shortest of all stands in queues."""
    usual_s: float | None = None
    """Median of its round trips: on a narrow link it holds the time that a packet alone takes."""
    sent: int = 0
    """bit/s of video that were sent."""
    beside: int = 0
    """bit/s of sound and waves that were sent, with their headers."""
    encoder_s: float = 0.0
    """Seconds of one frame in the encoder."""
    lag_s: float = 0.0
    """Seconds by which the event loop was late."""


@dataclass(frozen=True, slots=True)
class Governor:
    """What is sent now, and what has to be remembered for the next second."""

    bitrate: int = START
    rung: int = 5
    """Index into `LADDER`."""
    best: int = len(LADDER) - 1
    """Rung above which the machine itself could not keep up."""
    strain: int = 0
    """Seconds in a row in which it could not; below zero: seconds in which it could."""
    rtt_least_s: float | None = None
    good: int = 0
    """Seconds in a row in which nothing was wrong."""
    hold: int = 0
    """Seconds in which nothing is raised, after something was cut."""
    knee: int = CEILING
    """bit/s that is not exceeded while `knee_s` lasts: a little less than what was too much."""
    knee_s: int = 0
    beside: int = SPEECH_BESIDE + WAVES_BESIDE
    """bit/s of sound and waves for which the rate leaves room."""

    @property
    def shape(self) -> Rung:
        """Size and speed of the picture."""
        return LADDER[self.rung]

    def step(self, report: Report) -> Governor:
        """One second later."""
        least = _least(self.rtt_least_s, report.rtt_s)
        queue = _above(report.rtt_s, least)
        later = replace(self, rtt_least_s=least, hold=max(0, self.hold - 1), knee_s=max(0, self.knee_s - 1))
        return later._machine(report)._link(report, queue).making_room(report.beside)

    def making_room(self, beside: int) -> Governor:
        """Less for the picture by what sound and waves take now, in bit/s, beyond what was reckoned with."""
        known = replace(self, beside=max(beside, int(FADES * self.beside)))
        added = beside - self.beside
        if added < ADDED:
            return known._fit()
        return replace(known, bitrate=self.bitrate - added, good=0, hold=HOLD_S)._fit()

    def _machine(self, report: Report) -> Governor:
        """A smaller picture when this machine cannot keep up."""
        slow = report.encoder_s > SLOW / self.shape.fps or report.lag_s > LATE_S
        strain = max(self.strain, 0) + 1 if slow else min(self.strain, 0) - 1
        if strain >= STRAIN_S and self.rung > 0:
            return replace(self, best=self.rung - 1, rung=self.rung - 1, strain=0, good=0)
        if strain <= -REST_S:
            return replace(self, best=min(self.best + 1, len(LADDER) - 1), strain=0)
        return replace(self, strain=strain)

    def _link(self, report: Report, queue: float) -> Governor:
        loss = report.loss or 0.0
        if loss > POOR_LOSS or queue > FULL_QUEUE_S:
            return self._cut(loss, queue)
        # The median shows a link that is nearly full, well before a queue stands in it.
        good = _above(report.usual_s, self.rtt_least_s) < CLEAN_QUEUE_S and report.remb is not None
        raised = self._raised(report, loss) if good and self.hold == 0 else self.bitrate
        return replace(self, bitrate=raised, good=self.good + 1 if good else 0)

    def _cut(self, loss: float, queue: float) -> Governor:
        """Less at once: by half of what is lost, and by what stands in the queue."""
        share = 1 - 0.5 * loss if loss > POOR_LOSS else 1.0
        if queue > FULL_QUEUE_S:
            share *= 0.5 if queue > POOR_QUEUE_S else 0.75
        knee = min(self.knee if self.knee_s else CEILING, int(KNEE * self.bitrate)) if self.hold == 0 else self.knee
        least = FACE if self.bitrate > FACE else FLOOR
        bitrate = max(least, int(self.bitrate * share))
        return replace(self, bitrate=bitrate, good=0, hold=HOLD_S, knee=max(FLOOR, knee), knee_s=KNEE_S)

    def _raised(self, report: Report, loss: float) -> int:
        """More: quickly where the link is near and wide, else by a twelfth and within what the other side says."""
        if report.usual_s is not None and report.usual_s < NEAR_S and loss <= CLEAN_LOSS and not self.knee_s:
            return max(START_CLEAN, min(CEILING, int(self.bitrate * 1.4)))
        limit = round((report.remb or 0) * (2 if self._estimate_follows(report) else 0.9))
        # Of a few small pictures a second nobody can estimate what a link carries; its queue still tells.
        limit = max(limit, FACE)
        more = int(self.bitrate * (1.08 if self.bitrate >= FACE else 1.25))
        return max(self.bitrate, min(more, limit, self.knee if self.knee_s else CEILING))

    def _estimate_follows(self, report: Report) -> bool:
        """Whether the estimate is only small because little was sent: then it says nothing about the link."""
        return (report.remb or 0) >= FOLLOWS * report.sent

    def _fit(self) -> Governor:
        """Keep to the limits, and choose the rung: down at once, up one by one and with patience."""
        bitrate = max(FLOOR, min(CEILING, self.bitrate))
        fits = max(place for place, rung in enumerate(LADDER) if rung.least <= bitrate and place <= self.best)
        # What was just reached may waver without the picture changing its size each second.
        keeps = self.rung <= self.best and bitrate >= 0.8 * self.shape.least
        rung = self.rung if fits < self.rung and keeps else fits
        if rung > self.rung:
            ready = self.good >= PATIENCE or bitrate >= 1.5 * LADDER[self.rung + 1].least
            rung = self.rung + 1 if ready else self.rung
        return replace(self, bitrate=bitrate, rung=rung)


def _least(known: float | None, rtt: float | None) -> float | None:
    """The shortest round trip; it is forgotten slowly, since a path may become longer for good."""
    if rtt is None:
        return known
    return rtt if known is None else min(rtt, known * 1.002)


def _above(trip: float | None, least: float | None) -> float:
    """Seconds of a round trip above the shortest one."""
    return 0.0 if trip is None or least is None else trip - least


def still_rate(governor: Governor) -> float:
    """bit/s at which a still picture may be sent: half of the video's rate, and far more where the link is wide."""
    return governor.bitrate * (0.5 if _narrow(governor) else 4.0)


def beside_still(governor: Governor) -> int:
    """bit/s that are left for the video while a still picture is sent."""
    return governor.bitrate // 2 if _narrow(governor) else governor.bitrate


def _narrow(governor: Governor) -> bool:
    return governor.bitrate < CEILING / 2
