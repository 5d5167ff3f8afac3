"""`cabin gateway`: the far end, in the foreground, until SIGTERM or Ctrl-C; or a look at its record's troubles."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex

from cabin_agent.commands.output import COULD_NOT_RUN, DONE, complain
from cabin_agent.config import DEFAULT_FILE, ConfigError, Gateway, load_config
from cabin_agent.fhir.bundle import check_bundle
from cabin_agent.notify import READY, Age, notify, watch_thread
from cabin_agent.record_troubles import NotThere, acknowledge, alarms, export, quarantine
from cabin_agent.recorder import is_simulated
from sync.envelope import FHIR, RECORDING
from sync.errors import SyncError
from sync.fhir_sink import FhirSettings
from sync.gateway_process import GatewaySettings, run_gateway
from sync.link import LinkSettings, Tls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")
    what = parser.add_subparsers(dest="what", metavar="WHAT", title="beside a gateway that serves, or without one")
    listed = what.add_parser("alarms", help="what does not fit in the record")
    refused = what.add_parser("quarantine", help="the envelopes that were refused, and why")
    for each in (listed, refused):
        each.add_argument("--json", action="store_true")
    told = "write one, sealed as it came, into a new file"
    refused.add_argument("--export", nargs=2, metavar=("MID", "FILE"), help=told)
    closing = what.add_parser("acknowledge", help="close an alarm once its cause is mended")
    closing.add_argument("alarm", type=int, metavar="ALARM")
    for each in (listed, refused, closing):
        each.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="settings, here as well")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        config = load_config(args.config)
        if config.gateway is None:
            raise ConfigError(f"{config.file}: there is no [gateway]; add one, or start 'cabin run'.")
        if args.what is None:
            return _serve(config.gateway, demo=config.cabin.accept_simulated)
        return _look(config.gateway.store, args)
    except (ConfigError, SyncError, NotThere) as error:
        complain("gateway", error)
    except OSError as error:
        complain("gateway", f"{error.filename or 'A file'}: {error.strerror}; name another, or look at the disk.")
    return COULD_NOT_RUN


def _serve(gateway: Gateway, *, demo: bool) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    check = partial(_check, production=not demo)
    run_gateway(_settings(gateway, demo=demo), check, _up, _watched)
    return DONE


def _up() -> None:
    print("ready at the broker", flush=True)


def _watched(parts: Mapping[str, Age]) -> None:
    """It serves from now on, with a broker or without one; a turn that never ends is what the watchdog is for."""
    notify(**READY)
    watch_thread(parts)


def _look(record: Path | str, args: argparse.Namespace) -> int:
    if args.what == "acknowledge":
        return acknowledge(record, args.alarm)
    if args.what == "alarms":
        return alarms(record, as_json=args.json)
    if args.export:
        return export(record, args.export[0], Path(args.export[1]))
    return quarantine(record, as_json=args.json)


def _settings(gateway: Gateway, *, demo: bool) -> GatewaySettings:
    return GatewaySettings(
        link=_link(gateway),
        store=gateway.store,
        recipients=(gateway.recipient,),
        signing=gateway.signing,
        signers=gateway.allow,
        suites=frozenset(gateway.suites),
        demo=demo,
        group=gateway.shared,
        root=gateway.root,
        statement=gateway.statement,
        fhir=_fhir(gateway),
    )


def _link(gateway: Gateway) -> LinkSettings:
    """The way to the broker; of several gateways each has an id of its own there, and nothing kept under it."""
    tls = Tls(gateway.ca, gateway.cert, gateway.key) if gateway.broker.tls else None
    shares = gateway.shared != ""
    name = f"{gateway.client}-{token_hex(4)}" if shares else gateway.client
    where = gateway.broker
    return LinkSettings(where.host, where.port, name, tls, keep_session=not shares, mqtt5=gateway.mqtt5)


def _fhir(gateway: Gateway) -> FhirSettings | None:
    if not gateway.fhir:
        return None
    return FhirSettings(gateway.fhir, gateway.fhir_token, gateway.fhir_ca, gateway.fhir_cert, gateway.fhir_key)


def _check(content_type: str, content: bytes, *, production: bool) -> str | None:
    """A reason to refuse: no Bundle although it says so, test data in production, or a type that no cabin sends."""
    if content_type == FHIR:
        return check_bundle(content, production=production)
    if content_type == RECORDING:
        return "test-data" if production and is_simulated(content) else None
    return "content-type"
