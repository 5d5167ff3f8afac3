"""What a human has to look at in the record: alarms and refused envelopes, as `cabin gateway` prints them.

Technical ids alone: nothing here says who was measured, or what.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.commands.output import DONE, FOUND_WRONG, print_json
from sync.gateway_process import open_store
from sync.store import Alarm, Quarantined


class NotThere(Exception):
    """The record has no such alarm or envelope; one sentence."""


def alarms(record: Path | str, *, as_json: bool) -> int:
    """Print all alarms, open ones first; `FOUND_WRONG` while one is open."""
    with closing(open_store(record, make=False)) as store:
        found = sorted(store.alarms(), key=lambda alarm: (alarm.closed_ms is not None, alarm.alarm))
    if as_json:
        print_json({"schema": "cabin.gateway.alarms/1", "alarms": [_alarm(alarm) for alarm in found]})
    else:
        print("\n".join(_alarm_line(alarm) for alarm in found) if found else "The record has no alarm.")
    return FOUND_WRONG if any(alarm.closed_ms is None for alarm in found) else DONE


def acknowledge(record: Path | str, number: int) -> int:
    """Close an alarm that a human has looked at. Raises `NotThere`."""
    with closing(open_store(record, make=False)) as store:
        # Beyond 64 bits no database has a number.
        if not 0 < number < 1 << 63 or not store.close_alarm(number):
            raise NotThere(f"No alarm {number} is open: 'cabin gateway alarms' lists them.")
    print(f"Alarm {number} is closed.")
    return DONE


def quarantine(record: Path | str, *, as_json: bool) -> int:
    """Print the refused envelopes; `FOUND_WRONG` where there are any."""
    with closing(open_store(record, make=False)) as store:
        found = store.quarantined()
    if as_json:
        print_json({"schema": "cabin.gateway.quarantine/1", "envelopes": [_envelope(one) for one in found]})
    else:
        print("\n".join(_envelope_line(one) for one in found) if found else "Nothing is in quarantine.")
    return FOUND_WRONG if found else DONE


def export(record: Path | str, name: str, target: Path) -> int:
    """Write a refused envelope, sealed as it came, to a new file. Raises `NotThere`, or `OSError` for the file."""
    try:
        wanted = bytes.fromhex(name)
    except ValueError:
        raise NotThere(f"'{name}' is no message id: 'cabin gateway quarantine' lists them.") from None
    with closing(open_store(record, make=False)) as store:
        envelope = store.quarantined_envelope(wanted)
    if envelope is None:
        raise NotThere(f"No envelope {name} was kept: 'cabin gateway quarantine' lists them.")
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(envelope)
    print(f"{target}  {len(envelope)} bytes, sealed as it came")
    return DONE


def _alarm(alarm: Alarm) -> dict[str, object]:
    span = {"kind": alarm.kind, "sender": alarm.src.hex(), "first": alarm.first, "last": alarm.last}
    times = {"seen_ms": alarm.seen_ms, "closed_ms": alarm.closed_ms}
    return {"alarm": alarm.alarm, **span, "detail": alarm.detail, **times}


def _alarm_line(alarm: Alarm) -> str:
    numbers = str(alarm.first) if alarm.first == alarm.last else f"{alarm.first} to {alarm.last}"
    state = "open" if alarm.closed_ms is None else f"closed {_time(alarm.closed_ms)}"
    what = (f"{alarm.alarm:>6}", f"{alarm.kind:<8}", alarm.src.hex(), numbers, alarm.detail)
    return "  ".join(each for each in (*what, _time(alarm.seen_ms), state) if each)


def _envelope(one: Quarantined) -> dict[str, object]:
    mid = None if one.mid is None else one.mid.hex()
    what = {"hash": one.hash.hex(), "client": one.client, "mid": mid, "reason": one.reason}
    return {**what, "received_ms": one.received_ms, "size": one.size, "kept": bool(one.kept)}


def _envelope_line(one: Quarantined) -> str:
    name = (one.mid or one.hash).hex()
    kept = "" if one.kept else "only its hash was kept"
    words: Sequence[str] = (name, one.client, _time(one.received_ms), f"{one.size} bytes", one.reason, kept)
    return "  ".join(words).rstrip()


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
