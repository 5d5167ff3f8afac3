"""The settings of a cabin: one TOML file in, frozen dataclasses out.

`docs/cabin.toml` is the commented example and the reference of every key. Reading is strict: an unknown key, a
missing one or a value out of its range is one `ConfigError` that says what is accepted. No file named here is
opened and no port is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from cabin_agent.broker_url import BROKERS, Broker, broker, loopback
from cabin_agent.far_url import FHIR_BASES, STORES, fhir_base, store
from cabin_agent.instrument_settings import Driver, InstrumentSettings, instrument_settings
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.settings import MediaSettings, camera_settings, media_settings
from cabin_agent.posts.settings import PLAIN, Posted, laid_over
from cabin_agent.toml_table import ConfigError, Table, nearest, read_toml

__all__ = [
    "DEFAULT_FILE", "Api", "BlackBoxSettings", "Broker", "Cabin", "CameraSettings", "Config", "ConfigError", "Driver",
    "Gateway", "InstrumentSettings", "MediaSettings", "Record", "Ticket", "Visit", "load_config",
]  # fmt: skip

DEFAULT_FILE = Path("/etc/cabin-agent/cabin.toml")
"""Where an installed cabin has its settings."""
_CORE, _GATEWAY = "cabin-agent.service", "cabin-gateway.service"
"""Units whose credentials a key may be."""


@dataclass(frozen=True, slots=True)
class Cabin:
    """[cabin]: who it is and where it keeps its state."""

    name: str
    serial: str
    state_dir: Path
    runtime_dir: Path
    language: Literal["fr", "en"]
    accept_simulated: bool
    """Whether a visit may use an instrument or a camera that is not local hardware; false in production."""
    speed: float
    """How many seconds of a visit pass in one second; 1 unless everything is simulated."""


@dataclass(frozen=True, slots=True)
class Api:
    """[api]: the local web server."""

    host: str
    """A loopback address, nothing else."""
    port: int
    """0: any free port."""


@dataclass(frozen=True, slots=True)
class Visit:
    """[visit]: the conduct of a visit; times in seconds of the visit."""

    rest_s: float
    rest_minimum_s: float
    reading_gap_s: float
    """Between two readings of blood pressure."""
    budget_s: float
    """How long a whole check-up may take."""
    idle_s: float
    """Without a touch before the agent is asked whether they are there."""
    idle_grace_s: float
    """To answer that question before the visit ends."""
    appointments: Path
    notice_version: str
    """Of the information notice that the agent is shown."""
    code_attempts: int


@dataclass(frozen=True, slots=True)
class Record:
    """[record]: the way to the record, and the keys that seal it."""

    broker: Broker
    client: str
    """Opaque name of this cabin at the broker: the common name of its certificate."""
    recipient: Path | None
    """Public key of the record; None: only the statement says it."""
    signers: Path | None
    """Public keys that sign the record's receipts; None: only the statement says them."""
    signing: Path
    """Private keys of this cabin."""
    ca: Path | None
    cert: Path | None
    key: Path | None
    quota_mb: int
    """Most that may wait for delivery."""
    reserve_mb: int
    """Of the quota, what has to be free for a new visit to begin."""
    root: Path | None = None
    """Public keys of the offline root whose statements are believed; None: the keys above hold for ever."""
    statement: Path | None = None
    """A statement to begin with, or brought by hand; one that was posted is kept by the cabin itself."""
    post: Path | None = None
    """Private key that opens what the record posts to this cabin; None: nothing is taken from afar."""
    drain_per_s: int = 50
    """Letters that leave in one second at most, so that cabins that come back together do not drown the broker."""
    drain_kib_per_s: int = 2048
    mqtt5: bool = True
    """Whether MQTT 5 is tried before 3.1.1."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """[gateway]: the far end, in the health-data centre."""

    store: Path | str
    """The record: a file, or the URL of a PostgreSQL database."""
    broker: Broker
    client: str
    shared: str
    """Name of the subscription that several gateways share; empty: a subscription of its own."""
    recipient: Path
    """Private key of the record, or a folder of them: what was sealed to an earlier one stays readable."""
    signing: Path
    """Private keys that sign receipts."""
    allow: Path
    """Public keys of the cabins that are let in."""
    suites: tuple[int, ...]
    """Suites of the envelope that are accepted."""
    ca: Path | None
    cert: Path | None
    key: Path | None
    root: Path | None = None
    statement: Path | None = None
    """The newest statement of the root: which cabins are revoked, and since when."""
    mqtt5: bool = True
    """Whether MQTT 5 is tried before 3.1.1."""
    fhir: str = ""
    """Address of the FHIR server that Bundles are handed on to; empty: none."""
    fhir_token: Path | None = None
    fhir_ca: Path | None = None
    fhir_cert: Path | None = None
    fhir_key: Path | None = None


@dataclass(frozen=True, slots=True)
class BlackBoxSettings:
    """[black_box]: every byte of the instruments during the last visits, for the workshop."""

    key: Path
    """Public key of the technicians: nothing else can open it."""
    size_mb: int
    """Most that one visit takes."""
    visits: int
    """How many visits are kept."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """[ticket]: the printer; an empty address means that there is none."""

    printer: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that one file says."""

    file: Path
    cabin: Cabin
    api: Api
    visit: Visit
    instruments: tuple[InstrumentSettings, ...]
    record: Record | None
    """None: the file does not say where results go."""
    gateway: Gateway | None
    ticket: Ticket
    black_box: BlackBoxSettings | None
    """None: no black box is kept."""
    media: MediaSettings
    cameras: tuple[CameraSettings, ...]


