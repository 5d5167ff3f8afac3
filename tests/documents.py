"""Pages for operators, carried out as they are written, in a scratch folder in place of the machine's own.

A fenced block of `sh` is run; any other fenced block under a line that is one path in backticks and a colon is that
file. Paths of the system lead into the scratch folder, ports and names are those of this run, and what would change
the machine (apt-get, systemctl, chown, accounts) is a stub that the test gives.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = re.compile(r"(?<![\w./$}])/(etc|srv|var|opt|run)/")
_FENCE = re.compile(r"(?:^`(?P<path>/[^`]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: commands, a file, or an example (neither)."""

    kind: str
    text: str
    path: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for found in _FENCE.finditer(page):
        yield Block(found["kind"], found["text"], found["path"] or "")


class Scratch:
    """A folder that stands for the machine: a page's files and commands take effect in it."""

    def __init__(self, folder: Path, replace: Mapping[str, str], stubs: Mapping[str, str]) -> None:
        self.folder, self._replace = folder, replace
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        python = f'exec {sys.executable} -P -m cabin_agent "$@"'
        for name, text in {"cabin": python, **QUIET, **stubs}.items():
            stub = self.bin / name
            stub.write_text(f"#!/bin/sh\n{text}\n")
            stub.chmod(0o755)

    def moved(self, text: str) -> str:
        """The text with paths, ports and names of this run."""
        for old, new in self._replace.items():
            text = text.replace(old, new)
        return SYSTEM.sub(lambda found: f"{self.folder}{found.group()}", text)

    def at(self, path: str) -> Path:
        """Where a path of the page lies."""
        return Path(self.moved(path))

    def carry_out(self, page: Path) -> str:
        """Every block in order, in one shell; what the commands said."""
        script = ["set -e"]
        for number, block in enumerate(blocks(page.read_text())):
            if block.kind == "sh":
                script += [f"echo '# {number}: {page.name}' >&2", self.moved(block.text)]
            elif block.path:
                kept = self.folder / "blocks" / str(number)
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(self.moved(block.text))
                place = self.at(block.path)
                script += [f"mkdir -p '{place.parent}'", f"cp '{kept}' '{place}'"]
        environment = {
            **os.environ,
            "PATH": f"{self.bin}:{os.environ['PATH']}:/usr/sbin",
            "PYTHONPATH": self._python(),
        }
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{page.name}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def _python(self) -> str:
        return os.pathsep.join([str(ROOT), str(ROOT / "signal"), os.environ.get("PYTHONPATH", "")])


QUIET: Mapping[str, str] = {
    "apt-get": ":",
    "adduser": ":",
    "chown": ":",
    # Ownership is the package's business; the mode and the place are ours.
    "install": """for word; do
    shift
    case $word in
    -[og]) skip=1 ;;
    *) [ -n "$skip" ] || set -- "$@" "$word"; skip= ;;
    esac
done
exec /usr/bin/install "$@"
""",
}
