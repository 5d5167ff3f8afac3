"""The other opener: DE1 in JavaScript over other libraries (tests/opener), one process that answers JSON lines."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from sync.keys import RecipientKey, SigningPublic

FOLDER = Path(__file__).resolve().parent / "opener"


def command(*words: str) -> list[str]:
    """The opener's command line; the test is skipped by name where Node or the libraries are not installed."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the JavaScript opener is not installed: 'make opener' to run this test")
    return [node, str(FOLDER / "open.mjs"), *words]


class Opener:
    """A context manager; its process ends with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            command("--serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def ask(self, question: str, **fields: Any) -> Any:
        """One answer; a fault of the opener itself, which is no refusal, fails the test."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps({"ask": question, **fields}) + "\n")
        answer = json.loads(stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer

    def trust(
        self, recipients: Iterable[RecipientKey], signers: Iterable[SigningPublic], suites: Iterable[int] = (1,)
    ) -> list[str]:
        """Set the keys that it opens with and the signers that it believes; the key ids that it found by itself."""
        asked = {"recipients": [[key.suite, key.secret.hex()] for key in recipients], "suites": list(suites)}
        answer = self.ask("policy", signers=[key.raw.hex() for key in signers], **asked)
        return list(answer["kids"])

    def open(self, envelope: bytes, *, whole: bool = False) -> Any:
        """What it finds in an envelope, or `{"refused": code}`."""
        return self.ask("open", envelope=envelope.hex(), whole=whole)

    def code(self, envelope: bytes) -> str:
        """The code of its refusal, "" where it opens."""
        return str(self.open(envelope).get("refused", ""))