def load_config(path: Path | str = DEFAULT_FILE, posted: Posted | None = None) -> Config:
    """Read the settings, and lay over them what the record posted; raises `ConfigError`.

    A file with a [gateway] and no [cabin] describes a machine of the health-data centre: its `cabin` has no name.
    """
    file = Path(path).absolute()
    data = laid_over(read_toml(file), posted or {})
    known = {"cabin", "api", "visit", "instruments", "record", "gateway", "ticket", "black_box", "media", "cameras"}
    for section in data:
        if section not in known:
            raise ConfigError(f"{file}: there is no section [{section}]; {nearest(section, known)}")
    cabin = _cabin(_table(file, "cabin", data, Cabin), nameless="gateway" in data and "cabin" not in data)
    cameras = camera_settings(file, data.get("cameras", {}))
    _refuse_simulated(file, cabin, cameras)
    return Config(
        file=file,
        cabin=cabin,
        api=_api(_table(file, "api", data, Api)),
        visit=_visit(_table(file, "visit", data, Visit), cabin.state_dir),
        instruments=instrument_settings(file, data.get("instruments", {})),
        record=_record(_table(file, "record", data, Record)) if "record" in data else None,
        gateway=_gateway(_table(file, "gateway", data, Gateway), cabin.state_dir) if "gateway" in data else None,
        black_box=_black_box(_table(file, "black_box", data, BlackBoxSettings)) if "black_box" in data else None,
        ticket=Ticket(_table(file, "ticket", data, Ticket).matching("printer", PRINTER, PRINTERS, "")),
        media=media_settings(file, data.get("media", {})),
        cameras=cameras,
    )


def check_posted(file: Path, posted: Posted) -> None:
    """Judge the ranges of settings that are to be posted, by themselves; raises `ConfigError`, which names `file`."""
    data = laid_over({}, {name: value for name, value in posted.items() if name in PLAIN})
    _visit(_table(file, "visit", data, Visit), Path())
    _room(_table(file, "record", data, Record), _MOST_MB)


def _table(file: Path, section: str, data: Mapping[str, object], shape: type[Any]) -> Table:
    return Table(file, f"[{section}]", data.get(section, {}), [field.name for field in fields(shape)])


def _cabin(table: Table, nameless: bool) -> Cabin:
    simulated = table.flag("accept_simulated", False)
    speed = table.number("speed", 1, 60, 1)
    if speed > 1 and not simulated:
        raise table.error("speed", "1, since only a cabin with accept_simulated = true may run faster")
    return Cabin(
        name="" if nameless else table.text("name", "the name of the cabin, for people"),
        serial="" if nameless else table.text("serial", "the serial number of the cabin"),
        state_dir=table.path("state_dir", Path("/var/lib/cabin-agent")),
        runtime_dir=table.path("runtime_dir", Path("/run/cabin-agent")),
        language=cast(Literal["fr", "en"], table.choice("language", ("fr", "en"), "fr")),
        accept_simulated=simulated,
        speed=speed,
    )


def _refuse_simulated(file: Path, cabin: Cabin, cameras: tuple[CameraSettings, ...]) -> None:
    """A picture that may show something else than the cabin is for teaching and tests alone."""
    for camera in cameras:
        if camera.simulated and not cabin.accept_simulated:
            raise ConfigError(
                f"{file}: [cameras.{camera.name}] url is not known to be a camera of this cabin; accepted is "
                '"/dev/v4l/by-id/..." unless the cabin has accept_simulated = true.'
            )


def _api(table: Table) -> Api:
    host = table.parsed("host", loopback, "a loopback address such as 127.0.0.1", "127.0.0.1")
    return Api(host=host, port=table.integer("port", 0, 65535, 8470))


