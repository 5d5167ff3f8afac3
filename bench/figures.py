"""What a measurement gives, and how it is written down; pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADER = ("figure", "measured", "limit", "met", "peer in the same run", "remark")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; a limit is the largest value that is good, or the least where `at_least` says so."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    peer: str = ""
    """What the same machine needed in the same run for something that everybody knows."""
    remark: str = ""
    at_least: bool = False
    decimals: int | None = None
    """Digits behind the point, where three that count are not the right ones."""

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none. No number (NaN) keeps none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def written(self) -> str:
        """The value with its unit."""
        if math.isnan(self.value):
            return "none"
        # Nothing is not negative: what is rounded away leaves no sign behind.
        value = number(self.value) if self.decimals is None else f"{self.value:z.{self.decimals}f}"
        return f"{value} {self.unit}"


@dataclass(frozen=True, slots=True)
class Chapter:
    """The figures of one measurement and how it was made."""

    title: str
    how: str
    figures: tuple[Figure, ...]
    more: str = field(default="")
    """Markdown behind the figures."""


def median(values: Sequence[float]) -> float:
    """The median of one value or more."""
    return float(statistics.median(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not exceeded by `percent` (0 to 100) of all, one or more (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def spread(values: Sequence[float], unit: str) -> str:
    """From the least to the most, as a remark: "5 times, 0.61 to 0.89 s"."""
    return f"{len(values)} times, {number(min(values))} to {number(max(values))} {unit}"


def number(value: float) -> str:
    """Three digits that count; whole from 100 on."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(0, digits)}f}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are also aligned for a terminal."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [_line(header, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def figures_table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return markdown(HEADER, [_row(figure) for figure in figures])


def _row(figure: Figure) -> tuple[str, ...]:
    sign = "≥ " if figure.at_least else ""
    limit = "" if figure.limit is None else f"{sign}{figure.limit:g} {figure.unit}"
    met = {None: "", True: "yes", False: "NO"}[figure.met]
    return (figure.what, figure.written, limit, met, figure.peer, figure.remark)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
