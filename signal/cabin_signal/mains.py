"""Mains hum: how much of it a lead has, and its removal without a notch, so that the QRS stays what it was.

A notch rings after every QRS. `MainsRemover` fits sinusoids instead: in every tenth of a second that the heart leaves
quiet, least squares tells the amplitude and phase of 50 or 60 Hz and its harmonics apart from a parabola (the slow
waves of the ECG). The fits of two seconds, turned by the one frequency that makes them agree, vote by their median;
what they predict is subtracted from the tenth that follows. A QRS neither moves the vote (its tenth fits badly and
has none) nor is touched by anything but a steady sinusoid. Method: least-squares sinusoid, slow, frozen during the
QRS (clinical.md 3.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cabin_signal.filters import Samples, Sections, notch

MAINS_HZ = (50.0, 60.0)
HARMONICS = (1, 2, 3)
HIGHEST = 0.45
"""A frequency above this part of the sampling rate is left alone: it cannot be told from others."""
TENTH_S = 0.1
MEMORY = 20
"""Tenths of a second that vote."""
FEWEST = 5
"""... and fewer know nothing."""
QUIET = 2.0
CALM = 0.3
"""A tenth has a vote if what its fit leaves over is at most so many times that of the tenth at this quantile."""
TINY = 1e-12
"""No phasor is shorter where one is divided by."""
DRIFT_HZ = np.arange(-0.8, 0.801, 0.05)
"""How far from its nominal frequency mains may be, and how finely that is looked for before interpolation."""

Phasors = NDArray[np.complex128]
"""Amplitude and phase, one for each harmonic."""


class MainsMeter:
    """Takes 50 and 60 Hz out with notches and hands back what they took."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; a mains frequency that this rate cannot show is left out."""
        self._notches = [Sections(notch(hertz, 5, fs)) for hertz in MAINS_HZ if hertz < HIGHEST * fs]

    def update(self, x: Samples) -> Samples:
        """The hum in `x`, the larger of the two mains, as long as `x`, in its unit, rectified."""
        hum: Samples = np.zeros(len(x))
        for one in self._notches:
            hum = np.maximum(hum, np.abs(x - one.update(x)))
        return hum


