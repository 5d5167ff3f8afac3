"""The raw recording of a visit: the samples behind its values, kept with the open visit and delivered beside it.

Content type `application/vnd.cabin.recording+cbor`: deterministic CBOR of
`{"version": 1, "simulated": bool, "tracks": [{"stream", "rate", "unit", "scale", "channels", "started_ms",
"index": [...], "samples": bytes}]}`; `samples` is little-endian int32, channel after channel, times `scale` in
`unit`; `index` holds `[position, sample index]` wherever the numbering jumps, so that a gap stays a gap.

What was too large to be delivered is counted in `"left_out": {"pictures": int, "stretches": int}`, and absent.

A track of the stream "still" holds no samples but one picture: `{"stream": "still", "started_ms", "site", "side",
"camera", "width", "height", "simulated": bool, "sha256", "jpeg": bytes}` (`cabin_agent.still` makes it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

from drivers.events import Wave

SCALES = {"mV": 1e-5, "mm[Hg]": 0.1, "1": 1.0}
"""Unit of one count for each unit: 10 nV, 0.1 mmHg, one device count."""
_AROUND = 1024
"""Bytes of a recording around its tracks, amply."""


@dataclass(slots=True)
class Track:
    """One stretch of one waveform as it arrived."""

    started_ms: int
    waves: list[Wave] = field(default_factory=list)

    def add(self, wave: Wave) -> None:
        """Keep one more block."""
        self.waves.append(wave)

    def packed(self) -> bytes:
        """The track as CBOR; empty bytes if nothing arrived."""
        return cbor2.dumps(self._content(), canonical=True) if self.waves else b""

    def _content(self) -> dict[str, Any]:
        first = self.waves[0]
        scale = SCALES[first.unit]
        rows = np.concatenate([np.asarray(wave.samples, dtype=np.float64) for wave in self.waves])
        counts = np.rint(rows / scale).astype("<i4")
        return {
            "stream": first.stream,
            "rate": first.rate,
            "unit": first.unit,
            "scale": scale,
            "channels": list(first.channels),
            "started_ms": self.started_ms,
            "index": self._jumps(),
            "samples": np.ascontiguousarray(counts.T).tobytes(),
        }

    def _jumps(self) -> list[list[int]]:
        jumps, position, expected = [], 0, None
        for wave in self.waves:
            if wave.index != expected:
                jumps.append([position, wave.index])
            position += len(wave.samples)
            expected = wave.index + len(wave.samples)
        return jumps


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a visit's tracks does not go into its recording, which would be too large to be delivered."""

    pictures: tuple[str, ...] = ()
    """SHA-256 (hex) of each JPEG."""
    stretches: int = 0
    """Tracks of samples."""

    def __bool__(self) -> bool:
        return bool(self.pictures or self.stretches)


NOTHING = LeftOut()


def fitting(tracks: list[bytes], most: int) -> tuple[list[bytes], LeftOut]:
    """The tracks that a recording of `most` bytes holds, in their order, and what it does not.

    Pictures go first and the newest of them before the others: samples are what a value rests on.
    """
    pictures = {place: str(digest) for place, track in enumerate(tracks) if (digest := _picture(track)) is not None}
    size, out = sum(map(len, tracks)) + _AROUND, list[int]()
    for place in sorted(range(len(tracks)), key=lambda each: (each not in pictures, -each)):
        if size <= most:
            break
        size -= len(tracks[place])
        out.append(place)
    kept = [track for place, track in enumerate(tracks) if place not in out]
    lost = tuple(pictures[place] for place in sorted(out) if place in pictures)
    return kept, LeftOut(lost, len(out) - len(lost))


def _picture(track: bytes) -> object | None:
    """The digest of a picture; None for a track of samples."""
    told = cbor2.loads(track)
    return told.get("sha256", "") if told.get("stream") == "still" else None


def recording(tracks: list[bytes], *, simulated: bool, left_out: LeftOut = NOTHING) -> tuple[bytes, str]:
    """The whole recording as content, and its SHA-256 in hex; one simulated picture makes all of it simulated."""
    told = [cbor2.loads(track) for track in tracks]
    simulated = simulated or any(track.get("simulated") is True for track in told)
    whole: dict[str, object] = {"version": 1, "simulated": simulated, "tracks": told}
    if left_out:
        whole["left_out"] = {"pictures": len(left_out.pictures), "stretches": left_out.stretches}
    content = cbor2.dumps(whole, canonical=True)
    return content, hashlib.sha256(content).hexdigest()


def samples(track: dict[str, Any]) -> NDArray[np.float64]:
    """The samples of one track of a recording, shape (channels, n), in its unit."""
    counts = np.frombuffer(track["samples"], dtype="<i4").reshape(len(track["channels"]), -1)
    return counts * float(track["scale"])


def is_simulated(content: bytes) -> bool:
    """Whether a recording says that it was simulated; one that cannot be read is not believed to be real."""
    try:
        told = cbor2.loads(content)
    except (cbor2.CBORDecodeError, ValueError):
        return True
    if not isinstance(told, dict) or told.get("simulated") is not False:
        return True
    tracks = told.get("tracks")
    return not isinstance(tracks, list) or any(
        not isinstance(track, dict) or track.get("simulated") is True for track in tracks
    )
