"""Two halves of one conversation: what listens and what speaks, ended by the first of them that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run `jobs` side by side until all end or one fails; the first failure ends the others and leaves bare.

    A task group would wrap it, and the caller waits for a plain `Unplugged`; before Python 3.13 it would also leave
    the caller counted as being cancelled (`Task.cancelling`), which the keeper takes for the end of its own life.
    """
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
