"""What disturbs a cuff measurement between the artery and the number: arm, hose, sensor, link.

Sizes after the clinical reference, 1.6. `irregular` and `ectopic` belong to the heart, `loose` and `leak` to the
cuff; they are listed here because a cycle is asked for by them, and made where heart and cuff are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np

from simulators.arteries import Array

Fault = Literal[
    "irregular", "ectopic", "loose", "leak", "tremor", "bumps", "flexion", "talking", "kinked", "clipped", "dropped",
    "noisy",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
SENSOR_MMHG, OFFSET_MMHG, COUNT_MMHG = 0.04, 1.0, 0.02


def disturbed(t: Array, pressure: Array, faults: tuple[Fault, ...], rng: np.random.Generator) -> tuple[Array, Array]:
    """Times and pressures as they arrive: the faults in order, then the sensor's own noise, offset and steps."""
    top = int(np.argmax(pressure))
    for fault in faults:
        if fault in _ARM:
            pressure = pressure + _ARM[fault](t, t > t[top], rng)
    if "kinked" in faults:
        pressure = _kinked(t, pressure)
    noise = 0.25 if "noisy" in faults else SENSOR_MMHG
    pressure = pressure + rng.normal(0, noise, len(t)) + rng.uniform(-OFFSET_MMHG, OFFSET_MMHG)
    if "clipped" in faults:
        pressure = np.minimum(pressure, 0.72 * float(pressure.max()))
    pressure = COUNT_MMHG * np.round(np.maximum(pressure, 0) / COUNT_MMHG)
    if "dropped" in faults:
        kept = _kept(t, t[top], rng)
        return t[kept], pressure[kept]
    return t, pressure


def _tremor(t: Array, falling: Array, rng: np.random.Generator) -> Array:
    size, hertz = rng.uniform(0.2, 1.0), rng.uniform(4, 8)
    drift = np.cumsum(rng.normal(0, 0.04, len(t)))
    return np.asarray(falling * size * np.sin(2 * np.pi * hertz * t + drift))


def _bumps(t: Array, falling: Array, rng: np.random.Generator) -> Array:
    first = float(t[np.argmax(falling)])
    out = np.zeros(len(t))
    for at in rng.uniform(first + 2, t[-1] - 6, int(rng.integers(1, 4))):
        out += rng.uniform(2, 20) * np.exp(-0.5 * ((t - at) / (rng.uniform(0.3, 1.0) / 4)) ** 2)
    return out


def _flexion(t: Array, falling: Array, rng: np.random.Generator) -> Array:
    first = float(t[np.argmax(falling)])
    at, lasts = rng.uniform(first + 5, t[-1] - 10), rng.uniform(2, 5)
    inside = 1 / (1 + np.exp(-(t - at) / 0.1)) - 1 / (1 + np.exp(-(t - at - lasts) / 0.1))
    return np.asarray(rng.uniform(5, 30) * inside)


def _talking(t: Array, falling: Array, rng: np.random.Generator) -> Array:
    out = np.zeros(len(t))
    for hertz in rng.uniform(0.3, 2.0, 5):
        out += np.sin(2 * np.pi * hertz * t + rng.uniform(0, 2 * np.pi))
    return np.asarray(falling * rng.uniform(1, 3) / 2 * out / np.sqrt(2.5))


_ARM: Mapping[Fault, Callable[[Array, Array, np.random.Generator], Array]] = {
    "tremor": _tremor,
    "bumps": _bumps,
    "flexion": _flexion,
    "talking": _talking,
}


def _kinked(t: Array, pressure: Array) -> Array:
    """A hose that lets pulses through slowly: a lag of half a second."""
    step = float(t[1] - t[0])
    taps = np.exp(-np.arange(int(3.5 / step)) * step / 0.5)
    padded = np.concatenate((np.full(len(taps) - 1, pressure[0]), pressure))
    return np.convolve(padded, taps / taps.sum(), mode="valid")


def _kept(t: Array, after: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """All but three holes of 0.6 to 1.5 s in the fall."""
    kept = np.ones(len(t), dtype=bool)
    for at in rng.uniform(after + 2, float(t[-1]) - 6, 3):
        kept &= (t < at) | (t > at + rng.uniform(0.6, 1.5))
    return kept
