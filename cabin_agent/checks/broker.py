"""The broker: whether it can be reached, and whether it is the one that it says it is. Nothing is sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.config import Record
from sync.link import Tls

PART = "broker"
CONNECT_S = 5.0


async def lines(record: Record) -> list[Line]:
    """Connect as the cabin does, with its certificate where it has one, and hang up."""
    broker = record.broker
    place = f"{broker.host}:{broker.port}"
    try:
        context = Tls(record.ca, record.cert, record.key).context() if broker.tls else None
    except (OSError, ValueError) as error:
        says = f"The certificates for the broker cannot be used ({type(error).__name__})."
        return [wrong(PART, says, "Correct ca, cert and key of [record].")]
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(broker.host, broker.port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        says = f"{place} shows a certificate that is not trusted ({error.verify_message})."
        return [wrong(PART, says, "Correct [record] ca, or the clock, or have the broker's certificate renewed.")]
    except ssl.SSLError:
        says = f"{place} does not agree on TLS."
        return [wrong(PART, says, "Correct the port of [record] broker, and look at the cabin's own certificate.")]
    except socket.gaierror:
        says = f"The name {broker.host} is not known."
        return [wrong(PART, says, "Look at the network cable and the name service, or correct [record] broker.")]
    except (OSError, TimeoutError):
        return [wrong(PART, f"Nothing answers at {place}.", "Start the broker, or look at the network to it.")]
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return [ok(PART, f"{place} answers{' with a trusted certificate' if broker.tls else ''}.")]
