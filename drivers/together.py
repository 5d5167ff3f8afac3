"""Two halves of one conversation: what listens and what speaks, ended by the first of them that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run `jobs` side by side until all end or one fails; the first failure ends the others and leaves bare.

    A task group would wrap it, and the caller waits for a plain `Unplugged`.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
