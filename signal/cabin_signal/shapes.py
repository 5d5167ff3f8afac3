"""The shapes that the beats of one lead have: does a wave look like one of them?

A few templates, each the running mean of waves that correlate; a wave that fits none begins a new one. A heart
repeats its shapes, those of its extra beats too; a moving electrode seldom does. Template matching of QRS complexes
is as old as computerised arrhythmia monitoring (Feldman 1977; Pahlm and Sörnmo 1984 review it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cabin_signal.filters import Samples, Sections, high_pass, low_pass
from cabin_signal.stretch import Pending, Stretch

BAND_HZ = (3.0, 25.0)
"""What is compared: QRS complexes, without baseline, little of T."""
HALF_S, SHIFT_S, SHIFTS = 0.08, 0.024, 4
"""Half the width of a shape; how far, and in how many steps to each side, it is moved for the best fit."""
DELAY_S = 0.018
"""The band-pass lets the QRS come so much later."""
SAME = 0.8
"""Correlation above which two waves have one shape."""
MOST, REMEMBERED = 4, 60
"""Templates kept, and waves counted in all of them before the counts are halved."""
ESTABLISHED = 8
"""Waves that make a template one of the heart's."""
KEPT_S = 8.0


@dataclass(slots=True, eq=False)
class _Template:
    wave: Samples
    """Of length one, so that a product is a correlation."""
    count: float
    last: int


class Shapes:
    """The templates of one lead, and the last seconds of its band-passed wave."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._band = Sections(high_pass(2, BAND_HZ[0], fs) + low_pass(2, BAND_HZ[1], fs))
        self._wave = Stretch(int(KEPT_S * fs))
        self._pending = Pending(int(fs))
        self._half = int(HALF_S * fs)
        self._delay = round(DELAY_S * fs)
        self._step = max(1, round(SHIFT_S * fs / SHIFTS))
        self._templates: list[_Template] = []

    def update(self, x: Samples) -> None:
        """The newest bridged samples in mV, at most a second."""
        if self._pending.add(x):
            self._read()

    def _read(self) -> None:
        self._wave.append(self._band.update(self._pending.take()))

    def likeness(self, at: int) -> float:
        """Correlation, -1 to 1, of the wave around sample `at` with the nearest shape of the heart; 0 without one."""
        established = [t.wave for t in self._templates if t.count >= ESTABLISHED]
        waves = self._waves(at)
        if not established or not len(waves):
            return 0.0
        return float((waves @ np.array(established).T).max())

    def alike(self, one: int, other: int) -> float:
        """Correlation of the waves around two samples; -1 where one of them is no longer kept."""
        a, b = self._waves(one), self._waves(other)
        return float((a @ b[len(b) // 2]).max()) if len(a) and len(b) else -1.0

    def learn(self, at: int) -> None:
        """The wave around `at` may be a beat: its shape counts."""
        waves = self._waves(at)
        if not len(waves):
            return
        if self._templates:
            fits = waves @ np.array([t.wave for t in self._templates]).T
            shift, nearest = np.unravel_index(int(np.argmax(fits)), fits.shape)
            if fits[shift, nearest] > SAME:
                self._add(self._templates[nearest], waves[shift], at)
                return
        if len(self._templates) == MOST:
            self._templates.remove(min(self._templates, key=lambda t: t.last))
        self._templates.append(_Template(waves[len(waves) // 2], 1.0, at))

    def _add(self, template: _Template, wave: Samples, at: int) -> None:
        template.count += 1
        template.last = at
        mean = template.wave + (wave - template.wave) / min(template.count, 10)
        template.wave = mean / np.linalg.norm(mean)
        if sum(t.count for t in self._templates) > REMEMBERED:
            for each in self._templates:
                each.count /= 2

    def _waves(self, at: int) -> Samples:
        """The wave around `at` at every shift, each of length one (shifts, samples); none where it is not kept."""
        self._read()
        reach = self._half + SHIFTS * self._step
        middle = at + self._delay
        wave = self._wave.window(middle - reach, middle + reach + 1)
        if len(wave) < 2 * reach + 1:
            return np.zeros((0, 2 * self._half + 1))
        waves = sliding_window_view(wave, 2 * self._half + 1)[:: self._step]
        norms = np.linalg.norm(waves, axis=1, keepdims=True)
        result: Samples = waves / np.maximum(norms, 1e-12)
        return result
