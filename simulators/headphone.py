"""Headphones on a sound card, and the person who wears them: this one listens to the samples themselves.

Every tenth of a second of what the card plays is looked at, each ear for itself; what is found at a frequency of the
audiogram becomes a level in dB HL by this card's own calibration, and the person hears it or does not, and presses
the button some time after. The card takes samples at body time, 48 kHz, and says where it is as `drivers.headphone`'s
sheet has it; its microphone hears the room. Full scale of this card: see `FULL_SCALE_DB`; docs/headphone.toml is its
calibration.

Faults: `false-presser` (presses whatever is played), `sleeper` (hears nothing any more), `no-button` (its cable is
out), `swapped-ears` (the phones are worn the wrong way round: nothing on the wire can tell), `noisy-room`, `underrun`
(the card loses samples in every third presentation), `deaf-microphone` (the same number all the time).
"""

from __future__ import annotations

import binascii
import struct
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.listener import Listener
from simulators.physiology import FREQUENCIES

RATE = 48_000
FRAME = 8
CHUNK = RATE // 10
"""Frames that are listened to at once."""
FULL_SCALE_DB = {"left": 112.0, "right": 111.5}
"""dB re 20 µPa of a full-scale sine, at every frequency."""
RETSPL_DB = dict(zip(FREQUENCIES, (30.5, 18.0, 11.0, 6.0, 5.5, 5.5, 4.5, 2.5, 9.5, 17.0, 17.5), strict=True))
"""Reference 5.3, HDA 200."""
MICROPHONE_DB = 110.0
"""dB re 20 µPa of the microphone's full scale."""
ROOM_DB, NOISY_DB = 8.0, 62.0
"""Level of the third-octave band around 500 Hz."""
ATTENUATION_DB = dict(zip(FREQUENCIES, (14.5, 16, 22.5, 26, 28.5, 31, 32, 40, 45.5, 45, 44), strict=True))
"""What the phones keep out of the room (reference 5.5, HDA 200)."""
LISTEN_S, LISTENED = 0.5, RATE // 4
"""The microphone is heard for a quarter of every half second."""
AUDIBLE_DB = -15.0
"""Softer than this is silence for everybody."""
HELD = RATE // 6
HASTY_S = 1.5
"""Between two presses of a false presser, on average."""
PATIENT = 3
"""Looks, of 20 ms of the wall."""
TRIAL_S = 3.5
"""The time to which a person's chance to press without cause belongs."""

_TURNS = np.exp(-2j * np.pi * np.outer(np.arange(CHUNK), FREQUENCIES) / RATE)
_WINDOW = np.hanning(CHUNK)


