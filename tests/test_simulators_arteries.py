"""Arteries under a cuff: each law is its own, rises, and is softest where it says."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import arteries, cuff_faults, oscillometry, pressure_wave
from simulators.arteries import LAWS, Law, arctan, buckling, draw, logistic, two_exponential

P = np.arange(-150, 200, 0.5)


@given(st.sampled_from(LAWS), st.integers(0, 10_000))
def test_every_artery_rises_and_is_finite(law: Law, seed: int) -> None:
    v = draw(law, np.random.default_rng(seed))(P)
    assert np.isfinite(v).all()
    assert (np.diff(v) >= 0).all()
    assert v[-1] > v[0]


@given(st.sampled_from(LAWS), st.integers(0, 10_000))
def test_every_artery_is_softest_near_zero(law: Law, seed: int) -> None:
    slope = np.diff(draw(law, np.random.default_rng(seed))(P))
    assert -6 <= P[int(np.argmax(slope))] <= 16


@pytest.mark.parametrize("middle", [-5.0, 0.0, 12.0])
def test_laws_are_shifted_as_told(middle: float) -> None:
    for shifted, still in (
        (arctan(middle, 15), arctan(0, 15)),
        (logistic(middle, 9), logistic(0, 9)),
        (two_exponential(10, 25, middle), two_exponential(10, 25)),
        (buckling(8, 2, 8, 1.2, middle), buckling(8, 2, 8, 1.2)),
    ):
        assert shifted(P + middle) == pytest.approx(still(P), abs=1e-6)


def test_known_points_of_the_laws() -> None:
    assert arctan(5, 15)(np.array([5.0, 20.0])) == pytest.approx([0, np.pi / 4])
    assert logistic(3, 9)(np.array([3.0, 12.0])) == pytest.approx([0.5, 1 / (1 + np.exp(-1))])
    assert two_exponential(9.1, 22.1)(np.array([0.0, -9.1, 1e3])) == pytest.approx([9.1, 9.1 / np.e, 31.2])
    area = 1.3
    stretched = 8 * np.expm1(2 * (area - 1)) - 6 * (area**-1.2 - 1)
    assert buckling(8, 2, 6, 1.2)(np.array([0.0, stretched])) == pytest.approx([1.0, area], abs=1e-4)


def test_a_collapsed_artery_of_the_buckling_law_closes_slowly() -> None:
    v = buckling(8, 2, 6, 1.2)(np.array([0.0, -20.0, -80.0]))
    assert 1 > v[1] > v[2] > 0


@pytest.mark.parametrize("module", [arteries, pressure_wave, cuff_faults, oscillometry])
def test_the_generators_know_nothing_of_the_analysis(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__"))).read_text(encoding="utf-8"))  # noqa: B009
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(name).startswith("cabin_signal") for name in names)
