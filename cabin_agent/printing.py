"""The ticket on its way to the printer: in a thread, without a spool, and never a reason to hold up a visit."""

from __future__ import annotations

import asyncio
import logging

from cabin_agent.results import VisitRecord
from cabin_agent.ticket import PrinterError, print_ticket, ticket_bytes

log = logging.getLogger(__name__)


async def print_in_thread(target: str, record: VisitRecord, *, show_values: bool) -> bool:
    """Print the ticket of a visit on the printer at `target`; True if the printer took it."""
    if not target:
        log.warning("a ticket was asked for, but no printer is configured: set [ticket] printer")
        return False
    try:
        await asyncio.to_thread(_print, target, record, show_values)
    except PrinterError as error:
        log.error("%s", error)
        return False
    return True


def _print(target: str, record: VisitRecord, show_values: bool) -> None:
    print_ticket(target, ticket_bytes(record, record.language, show_values))
