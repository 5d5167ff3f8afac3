"""The progress of a check-up in a terminal: one line for each thing that changes."""

from __future__ import annotations

from typing import TextIO

from cabin_agent.face import Json


class Progress:
    """Shows each state, task and message of a visit once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: set[tuple[str, ...]] = set()
        self._state = ""

    def show(self, visit: Json) -> None:
        """Show what is new in this view of the visit."""
        if visit["state"] != self._state:
            self._state = visit["state"]
            self._say(visit, f"{self._state}: {visit['prompt']['text']}")
        for task in visit["plan"]:
            self._once(visit, task["task"], task["state"], str(task["attempt"]))
        for message in visit["messages"]:
            self._once(visit, "message", message["text"])

    def _once(self, visit: Json, what: str, state: str, attempt: str = "") -> None:
        key = (what, state, attempt)
        if state == "waiting" or key in self._shown:
            return
        self._shown.add(key)
        self._say(visit, f"  {what}: {state}" + (f" (attempt {attempt})" if attempt not in ("", "0", "1") else ""))

    def _say(self, visit: Json, line: str) -> None:
        print(f"{visit['elapsed_s']:7.1f} s  {line}", file=self._out, flush=True)
