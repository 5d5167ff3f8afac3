"""A program under strace(1), and its log read back as the calls that changed the files of one folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.soak_disk import Call

_CALLS = "openat,pwrite64,write,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2,mkdir"
_OTHERS = "creat,truncate,pwritev,pwritev2,writev,sendfile,copy_file_range,linkat,symlinkat,msync"
"""Also watched, so that a way of writing that this reader does not know is an error and not a hole."""
_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?(?: \(.*\)| E\w+ .*)?$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_FILE = re.compile(r"(-?\w+)<([^>]*)>")


def allowed() -> bool:
    """Whether strace is here and may look at a process."""
    program = shutil.which("strace")
    if program is None:
        return False
    return subprocess.run([program, "-o", "/dev/null", "true"], capture_output=True, timeout=30).returncode == 0


def traced(command: Sequence[str], log: Path, env: dict[str, str]) -> None:
    """Run a program to its end, with every call that writes in `log`."""
    watch = ["strace", "-f", "-y", "-xx", "-s", "4000000", "-e", f"trace={_CALLS},{_OTHERS}", "-e", "signal=none"]
    done = subprocess.run([*watch, "-o", str(log), *command], capture_output=True, timeout=300, env=env)
    if done.returncode:
        raise RuntimeError(f"the program under strace failed: {done.stderr.decode()[-2000:]}")


def calls(log: Path, folder: Path, marks: Path) -> Iterator[Call]:
    """What happened to the files in `folder`, with what was written into `marks` as "mark"."""
    sizes: dict[str, int] = {}
    for line in _whole_lines(log):
        found = _LINE.match(line)
        if found is None:
            if str(folder) in _plain(line):
                raise ValueError(f"not understood: {line[:300]}")
            continue
        name, arguments, result = found[1], found[2], int(found[3])
        for call in _read(name, arguments, sizes, marks) if result >= 0 else ():
            where = Path(call.path)
            if call.kind == "mark":
                yield call
            elif call.kind == "sync" and where == folder:
                yield Call("sync-folder")
            elif where.parent == folder:
                yield Call(call.kind, where.name, call.data, call.at, Path(call.to).name)


def _whole_lines(log: Path) -> Iterator[str]:
    """The calls in the order in which they returned; one that others overtook stands in two pieces in the log."""
    begun: dict[str, str] = {}
    with log.open() as lines:
        for line in lines:
            pid = line.partition(" ")[0]
            head, unfinished, _ = line.partition(" <unfinished ...>")
            if unfinished:
                begun[pid] = head
                continue
            resumed = re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line)
            yield begun.pop(pid, "") + resumed[1] if resumed else line


def _plain(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)


def _read(name: str, arguments: str, sizes: dict[str, int], marks: Path) -> Iterator[Call]:
    texts = [bytes.fromhex(text.replace("\\x", "")) for text, cut in _TEXT.findall(arguments) if not cut]
    file = _FILE.match(arguments)
    path = _plain(file[2]) if file else ""
    numbers = [int(number) for number in re.findall(r", (\d+)(?=,|$)", arguments)]
    match name:
        case "openat":
            target = texts[0].decode()
            if "O_TRUNC" in arguments:
                yield Call("size", target)
                sizes[target] = 0
            if "O_CREAT" in arguments:
                yield Call("create", target)
        case "write" if path == str(marks):
            yield Call("mark", data=texts[0])
        case "write":
            # Only for files that are written from the end on, as logs are.
            at = sizes.get(path, 0)
            sizes[path] = at + len(texts[0])
            yield Call("write", path, texts[0], at)
        case "pwrite64":
            yield Call("write", path, texts[0], numbers[-1])
        case "ftruncate":
            sizes[path] = numbers[-1]
            yield Call("size", path, at=numbers[-1])
        case "fsync" | "fdatasync":
            yield Call("sync", path)
        case "unlink":
            sizes.pop(texts[0].decode(), None)
            yield Call("unlink", texts[0].decode())
        case "rename":
            yield Call("rename", texts[0].decode(), to=texts[1].decode())
        case "mkdir" | "fallocate":
            return
        case _:
            # Seen only where a program writes in a way that is not modelled; outside the folder it does not matter.
            yield Call(name, path or (texts[0].decode(errors="replace") if texts else ""))
