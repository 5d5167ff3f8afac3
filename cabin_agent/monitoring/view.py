"""The picture of `cabin monitor` in a terminal: facts, values and waves of one instrument, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from cabin_agent.face import Json
from cabin_agent.monitoring.braille import braille
from cabin_agent.monitoring.watched import STALE_S, Line, Value, Watched

NAME = 16
"""Width of what stands before a value."""
OLD_S = 3.0
"""A value older than this is shown as old, with its age."""
LINES = {1: 6, 2: 4, 3: 3}
"""Lines of text for each channel, by how many channels are drawn; two where there are more."""
ALL = "all"
MARK = "SIMULATED"
STYLES = {"absent": "bold red", "failed": "bold red", "stale": "bold yellow", "ready": "green", "measuring": "green"}
"""Of states; the word stands there in any case."""


def picture(watched: Watched, now: float, width: int, channels: Sequence[str] = ()) -> Text:
    """Everything as it is at `now`; `channels`: which of a wave are drawn, ("all",), or () for the first."""
    if not watched.row:
        return Text("Waiting for the instrument.")
    lines = [*_facts(watched, now), Text(), *_values(watched, now)]
    for stream, line in watched.lines.items():
        lines += [Text(), *_wave(watched.row, stream, line, now, width, channels)]
    return Text("\n", overflow="crop", no_wrap=True).join(lines)


def _facts(watched: Watched, now: float) -> Iterator[Text]:
    row = watched.row
    yield Text.assemble((f"{row['name']}", "bold"), f"  {row['protocol']}  {plain(row['url'])}  ", _marked(row))
    state = Text.assemble((row["state"], STYLES.get(row["state"], "")), f"  {plain(row['reason'])}")
    yield _fact("state", state)
    yield _fact("last sample", _ago(watched.age_s(now)))
    said = [row["model"], f"serial {row['serial'] or '-'}", f"firmware {row['firmware'] or '-'}"]
    yield _fact("identity", plain("  ".join(said)))
    yield _fact("calibration", calibration(row))
    yield _fact("self-test", row["self_test"] or "none")
    offset = row["clock_offset_s"]
    yield _fact("its clock", "cannot be read" if offset is None else f"{offset:+.0f} s")
    yield _fact("bytes", "-" if watched.bytes_s is None else f"{watched.bytes_s:.0f} /s")
    troubles = ", ".join(f"{code} {count}" for code, count in sorted(row["troubles"].items()))
    yield _fact("troubles", troubles or "none")
    if row["unconfirmed"]:
        yield _fact("not confirmed", plain(row["unconfirmed"]))


def calibration(row: Json) -> str:
    """Until when its calibration is good."""
    if row["calibration_due"] is None:
        return "not known"
    return f"PAST since {row['calibration_due']}" if row["past_due"] else f"good until {row['calibration_due']}"


def plain(words: str) -> str:
    """Words of a device: what would command the terminal is a question mark."""
    return "".join(each if each.isprintable() else "?" for each in words)


def _marked(row: Json) -> tuple[str, str]:
    """Whether it is simulated, in words."""
    return {True: (MARK, "reverse bold"), False: ("", ""), None: ("not opened yet", "dim")}[row["simulated"]]


def _values(watched: Watched, now: float) -> Iterator[Text]:
    mark = f"  {MARK}" if watched.row["simulated"] else ""
    if not watched.values:
        yield Text("no value yet", style="dim")
    for name, value in watched.values.items():
        yield _fact(name, _value(value, now, mark))


def _value(value: Value, now: float, mark: str) -> Text:
    age = now - value.at_s
    old = age > OLD_S
    flags = f"  [{', '.join(value.flags)}]" if value.flags else ""
    said = Text(plain(value.text), style="dim" if old else "bold")
    return said.append(plain(flags) + mark + (f"  {_ago(age)}" if old else ""), style="dim")


def _wave(row: Json, stream: str, line: Line, now: float, width: int, wanted: Sequence[str]) -> Iterator[Text]:
    drawn, unknown = _chosen(line, wanted)
    age = now - line.at_s
    stale = f"  STALE, {_ago(age)}" if age > STALE_S else ""
    flags = f"  [{', '.join(line.flags)}]" if line.flags else ""
    mark = f"  {MARK}" if row["simulated"] else ""
    rest = [each for each in line.channels if each not in drawn]
    more = f"  not drawn: {', '.join(rest)}" if rest else ""
    yield Text(plain(f"{stream}  {line.rate:g} Hz, {line.seconds:g} s{flags}{stale}{more}") + mark, style="dim")
    if unknown:
        yield Text(plain(f"There is no channel {', '.join(unknown)}; there are: {', '.join(line.channels)}."))
    for name in drawn:
        yield from _trace(name, line, width, LINES.get(len(drawn), 2), style="dim" if stale else "green")


def _chosen(line: Line, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """The channels to draw, and those that are not there."""
    if ALL in wanted:
        return list(line.channels), []
    if not wanted:
        return list(line.channels[:1]), []
    return [each for each in line.channels if each in wanted], [each for each in wanted if each not in line.channels]


def _trace(name: str, line: Line, width: int, height: int, style: str) -> Iterator[Text]:
    samples = line.channel(name)
    scale = _scale([each for each in samples if each is not None], line.unit)
    room = max(8, width - NAME - 1)
    for number, dots in enumerate(braille(samples, room, height)):
        head = {0: name, height - 1: scale}.get(number, "") if height > 1 else name
        yield Text.assemble(plain(head)[:NAME].ljust(NAME), " ", (dots, style))


def _scale(samples: Sequence[float], unit: str) -> str:
    """From what to what the trace goes; counts are of no unit and say nothing."""
    if not samples:
        return "nothing"
    low, high = min(samples), max(samples)
    return {"mV": f"{low:.2f}..{high:.2f} mV", "mm[Hg]": f"{low:.0f}..{high:.0f} mmHg"}.get(unit, "")


def _fact(name: str, value: str | Text) -> Text:
    return Text.assemble((f"{name:<{NAME}} ", "dim"), value)


def _ago(age_s: float | None) -> str:
    if age_s is None:
        return "never"
    return f"{age_s:.1f} s ago" if age_s < 60 else f"{age_s / 60:.0f} min ago"