def _visit(table: Table, state_dir: Path) -> Visit:
    rest = table.number("rest_s", 0, 1800, 300)
    return Visit(
        rest_s=rest,
        rest_minimum_s=table.number("rest_minimum_s", 0, rest, min(180, rest)),
        reading_gap_s=table.number("reading_gap_s", 0, 600, 60),
        budget_s=table.number("budget_s", 60, 7200, 600),
        idle_s=table.number("idle_s", 10, 600, 45),
        idle_grace_s=table.number("idle_grace_s", 20, 300, 30),
        appointments=table.path("appointments", state_dir / "appointments.toml"),
        notice_version=table.text("notice_version", "the version of the information notice", "1"),
        code_attempts=table.integer("code_attempts", 1, 10, 3),
    )


_MOST_MB = 1_048_576


def _room(table: Table, quota_mb: int) -> tuple[int, int]:
    """Quota and reserve of the outbox in MB; `quota_mb` is that of a file that names none."""
    quota = table.integer("quota_mb", 8, _MOST_MB, quota_mb)
    return quota, table.integer("reserve_mb", 1, quota - 1, min(64, quota - 1))


def _record(table: Table) -> Record:
    quota, reserve = _room(table, 512)
    if table.has("statement") and not table.has("root"):
        raise table.error("root", "a path in quotes, since 'statement' is given and only a root makes it believable")
    first = table.optional_key_path if table.has("statement") else table.key_path
    ca, cert, key = _certificates(table, _CORE)
    return Record(
        broker=table.parsed("broker", broker, BROKERS),
        client=table.matching("client", CLIENT, CLIENTS),
        recipient=first("recipient", _CORE),
        signers=first("signers", _CORE),
        signing=table.key_path("signing", _CORE),
        root=table.optional_key_path("root", _CORE),
        statement=table.optional_key_path("statement", _CORE),
        post=table.optional_key_path("post", _CORE),
        ca=ca,
        cert=cert,
        key=key,
        quota_mb=quota,
        reserve_mb=reserve,
        drain_per_s=table.integer("drain_per_s", 1, 100_000, 50),
        drain_kib_per_s=table.integer("drain_kib_per_s", 16, 1_048_576, 2048),
        mqtt5=table.flag("mqtt5", True),
    )


def _black_box(table: Table) -> BlackBoxSettings:
    return BlackBoxSettings(
        key=table.key_path("key", _CORE),
        size_mb=table.integer("size_mb", 1, 1024, 8),
        visits=table.integer("visits", 1, 1000, 20),
    )


def _gateway(table: Table, state_dir: Path) -> Gateway:
    ca, cert, key = _certificates(table, _GATEWAY)
    fhir_ca, fhir_cert, fhir_key = _certificates(table, _GATEWAY, "fhir_")
    return Gateway(
        store=table.parsed("store", partial(store, table.folder), STORES, str(state_dir / "record.db")),
        broker=table.parsed("broker", broker, BROKERS),
        client=table.matching("client", CLIENT, CLIENTS, "record"),
        shared=table.matching("shared", f"(?:{CLIENT})?", f'{CLIENTS}, or "" for none', ""),
        recipient=table.key_path("recipient", _GATEWAY),
        signing=table.key_path("signing", _GATEWAY),
        allow=table.path("allow"),
        root=table.optional_key_path("root", _GATEWAY),
        statement=table.optional_key_path("statement", _GATEWAY),
        suites=table.several("suites", (1, 3), (1,)),
        ca=ca,
        cert=cert,
        key=key,
        mqtt5=table.flag("mqtt5", True),
        fhir=table.parsed("fhir", fhir_base, FHIR_BASES, ""),
        fhir_token=table.optional_key_path("fhir_token", _GATEWAY),
        fhir_ca=fhir_ca,
        fhir_cert=fhir_cert,
        fhir_key=fhir_key,
    )


def _certificates(table: Table, unit: str, kind: str = "") -> tuple[Path | None, Path | None, Path | None]:
    pair = (f"{kind}cert", f"{kind}key")
    for one, other in (pair, pair[::-1]):
        if table.has(one) and not table.has(other):
            raise table.error(other, f"a path in quotes, since '{one}' is given and the two belong together")
    ca, cert, key = (table.optional_key_path(f"{kind}{each}", unit) for each in ("ca", "cert", "key"))
    return ca, cert, key


CLIENT = r"[A-Za-z0-9._-]{1,64}"
CLIENTS = "1 to 64 letters, digits, dots, hyphens and underscores"
PRINTERS = '"", "file:/path", "usb:VID:PID", "serial:/dev/..." or "network:host:port"'
PRINTER = r"|file:/.+|usb:[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}|serial:/dev/.+|network:[\w.-]+:[1-9][0-9]{0,4}"
