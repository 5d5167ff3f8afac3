"""The QT interval as it would be at sixty beats a minute, by the four formulas in use.

Fridericia comes first: in 452 440 ECGs Bazett's was the most dependent on rate (clinical.md 3.5). No formula is worth
anything where the rate is not steady; `intervals.measure` refuses there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Qtc:
    """Corrected QT in milliseconds."""

    fridericia: float
    bazett: float
    framingham: float
    hodges: float


def corrected(qt_ms: float, rr_ms: float) -> Qtc:
    """The table for one QT and the mean interval between beats that belongs to it, both in ms and above 0.

    With RR in seconds and HR = 60 / RR: Fridericia QT / RR^(1/3), Bazett QT / RR^(1/2), Framingham
    QT + 154 (1 - RR), Hodges QT + 1.75 (HR - 60). ValueError where one is not above 0.
    """
    if not (qt_ms > 0 and rr_ms > 0):
        raise ValueError(f"QT and RR are above 0 ms, not {qt_ms:g} and {rr_ms:g}")
    rr = rr_ms / 1000
    return Qtc(
        fridericia=qt_ms / rr ** (1 / 3),
        bazett=qt_ms / rr**0.5,
        framingham=qt_ms + 154 * (1 - rr),
        hodges=qt_ms + 1.75 * (60 / rr - 60),
    )
