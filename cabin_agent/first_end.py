"""Jobs that belong together: the end of one is the end of all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_end(*jobs: Coroutine[Any, Any, None]) -> BaseException | None:
    """Run all until one is over; what ended it, None where it just ended. The others are cancelled and awaited."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ended = [None if task.cancelled() else task.exception() for task in done]
    return next((error for error in ended if error is not None), None)
