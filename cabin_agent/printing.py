"""The ticket on its way to the printer: in a thread, without a spool, and never a reason to hold up a visit."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.results import VisitRecord
from cabin_agent.ticket import PrinterError, print_ticket, ticket_bytes

log = logging.getLogger(__name__)

LIMIT_S = 20.0
"""Real seconds in which a printer takes a ticket."""


async def print_in_thread(target: str, record: VisitRecord, *, show_values: bool) -> bool:
    """Print the ticket of a visit on the printer at `target`; True if the printer took it."""
    if not target:
        log.warning("a ticket was asked for, but no printer is configured: set [ticket] printer")
        return False
    try:
        async with asyncio.timeout(LIMIT_S):
            await in_daemon_thread(partial(_print, target, record, show_values), "printing")
    except TimeoutError:
        log.error("the printer did not take the ticket in %.0f s: look at its paper and its cable", LIMIT_S)
        return False
    except PrinterError as error:
        log.error("%s", error)
        return False
    except Exception as error:  # its text may hold a value
        log.error("the ticket could not be printed (%s): report it", type(error).__name__)
        return False
    return True


def _print(target: str, record: VisitRecord, show_values: bool) -> None:
    print_ticket(target, ticket_bytes(record, record.language, show_values))
