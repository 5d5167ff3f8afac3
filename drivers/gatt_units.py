"""Numbers of the Bluetooth health profiles in this house's units, within what is measured on a person.

Fahrenheit, kilopascal, pounds and inches are converted; what the display showed goes into the detail of a reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from drivers.events import NoValue, Value

MMHG_PER_KPA = 7.500616827
KG_PER_LB = 0.45359237
CM_PER_INCH = 2.54
UNKNOWN_USER = 0xFF

Convert = Callable[[Decimal], float]
Detail = dict[str, str | float]


def within(number: Decimal | NoValue, limits: tuple[float, float], convert: Convert) -> Value:
    """A number in this house's unit, where it is one that these instruments can measure."""
    if isinstance(number, NoValue):
        return number
    value = convert(number)
    return value if limits[0] <= value <= limits[1] else NoValue("out-of-range")


def celsius(fahrenheit: Decimal) -> float:
    """Degrees Celsius of degrees Fahrenheit."""
    return (float(fahrenheit) - 32) / 1.8


def mmhg(kpa: Decimal) -> float:
    """Millimetres of mercury of kilopascal."""
    return float(kpa) * MMHG_PER_KPA


def kilograms(pounds: Decimal) -> float:
    """Kilograms of pounds."""
    return float(pounds) * KG_PER_LB


def centimetres(inches: Decimal) -> float:
    """Centimetres of inches."""
    return float(inches) * CM_PER_INCH


def shown(number: Decimal | NoValue, unit: str) -> Detail:
    """What was on the display, in its own unit; nothing where no number was."""
    if isinstance(number, NoValue):
        return {"shown_unit": unit}
    return {"shown": f"{number:f}", "shown_unit": unit, "decimals": max(0, -_exponent(number))}


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def shown_pressures(numbers: Sequence[Decimal | NoValue], unit: str) -> Detail:
    """The same of the three pressures of one measurement."""
    shown = ["-" if isinstance(number, NoValue) else f"{number:f}" for number in numbers]
    return {"shown": "/".join(shown), "shown_unit": unit}


def user(number: int) -> Detail:
    """Whose memory of the instrument it went to; 255 says that it does not know."""
    return {} if number == UNKNOWN_USER else {"user": number}