class Headphones:
    """The card, its phones, its microphone, its button; and whoever wears them."""

    kind: ClassVar[str] = "audiometer"
    # The last byte of a record: its sum no longer fits.
    wear: ClassVar[Wear] = Wear(drop_every=1999, spoil_every=5, spoil_at=-1)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "false-presser", "sleeper", "no-button", "swapped-ears", "noisy-room", "underrun", "deaf-microphone",
    )  # fmt: skip

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rng = np.random.default_rng((body.seed, 8253))
        self._wrong: set[str] = set()
        self._open(0.0)

    def opened(self, now: float) -> None:
        """The card begins to count."""
        self._open(now)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """Samples to be played after those that wait."""
        self._waiting += data
        self._quiet = 0
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of `own_faults`."""
        (self._wrong.add if wrong else self._wrong.discard)(fault)

    def produce(self, now: float) -> Frames:
        """Play up to `now`; what card, microphone and button have to say."""
        due = int((now - self._opened) * RATE) - self._held
        # Like any card it begins once its buffer is filled: when nothing more has come since the last look.
        self._filled = self._ended is None or self._quiet > 0
        self._quiet += 1
        while self._now < due:
            if self._dry():
                self._held += due - self._now
                break
            self._play(min(CHUNK, due - self._now))
        return [*self._button(), *self._room(), *self._card()]

    def _open(self, now: float) -> None:
        self._opened, self._now, self._said = now, 0, -1
        self._began, self._ended, self._underruns, self._sounds = 0, 0, 0, 0
        self._waiting = bytearray()
        self._filled = False
        self._quiet = 0
        """Looks since samples came last."""
        self._held: int = 0
        """Frames for which the card waited for its host, which a body faster than life leaves no time."""
        self._heard = np.zeros((0, 2))
        """Of the chunk that is not whole yet."""
        self._tone: tuple[str, int] | None = None
        self._presses: list[int] = []
        self._releases: list[int] = []
        self._slot = 0
        self._listens = 0

    def _dry(self) -> bool:
        """Whether what is to come of a sound may be on its way: then the card's time stands still."""
        return self._ended is None and len(self._waiting) < CHUNK * FRAME and self._quiet <= PATIENT

    def _play(self, count: int) -> None:
        """Take so many frames, silence where nothing waits."""
        size = min(count, len(self._waiting) // FRAME) if self._filled else 0
        sound = bytes(self._waiting[: size * FRAME])
        del self._waiting[: len(sound)]
        had = len(sound) // FRAME
        if had and self._ended is not None:
            self._began, self._ended = self._now, None  # type: ignore[assignment]
            self._sounds += 1
            self._underruns += "underrun" in self._wrong and self._sounds % 3 == 0
        if self._ended is None and had < count:
            self._ended = self._now + had
        self._now += count
        frames = np.zeros((count, 2))
        frames[:had] = np.frombuffer(sound, "<i4").reshape(-1, 2) / 2.0**31
        self._heard = np.concatenate([self._heard, frames])
        while len(self._heard) >= CHUNK:
            chunk, self._heard = self._heard[:CHUNK], self._heard[CHUNK:]
            self._listen(chunk, self._now - len(self._heard))

    def _listen(self, chunk: NDArray[np.float64], end: int) -> None:
        """The person, a tenth of a second at a time: at the first whole chunk of a tone it is heard or not."""
        self._press_without_cause(end)
        found = self._loudest(chunk)
        if found is None:
            self._tone = None
            return
        ear, number, level = found
        if self._tone == (ear, number):
            return
        if self._tone is None and self._rising(chunk):
            return  # the tone began within this chunk: the next one has all of it
        self._tone = (ear, number)
        listener = Listener(self._threshold(ear, number), self._body.physiology, self._rng)
        if "sleeper" not in self._wrong and listener.hears(level):
            self._press(end - CHUNK + round(listener.takes_s(level) * RATE))

    def _loudest(self, chunk: NDArray[np.float64]) -> tuple[str, int, float] | None:
        """Ear, number of the frequency and level of the most audible tone of a chunk."""
        if not chunk.any():
            return None
        peak = np.abs((chunk * _WINDOW[:, None]).T @ _TURNS) * 2 / _WINDOW.sum()
        best: tuple[float, str, int, float] | None = None
        for channel, played in enumerate(("left", "right")):
            ear = played if "swapped-ears" not in self._wrong else ("right", "left")[channel]
            for number, hz in enumerate(FREQUENCIES):
                level = 20 * float(np.log10(peak[channel][number] + 1e-12)) + FULL_SCALE_DB[played] - RETSPL_DB[hz]
                above = level - self._threshold(ear, number)
                if level > AUDIBLE_DB and (best is None or above > best[0]):
                    best = (above, ear, number, level)
        return best[1:] if best else None

    @staticmethod
    def _rising(chunk: NDArray[np.float64]) -> bool:
        half = len(chunk) // 2
        first, second = np.abs(chunk[:half]).max(), np.abs(chunk[half:]).max()
        return bool(first < 0.9 * second) or not chunk[: half // 2].any()

    def _threshold(self, ear: str, number: int) -> float:
        levels = self._body.physiology.left if ear == "left" else self._body.physiology.right
        hz = FREQUENCIES[number]
        masked = self._band_db(hz) - ATTENUATION_DB[hz] - RETSPL_DB[hz]
        return max(levels[number], masked)

    def _band_db(self, hz: int) -> float:
        """White noise of the room: a third of an octave has the more of it the higher it lies."""
        band = NOISY_DB if "noisy-room" in self._wrong else ROOM_DB
        return float(band + 10 * np.log10(hz / 500))

    def _press_without_cause(self, end: int) -> None:
        """Whoever is hasty presses for nothing now and then."""
        chance = CHUNK / RATE / HASTY_S
        if "false-presser" not in self._wrong:
            chance = self._body.physiology.false_alarm * CHUNK / RATE / TRIAL_S if self._tone is None else 0.0
        if "sleeper" not in self._wrong and self._ended is None and self._rng.random() < chance:
            self._press(end)

    def _press(self, frame: int) -> None:
        if not self._presses or frame - self._presses[-1] > 2 * HELD:
            self._presses.append(frame)

    def _button(self) -> Frames:
        """Presses and releases that fall due."""
        due = [(frame, True) for frame in self._presses if frame <= self._now]
        self._presses = [frame for frame in self._presses if frame > self._now]
        due += [(frame, False) for frame in self._releases if frame <= self._now]
        self._releases = [frame for frame in self._releases if frame > self._now]
        self._releases += [frame + HELD for frame, down in due if down]
        if "no-button" in self._wrong:
            return []
        return [_record("P" if down else "R", struct.pack("<Q", frame)) for frame, down in sorted(due)]

    def _card(self) -> Frames:
        """Where the card is, where it has moved."""
        if self._now == self._said:
            return []
        self._said = self._now
        ended = 2**64 - 1 if self._ended is None else self._ended
        return [_record("C", struct.pack("<QQQI", self._now, self._began, ended, self._underruns))]

    def _room(self) -> Frames:
        """A quarter of a second of the microphone, when it is time again."""
        if self._now < (self._listens + 1) * LISTEN_S * RATE:
            return []
        self._listens = int(self._now / RATE / LISTEN_S)
        if "deaf-microphone" in self._wrong:
            return [_record("N", struct.pack("<Q11h", self._now - LISTENED, *[-32768] * len(FREQUENCIES)))]
        levels = [self._band_db(hz) + self._rng.normal(0, 1) - MICROPHONE_DB for hz in FREQUENCIES]
        return [_record("N", struct.pack("<Q11h", self._now - LISTENED, *(round(10 * each) for each in levels)))]


def _record(kind: str, payload: bytes) -> bytes:
    """The sheet's record: A5, type, length, payload, CRC-16 of all but the first byte."""
    body = kind.encode("ascii") + len(payload).to_bytes(2, "little") + payload
    return b"\xa5" + body + binascii.crc_hqx(body, 0).to_bytes(2, "little")
