"""Body mass index."""

from __future__ import annotations


def bmi(weight_kg: float, height_cm: float) -> float:
    """Weight over height squared, kg/m². ValueError unless both are above zero."""
    if not (weight_kg > 0 and height_cm > 0):
        raise ValueError("a body mass index needs a weight and a height above zero")
    metres = height_cm / 100
    return weight_kg / (metres * metres)
