"""`docs/benchmarks.md`: groups of chapters, the machine they were measured on, and when; pure but for that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bench.figures import Chapter, Figure, figures_table
from bench.machine import description, load

INTRODUCTION = """# Figures

Written by `make bench`, `make bench-signal`, `make bench-kiosk`, `make bench-video`, `make bench-instruments` and
`make bench-delivery`, each its own part; do not edit. Limits are the largest values that are good, those behind ≥
the smallest."""
MARK = "<!-- {word} {group} -->"


def part(title: str, chapters: Sequence[Chapter], load_before: str) -> str:
    """One group's part of the page, with this machine and this day; `load_before` is the machine's load before the
    first figure."""
    facts = (
        f"Measured on {datetime.now(UTC):%d %B %Y} on {description()}. Mean load of the machine: {load_before} in "
        f"the minute before the first figure, {load()} in the minute before the last, the bench included."
    )
    limits = [figure for chapter in chapters for figure in chapter.figures if figure.limit is not None]
    return "\n\n".join([f"# {title}", facts, verdict(limits), *map(chapter_text, chapters)])


def with_part(page: str, group: str, text: str, groups: Sequence[str]) -> str:
    """The page with a group's part in place of the one before; the other parts stay as they are, in this order."""
    parts = {each: found for each in groups if (found := part_of(page, each)) is not None}
    parts[group] = text
    marked = [f"{_mark('begin', each)}\n\n{parts[each]}\n\n{_mark('end', each)}" for each in groups if each in parts]
    return "\n\n".join([INTRODUCTION, *marked]) + "\n"


def part_of(page: str, group: str) -> str | None:
    """A group's part, None where it is not there."""
    _, begun, rest = page.partition(_mark("begin", group))
    text, ended, _ = rest.partition(_mark("end", group))
    return text.strip() if begun and ended else None


def _mark(word: str, group: str) -> str:
    return MARK.format(word=word, group=group)


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
