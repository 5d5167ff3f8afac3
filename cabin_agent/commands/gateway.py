"""`cabin gateway`: the far end, in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from pathlib import Path

from cabin_agent.config import DEFAULT_FILE, ConfigError, Gateway, load_config
from cabin_agent.fhir.bundle import check_bundle
from cabin_agent.notify import READY, notify, watch_thread
from cabin_agent.recorder import is_simulated
from sync.envelope import FHIR, RECORDING
from sync.errors import SyncError
from sync.gateway import Gateway as Turning
from sync.gateway_process import GatewaySettings, run_gateway
from sync.link import LinkSettings, Tls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        config = load_config(args.config)
        if config.gateway is None:
            raise ConfigError(f"{config.file}: there is no [gateway]; add one, or start 'cabin run'.")
        demo = config.cabin.accept_simulated
        check = partial(_check, production=not demo)
        run_gateway(_settings(config.gateway, demo=demo), check, _up, _watched)
    except (ConfigError, SyncError, OSError) as error:
        print(f"cabin gateway: {error}", file=sys.stderr)
        return 3
    return 0


def _up() -> None:
    print("ready at the broker", flush=True)


def _watched(gateway: Turning) -> None:
    """It serves from now on, with a broker or without one; a turn that never ends is what the watchdog is for."""
    notify(**READY)
    watch_thread({"gateway": gateway.stalled_for})


def _settings(gateway: Gateway, *, demo: bool) -> GatewaySettings:
    tls = Tls(gateway.ca, gateway.cert, gateway.key) if gateway.broker.tls else None
    return GatewaySettings(
        link=LinkSettings(
            gateway.broker.host, gateway.broker.port, gateway.client, tls, keep_session=True, mqtt5=gateway.mqtt5
        ),
        store=gateway.store,
        recipients=(gateway.recipient,),
        signing=gateway.signing,
        signers=gateway.allow,
        suites=frozenset(gateway.suites),
        demo=demo,
        root=gateway.root,
        statement=gateway.statement,
    )


def _check(content_type: str, content: bytes, *, production: bool) -> str | None:
    """A reason to refuse: no Bundle although it says so, test data in production, or a type that no cabin sends."""
    if content_type == FHIR:
        return check_bundle(content, production=production)
    if content_type == RECORDING:
        return "test-data" if production and is_simulated(content) else None
    return "content-type"
