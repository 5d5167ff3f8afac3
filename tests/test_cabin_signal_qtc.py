"""The four corrections of QT, on the vectors of clinical.md 3.5."""

from __future__ import annotations

import pytest

from cabin_signal.qtc import Qtc, corrected

VECTORS = [
    (400, 60, Qtc(fridericia=400, bazett=400, framingham=400, hodges=400)),
    (360, 90, Qtc(fridericia=412, bazett=441, framingham=411, hodges=412)),
    (420, 50, Qtc(fridericia=395, bazett=383, framingham=389, hodges=402)),
    (320, 120, Qtc(fridericia=403, bazett=453, framingham=397, hodges=425)),
]


@pytest.mark.parametrize(("qt", "rate", "expected"), VECTORS)
def test_the_published_vectors(qt: float, rate: float, expected: Qtc) -> None:
    found = corrected(qt, 60_000 / rate)
    for formula in ("fridericia", "bazett", "framingham", "hodges"):
        assert getattr(found, formula) == pytest.approx(getattr(expected, formula), abs=0.6), formula


@pytest.mark.parametrize(("qt", "rr"), [(0, 800), (400, 0), (-1, 800), (float("nan"), 800)])
def test_what_is_no_interval_is_refused(qt: float, rr: float) -> None:
    with pytest.raises(ValueError, match="above 0 ms"):
        corrected(qt, rr)
