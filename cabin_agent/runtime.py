"""How a command finds the running core: `core.json` in a folder that only this user may enter.

The file holds `{"url", "pid", "token", "config"}`; whoever can read it is the user of the core, or root.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cabin_agent.private_file import AccessError, write_private

FILE = "core.json"
TICKET = "kiosk.ticket"
"""The kiosk's launch ticket, beside it."""


class NotRunning(Exception):
    """No core can be reached; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A running core."""

    url: str
    pid: int
    token: str = field(repr=False)
    config: Path | None = None
    """Its settings, where it said so."""


def runtime_folders(environ: Mapping[str, str], configured: Path | None = None) -> tuple[Path, ...]:
    """Where a core of this user may have said that it runs, the likeliest first.

    `CABIN_RUNTIME` alone if it is set; else the session's runtime folder, or one under /tmp where there is no
    session; then the folder of the settings.
    """
    if environ.get("CABIN_RUNTIME"):
        return (Path(environ["CABIN_RUNTIME"]),)
    session = environ.get("XDG_RUNTIME_DIR")
    own = Path(session) / "cabin-agent" if session else Path(tempfile.gettempdir()) / f"cabin-agent-{os.getuid()}"
    return (own, configured) if configured is not None else (own,)


def publish(runtime_dir: Path, url: str, token: str, config: Path | None = None) -> None:
    """Say where this core answers and which settings it has.

    Raises `AccessError` if the folder is not ours alone or another core is in it.
    """
    try:
        runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(runtime_dir, (os.geteuid(),))
    except OSError as error:
        raise AccessError(
            f"The folder {runtime_dir} cannot be used: {error.strerror}; correct runtime_dir."
        ) from None
    try:
        other = discover(runtime_dir)
    except NotRunning:
        other = None
    if other is not None and other.pid != os.getpid():
        raise AccessError(f"Another cabin is running (process {other.pid}): stop it, or choose another runtime_dir.")
    said = {"url": url, "pid": os.getpid(), "token": token, "config": None if config is None else str(config)}
    write_private(runtime_dir / FILE, json.dumps(said) + "\n")


def withdraw(runtime_dir: Path) -> None:
    """Take back what this process published; idempotent, and leaves another core's word alone."""
    try:
        if _read(runtime_dir / FILE).pid == os.getpid():
            (runtime_dir / FILE).unlink(missing_ok=True)
            (runtime_dir / TICKET).unlink(missing_ok=True)
    except NotRunning:
        pass


def discover(runtime_dir: Path) -> Found:
    """The core that published itself here; raises `NotRunning`, or `AccessError` if the folder is not ours."""
    owners = (os.geteuid(),) if os.geteuid() else (0, _owner(runtime_dir))
    try:
        _check_folder(runtime_dir, owners)
    except FileNotFoundError:
        raise NotRunning("No cabin is running here: start one with 'cabin run' or 'cabin demo'.") from None
    except PermissionError:
        raise AccessError(f"The cabin in {runtime_dir} is another user's: run this command as that user.") from None
    found = _read(runtime_dir / FILE)
    if not _alive(found.pid):
        raise NotRunning("The cabin that ran here has ended without a word: start it again with 'cabin run'.")
    return found


def find_core(folders: Iterable[Path]) -> Found:
    """The first core that runs in one of these folders; raises `NotRunning` with the reason of the last."""
    reason = NotRunning("No cabin is running here: start one with 'cabin run' or 'cabin demo'.")
    for folder in folders:
        try:
            return discover(folder)
        except NotRunning as error:
            reason = error
    raise reason


def kiosk_ticket(folders: Iterable[Path]) -> str:
    """The launch ticket of the first core that runs in one of these folders; raises `NotRunning`."""
    return _launch(folders)[1]


def kiosk_address(folders: Iterable[Path]) -> str:
    """The address that launches its kiosk, good once: the ticket stands after '#', which no browser sends."""
    url, ticket = _launch(folders)
    return f"{url}/kiosk/#ticket={ticket}"


def _launch(folders: Iterable[Path]) -> tuple[str, str]:
    for folder in folders:
        if (folder / TICKET).exists():
            return discover(folder).url, (folder / TICKET).read_text().strip()
    raise NotRunning("No cabin is running here: start one with 'cabin run' or 'cabin demo'.")


def _check_folder(folder: Path, owners: tuple[int, ...]) -> None:
    """Refuse a folder that another user made or may enter: what lies in it could be theirs."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise AccessError(f"{folder} is not a folder: remove it, or choose another runtime_dir.")
    if status.st_uid not in owners:
        raise AccessError(f"The folder {folder} belongs to another user: choose another runtime_dir.")
    if status.st_mode & 0o077:
        raise AccessError(f"Other users may enter {folder}: close it with chmod 700, then try again.")


def _owner(folder: Path) -> int:
    """Root may speak to the core of any user."""
    try:
        return os.lstat(folder).st_uid
    except OSError:
        return 0


def _read(path: Path) -> Found:
    try:
        said = json.loads(path.read_bytes())
        config = said.get("config")
        return Found(str(said["url"]), int(said["pid"]), str(said["token"]), Path(config) if config else None)
    except FileNotFoundError:
        raise NotRunning("No cabin is running here: start one with 'cabin run' or 'cabin demo'.") from None
    except OSError as error:
        raise NotRunning(f"The file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotRunning(f"The file {path} is damaged: restart the cabin, which writes it anew.") from None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
