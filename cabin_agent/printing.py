"""The ticket on its way to the printer: in a thread, without a spool, and never a reason to hold up a visit."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress

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
    outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    # A daemon thread: a printer that is stuck holds up neither the visit nor the end of the daemon.
    args = (target, record, show_values, asyncio.get_running_loop(), outcome)
    threading.Thread(target=_print, args=args, name="printing", daemon=True).start()
    try:
        async with asyncio.timeout(LIMIT_S):
            error = await outcome
    except TimeoutError:
        error = PrinterError(
            f"The printer did not take the ticket in {LIMIT_S:.0f} s: look at its paper and its cable."
        )
    if error is not None:
        log.error("%s", error)
    return error is None


def _print(
    target: str,
    record: VisitRecord,
    show_values: bool,
    loop: asyncio.AbstractEventLoop,
    outcome: asyncio.Future[Exception | None],
) -> None:
    failed: Exception | None = None
    try:
        print_ticket(target, ticket_bytes(record, record.language, show_values))
    except PrinterError as error:
        failed = error
    except Exception as error:  # its text may hold a value
        failed = PrinterError(f"The ticket could not be printed ({type(error).__name__}): report it.")

    def settle() -> None:
        if not outcome.done():
            outcome.set_result(failed)

    with suppress(RuntimeError):  # the daemon may have ended meanwhile
        loop.call_soon_threadsafe(settle)
