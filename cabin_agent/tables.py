"""Tables for people in a terminal, as wide as it is; plain text where the output is not a terminal."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence

PIPE_WIDTH = 160


def width_here() -> int:
    """Columns of the terminal, or of what is written to a pipe."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else PIPE_WIDTH


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without frames; long cells are folded at the terminal's width."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table

    columns = [Column(name, overflow="fold") for name in header]
    drawn = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for row in rows:
        drawn.add_row(*row)
    out = io.StringIO()
    Console(file=out, width=width_here(), markup=False, emoji=False, color_system=None).print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines())
