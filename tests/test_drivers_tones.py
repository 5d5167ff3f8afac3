"""The samples of a tone: level, frequency, ramps, pulses, and silence that is silent."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from drivers.tones import FRAME, FULL_SCALE, PULSE_S, RAMP_S, RATE, silence, tone


def samples(sound: bytes) -> np.ndarray:
    return np.frombuffer(sound, "<i4").reshape(-1, 2) / FULL_SCALE


@pytest.mark.parametrize(("ear", "channel"), [("left", 0), ("right", 1)])
def test_a_tone_is_in_its_ear_alone(ear: Literal["left", "right"], channel: int) -> None:
    played = samples(tone(ear, 1000, -20, 0.5))
    assert np.abs(played[:, channel]).max() == pytest.approx(0.1, rel=1e-3)
    assert not played[:, 1 - channel].any()


@pytest.mark.parametrize("hz", [125, 500, 1000, 6000, 8000])
def test_level_and_frequency_are_those_that_were_asked_for(hz: int) -> None:
    played = samples(tone("left", hz, -40, 1.0))[:, 0]
    spectrum = np.abs(np.fft.rfft(played * np.hanning(RATE)))
    assert int(spectrum.argmax()) == hz
    assert 20 * np.log10(spectrum.max() * 4 / RATE) == pytest.approx(-40, abs=0.7)  # the ramps take a little
    harmonics = max(spectrum[n * hz - 5 : n * hz + 6].max() for n in (2, 3) if n * hz < RATE / 2)
    assert harmonics < spectrum.max() / 1000


def test_rise_and_fall_take_the_standards_time_and_never_jump() -> None:
    played = samples(tone("left", 1000, 0, 1.0))[:, 0]
    envelope = np.abs(played).reshape(-1, 48).max(axis=1)  # one period each
    assert 0.020 <= RAMP_S <= 0.050
    rise = np.flatnonzero(envelope > 0.99)[0] / 1000
    assert 0.020 <= rise <= 0.050
    assert np.abs(np.diff(envelope)).max() < 0.06
    assert envelope[0] < 0.01 and envelope[-1] < 0.01


def test_a_pulsed_tone_is_on_and_off_for_225_ms() -> None:
    played = samples(tone("left", 1000, -10, 1.4, pulsed=True))[:, 0]
    on = np.abs(played).reshape(-1, 480).max(axis=1) > 10 ** (-30 / 20)  # 20 dB down counts as off
    changes = np.diff(np.flatnonzero(np.diff(on.astype(int)))) / 100
    assert len(changes) >= 3
    assert all(abs(each - PULSE_S) <= 0.040 for each in changes)


def test_the_faintest_tone_is_still_there_in_24_bits() -> None:
    played = samples(tone("left", 1000, -112, 1.0))[:, 0]
    spectrum = np.abs(np.fft.rfft(played))
    assert int(spectrum[10:].argmax()) + 10 == 1000


def test_silence_is_digital_silence_and_a_tone_is_the_same_each_time() -> None:
    assert silence(0.1) == bytes(4800 * FRAME)
    assert tone("left", 1000, -30, 0.3) == tone("left", 1000, -30, 0.3)


def test_nothing_is_louder_than_full_scale() -> None:
    with pytest.raises(ValueError, match="full scale"):
        tone("left", 1000, 0.1, 0.1)
