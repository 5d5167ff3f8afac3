"""`python -m simulators`: the instruments of `cabin simulate`, in a process of their own."""

from __future__ import annotations

import sys

from simulators.cli import main

sys.exit(main())