class MainsRemover:
    """One lead without its hum, sample for sample: no delay, nothing removed in the first half second.

    It finds by itself whether mains is 50 or 60 Hz, follows it within 0.8 Hz, and leaves a lead without hum as it is.
    """

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; below 112 Hz no mains frequency can be told and the samples pass."""
        self._tenth = max(1, round(TENTH_S * fs))
        self._lines = [_Line(hertz, fs, self._tenth) for hertz in MAINS_HZ if hertz < HIGHEST * fs]
        self._part: Samples = np.zeros(self._tenth)
        self._hum: Samples = np.zeros(self._tenth)
        self._filled = 0

    def update(self, block: Samples) -> Samples:
        """The block without hum, as long as the block, in its unit; NaN where the block has it."""
        clean: Samples = np.array(block, dtype=np.float64)
        done = 0
        while done < len(clean):
            take = min(self._tenth - self._filled, len(clean) - done)
            here, there = slice(done, done + take), slice(self._filled, self._filled + take)
            self._part[there] = clean[here]
            clean[here] -= self._hum[there]
            done, self._filled = done + take, self._filled + take
            if self._filled == self._tenth:
                self._learn()
        return clean

    def _learn(self) -> None:
        """A tenth is complete: what it says of the hum of the next."""
        self._filled = 0
        for line in self._lines:
            line.update(self._part)
        louder = max(self._lines, key=_Line.power, default=None)
        self._hum = louder.foretold() if louder else self._hum


class _Line:
    """One mains frequency with its harmonics: fitted in each tenth, foretold for the next."""

    def __init__(self, hertz: float, fs: float, tenth: int) -> None:
        self._orders = np.array([h for h in HARMONICS if h * hertz < HIGHEST * fs], dtype=np.float64)
        self._turns = self._orders * hertz / fs
        """Turns per sample of each harmonic."""
        self._tenth, self._seconds = tenth, tenth / fs
        self._at = np.arange(tenth) - (tenth - 1) / 2
        waves = np.exp(2j * np.pi * np.outer(self._at, self._turns))
        self._basis = np.hstack((np.vander(self._at / tenth, 3), waves.real, waves.imag))
        self._solve = np.linalg.pinv(self._basis)
        drift = np.outer(self._orders, DRIFT_HZ)[:, :, None]
        self._unturn = np.exp(2j * np.pi * self._seconds * drift * np.arange(MEMORY))
        self._votes = np.zeros((MEMORY, len(self._orders)), dtype=np.complex128)
        """The newest first, in the frame of the nominal frequency."""
        self._left = np.full(MEMORY, np.inf)
        """What each vote's fit left over, RMS; infinite where there is no vote."""
        self._quiet = np.zeros(MEMORY, dtype=bool)
        """Which tenths have a vote: those that the heart left alone."""
        self._voters = 0
        self._ended = 0
        """Sample at which the newest vote ends."""

    def update(self, x: Samples) -> None:
        """Takes the newest tenth."""
        phasors, left = np.zeros(len(self._orders), dtype=np.complex128), np.inf
        if np.isfinite(x).all():
            found = self._solve @ x
            residue = x - self._basis @ found
            left = float(np.sqrt(residue @ residue / self._tenth))
            real, imaginary = found[3:].reshape(2, -1)
            phasors = (real - 1j * imaginary) * np.exp(-2j * np.pi * self._turns * self._ended)
        self._votes = np.concatenate((phasors[None], self._votes[:-1]))
        self._left = np.concatenate(([left], self._left[:-1]))
        self._ended += self._tenth
        known = np.sort(self._left)[: int(np.isfinite(self._left).sum())]
        self._quiet = self._left <= (QUIET * known[int(CALM * (len(known) - 1))] if len(known) else -1.0)
        self._voters = int(self._quiet.sum())

    def power(self) -> float:
        """How much of this mains frequency there seems to be: its mean square in the quiet tenths."""
        votes = self._votes[self._quiet]
        return float(np.vdot(votes, votes).real) / max(1, self._voters)

    def foretold(self) -> Samples:
        """The hum of the tenth to come; zeros while too little is known."""
        if self._voters < FEWEST:
            return np.zeros(self._tenth)
        drift = self._orders * self._drift()
        turned = np.exp(2j * np.pi * self._seconds * np.outer(np.arange(MEMORY), drift))
        agreed = _agreed((self._votes * turned)[self._quiet])
        now = np.exp(2j * np.pi * (self._turns * self._ended + drift * self._seconds))
        wave = np.exp(2j * np.pi * np.outer(self._at, self._turns + drift * self._seconds / self._tenth))
        hum: Samples = np.real(wave @ (agreed * now))
        return hum

    def _drift(self) -> float:
        """How far mains is from its nominal frequency, Hz: where the phasors, turned back, add up to the most."""
        size = np.abs(self._votes)
        most = _median(size[self._quiet])
        limited = self._votes * (np.minimum(1, most / np.maximum(size, TINY)) * self._quiet[:, None])
        score = np.sum(np.abs(self._unturn @ limited.T[:, :, None]) ** 2, axis=(0, 2))
        best = int(np.clip(np.argmax(score), 1, len(score) - 2))
        before, here, after = score[best - 1 : best + 2]
        bend = before - 2 * here + after
        aside = float(np.clip((before - after) / (2 * bend), -1, 1)) if bend < 0 else 0.0
        return float(DRIFT_HZ[best]) + aside * float(DRIFT_HZ[1] - DRIFT_HZ[0])


def _agreed(phasors: Phasors) -> Phasors:
    """The median of the votes (votes, harmonics), less what chance alone would show: without hum, nearly nothing."""
    middle = _median(phasors.real) + 1j * _median(phasors.imag)
    chance = 2 * _median(np.abs(phasors - middle)) / np.sqrt(len(phasors))
    agreed: Phasors = middle * np.maximum(0, 1 - (chance / np.maximum(np.abs(middle), TINY)) ** 2)
    return agreed


def _median(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the first axis; three times as fast as numpy's on arrays as small as these."""
    ordered = np.sort(rows, axis=0)
    middle: NDArray[np.float64] = (ordered[(len(rows) - 1) // 2] + ordered[len(rows) // 2]) / 2
    return middle
