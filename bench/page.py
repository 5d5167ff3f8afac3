"""`docs/benchmarks.md`: the chapters, the machine they were measured on, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bench.figures import Chapter, Figure, figures_table
from bench.machine import description, load

_INTRODUCTION = """# Figures

Written by `make bench`; do not edit. Limits are the largest values that are good."""


def page(chapters: Sequence[Chapter], load_before: str) -> str:
    """The whole page, with this machine and this day; `load_before` is the machine's load before the first figure."""
    facts = (
        f"Measured on {datetime.now(UTC):%d %B %Y} on {description()}. Mean load of the machine: {load_before} in "
        f"the minute before the first figure, {load()} in the minute before the last, the bench included."
    )
    limits = [figure for chapter in chapters for figure in chapter.figures if figure.limit is not None]
    return "\n\n".join([_INTRODUCTION, facts, verdict(limits), *map(chapter_text, chapters)]) + "\n"


def chapter_text(chapter: Chapter) -> str:
    """One chapter in Markdown."""
    parts = [f"## {chapter.title}", chapter.how, figures_table(chapter.figures), chapter.more]
    return "\n\n".join(part for part in parts if part)


def verdict(limited: Sequence[Figure]) -> str:
    """One sentence on the figures that have a limit."""
    missed = [figure.what for figure in limited if figure.met is False]
    if missed:
        return f"{len(missed)} of {len(limited)} limits are missed: {'; '.join(missed)}."
    return f"All {len(limited)} limits are kept."
