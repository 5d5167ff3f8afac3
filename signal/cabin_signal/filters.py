"""Streaming filters: second-order sections with kept state, and the few designs that the analysis needs.

The designs are closed formulas (bilinear transform of the analogue prototype with the corner pre-warped; notch after
Orfanidis, "Introduction to Signal Processing", section 11.3) and equal those of scipy.signal.

Why scipy's kernel is loaded by its file: importing `scipy.signal` pulls in optimisation, interpolation and statistics
(80 MB of memory, 0.8 s on the cabin's machine) for one loop of ten lines in compiled code. That loop lives in an
extension module of its own and needs none of them. It runs sample after sample, so that the result does not depend
on how the stream was cut into blocks, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples = NDArray[np.float64]
"""A run of samples, one dimension, double precision."""

Section = tuple[float, float, float, float, float, float]
"""One section: b0, b1, b2, 1, a1, a2."""

_Kernel = Callable[[Samples, Samples, Samples], None]


def _kernel_file() -> Path | None:
    """Where scipy keeps the compiled loop; None where this build of scipy has none."""
    package = find_spec("scipy")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        for suffix in EXTENSION_SUFFIXES:
            file = Path(folder, "signal", f"_sosfilt{suffix}")
            if file.is_file():
                return file
    return None


def _load_kernel() -> _Kernel | None:
    """The compiled loop `_sosfilt(sos, x, zi)`, which works in place; None where it cannot be had by itself."""
    file = _kernel_file()
    if file is None:
        return None
    name = "scipy.signal._sosfilt"
    spec = spec_from_file_location(name, file, loader=ExtensionFileLoader(name, str(file)))
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        kernel: _Kernel = module._sosfilt
    except (ImportError, AttributeError):
        return None
    return kernel


def _package_kernel(sos: Samples, x: Samples, zi: Samples) -> None:
    """The same loop through scipy's public door, for builds without the file."""
    from scipy.signal import sosfilt

    y, state = sosfilt(sos, x, zi=zi.transpose(1, 0, 2))
    x[:] = y
    zi[:] = state.transpose(1, 0, 2)


_run: _Kernel = _load_kernel() or _package_kernel


class Sections:
    """A cascade of second-order sections that remembers its state from block to block, beginning at rest."""

    def __init__(self, sections: list[Section]) -> None:
        """`sections`: the output of one of the designs below, or several together; without any, all passes."""
        self._sos = np.array(sections, dtype=np.float64)
        self._state = np.zeros((1, len(sections), 2))

    def update(self, block: ArrayLike) -> Samples:
        """The filtered block, as long as the block; the block itself is left as it was."""
        x: Samples = np.array(block, dtype=np.float64, order="C", ndmin=2)
        if x.size and self._sos.size:
            _run(self._sos, x, self._state)
        filtered: Samples = x[0]
        return filtered


def zero_phase(sections: list[Section], x: Samples, pad: int) -> Samples:
    """A whole recording filtered forwards and backwards, so that nothing is shifted; never on a live stream.

    `pad` samples are mirrored at both ends (odd mirror, as scipy's sosfiltfilt does) to let the filter settle.
    """
    pad = min(pad, len(x) - 1)
    left, right = 2 * x[0] - x[pad:0:-1], 2 * x[-1] - x[-2 : -2 - pad : -1]
    padded = np.concatenate((left, x, right))
    origin = padded[0]
    forwards = Sections(sections).update(padded - origin)[::-1]
    turn = forwards[0]
    both = Sections(sections).update(forwards - turn)[::-1] + _gain_at_zero(sections) * turn
    result: Samples = both[pad : pad + len(x)] + _gain_at_zero(sections) ** 2 * origin
    return result


def _gain_at_zero(sections: list[Section]) -> float:
    """What a constant is multiplied with."""
    return math.prod((b0 + b1 + b2) / (a0 + a1 + a2) for b0, b1, b2, a0, a1, a2 in sections)


def low_pass(order: int, hertz: float, fs: float) -> list[Section]:
    """Butterworth low-pass; -3 dB at `hertz`. Raises ValueError unless 0 < hertz < fs/2."""
    k = _warped(hertz, fs)
    sections: list[Section] = []
    if order % 2:
        b = k / (1 + k)
        sections.append((b, b, 0.0, 1.0, (k - 1) / (k + 1), 0.0))
    for q in _qualities(order):
        norm = 1 / (1 + k / q + k * k)
        b = k * k * norm
        sections.append((b, 2 * b, b, 1.0, 2 * (k * k - 1) * norm, (1 - k / q + k * k) * norm))
    return sections


def high_pass(order: int, hertz: float, fs: float) -> list[Section]:
    """Butterworth high-pass; -3 dB at `hertz`. Raises ValueError unless 0 < hertz < fs/2."""
    k = _warped(hertz, fs)
    sections: list[Section] = []
    if order % 2:
        b = 1 / (1 + k)
        sections.append((b, -b, 0.0, 1.0, (k - 1) / (k + 1), 0.0))
    for q in _qualities(order):
        norm = 1 / (1 + k / q + k * k)
        sections.append((norm, -2 * norm, norm, 1.0, 2 * (k * k - 1) * norm, (1 - k / q + k * k) * norm))
    return sections


def notch(hertz: float, quality: float, fs: float) -> list[Section]:
    """Second-order notch; `quality` = centre / width at -3 dB. Raises ValueError unless 0 < hertz < fs/2."""
    _warped(hertz, fs)
    w = 2 * math.pi * hertz / fs
    gain = 1 / (1 + math.tan(w / quality / 2))
    turn = -2 * math.cos(w) * gain
    return [(gain, turn, gain, 1.0, turn, 2 * gain - 1)]


def _warped(hertz: float, fs: float) -> float:
    if not 0 < hertz < fs / 2:
        raise ValueError(f"a corner of {hertz:g} Hz needs a sampling rate above {2 * hertz:g} Hz, not {fs:g} Hz")
    return math.tan(math.pi * hertz / fs)


def _qualities(order: int) -> list[float]:
    """Quality factor of each pair of Butterworth poles."""
    return [1 / (2 * math.sin(math.pi * (2 * i + 1) / (2 * order))) for i in range(order // 2)]
