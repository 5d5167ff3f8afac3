"""Do the pulse in the finger and the heart in the ECG count the same?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RateAgreement:
    """Two rates of the same minutes, per minute."""

    pulse_rate: float
    heart_rate: float
    verdict: Literal["agree", "near", "differ"]
    """"differ" is a fact for the doctor (movement, extra beats that reach no finger); both rates are shown."""


def pulse_against_heart(pulse_rate: float, heart_rate: float) -> RateAgreement:
    """Within 3 /min or 5 % they agree; beyond 5 /min and 10 % they differ; percent are of the heart rate."""
    apart = abs(pulse_rate - heart_rate)
    if apart <= max(3.0, 0.05 * heart_rate):
        return RateAgreement(pulse_rate, heart_rate, "agree")
    return RateAgreement(pulse_rate, heart_rate, "differ" if apart > max(5.0, 0.1 * heart_rate) else "near")
