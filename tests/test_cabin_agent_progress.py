"""Check-ups and tables in a terminal: one line for each thing that changes, and no line twice."""

from __future__ import annotations

import io
import os
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.face import Json
from cabin_agent.progress import Progress
from cabin_agent.tables import PIPE_WIDTH, table


def view(state: str, *plan: tuple[str, str, int], messages: tuple[str, ...] = (), at: float = 0.0) -> Json:
    return {
        "state": state,
        "prompt": {"key": f"state.{state}", "text": f"the {state}.", "detail": []},
        "plan": [{"task": task, "state": how, "attempt": attempt} for task, how, attempt in plan],
        "messages": [{"code": "reason.x", "text": words} for words in messages],
        "elapsed_s": at,
    }


def shown(*views: Json) -> list[str]:
    out = io.StringIO()
    progress = Progress(out)
    for each in views:
        progress.show(each)
    return out.getvalue().splitlines()


def test_a_state_is_told_once_with_its_prompt_and_its_time() -> None:
    lines = shown(view("welcome", at=1.26), view("welcome", at=2.0), view("code", at=61.04))
    assert lines == ["    1.3 s  welcome: the welcome.", "   61.0 s  code: the code."]


def test_a_state_that_comes_again_is_told_again() -> None:
    assert len(shown(view("cleaning"), view("ready"), view("cleaning"))) == 3


def test_a_task_is_told_when_it_runs_and_when_it_is_over() -> None:
    lines = shown(
        view("measures", ("size", "waiting", 0), ("ecg", "waiting", 0)),
        view("measures", ("size", "running", 1), ("ecg", "waiting", 0), at=36.0),
        view("measures", ("size", "running", 1), ("ecg", "waiting", 0), at=40.0),
        view("measures", ("size", "done", 0), ("ecg", "running", 1), at=56.0),
        view("measures", ("size", "done", 0), ("ecg", "skipped", 0), at=60.0),
    )
    assert lines[1:] == [
        "   36.0 s    size: running",
        "   56.0 s    size: done",
        "   56.0 s    ecg: running",
        "   60.0 s    ecg: skipped",
    ]


def test_a_retry_says_which_one_it_is() -> None:
    lines = shown(*(view("measures", ("ecg", "running", attempt)) for attempt in (1, 2, 2, 3)))
    assert [line[11:] for line in lines[1:]] == [
        "  ecg: running",
        "  ecg: running (attempt 2)",
        "  ecg: running (attempt 3)",
    ]


def test_a_message_is_told_once() -> None:
    lines = shown(
        view("measures", messages=("finger out",)),
        view("measures", messages=("finger out", "loose cuff")),
        view("measures"),
    )
    assert [line[11:] for line in lines[1:]] == ["  message: finger out", "  message: loose cuff"]


TASK = st.sampled_from(("size", "ecg"))
STANDS = st.tuples(TASK, st.just("running"), st.integers(1, 3)) | st.tuples(TASK, st.just("done"), st.just(0))


@given(st.lists(STANDS))
def test_no_task_line_is_told_twice(seen: list[tuple[str, str, int]]) -> None:
    lines = shown(*(view("measures", each) for each in seen))
    assert len({*lines}) == len(lines)
    assert len(lines) <= 1 + len({*seen})


def test_every_line_is_there_at_once() -> None:
    class Pipe(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    pipe = Pipe()
    Progress(pipe).show(view("welcome"))
    assert pipe.flushed == 1


# --- tables -----------------------------------------------------------------------------------------------------


ROWS = [("oximeter", "ready"), ("scale", "failed: [red]no[/red] :smile: reply"), ("ecg", "")]


def test_a_table_has_a_line_for_its_header_and_for_each_row() -> None:
    lines = table(("name", "state"), ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[0].split() == ["name", "state"]
    assert lines[2].split() == ["oximeter", "ready"]
    assert all(line == line.rstrip() for line in lines)


def test_what_looks_like_markup_is_text() -> None:
    drawn = table(("name", "state"), ROWS)
    assert "[red]no[/red] :smile: reply" in drawn
    assert "\x1b" not in drawn


def test_a_table_without_rows_is_its_header() -> None:
    assert table(("name", "state"), []).split()[:2] == ["name", "state"]


def test_into_a_pipe_a_table_is_as_wide_as_it_needs() -> None:
    wide = "x" * 120
    assert wide in table(("name", "url"), [("a", wide)])
    assert max(len(line) for line in table(("n", "u"), [("a", "y " * 200)]).splitlines()) <= PIPE_WIDTH


def test_in_a_terminal_a_table_is_folded_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Tty())
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((40, 24)))
    words = [f"word{number}" for number in range(20)]
    drawn = table(("name", "text"), [("a", " ".join(words)), ("b", "x" * 90)])
    assert max(len(line) for line in drawn.splitlines()) <= 40
    assert all(word in drawn for word in words)
    assert drawn.count("x") == 91  # one of them in the header
