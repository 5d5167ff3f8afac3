"""A process under the kernel's part of a unit's hardening, without systemd as its manager.

`python tests/hardened.py UNIT COMMAND...` reads the unit, asks `systemd-analyze` what its sets of system calls hold,
has libseccomp build the same filters as systemd does, and becomes the command: SystemCallFilter,
MemoryDenyWriteExecute, RestrictAddressFamilies and NoNewPrivileges are then the kernel's. What is refused gives
EPERM, as in the unit.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_uint, c_uint32, c_uint64, c_void_p
from pathlib import Path

ALLOW, EPERM, REFUSE = 0x7FFF0000, 1, 0x00050000
"""SCMP_ACT_ALLOW and SCMP_ACT_ERRNO(EPERM) of seccomp(3)."""
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE, SHM_EXEC = 2, 4, 0o100000
NO_NEW_PRIVS = 38
UNKNOWN = -1


class Compare(Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (("arg", c_uint), ("op", c_int), ("mask", c_uint64), ("value", c_uint64))


def settings(unit: Path) -> dict[str, list[str]]:
    """The assignments of a unit, in order, each key with all its values."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.startswith(("#", ";")):
            found.setdefault(key, []).append(value.strip())
    return found


def sets() -> dict[str, list[str]]:
    """The sets of system calls that systemd knows, by name: calls and other sets."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = {}
    name = ""
    for line in done.stdout.splitlines():
        word = line.strip()
        if line.startswith("@"):
            name = word
        elif word and not word.startswith("#") and name:
            found.setdefault(name, []).append(word)
    return found


def expanded(words: Iterable[str], known: dict[str, list[str]]) -> Iterator[str]:
    """The system calls that sets and names stand for."""
    for word in words:
        if word.startswith("@"):
            yield from expanded(known[word], known)
        else:
            yield word


def allowed(filters: Iterable[str]) -> set[str]:
    """What SystemCallFilter= lets pass: an allow list, of which later lines with "~" take away."""
    known, calls = sets(), set(expanded(["@default"], sets()))
    for line in filters:
        named = set(expanded(line.removeprefix("~").split(), known))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


class Filter:
    """A seccomp filter of this process and its children, by libseccomp."""

    def __init__(self, default: int) -> None:
        self._lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._lib.seccomp_init.restype = c_void_p
        self._lib.seccomp_init.argtypes = (c_uint32,)
        self._lib.seccomp_load.argtypes = (c_void_p,)
        self._lib.seccomp_syscall_resolve_name.argtypes = (c_char_p,)
        self._lib.seccomp_rule_add_array.argtypes = (c_void_p, c_uint32, c_int, c_uint, POINTER(Compare))
        self._context = self._lib.seccomp_init(default)

    def rule(self, action: int, call: str, *compare: Compare) -> None:
        """One rule; a system call that this machine does not have needs none."""
        number = self._lib.seccomp_syscall_resolve_name(call.encode())
        if number != UNKNOWN:
            given = (Compare * len(compare))(*compare) if compare else None
            self._lib.seccomp_rule_add_array(self._context, action, number, len(compare), given)

    def load(self) -> None:
        """Put it into force."""
        if self._lib.seccomp_load(self._context) != 0:
            raise OSError("the kernel does not take the filter")


def harden(unit: Path) -> None:
    """Put this process under the unit's filters."""
    asked = settings(unit)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    filters = [_calls(asked["SystemCallFilter"]), _families(asked["RestrictAddressFamilies"][0].split())]
    if asked.get("MemoryDenyWriteExecute") == ["yes"]:
        filters.append(_no_code())
    for each in filters:
        each.load()


def _calls(filters: list[str]) -> Filter:
    made = Filter(REFUSE | EPERM)
    # What puts the further filters into force, and what becomes the command.
    for call in sorted(allowed(filters) | {"seccomp", "prctl", "execve"}):
        made.rule(ALLOW, call)
    return made


def _families(names: list[str]) -> Filter:
    made = Filter(ALLOW)
    mine = {int(getattr(socket, name)) for name in names}
    for family in set(range(1, 46)) - mine:
        made.rule(REFUSE | EPERM, "socket", Compare(0, EQUAL, family, 0))
    return made


def _no_code() -> Filter:
    """No page that may be written and executed, nor one that becomes executable."""
    made = Filter(ALLOW)
    made.rule(REFUSE | EPERM, "mmap", Compare(2, MASKED_EQUAL, WRITE | EXECUTE, WRITE | EXECUTE))
    made.rule(REFUSE | EPERM, "mprotect", Compare(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    made.rule(REFUSE | EPERM, "pkey_mprotect", Compare(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    made.rule(REFUSE | EPERM, "shmat", Compare(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
    return made


if __name__ == "__main__":
    harden(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
