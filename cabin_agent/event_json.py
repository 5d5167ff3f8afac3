"""Events of instruments as JSON, one shape for every place that shows them: `cabin decode`, the live preview, ..."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from cabin_agent.face import Json
from drivers.events import Event, NoValue


def event_json(event: Event) -> Json:
    """`{"event": name, ...}` with the fields of the event."""
    return {"event": event_name(event), **plain(event)}


def event_name(event: Event) -> str:
    """ "wave", "reading", "pressure_result", "hearing_record", "identity" or "trouble"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def plain(thing: Any) -> Any:
    """Dataclasses, sets, tuples and times as JSON has them; "no value" as `{"no_value": why}`."""
    if isinstance(thing, NoValue):
        return {"no_value": thing.why}
    if isinstance(thing, datetime):
        return thing.isoformat()
    if is_dataclass(thing):
        return {field.name: plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, set | frozenset):
        return sorted(plain(item) for item in thing)
    return [plain(item) for item in thing] if isinstance(thing, list | tuple) else thing
