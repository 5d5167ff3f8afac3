"""The files of a demonstration: keys made for it and marked as such, two appointments, and two configurations.

Everything lies in one private folder that is removed at the end.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cabin_agent.access import Role, make_accounts
from sync.keyfile import Key, save_key
from sync.keys import RecipientKey, SigningPair
from sync.outbox import wall_ms
from sync.statement import Recipient, Statement, make_statement

CODE = "246810"
"""Code of the demonstration's check-up; documented, and good for nothing else."""
CONSULTATION = "135790"
"""Code of the demonstration's remote consultation."""
ACCOUNTS: Mapping[str, Role] = {"doctor": "doctor", "nurse": "nurse", "technician": "technician"}
"""Named accounts of the demonstration and their roles; the codes are new each time."""
CAMERAS = {"room": "Salle / Room", "hand": "Caméra à main / Hand camera"}
"""Its cameras, drawn by the media process."""
CLIENT = "demo-cabin"
"""Its name at the broker."""
SUBJECT_SYSTEM = "urn:oid:1.2.250.1.213.1.4.11"
"""The INS naming system for demonstrations (ANS); the production one is never used with simulated instruments."""
KINDS = ("scale", "tensiometer", "oximeter", "thermometer", "ecg", "audiometer")


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything of one demonstration lies."""

    folder: Path
    runtime: Path
    """Where commands of the same user look for a running cabin."""

    @property
    def instruments(self) -> Path:
        """Folder of the simulated instruments' links."""
        return self.folder / "instruments"

    @property
    def record(self) -> Path:
        """Database of the record."""
        return self.folder / "record.db"

    @property
    def cabin_toml(self) -> Path:
        """Configuration of the core."""
        return self.folder / "cabin.toml"

    @property
    def gateway_toml(self) -> Path:
        """Configuration of the gateway."""
        return self.folder / "gateway.toml"

    @property
    def ticket(self) -> Path:
        """Where the ticket is printed."""
        return self.folder / "ticket.escpos"


PREFIX = "cabin-demo-"


def new_folder() -> Path:
    """A private folder for one demonstration, which names the process that it belongs to."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / "pid").write_text(str(os.getpid()))
    return folder


def sweep(parent: Path) -> None:
    """Remove the folders of demonstrations of this user that were killed: there are keys and a visit in them."""
    for left in parent.glob(f"{PREFIX}*/pid"):
        with suppress(OSError, ValueError):
            if left.stat().st_uid == os.getuid() and not Path(f"/proc/{int(left.read_text())}").exists():
                shutil.rmtree(left.parent, ignore_errors=True)


def prepare(site: Site, broker_port: int, speed: float, api_port: int = 0) -> dict[str, str]:
    """Write keys, appointments, accounts and configurations into the site's folder; gives each account's code."""
    keys = site.folder / "keys"
    places = [keys / name for name in ("record", "root", "cabin", "cabins", "support")]
    for folder in (*places, site.folder / "state", site.instruments):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_keys(keys)
    _write(site.folder / "appointments.toml", _appointments())
    _write(site.cabin_toml, _cabin(site, broker_port, speed, api_port))
    _write(site.gateway_toml, _gateway(site, broker_port))
    return make_accounts(site.folder / "state", ACCOUNTS)


def _make_keys(folder: Path) -> None:
    """Keys of a whole installation, named as `cabin keys` names them and marked as those of a demonstration."""
    post, support = RecipientKey.generate(demo=True), RecipientKey.generate(demo=True)
    record, receipts, cabin, root = (
        RecipientKey.generate(demo=True),
        *(SigningPair.generate(demo=True) for _ in range(3)),
    )
    made: dict[str, Key] = {
        "record/record.private": record,
        "record/record.public": record.public,
        "record/receipts.private": receipts,
        "record/receipts.public": receipts.public,
        "root/root.private": root,
        "cabin/root.public": root.public,
        "cabin/cabin.private": cabin,
        "cabin/post.private": post,
        "cabin/support.public": support.public,
        "support/support.private": support,
        f"cabins/{CLIENT}.json": cabin.public,
        f"cabins/{CLIENT}.public": post.public,
    }
    for name, key in made.items():
        save_key(folder / name, key)
    recipients = (Recipient(record.public, 0),)
    statement = make_statement(Statement(1, wall_ms(), recipients, (receipts.public,), {}), root)
    for place in ("record", "cabin"):
        (folder / place / "record.statement").write_bytes(statement)


def _appointments() -> str:
    return "\n".join(
        _toml(
            "[[appointment]]",
            code=code,
            kind=kind,
            subject_system=SUBJECT_SYSTEM,
            subject=f"2690549588{secrets.randbelow(10**5):05d}",
        )
        for code, kind in ((CODE, "checkup"), (CONSULTATION, "consultation"))
    )


def _cabin(site: Site, broker_port: int, speed: float, api_port: int) -> str:
    folder, keys = site.folder, site.folder / "keys"
    sections = [
        _toml(
            "[cabin]",
            name="Cabine de démonstration",
            serial="DEMO-1",
            state_dir=str(folder / "state"),
            runtime_dir=str(site.runtime),
            accept_simulated=True,
            speed=speed,
        ),
        _toml("[api]", port=api_port),
        _toml("[visit]", appointments=str(folder / "appointments.toml")),
        _toml(
            "[record]",
            broker=f"mqtt://127.0.0.1:{broker_port}",
            client=CLIENT,
            root=str(keys / "cabin" / "root.public"),
            statement=str(keys / "cabin" / "record.statement"),
            signing=str(keys / "cabin" / "cabin.private"),
            post=str(keys / "cabin" / "post.private"),
            mqtt5=False,
        ),
        _toml("[black_box]", key=str(keys / "cabin" / "support.public"), visits=5),
        _toml("[ticket]", printer=f"file:{site.ticket}"),
        *(
            _toml(f"[instruments.{kind}]", driver=kind, url=str(site.instruments / kind), model=f"simulated {kind}")
            for kind in KINDS
        ),
        *(_toml(f"[cameras.{name}]", url=f"synthetic:{name}", label=label) for name, label in CAMERAS.items()),
    ]
    return "\n".join(sections)


def _gateway(site: Site, broker_port: int) -> str:
    keys = site.folder / "keys"
    return _toml("[cabin]", accept_simulated=True, name="record", serial="DEMO", state_dir=str(site.folder)) + _toml(
        "[gateway]",
        store=str(site.record),
        broker=f"mqtt://127.0.0.1:{broker_port}",
        client="demo-record",
        recipient=str(keys / "record" / "record.private"),
        signing=str(keys / "record" / "receipts.private"),
        allow=str(keys / "cabins"),
        mqtt5=False,
    )


def _toml(header: str, **values: str | float | bool) -> str:
    return "\n".join([header, *(f"{key} = {_value(value)}" for key, value in values.items())]) + "\n"


def _value(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


ENVIRONMENT: Mapping[str, str] = {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Of every process: no import from the working directory, and no idle threads of the linear algebra."""
