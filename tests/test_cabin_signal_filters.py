"""The filters against scipy's own, and the price of importing them."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from cabin_signal import filters
from cabin_signal.filters import Sections, high_pass, low_pass, notch, zero_phase

ROOT = Path(__file__).resolve().parent.parent
NOISE = np.random.default_rng(7).standard_normal(2000)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize(("hertz", "fs"), [(0.5, 125), (5, 360), (20, 360), (40, 1000), (0.05, 500)])
def test_the_designs_are_those_of_scipy(order: int, hertz: float, fs: float) -> None:
    frequencies = np.linspace(0.01, fs / 2 - 0.01, 257)
    for design, kind in ((low_pass, "low"), (high_pass, "high")):
        ours = scipy_signal.sosfreqz(np.array(design(order, hertz, fs)), frequencies, fs=fs)[1]
        theirs = scipy_signal.sosfreqz(
            scipy_signal.butter(order, hertz, kind, fs=fs, output="sos"), frequencies, fs=fs
        )[1]
        assert np.abs(ours - theirs).max() < 1e-7


@pytest.mark.parametrize(("hertz", "quality", "fs"), [(50, 10, 360), (60, 30, 500), (50, 5, 125)])
def test_the_notch_is_that_of_scipy(hertz: float, quality: float, fs: float) -> None:
    b, a = scipy_signal.iirnotch(hertz, quality, fs=fs)
    assert np.allclose(notch(hertz, quality, fs)[0], [*b, *a], rtol=0, atol=1e-12)


@pytest.mark.parametrize("hertz", [0.0, -1.0, 180.0, 500.0])
def test_a_corner_that_the_rate_cannot_carry_is_refused(hertz: float) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        low_pass(2, hertz, 360)
    with pytest.raises(ValueError, match="sampling rate"):
        high_pass(2, hertz, 360)
    with pytest.raises(ValueError, match="sampling rate"):
        notch(hertz, 5, 360)


def test_the_loaded_kernel_is_the_one_of_sosfilt() -> None:
    sos = low_pass(4, 20, 360) + high_pass(2, 5, 360)
    assert np.array_equal(Sections(sos).update(NOISE), scipy_signal.sosfilt(np.array(sos), NOISE))


def test_the_package_kernel_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sos = low_pass(4, 20, 360)
    expected = Sections(sos).update(NOISE)
    monkeypatch.setattr(filters, "_run", filters._package_kernel)
    one = Sections(sos)
    assert np.array_equal(np.concatenate((one.update(NOISE[:700]), one.update(NOISE[700:]))), expected)


def test_without_the_file_the_kernel_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_kernel_file", lambda: None)
    assert filters._load_kernel() is None


def test_a_file_that_is_no_extension_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "_sosfilt.so"
    broken.write_bytes(b"not an extension")
    monkeypatch.setattr(filters, "_kernel_file", lambda: broken)
    assert filters._load_kernel() is None


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_cutting_the_stream_changes_no_bit(cuts: list[int]) -> None:
    sos = high_pass(2, 5, 360) + low_pass(4, 20, 360)
    x = NOISE[:500]
    whole = Sections(sos).update(x)
    pieces = Sections(sos)
    edges = [0, *sorted(cuts), 500]
    parts = [pieces.update(x[a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_block_itself_is_left_alone() -> None:
    block = NOISE[:50].copy()
    Sections(low_pass(2, 10, 100)).update(block)
    assert np.array_equal(block, NOISE[:50])


def test_zero_phase_is_sosfiltfilt_in_the_middle() -> None:
    t = np.arange(6000) / 100
    x = 100 - 2 * t / 3 + np.sin(2 * np.pi * t) + 0.1 * np.random.default_rng(3).standard_normal(len(t))
    for sos in (low_pass(2, 0.4, 100), high_pass(2, 0.5, 100) + low_pass(2, 10, 100)):
        theirs = scipy_signal.sosfiltfilt(np.array(sos), x, padlen=300)
        assert np.abs(zero_phase(sos, x, 300) - theirs)[300:-300].max() < 2e-3


def test_zero_phase_keeps_a_constant() -> None:
    assert np.allclose(zero_phase(low_pass(2, 0.4, 100), np.full(800, 91.5), 300), 91.5)


@pytest.mark.parametrize("module", ["ecg", "ppg", "cuff", "analyze"])
def test_the_analysis_does_not_import_scipy_signal(module: str) -> None:
    code = (
        f"import sys; import cabin_signal.{module}; from cabin_signal import filters; "
        "kernel = filters._run is not filters._package_kernel; "
        "print(kernel, 'scipy.signal' in sys.modules or any(m.startswith('scipy.stats') for m in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "signal", capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["True", "False"]
