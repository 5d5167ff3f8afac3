"""A Nonin 9560 as it is delivered, in format 13: one spot check for each finger, and not a word before it.

Protocol sheet nonin, sections 5 to 7. `drivers.nonin` would call that silence a fault: its instruments send always.
"""

from __future__ import annotations

from typing import ClassVar

from drivers import nonin
from drivers.nonin_spots import Format13 as Decoder

__all__ = ["Decoder", "Oximeter"]


class Oximeter(nonin.Oximeter):
    """One 9560 on one stream; whatever format it speaks is understood."""

    protocol: ClassVar[str] = "nonin-df13"
    started_by: ClassVar[str] = "person"

    @property
    def quiet_s(self) -> float | None:
        """None: it speaks when a finger was in for long enough."""
        return None
